"""The board in Chromium, where Airflow shows it, and the pictures of it that the docs have."""

from collections.abc import Callable

from playwright.sync_api import Frame, Page

from include.settings import ROOT

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
ENTRY = "/plugin/notifications"
LATEST = 60_000
"""Milliseconds that a page may take on a machine that is busy with much else."""
Enter = Callable[..., Page]
_PICTURES = ROOT / "docs" / "pictures"


def board_in(page: Page, path: str = "") -> Frame:
    """The board, opened where Airflow shows it: in its own window, beside its navigation."""
    page.goto(f"{ENTRY}/notifications/{path}")
    page.wait_for_selector("iframe")
    frame = page.query_selector("iframe").content_frame()
    frame.wait_for_selector("main h1, main h2", timeout=LATEST)
    return frame


def picture(page: Page, name: str) -> None:
    """Take the picture of that name for the docs."""
    page.wait_for_timeout(500)  # the window settles
    page.screenshot(path=_PICTURES / f"board-{name}.png")

"""One demo of two days for all tests of this folder that look at what a whole main job leaves; and a browser."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from include.demo.run import Demo
from tests.airflow.browsing import LAPTOP, LATEST, Enter


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with Demo(tmp_path_factory.mktemp("demo"), 2) as running:
        running.open_addresses()
        for day in running.days:
            running.run_day(day)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        # Root has no sandbox of its own; nothing but our own pages is opened.
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def enter(demo: Demo, browser: Browser) -> Iterator[Enter]:
    """Log in as a role, on Airflow's own page, with the theme and language of Airflow's own settings."""
    opened = []

    def log_in(role: str, *, theme: str = "light", language: str = "en", size: dict[str, int] = LAPTOP) -> Page:
        context = browser.new_context(viewport=size, locale="en-GB", base_url=demo.airflow.url)
        context.set_default_timeout(LATEST)
        opened.append(context)
        page = context.new_page()
        page.goto("/")
        page.fill("input[name=username]", role)
        page.fill("input[name=password]", demo.airflow.passwords[role])
        page.click("button[type=submit]")
        page.wait_for_selector("text=Dags")
        page.evaluate(f"localStorage.setItem('theme', '{theme}'); localStorage.setItem('i18nextLng', '{language}')")
        return page

    yield log_in
    for context in opened:
        context.close()

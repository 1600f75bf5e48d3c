"""The board under a path prefix, behind a real nginx that ends TLS: Chromium finds it, and every form is believed.

An Airflow of its own, its API server alone: nothing is scheduled, the ledger is filled by hand.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request
from sqlalchemy import select

from include.demo.airflow import Airflow
from include.demo.keys import make_tls_certificate
from include.demo.ports import free_port
from include.ledger.engine import engine, reading
from include.ledger.migrating import migrate
from include.ledger.models import Concern
from include.settings import ROOT
from tests.board.world import LIST, doubt, run, tell

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]
PREFIX = "/airflow"
START_SECONDS = 180
LATEST = 60_000
"""Milliseconds that a page may take on a machine that is busy with much else."""


@dataclass(frozen=True)
class Installed:
    """What is reached at `url`, by whom, and what nginx was asked for."""

    url: str
    password: str
    asked: Path
    ledger: str


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("proxied")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AVR_DATA", str(folder / "data"))
        environment.setenv("AVR_LEDGER", f"sqlite:///{folder / 'data' / 'ledger.db'}")
        environment.setenv("AVR_FROM", "2026-11-02")
        ledger = f"sqlite:///{folder / 'data' / 'ledger.db'}"
        migrate(ledger)
        run()
        doubt(tell())
        port = free_port()
        url = f"https://localhost:{port}{PREFIX}"
        airflow = Airflow(folder / "airflow", {})
        airflow.environment |= {
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow' / 'airflow.db'}",
            "AVR_DATA": str(folder / "data"),
            "AVR_LEDGER": ledger,
            "AVR_FROM": "2026-11-02",
        }
        airflow.run("db", "migrate")
        serve = [sys.executable, "-m", "airflow", "api-server", "--proxy-headers"]
        pass_on = [nginx, "-e", str(folder / "nginx-errors.log"), "-c", str(_configuration(folder, port, airflow.port))]
        health = f"{PREFIX}/api/v2/monitor/health"
        behind = _running(serve, f"{airflow.url}{health}", folder / "api-server.log", env=airflow.environment, cwd=ROOT)
        before = _running(pass_on, f"https://localhost:{port}{health}", folder / "nginx.log")
        with behind, before:
            yield Installed(url, airflow.passwords["admin"], folder / "asked.log", ledger)
        engine(ledger).dispose()


@contextmanager
def _running(command: list[str], url: str, log: Path, **more: Any) -> Iterator[None]:
    """A process until the block is left; it is there when something answers at `url`."""
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, **more)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"nothing is at {url}: {log.read_text()}"
            time.sleep(0.3)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, verify=False).is_success
    except httpx.TransportError:
        return False


def _configuration(folder: Path, port: int, behind: int) -> Path:
    """nginx as an operator would set it up: TLS ends here, the path stays as it is, everything else is nobody's."""
    for name, content in zip(("certificate", "key"), make_tls_certificate(), strict=False):
        (folder / f"{name}.pem").write_text(content)
    kinds = "\n".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(f"""
daemon off;
pid {folder / "nginx.pid"};
error_log {folder / "nginx-errors.log"};
events {{}}
http {{
  {kinds}
  log_format paths '$status $request_uri';
  access_log {folder / "asked.log"} paths;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder / "certificate.pem"};
    ssl_certificate_key {folder / "key.pem"};
    location {PREFIX}/ {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
    location / {{ return 404; }}
  }}
}}
""")
    return path


@pytest.fixture(scope="module")
def page(installed: Installed, browser: Browser) -> Iterator[Page]:
    """The admin's window, logged in through the proxy."""
    context = browser.new_context(ignore_https_errors=True, locale="en-GB")
    context.set_default_timeout(LATEST)
    opened = context.new_page()
    opened.goto(f"{installed.url}/")
    opened.fill("input[name=username]", "admin")
    opened.fill("input[name=password]", installed.password)
    opened.click("button[type=submit]")
    opened.wait_for_selector("text=Dags")
    yield opened
    context.close()


PAGES = ("", "office/GRC-ATH", f"list/{LIST}", "concerns", "review", "review/1", "concern/1", "trail", "timeliness",
         "timeliness/GRC")  # fmt: skip


def test_every_page_and_all_that_it_leads_to_is_under_the_prefix(installed, page):
    asked: list[Request] = []
    page.on("request", lambda one: asked.append(one))
    for path in PAGES:
        answer = page.goto(f"{installed.url}/notifications/{path}")
        assert answer.status == 200, path
        page.wait_for_load_state("networkidle")
        assert page.evaluate("getComputedStyle(document.querySelector('header nav')).display") != "inline", "its style"
        targets = page.evaluate(
            "[...document.querySelectorAll('a[href], form[action], link[href], script[src]')]"
            ".map((one) => one.action || one.href || one.src)"
        )
        assert targets, path
        assert [one for one in targets if not one.startswith(f"{installed.url}/")] == [], path
    assert len(asked) > 3 * len(PAGES)
    assert {one.url for one in asked if not one.url.startswith(f"{installed.url}/")} == set()


def test_the_ui_shows_the_board_in_its_own_window(installed, page):
    page.goto(f"{installed.url}/")
    page.get_by_role("link", name="AVR lists").click()
    page.frame_locator("iframe").get_by_role("heading", name="Today", exact=True).wait_for()
    page.goto(f"{installed.url}/plugin/notifications{PREFIX}/notifications/list/{LIST}")
    page.frame_locator("iframe").get_by_role("heading", name=re.compile(f"^{LIST}")).wait_for()


def test_a_form_is_believed_and_done(installed, page):
    page.goto(f"{installed.url}/notifications/concern/1")
    page.fill("textarea", "spoke with the person, who is sure")
    page.click("button:has-text('Close the concern')")
    page.wait_for_selector("text=The concern is closed.")
    assert page.url.startswith(f"{installed.url}/notifications/concerns")
    with reading(installed.ledger) as session:
        assert session.scalars(select(Concern.closed_by)).one() == "admin"


def test_cookies_are_for_the_prefix_and_for_tls_alone(installed, page):
    page.goto(f"{installed.url}/notifications/concern/1")
    cookies = {one["name"]: one for one in page.context.cookies() if one["name"] in ("_token", "board_session")}
    assert cookies.keys() == {"_token", "board_session"}
    for name, cookie in cookies.items():
        assert cookie["secure"], name
        assert cookie["path"].rstrip("/") == PREFIX, name
    assert cookies["board_session"]["httpOnly"]


def test_who_is_not_logged_in_is_led_to_the_login_under_the_prefix(installed):
    with httpx.Client(verify=False) as client:
        answer = client.get(f"{installed.url}/notifications/", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith((f"{installed.url}/auth/login", f"{PREFIX}/auth/login"))


def test_nothing_was_asked_of_the_server_outside_the_prefix(installed):
    asked = [line.split(" ", 1)[1] for line in installed.asked.read_text().splitlines()]
    assert len(asked) > 50
    # A browser asks a site for its icon, whatever its pages say.
    assert {one for one in asked if not one.startswith(f"{PREFIX}/")} <= {"/favicon.ico"}

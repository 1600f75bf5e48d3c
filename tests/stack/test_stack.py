"""The stack of docker-compose.yml at work: a day of the demo's world through Celery's workers, and who sees what of it.

PostgreSQL, Redis, sshd, the mail server, FAB's users and each part of Airflow are real; only the containers are not.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import sync_playwright
from sqlalchemy import select
from sqlalchemy.engine import make_url

from include.ledger.engine import reading
from include.ledger.models import Entry, Viewed
from tests.board.test_access import routes
from tests.stack.demo import USERS, StackDemo

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("airflow")]
BOARD = "notifications/"
OF_REVIEWERS = {"review/1", "review/1/decide", "concern/1", "concern/1/close", "list/1/resend"}
OF_AUDITORS = {"trail"}
Enter = Callable[[str | None], httpx.Client]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackDemo]:
    with StackDemo(tmp_path_factory.mktemp("stack"), 1) as running:
        running.open_addresses()
        for day in running.days:
            running.run_day(day)
        yield running


@pytest.fixture(scope="module")
def enter(demo: StackDemo) -> Iterator[Enter]:
    """A client of one of USERS, with a token of FAB's; without a user, nobody's."""
    opened: dict[str | None, httpx.Client] = {}

    def client(user: str | None) -> httpx.Client:
        if user not in opened:
            opened[user] = httpx.Client(base_url=demo.airflow.url, timeout=60)
            if user:
                login = {"username": user, "password": demo.airflow.passwords[user]}
                token = opened[user].post("auth/token", json=login).raise_for_status().json()["access_token"]
                opened[user].headers["Authorization"] = f"Bearer {token}"
        return opened[user]

    yield client
    for one in opened.values():
        one.close()


def test_every_list_of_the_day_arrived_by_openssh_or_mail_and_opens(demo):
    received = demo.received()
    assert [one.problem for one in received if one.problem] == []
    assert len(received) == demo.sealed_count() >= 3
    assert {one.via for one in received} == {"sftp", "email"}
    views = demo.received_views()
    assert len(views) == demo.views_sent() == 4
    assert not any(view.problem for view in views)


def test_airflow_logged_in_to_openssh_for_the_extracts_and_for_every_list(demo):
    said = (demo.setting.folder / "sshd" / "sshd.log").read_text()
    logged_in = set(re.findall(r"Accepted publickey for .* (SHA256:\S+)", said))
    sent = {one.office for one in demo.received() if one.via == "sftp"}
    over = {
        channel.connection for office in sent for channel in demo.offices[office][-1].deliver if channel.via == "sftp"
    }
    assert len(over) == len(sent) > 0
    assert {demo.keys[connection] for connection in {*over, "sftp_sources"}} <= logged_in


def test_the_tasks_ran_in_celerys_workers_with_nothing_of_airflows_database(demo):
    ran = {part: (demo.stack.home / f"{part}.log").read_text() for part in demo.stack.parts if "worker" in part}
    assert len(ran) == 2
    for part, log in ran.items():
        assert "Executing workload in Celery" in log, part
        environment = demo.stack.environment_of(part)
        assert not [name for name in environment if name.startswith("AIRFLOW__DATABASE") or "JWT" in name]
        given = {path.name for path in (demo.stack.home / "parts" / part / "run" / "secrets").iterdir()}
        assert given == {"broker", "celery_results", "ledger_worker", "connections.yaml"}


def test_nothing_is_written_to_the_data_folder_where_it_is_not_mounted(demo):
    without = {"migrate", "scheduler", "dag-processor", "triggerer"}
    assert {part for part in without if (demo.stack.home / "parts" / part / "var" / "lib" / "avr").exists()} == set()
    assert any((demo.stack.volumes / "data").iterdir())


def test_no_user_of_the_database_gets_into_a_database_that_is_not_theirs(demo):
    urls = {name: make_url(demo.stack.secret(name).removeprefix("db+")) for name in
            ("airflow_db", "celery_results", "ledger_owner", "ledger_worker", "ledger_board", "ledger_reader")}  # fmt: skip
    let_in = {
        (name, database)
        for name, url in urls.items()
        for database in ("airflow", "celery", "ledger", "postgres", "template1")
        if _connects(url.set(drivername="postgresql", database=database).render_as_string(hide_password=False))
    }
    assert let_in == {(name, url.database) for name, url in urls.items()}


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        if "permission denied for database" not in str(error):
            raise
        return False
    return True


def test_every_route_of_the_board_is_for_whom_it_should_be_by_fabs_roles(enter):
    from notification_board.app import make_app

    may = {
        "watcher": {"watcher"},
        "reviewer": {"watcher", "reviewer"},
        "auditor": {"watcher", "auditor"},
        "stranger": set(),
        "admin": {"watcher", "reviewer", "auditor"},
        None: set(),
    }
    walked = routes(make_app())
    assert len(walked) > 15
    for user, roles in may.items():
        for method, path in walked:
            needed = "reviewer" if path in OF_REVIEWERS else "auditor" if path in OF_AUDITORS else "watcher"
            answer = enter(user).request(method, BOARD + path)
            if user is None:
                assert answer.status_code == 401, (method, path)
            elif path.startswith("static/"):
                assert answer.status_code == 404, "styles and scripts are for whoever is logged in"
            elif needed not in roles:
                assert answer.status_code == 403, (user, method, path)
            elif method == "GET":
                assert answer.status_code in (200, 404), (user, path)
            else:
                # It may, but the form is not one of ours.
                assert answer.status_code == 403, (user, path)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "concerns", "review", "timeliness", "office/GRC-ATH"])
def test_whoever_has_no_role_of_the_board_sees_airflow_and_nothing_of_the_board(enter, path):
    assert enter("stranger").get("api/v2/dags").status_code == 200
    assert enter("stranger").get(BOARD + path).status_code == 403
    assert enter("watcher").get(BOARD + path).status_code == 200


def test_a_role_of_the_board_changes_nothing_in_airflow(enter):
    for user in ("watcher", "reviewer", "auditor"):
        assert enter(user).get("api/v2/dags").json()["total_entries"] > 10
        assert enter(user).post("api/v2/dags/sweep/dagRuns", json={"logical_date": None}).status_code == 403
        assert enter(user).patch("api/v2/dags/sweep", json={"is_paused": True}).status_code == 403
        for path in ("connections", "variables", "config", "eventLogs"):
            assert enter(user).get(f"api/v2/{path}").status_code == 403, (user, path)
        assert enter(user).get("auth/fab/v1/users").status_code == 403


def log_in_by_form(url: str, user: str, password: str, **headers: str) -> httpx.Client:
    client = httpx.Client(base_url=url, timeout=60, follow_redirects=True, headers=headers)
    if headers.get("X-Forwarded-Proto") == "https":
        # As a browser does: over TLS the form wants to know from which page it comes.
        client.headers["Referer"] = f"{url.replace('http:', 'https:')}/auth/login/"
    page = client.get("auth/login/")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token, "the form defends itself against forged ones"
    client.post("auth/login/", data={"username": user, "password": password, "csrf_token": token[1]})
    return client


def test_fabs_own_form_lets_in_and_the_boards_form_is_believed(demo):
    with closing(log_in_by_form(demo.airflow.url, "auditor", demo.airflow.passwords["auditor"])) as client:
        page = client.get(BOARD + "trail")
        assert page.status_code == 200
        token = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)[1]
        with reading(demo.setting.ledger) as session:
            case = session.scalars(select(Entry.case_id)).first()
            seen = len(session.scalars(select(Viewed)).all())
        ours = {"Sec-Fetch-Site": "same-origin"}
        assert client.post(BOARD + "trail", data={"case_id": case, "token": token}).status_code == 403
        answer = client.post(BOARD + "trail", data={"case_id": case, "token": token}, headers=ours)
        assert answer.status_code == 200, answer.text[:500]
        with reading(demo.setting.ledger) as session:
            views = session.scalars(select(Viewed)).all()
        assert len(views) == seen + 1


def test_behind_a_proxy_with_tls_the_login_goes_back_over_tls_alone(demo):
    url, password = demo.airflow.url, demo.airflow.passwords["watcher"]
    for proto, secure in (("https", True), ("http", False)):
        with closing(log_in_by_form(url, "watcher", password, **{"X-Forwarded-Proto": proto})) as client:
            (token,) = [cookie for cookie in client.cookies.jar if cookie.name == "_token"]
            assert token.secure == secure
            assert token.has_nonstandard_attr("HttpOnly") or not secure


def test_a_wrong_password_is_not_let_in(demo):
    with closing(log_in_by_form(demo.airflow.url, "auditor", "wrong")) as client:
        assert client.get(BOARD).url.path.startswith("/auth/login") or client.get(BOARD).status_code == 401


def test_a_watcher_finds_the_board_in_airflows_navigation(demo, tmp_path: Path):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    refused: list[str] = []
    with sync_playwright() as playwright:
        # Root has no sandbox of its own; nothing but our own pages is opened.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=demo.airflow.url)
        page.set_default_timeout(60_000)
        page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto("/")
        page.fill("input[name=username]", "watcher")
        page.fill("input[name=password]", demo.airflow.passwords["watcher"])
        page.click("input[type=submit], button[type=submit]")
        page.get_by_role("link", name="AVR lists").click()
        page.wait_for_selector("iframe")
        frame = page.query_selector("iframe").content_frame()
        frame.wait_for_selector("main h1")
        assert [one.inner_text() for one in frame.query_selector_all("header nav a")] == [
            "Today", "Concerns", "Review", "Timeliness"
        ]  # fmt: skip
        browser.close()
    assert refused == []


def test_the_users_are_those_of_the_roles_file(demo, enter):
    known = enter("admin").get("auth/fab/v1/users").raise_for_status().json()["users"]
    has = {one["username"]: {role["name"] for role in one["roles"]} for one in known}
    assert {name: set(roles) for name, roles in USERS.items()}.items() <= has.items()


def test_every_part_is_healthy_by_its_own_check_once_the_sweep_has_run(demo):
    demo.airflow.request("POST", "dags/sweep/dagRuns", {"logical_date": None})
    deadline = time.monotonic() + 300
    while not (demo.stack.volumes / "data" / "heartbeat").exists():
        assert time.monotonic() < deadline
        time.sleep(2)
    for part in demo.stack.parts:
        if part != "migrate":
            assert demo.stack.healthy(part), part

"""Who may see what: every route asks for a login and a role, and no form is believed that is not our own."""

import logging
import re
from html.parser import HTMLParser

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select

from include.ledger.engine import reading
from include.ledger.models import Concern, Viewed
from tests.board.world import DOUBTED, IN_REVIEW, LIST, NAMES

# What is shown does not depend on the database; that it can be read from both is seen in `test_pages`.
pytestmark = pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
REVIEWED = ("review/1", "review/2")
FOR_WATCHERS = (
    "", "office/GRC-ATH", f"list/{LIST}", "concerns", "review", "timeliness", "timeliness/GRC",
    "office/GRC-ATH/chart.svg", "office/GRC-ATH/chart.csv", "timeliness/all/chart.svg", "timeliness/GRC/chart.csv",
    "static/board.css", "static/board.js",
)  # fmt: skip


def routes(app) -> list[tuple[str, str]]:
    """Every method and path of the application's own table, with something in each gap."""
    found = []
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is served and guards itself: nothing may be"
        path = re.sub(r"\{[^}]+\}", "1", route.path)
        found += [(method, path.lstrip("/")) for method in sorted(route.methods)]
    return found


def test_nobody_gets_anything_without_a_login(told, board_app, login):
    nobody = login()
    walked = routes(board_app)
    assert len(walked) > 15
    for method, path in walked:
        assert nobody.request(method, path).status_code == 401, (method, path)
        forged = login()
        forged.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJBRE1JTiJ9.")
        assert forged.request(method, path).status_code in (401, 403), (method, path)


def test_a_person_without_a_login_is_shown_the_way_to_it(told, login):
    answer = login(accept="text/html").get("")
    assert answer.status_code == 303
    assert "/auth/login?next=" in answer.headers["Location"]


def test_every_answer_says_what_a_browser_may_do_with_it(told, board_app, login):
    for client in (login(), login("admin")):
        for method, path in [*routes(board_app), ("GET", "nowhere"), ("GET", "office/nobody")]:
            headers = client.request(method, path).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert "http" not in policy, path
            assert "frame-ancestors 'self'" in policy, path
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert "no-store" in headers["Cache-Control"] or "private" in headers["Cache-Control"], path


def test_each_role_sees_its_pages_and_no_others(told, login):
    for role in ("watcher", "reviewer", "auditor", "admin"):
        for path in FOR_WATCHERS:
            assert login(role).get(path).status_code == 200, (role, path)
        for path in (*REVIEWED, "concern/1"):
            assert login(role).get(path).status_code == (403 if role == "watcher" else 200), (role, path)
        assert login(role).get("trail").status_code == (200 if role in ("auditor", "admin") else 403), role


def test_an_auth_manager_with_roles_of_its_own_is_asked_for_each(login, told, monkeypatch):
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
    from notification_board.guard import RESOURCES

    class Somebody(BaseUser):
        def get_id(self):
            return "7"

        def get_name(self):
            return "somebody"

    asked = []

    def may(self, *, method, resource_name, user):
        asked.append(resource_name)
        return resource_name in allowed

    client = login("watcher")
    monkeypatch.setattr(SimpleAuthManager, "deserialize_user", lambda self, token: Somebody())
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_custom_view", may)
    allowed = {RESOURCES["watcher"]}
    assert (client.get("concerns").status_code, client.get(REVIEWED[0]).status_code) == (200, 403)
    allowed = {RESOURCES["reviewer"]}
    assert (client.get("concerns").status_code, client.get(REVIEWED[0]).status_code) == (403, 200)
    assert set(asked) == set(RESOURCES.values())


def token(client, path: str) -> str:
    return re.search(r'name="token" value="([0-9a-f]{64})"', client.get(path).text)[1]


def still_open() -> bool:
    with reading() as session:
        return session.scalars(select(Concern)).one().closed_at is None


def test_a_form_is_believed_only_from_our_own_page_of_this_session(told, login):
    client, stranger = login("reviewer"), login("reviewer")
    page, form = "concern/1", "concern/1/close"
    good = {"note": "spoke with the person", "token": token(client, page)}
    assert stranger.post(form, data=good).status_code == 403, "another session"
    assert client.post(form, data=good | {"token": ""}).status_code == 403
    assert client.post(form, data={"note": "x"}).status_code == 403
    assert client.post(form, data=good, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(form, data=good, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    from_elsewhere = {"Sec-Fetch-Site": "", "Origin": "https://elsewhere.example"}
    assert client.post(form, data=good, headers=from_elsewhere).status_code == 403
    assert client.post(form, data=good, headers={"Sec-Fetch-Site": ""}).status_code == 403, "says nothing at all"
    assert still_open()
    from_here = {"Sec-Fetch-Site": "", "Origin": "http://testserver"}
    assert client.post(form, data=good, headers=from_here).status_code == 303
    assert not still_open()


def test_a_form_of_another_user_is_not_believed(told, login):
    reviewer, admin = login("reviewer"), login("admin")
    taken = token(reviewer, "concern/1")
    admin.cookies.set("board_session", reviewer.cookies["board_session"])
    assert admin.post("concern/1/close", data={"note": "x", "token": taken}).status_code == 403
    assert still_open()


class Page(HTMLParser):
    """What a page runs or asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.wrong += [f"{tag} {name}" for name in named if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.wrong.append(f"inline {tag}")
        for name in ("href", "src", "action"):
            if named.get(name, "").startswith(("/", "http", "//", "javascript", "data")):
                self.wrong.append(f"{tag} {name}={named[name]}")


def test_pages_run_nothing_inline_and_ask_nothing_of_another_host_or_a_fixed_path(told, login):
    client = login("admin")
    for path in ("", "office/GRC-ATH", f"list/{LIST}", "concerns", "review", *REVIEWED, "concern/1", "trail",
                 "timeliness"):  # fmt: skip
        page = Page()
        page.feed(client.get(path).text)
        assert page.wrong == [], path


def test_names_are_only_on_pages_that_need_them_and_never_in_an_address_or_a_log(told, login, caplog):
    caplog.set_level(logging.DEBUG)
    client = login("admin")
    for path in FOR_WATCHERS:
        assert not [name for name in NAMES if name in client.get(path).text], path
    shown = [client.get(path).text for path in (*REVIEWED, "concern/1")]
    assert all(any(name in html for name in NAMES) for html in shown)
    trail = client.post("trail", data={"case_id": DOUBTED, "token": token(client, "trail")})
    assert "Mamulashvili" in trail.text
    for html in (*shown, trail.text):
        assert DOUBTED not in "".join(re.findall(r'(?:href|action|src)="([^"]*)"', html))
        assert IN_REVIEW not in "".join(re.findall(r'(?:href|action|src)="([^"]*)"', html))
        assert told not in "".join(re.findall(r'(?:href|action|src)="([^"]*)"', html))
        assert not [name for name in NAMES if name in re.search("<title>.*</title>", html)[0]]
    assert not [name for name in (*NAMES, DOUBTED, IN_REVIEW) if name in caplog.text]


def views() -> list[tuple]:
    with reading() as session:
        seen = session.scalars(select(Viewed).order_by(Viewed.id))
        return [(one.viewed_by, one.page, one.host_country, one.case_id, one.entry) for one in seen]


def test_every_view_of_a_name_is_recorded_with_who_and_whose(told, login):
    for path in FOR_WATCHERS:
        login("admin").get(path)
    assert views() == []
    login("watcher").get(REVIEWED[0])
    assert views() == [], "who was refused has seen nothing"
    login("reviewer").get("concern/1")
    login("reviewer").get(REVIEWED[0])
    auditor = login("auditor")
    auditor.post("trail", data={"case_id": DOUBTED, "token": token(auditor, "trail")})
    auditor.post("trail", data={"case_id": "AVR-9999", "token": token(auditor, "trail")})
    assert [one[:3] for one in views()] == [
        ("reviewer", "concern", "GRC"),
        ("reviewer", "review", "GRC"),
        ("auditor", "trail", "GRC"),
    ]
    assert views()[0][3:] == (DOUBTED, told)
    assert views()[2][3:] == (DOUBTED, None)


def test_a_name_is_not_shown_where_its_view_cannot_be_recorded(told, login, monkeypatch):
    def broken(*_, **__):
        raise OSError("the disk is full")

    monkeypatch.setattr("include.ledger.board.record_view", broken)
    client = login("reviewer")
    for path in ("concern/1", REVIEWED[0]):
        with pytest.raises(OSError, match="disk is full"):
            client.get(path)

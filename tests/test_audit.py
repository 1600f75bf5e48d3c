"""What `make audit` lets through, with pip-audit and detect-secrets themselves, and an advisory service on loopback."""

import datetime as dt
import json
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from include.settings import ROOT
from tests.audit import ACCEPTED, BASELINE, ask, judged, secrets_in

TODAY = dt.date(2026, 12, 1)
LATER, BEFORE = TODAY + dt.timedelta(days=90), TODAY - dt.timedelta(days=1)


@pytest.fixture
def service():
    """An advisory service in OSV's form that knows holes of two releases; its options for pip-audit."""
    published = {("pyyaml", "5.3.1"): "PYSEC-2021-142", ("leaky", "1.0"): "PYSEC-2026-1"}

    class Advisories(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = asked["package"]["name"]
            id_ = published.get((name, asked["version"]))
            fixed = {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}
            hole = {"id": id_, "aliases": [], "affected": [{"package": {"name": name, "ecosystem": "PyPI"}, **fixed}]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"vulns": [hole]} if id_ else {}).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Advisories)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}/"]
    server.shutdown()
    server.server_close()


def test_a_known_hole_fails_the_run_unless_it_is_accepted_and_only_until_its_day(service, tmp_path):
    pinned = tmp_path / "pinned.txt"
    pinned.write_text("leaky==1.0\nsound==1.0\n")
    report = ask(pinned, *service)
    assert judged(report, [], TODAY).holes == ["leaky 1.0: PYSEC-2026-1 (fixed in 2.0)"]
    accepted = {"package": "leaky", "id": "PYSEC-2026-1", "reason": "we never call it", "until": LATER}
    assert judged(report, [accepted], TODAY) == judged({"dependencies": []}, [], TODAY)
    late = judged(report, [accepted | {"until": BEFORE}], TODAY)
    assert (len(late.holes), late.outlived) == (1, ["leaky PYSEC-2026-1"])
    assert judged(report, [accepted | {"reason": ""}], TODAY).holes
    assert judged(report, [accepted | {"id": "PYSEC-2026-2"}], TODAY).outlived == ["leaky PYSEC-2026-2"]


def test_who_does_not_name_a_hole_that_everybody_knows_is_not_believed(service, tmp_path):
    pinned = tmp_path / "pinned.txt"
    pinned.write_text("sound==1.0\n")
    assert ask(pinned, *service)["dependencies"] == [{"name": "sound", "version": "1.0", "vulns": []}]
    assert ask(pinned, *service[:-1], "http://127.0.0.1:9/") is None


def test_what_the_service_knows_nothing_of_is_named():
    skipped = {"name": "ours", "skip_reason": "not found on PyPI"}
    assert judged({"dependencies": [skipped]}, [], TODAY).unasked == ["ours"]


def test_what_is_accepted_says_of_what_why_and_until_when():
    for one in yaml.safe_load(ACCEPTED.read_text()) or []:
        assert set(one) == {"package", "id", "reason", "until"}
        assert one["reason"]
        assert isinstance(one["until"], dt.date)


def test_a_key_that_is_committed_is_found_and_nothing_in_the_baseline_is_one(tmp_path):
    (tmp_path / "notes.md").write_text("-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow\n")
    assert not secrets_in([str(tmp_path / "notes.md")])
    assert secrets_in(["docs/data-engineer.md", "tests/servers.py"])
    looked_at = [one for found in json.loads(BASELINE.read_text())["results"].values() for one in found]
    assert looked_at
    assert all(one["is_secret"] is False for one in looked_at)


def test_bandit_leaves_to_ruff_only_what_ruff_asks_for():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert "S" in settings["ruff"]["lint"]["select"]
    not_asked = {
        f"B{code[1:]}" for code in settings["ruff"]["lint"]["ignore"] if code.startswith("S") and code != "S608"
    }
    assert not not_asked & set(settings["bandit"]["skips"])


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-spark"])
def test_each_requirement_says_what_it_is_there_for(name):
    lines = (ROOT / f"{name}.in").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-c"))]
    assert [line for line in wanted if not line.partition("#")[2].strip()] == []

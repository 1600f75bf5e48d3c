"""No list goes to a new address before its office answered, over real servers and through Airflow's connections."""

import datetime as dt
import io
import json
import re

import openpyxl
import pytest
import yaml
from rich.console import Console
from sqlalchemy import select

from include import connections, proving
from include.__main__ import main
from include.delivery.send import NotDelivered
from include.delivery.unsealing import unseal
from include.ledger.engine import reading
from include.ledger.models import Delivery, Recipient
from include.lists.compose import compose_list
from include.settings import ROOT
from tests.ledger.world import MONDAY, case, cases, reconcile
from tests.lists.composing import approving
from tests.servers import PASSWORD, USER, sftp
from tests.signing import CERTIFICATE, SIGNING

pytestmark = pytest.mark.usefixtures("ledger")
LIST_PASSWORD = "correct-horse-battery"
DUE = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The office's folder, and an arrangement that leads to it."""
    for folder in ("lists", "answers"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    arrangements = tmp_path / "arrangements" / "offices"
    arrangements.mkdir(parents=True)
    made = yaml.safe_load((ROOT / "include" / "arrangements" / "offices" / "GRC-ATH.yaml").read_text())
    made["deliver"] = [{"via": "sftp", "connection": "sftp_grc_ath", "folder": "/lists", "seal": "none"}]
    (arrangements / "GRC-ATH.yaml").write_text(yaml.safe_dump(made))
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(arrangements.parent))
    monkeypatch.setenv("AVR_DATA", str(tmp_path / "data"))
    return tmp_path / "root"


def rearrange(root, **changes):
    path = root.parent / "arrangements" / "offices" / "GRC-ATH.yaml"
    made = yaml.safe_load(path.read_text())
    made["deliver"][0] |= changes
    path.write_text(yaml.safe_dump(made))


def connect(monkeypatch, port, host_key, host="127.0.0.1"):
    extra = {"host_key": host_key, "no_host_key_check": "false"}
    given = {"conn_type": "sftp", "host": host, "port": port, "login": USER, "password": PASSWORD, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SFTP_GRC_ATH", json.dumps(given))
    secret = {
        "conn_type": "generic",
        "password": LIST_PASSWORD,
        "extra": {"password_since": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SEAL_GRC_ATH", json.dumps(secret))
    signing = {"conn_type": "generic", "extra": {"secret_key": SIGNING.secret_key}}
    monkeypatch.setenv("AIRFLOW_CONN_SIGN_LISTS", json.dumps(signing))


def compose():
    from include.arrangements.reading import load_offices
    from include.settings import arrangements_folder

    made = load_offices(arrangements_folder())[0]["GRC-ATH"][-1]
    return approving(lambda approved: compose_list(made, DUE, connections.sealing_keys(made), DUE, approved))


def there(root):
    return sorted(path.name for path in (root / "lists").iterdir() if path.suffix != ".asc")


def code_in(root):
    (path,) = sorted((root / "lists").glob("GRC-ATH_test_*.xlsx"))
    signature = path.with_name(f"{path.name}.asc")
    _, content = unseal(
        path.read_bytes(),
        path.name,
        certificate=CERTIFICATE,
        signature=signature.read_bytes(),
        password=LIST_PASSWORD,
    )
    signature.unlink()
    rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", "\n".join(str(row[0]) for row in rows))
    path.unlink()
    return found[0]


def test_a_new_address_gets_a_test_message_and_the_list_only_after_its_code_was_told(root, monkeypatch):
    reconcile(MONDAY, cases(case("A", iom_office="ATH")))
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        compose()
        for _ in range(2):
            with pytest.raises(NotDelivered, match="confirm GRC-ATH CODE"):
                connections.send_lists("GRC-ATH")
            assert len(there(root)) == 1, "one test message and no list"
        with reading() as session:
            assert session.scalars(select(Delivery.attempts)).one() == 0
        assert main(["confirm", "GRC-ATH", "0000-0000", "--by", "A. Officer"]) == 1
        code = code_in(root)
        assert main(["confirm", "GRC-ATH", code.lower(), "--by", "A. Officer"]) == 0
        assert connections.send_lists("GRC-ATH") == ["GRC-ATH_2026-0001 via sftp"]
    assert there(root) == ["GRC-ATH_2026-0001_scheduled.xlsx"]
    with reading() as session:
        assert session.scalars(select(Recipient.confirmed_by)).one() == "the office's answer, taken by A. Officer"


def test_an_operator_can_vouch_for_an_address(root, monkeypatch):
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        assert main(["confirm", "GRC-ATH", "--vouch", "--by", "A. Officer"]) == 1, "nothing waits yet"
        assert proving.prove("GRC-ATH", Console(quiet=True)) == 0
        assert main(["confirm", "GRC-ATH", "--vouch", "--by", "A. Officer"]) == 0
    with reading() as session:
        assert session.scalars(select(Recipient.confirmed_by)).one() == "A. Officer"


@pytest.mark.parametrize("changed", ["folder", "host key", "seal", "password"])
def test_a_changed_address_is_tested_anew(root, monkeypatch, changed):
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        rearrange(root, seal="password", password_by="telephone, +30 210")
        proving.prove("GRC-ATH", Console(quiet=True))
        main(["confirm", "GRC-ATH", code_in(root), "--by", "A. Officer"])
        proving.prove("GRC-ATH", Console(quiet=True))
        assert there(root) == [], "a known address is not tested again"
        if changed == "folder":
            (root / "other").mkdir()
            rearrange(root, folder="/other")
        elif changed == "seal":
            rearrange(root, seal="none", password_by=None)
        elif changed == "password":
            monkeypatch.setattr("tests.delivery.test_recipients.LIST_PASSWORD", "another-password-of-length")
            connect(monkeypatch, port, host_key)
        if changed != "host key":
            proving.prove("GRC-ATH", Console(quiet=True))
    if changed == "host key":
        with sftp(root) as (port, host_key):
            connect(monkeypatch, port, host_key)
            proving.prove("GRC-ATH", Console(quiet=True))
    with reading() as session:
        waiting = [recipient for recipient in session.scalars(select(Recipient)) if recipient.confirmed_at is None]
    assert len(waiting) == 1


def test_a_test_message_that_did_not_get_there_is_sent_again_with_another_code(root, monkeypatch):
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        rearrange(root, folder="/nowhere")
        made = connections.load_offices(connections.arrangements_folder())[0]["GRC-ATH"][-1]
        assert "did not get there" in connections.admitted(made, made.deliver[0])
        with reading() as session:
            before = session.scalars(select(Recipient.code)).one()
        (root / "nowhere").mkdir()
        assert "confirm GRC-ATH CODE" in connections.admitted(made, made.deliver[0])
        with reading() as session:
            assert session.scalars(select(Recipient.code)).one() != before


def test_proving_says_what_does_not_hold_and_sends_no_test_before_it_does(root, monkeypatch):
    said = io.StringIO()
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        (root / "answers").rmdir()
        assert proving.prove("GRC-ATH", Console(file=said, width=200)) == 1
    assert "the folder is not there" in said.getvalue()
    assert "no test message before the rest holds" in said.getvalue()
    assert there(root) == []


def test_a_test_message_holds_nobodys_data_and_its_name_does_not_hold_the_code(root, monkeypatch):
    reconcile(MONDAY, cases(case("A", iom_office="ATH")))
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        proving.prove("GRC-ATH", Console(quiet=True))
        (name,) = there(root)
        content = (root / "lists" / name).read_bytes()
        code = code_in(root)
    assert code not in name
    rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    text = "\n".join(str(row[0]) for row in rows)
    assert "Rahimi" not in text
    assert "UNHCR Greece, Athens" in text

"""What is found out about keys and passwords, from real connections of Airflow and real arrangements."""

import datetime as dt
import json
import os
import shutil

import pytest
from pysequoia import Profile, Tsk

from include.arrangements.reading import load_offices
from include.connections import sealing_keys
from include.delivery.keys import SigningKey
from include.delivery.openpgp import make_key
from include.reports import seals
from include.reports.seals import SealsEnd, check_seals_last, sealed_for
from include.settings import ROOT
from tests.signing import SIGNING

NOW = dt.datetime.now(dt.UTC)
OFFICE = "PAK-ISB"  # one list by pgp, one by password


@pytest.fixture
def connect(tmp_path, monkeypatch):
    """An installation with one office; gives what sets its connections, good ones unless told otherwise."""
    offices = tmp_path / "offices"
    offices.mkdir()
    source = ROOT / "include" / "arrangements" / "offices" / f"{OFFICE}.yaml"
    shutil.copy(source, offices)
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(tmp_path))

    def set_connections(*, valid_days=None, password_since=NOW, signing=SIGNING):
        seconds = valid_days and valid_days * 86_400 + 3600
        key = Tsk.generate(user_id="Islamabad", profile=Profile.RFC4880, validity_seconds=seconds)
        certificate = key.extract_certificate()
        text = source.read_text().replace("3333 4444 5555 6666 7777  8888 9999 AAAA BBBB CCCC", certificate.fingerprint)
        (offices / f"{OFFICE}.yaml").write_text(text)
        extra = {"public_key": str(certificate), "password_since": password_since.date().isoformat()}
        sealing = {"conn_type": "generic", "password": "correct-horse-battery", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SEAL_PAK_ISB", json.dumps(sealing))
        signs = {"conn_type": "generic", "password": signing.passphrase, "extra": {"secret_key": signing.secret_key}}
        monkeypatch.setenv("AIRFLOW_CONN_SIGN_LISTS", json.dumps(signs))
        return monkeypatch

    return set_connections


def said(now=NOW) -> list[str]:
    with pytest.raises(SealsEnd) as ends:
        check_seals_last([OFFICE], sealing_keys, now)
    return str(ends.value).splitlines()


def test_keys_and_passwords_that_last_are_passed_over(connect):
    connect(valid_days=31)
    check_seals_last([OFFICE], sealing_keys, NOW)


def test_a_key_is_named_with_its_office_and_day_thirty_days_before_it_ends(connect):
    connect(valid_days=30)
    end = (NOW + dt.timedelta(days=30, hours=1)).date()
    assert said(NOW + dt.timedelta(hours=2)) == [
        f"{OFFICE}: its OpenPGP key ends on {end}; after that no list is made for it"
    ]


def test_a_password_is_named_thirty_days_before_it_may_seal_no_more(connect):
    since = NOW - dt.timedelta(days=150)
    connect(password_since=since)
    end = (since + dt.timedelta(days=180)).date()
    assert said() == [f"{OFFICE}: its list password ends on {end}; after that no list is made for it"]
    connect(password_since=since + dt.timedelta(days=1))
    check_seals_last([OFFICE], sealing_keys, NOW)


def test_a_signing_key_that_ends_is_said_once_for_all_offices(connect):
    ending = Tsk.generate(user_id="IOM", profile=Profile.RFC4880, validity_seconds=20 * 86_400)
    connect(signing=SigningKey(str(ending), None))
    end = (NOW + dt.timedelta(days=20)).date()
    assert said() == [f"every office: IOM's signing key ends on {end}; after that no list is made"]


def test_what_seals_nothing_today_is_said_and_no_key_or_password_with_it(connect):
    monkeypatch = connect(password_since=NOW - dt.timedelta(days=181))
    sealing = json.loads(os.environ["AIRFLOW_CONN_SEAL_PAK_ISB"])
    sealing["extra"]["public_key"] = make_key("another")[0]
    monkeypatch.setenv("AIRFLOW_CONN_SEAL_PAK_ISB", json.dumps(sealing))
    by_sftp, by_email = said()
    assert by_sftp.startswith(f"{OFFICE} gets no lists by sftp: ")
    assert "fingerprint" in by_sftp
    assert by_email.startswith(f"{OFFICE} gets no lists by email: ")
    assert "had to be changed" in by_email
    assert not {word for word in ("BEGIN", "correct-horse", "@unhcr") if word in by_sftp + by_email}


@pytest.mark.parametrize(("name", "what"), [("SEAL_PAK_ISB", "seal_pak_isb"), ("SIGN_LISTS", "sign_lists")])
def test_a_missing_connection_is_named_with_its_office(connect, name, what):
    connect().delenv(f"AIRFLOW_CONN_{name}")
    (line,) = said()
    assert line.startswith(f"{OFFICE}: connection {what}")


def test_an_age_recipient_comes_from_the_offices_connection(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SIGN_LISTS", json.dumps({"conn_type": "generic"}))
    extra = {"age_recipient": "age1something"}
    monkeypatch.setenv("AIRFLOW_CONN_SEAL_TUR_ANK", json.dumps({"conn_type": "generic", "extra": extra}))
    arrangement = load_offices(ROOT / "include" / "arrangements")[0]["TUR-ANK"][-1]
    (key,) = sealing_keys(arrangement).values()
    assert key.age_recipient == "age1something"


def test_everybody_that_is_sealed_for_is_looked_at_in_small_groups(connect, monkeypatch):
    connect()
    assert sealed_for(NOW) == [[OFFICE]]
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(ROOT / "include" / "arrangements"))
    monkeypatch.setattr(seals, "AT_ONCE", 3)
    groups = sealed_for(NOW)
    everybody = [code for group in groups for code in group]
    assert set(load_offices(ROOT / "include" / "arrangements")[0]) < set(everybody), "parties of a framework as well"
    assert len(everybody) == len(set(everybody))
    assert {len(group) for group in groups[:-1]} == {3}

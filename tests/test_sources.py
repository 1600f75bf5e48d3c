"""Sources on a real SFTP server and on disk, taken in through Airflow's connections."""

import asyncio
import datetime as dt
import hashlib
import json
from pathlib import Path

import asyncssh
import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from include import sources
from include.assets import avr_cases
from include.delivery.outcomes import DeliveryRefused
from include.extracts.partition import WaitsForAPerson, accept_landed, good_rows
from include.extracts.refused import ExtractRefused
from include.ledger import intake
from include.ledger.engine import reading
from include.ledger.intake import Partition
from include.operators import PullExtract
from tests.extracts.test_reading import csv_bytes, numbered
from tests.servers import PASSWORD, USER, sftp

DAY = dt.date(2026, 11, 23)
PARTITION = Partition("GRC", DAY)
NAME = "avr_cases_GRC_20261123.csv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "source" / "GRC").mkdir(parents=True)
    return tmp_path / "source"


@pytest.fixture
def entry(tmp_path, monkeypatch, ledger):
    """Writes `sources/GRC.yaml` with one entry that has these settings."""

    def write(**more):
        settings = {
            "host_country": "GRC",
            "kind": "avr_cases",
            "url": "sftp:///GRC/avr_cases_{HOST}_{YYYYMMDD}.csv",
            "connection": "sftp_sources",
            "at": "06:00",
            "cut_off": "09:00",
            "timezone": "Europe/Athens",
            "data_owner": "a@iom.example",
            "iom_focal_point": "a@iom.example",
        } | more
        folder = tmp_path / "arrangements"
        (folder / "offices").mkdir(parents=True, exist_ok=True)
        (folder / "sources").mkdir(exist_ok=True)
        (folder / "sources" / "GRC.yaml").write_text(json.dumps({"sources": [settings]}))
        monkeypatch.setenv("AVR_ARRANGEMENTS", str(folder))

    return write


def connect(monkeypatch, port, host_key):
    extra = {"host_key": host_key, "no_host_key_check": "false"}
    given = {
        "conn_type": "sftp",
        "host": "127.0.0.1",
        "port": port,
        "login": USER,
        "password": PASSWORD,
        "extra": extra,
    }
    monkeypatch.setenv("AIRFLOW_CONN_SFTP_SOURCES", json.dumps(given))


def put(root: Path, content: bytes, rows: int | None = None):
    (root / "GRC" / NAME).write_bytes(content)
    if rows is not None:
        manifest = {"rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        (root / "GRC" / f"{NAME}.manifest.json").write_text(json.dumps(manifest))


def in_force():
    with reading() as session:
        return intake.extract_in_force(session, PARTITION, "avr_cases")


def test_a_file_is_there_when_its_manifest_is_and_its_good_rows_are_kept(root, entry, monkeypatch, tmp_path):
    entry()
    content = csv_bytes(*numbered(3), numbered(1)[0] | {"case_id": "BAD-000001", "sex": "?"})
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        assert not sources.is_there("GRC", "avr_cases", DAY)
        put(root, content)
        assert not sources.is_there("GRC", "avr_cases", DAY), "its manifest is still to come"
        put(root, content, rows=4)
        assert sources.is_there("GRC", "avr_cases", DAY)
        taken = sources.pull("GRC", "avr_cases", DAY)
    assert (taken.row_count, taken.quarantined_count) == (4, 1)
    assert len(good_rows(PARTITION, in_force())) == 3
    assert list((tmp_path / "data" / "landing").rglob(f"{taken.sha256}.csv"))[0].read_bytes() == content
    assert not any("?" in remark or "BAD-" in remark for remark in taken.remarks)


def test_the_good_rows_are_made_again_when_their_copy_was_deleted(root, entry, monkeypatch, tmp_path):
    entry(url=f"file://{root}/GRC/avr_cases_{{HOST}}_{{YYYYMMDD}}.csv", connection=None)
    put(root, csv_bytes(*numbered(3)), rows=3)
    sources.pull("GRC", "avr_cases", DAY)
    before = good_rows(PARTITION, in_force())
    for path in (tmp_path / "data" / "good_rows").rglob("*.parquet"):
        path.unlink()
    assert good_rows(PARTITION, in_force()).equals(before)


def test_a_cut_off_file_is_refused_and_its_corrected_form_goes_in(root, entry, monkeypatch):
    entry()
    content = csv_bytes(*numbered(9))
    with sftp(root) as (port, host_key):
        connect(monkeypatch, port, host_key)
        put(root, content, rows=9)
        (root / "GRC" / NAME).write_bytes(content[: len(content) // 2])
        with pytest.raises(ExtractRefused, match="SHA-256"):
            sources.pull("GRC", "avr_cases", DAY)
        assert in_force() is None
        put(root, content, rows=9)
        sources.pull("GRC", "avr_cases", DAY)
    assert in_force().row_count == 9


def test_without_a_manifest_a_file_that_lost_too_much_waits_for_a_person(root, entry, monkeypatch):
    entry(url=f"file://{root}/GRC/avr_cases_{{HOST}}_{{YYYYMMDD}}.csv", connection=None, manifest="none")
    put(root, csv_bytes(*numbered(20)))
    assert sources.is_there("GRC", "avr_cases", DAY)
    sources.pull("GRC", "avr_cases", DAY)
    (root / "GRC" / NAME.replace("23.", "24.")).write_bytes(csv_bytes(*numbered(10)))
    tomorrow = DAY + dt.timedelta(days=1)
    with pytest.raises(WaitsForAPerson, match="python -m include accept") as waits:
        sources.pull("GRC", "avr_cases", tomorrow)
    sha256 = str(waits.value).split("avr_cases ")[-1].split(".")[0]
    accept_landed(f"GRC|{tomorrow}", "avr_cases", sha256, dt.datetime.now(dt.UTC))
    with reading() as session:
        assert intake.extract_in_force(session, Partition("GRC", tomorrow), "avr_cases").row_count == 10


def test_a_source_with_another_host_key_is_not_read(root, entry, monkeypatch):
    entry()
    put(root, csv_bytes(*numbered(3)), rows=3)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()
    with sftp(root) as (port, _):
        connect(monkeypatch, port, " ".join(other[:2]))
        with pytest.raises(DeliveryRefused, match="another host key"):
            sources.is_there("GRC", "avr_cases", DAY)


class Published:
    """Stands where Airflow keeps what a task publishes: one for each outlet."""

    def __init__(self):
        self.keys = []

    def add_partitions(self, key):
        self.keys.append(key)


def pulling():
    return PullExtract(
        task_id="pull",
        outlets=[avr_cases],
        source={"host_country": "GRC", "kind": "avr_cases", "day": DAY.isoformat()},
    )


def first_event(trigger):
    async def run():
        return (await anext(trigger.run())).payload

    return asyncio.run(run())


def on_disk(entry, root):
    entry(url=f"file://{root}/GRC/avr_cases_{{HOST}}_{{YYYYMMDD}}.csv", connection=None)


def test_a_pull_waits_deferred_and_goes_on_when_the_file_has_come(root, entry, monkeypatch):
    on_disk(entry, root)
    monkeypatch.setenv("AVR_LOOK_EVERY", "0.05")
    published = Published()
    task, context = pulling(), {"outlet_events": {avr_cases: published}}
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    put(root, csv_bytes(*numbered(3)), rows=3)
    trigger = deferred.value.trigger
    trigger.opens_at = dt.datetime.now(dt.UTC)
    event = first_event(trigger)
    assert task.resume(context, event)["rows"] == 3
    assert published.keys == [f"GRC|{DAY}"]


def test_a_pull_gives_up_visibly_at_its_cut_off_and_publishes_nothing(root, entry, monkeypatch):
    on_disk(entry, root)
    monkeypatch.setenv("AVR_LOOK_EVERY", "0.05")
    published = Published()
    task, context = pulling(), {"outlet_events": {avr_cases: published}}
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    trigger = deferred.value.trigger
    assert trigger.closes_at > trigger.opens_at
    trigger.opens_at = dt.datetime.now(dt.UTC)
    trigger.closes_at = trigger.opens_at + dt.timedelta(seconds=0.2)
    event = first_event(trigger)
    with pytest.raises(AirflowFailException, match="GRC avr_cases of 2026-11-23 was not there at its cut-off"):
        task.resume(context, event)
    assert published.keys == []


def test_a_refused_file_is_not_published(root, entry):
    on_disk(entry, root)
    put(root, csv_bytes(*numbered(3)), rows=4)
    published = Published()
    with pytest.raises(ExtractRefused):
        pulling().resume({"outlet_events": {avr_cases: published}}, {"came": "there"})
    assert published.keys == []

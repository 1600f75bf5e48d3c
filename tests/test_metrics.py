"""Airflow's own metrics, as they arrive at a StatsD listener, from what is in the ledger."""

import datetime as dt
import re

import pytest
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

from include import metrics
from include.delivery.send import NotDelivered
from include.ledger import outbox
from include.ledger.engine import writing
from include.ledger.models import Delivery
from tests.ledger.world import MONDAY, MORNING, case, cases, matches, notices, reconcile, record, register, send_list
from tests.servers import statsd

pytestmark = pytest.mark.usefixtures("ledger")
DAY = 86_400_000


@pytest.fixture
def received(monkeypatch):
    """What came in, by metric and labels, without Airflow's prefix."""
    with statsd() as (port, came):
        for name, value in {"ON": "True", "HOST": "127.0.0.1", "PORT": port, "INFLUXDB_ENABLED": "True"}.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name}", str(value))
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
        yield lambda: [re.sub(r"^airflow\.", "", line) for line in came()]
    monkeypatch.undo()
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def deliver(list_id, at, state="delivered"):
    with writing() as session:
        for delivery in session.query(Delivery).filter_by(list_id=list_id):
            outbox.record_attempt(session, delivery.id, at)
            if state == "delivered":
                outbox.record_delivered(session, delivery.id, {}, at)
            else:
                outbox.record_failure(session, delivery.id, state, "not today")


def test_a_composed_list_is_counted_with_its_entries(received):
    metrics.count_composed("GRC-ATH", "scheduled", {"NEW": 3, "DEPARTED": 1})
    assert received() == [
        "avr.lists_composed,office=GRC-ATH,kind=scheduled:1|c",
        "avr.entries,office=GRC-ATH,notice=NEW:3|c",
        "avr.entries,office=GRC-ATH,notice=DEPARTED:1|c",
    ]


def test_a_list_that_arrives_is_counted_with_how_early_each_entry_was_told(received):
    day = lambda day: dt.datetime(2026, 11, day, 7, tzinfo=dt.UTC)  # noqa: E731
    late = case("B", status="departed", departed_on=dt.date(2026, 11, 1))
    reconcile(MONDAY, cases(case("A"), late))
    table = notices("A", "B")
    table.loc[1, ["notice", "departed_on"]] = ["DEPARTED", dt.datetime(2026, 11, 1)]
    before = dt.datetime.now(dt.UTC)
    list_id = send_list(table, channels=("sftp:a", "email:b:1"), due_at=day(2))
    with metrics.counted_sending("GRC-ATH"):
        deliver(list_id, dt.datetime.now(dt.UTC))
    came = received()
    assert came.count("avr.lists_told,office=GRC-ATH,kind=scheduled:1|c") == 1
    assert {line for line in came if "attempts" in line} == {
        "avr.delivery_attempts,office=GRC-ATH,via=sftp:1|c",
        "avr.delivery_attempts,office=GRC-ATH,via=email:1|c",
    }
    spans = [float(re.search(r":(-?[\d.]+)\|ms", line)[1]) / DAY for line in came if "lead_time" in line]
    today = before.date()
    assert sorted(spans) == sorted([(dt.date(2026, 11, 20) - today).days, (dt.date(2026, 11, 1) - today).days])
    assert sum("told_after,office=GRC-ATH" in line for line in came) == 1
    assert not [line for line in came if "failures" in line]
    # Run again, nothing is told and nothing counted anew.
    with metrics.counted_sending("GRC-ATH"):
        pass
    assert received() == came


def test_what_did_not_arrive_is_counted_and_the_failure_goes_on(received):
    reconcile(MONDAY, cases(case("A")))
    list_id = send_list(notices("A"))

    def send():
        with metrics.counted_sending("GRC-ATH"):
            deliver(list_id, dt.datetime.now(dt.UTC), "refused")
            raise NotDelivered

    with pytest.raises(NotDelivered):
        send()
    assert received() == [
        "avr.delivery_attempts,office=GRC-ATH,via=sftp:1|c",
        "avr.delivery_failures,office=GRC-ATH,via=sftp,state=refused:1|c",
    ]


def test_every_level_is_there_and_zero_where_all_is_well(received):
    table = cases(case("A"), case("B", standing="review", to_tell=False), case("C", standing="not_in_procedure"))
    links = matches(("B", "R"), decision="review")
    reconcile(MONDAY, table, links, register(record("R")), unusable=2)
    send_list(notices("A"))
    metrics.measure_what_stands(MORNING + dt.timedelta(hours=5))
    came = {line.rpartition(":")[0]: line.rpartition(":")[2] for line in received()}
    assert came["avr.cases,host_country=GRC,standing=pending"] == "1|g"
    assert came["avr.cases,host_country=GRC,standing=unusable"] == "2|g"
    assert came["avr.cases,host_country=GRC,standing=recognised"] == "0|g"
    assert came["avr.cases,host_country=DEU,standing=pending"] == "0|g"
    assert came["avr.quarantined,host_country=GRC,kind=avr_cases"] == "2|g"
    assert came["avr.cases_in_review,host_country=GRC"] == "1|g"
    assert came["avr.oldest_owed_seconds,office=GRC-ATH"] == "18000.0|g"
    assert came["avr.oldest_owed_seconds,office=TUR-ANK"] == "0|g"
    assert came["avr.overdue,office=GRC-ATH"] == "1|g"
    assert int(came["avr.partitions_missing,host_country=GRC"].rstrip("|g")) == 0
    assert int(came["avr.partitions_missing,host_country=DEU"].rstrip("|g")) > 0


def test_a_day_is_missing_once_its_cut_off_is_over_and_until_it_or_a_newer_one_is_reconciled(received, monkeypatch):
    monkeypatch.setenv("AVR_FROM", "2026-11-01")

    def missing(at):
        metrics.measure_what_stands(at)
        return [line for line in received() if "partitions_missing,host_country=GRC" in line][-1].rpartition(":")[2]

    assert missing(dt.datetime(2026, 11, 2, 0, tzinfo=dt.UTC)) == "1|g"
    assert missing(dt.datetime(2026, 11, 2, 20, tzinfo=dt.UTC)) == "2|g"
    reconcile(MONDAY, cases(case("A")))
    assert missing(dt.datetime(2026, 11, 2, 20, tzinfo=dt.UTC)) == "0|g"


def test_no_name_and_no_reference_is_in_any_metric(received):
    reconcile(MONDAY, cases(case("GRC-AVR-000001")))
    list_id = send_list(notices("GRC-AVR-000001"))
    with metrics.counted_sending("GRC-ATH"):
        deliver(list_id, dt.datetime.now(dt.UTC))
    metrics.measure_what_stands(MORNING)
    lines = received()
    labels = {pair.partition("=")[0] for line in lines for pair in line.rpartition(":")[0].split(",")[1:]}
    assert labels == {"office", "kind", "via", "host_country", "standing"}
    assert not [line for line in lines if "RAHIMI" in line or "AVR-0" in line]

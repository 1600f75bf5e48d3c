"""A person decides at the command line; what becomes of it on the days after, from files to lists, on both databases."""

import csv
import datetime as dt
import io

import pandas as pd
import pytest
from sqlalchemy import select

from include.__main__ import main
from include.casework.partition import decide_partition
from include.extracts.partition import take_in
from include.ledger import reviews
from include.ledger.engine import reading, writing
from include.ledger.intake import Partition
from include.ledger.models import Case, Entry, Match, Notice, Review
from include.ledger.outbox import void_list
from include.lists.compose import compose_list
from include.matching.partition import link_partition
from include.reports.day import check_day_adds_up
from include.reports.matches import by_departure
from include.reports.overdue import forgotten_partitions
from tests.arrangements.test_calendar import office
from tests.lists.composing import approving, keys_of

pytestmark = pytest.mark.usefixtures("ledger")
MONDAY = dt.date(2026, 11, 2)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + dt.timedelta(days=number) for number in (1, 2, 3))
# A name and a guessed birth date: for a person. With UNHCR's number as well: for the machine.
AHMAD = {"family_name": "Rahimi", "given_names": "Ahmad Zaher", "date_of_birth": "1990-01-01", "sex": "M",
         "nationality": "AFG", "host_country": "GRC", "updated_at": "2026-11-01T08:00:00+02:00"}  # fmt: skip
CASE = AHMAD | {"case_id": "AVR-1001", "registered_on": "2026-10-20", "status": "booked", "iom_office": "ATH",
                "expected_departure_on": "2026-11-20"}  # fmt: skip
RECORD = AHMAD | {"asylum_reference": "ASY-7001", "applied_on": "2026-01-05", "stage": "first_instance",
                  "outcome": "pending", "final": "false"}  # fmt: skip
BROTHER = RECORD | {"asylum_reference": "ASY-7002", "given_names": "Ahmad Zahir", "date_of_birth": "1991"}
NUMBER = {"unhcr_reference": "785-00123456"}
CROWD = [
    RECORD | {"asylum_reference": f"ASY-1{number:03}", "family_name": family, "given_names": given,
              "date_of_birth": f"{1960 + number}-03-05"}
    for number, (given, family) in enumerate([("Giorgi", "Mamulashvili"), ("Haile", "Gebremeskel"), ("Ana", "Perez")])
]  # fmt: skip


@pytest.fixture(autouse=True)
def wide_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


def pull(day, cases, register):
    for kind, rows in (("avr_cases", cases), ("asylum_procedure", [*register, *CROWD])):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(column for row in rows for column in row)))
        writer.writeheader()
        writer.writerows(rows)
        take_in(
            Partition("GRC", day), kind, io.BytesIO(text.getvalue().encode()), file_name=f"{kind}_GRC_{day:%Y%m%d}.csv",
            manifest=None, may_lose=None, now=dt.datetime.now(dt.UTC),
        )  # fmt: skip


def reconcile(day):
    key = f"GRC|{day}"
    link_partition(key)
    decide_partition(key, dt.datetime.now(dt.UTC))
    check_day_adds_up(key, dt.datetime.now(dt.UTC))


def run(day, cases, register):
    pull(day, cases, register)
    reconcile(day)


def matches(case_id="AVR-1001"):
    with reading() as session:
        found = select(Match.asylum_reference, Match.decision).where(Match.case_id == case_id, Match.ended_on.is_(None))
        return dict(session.execute(found).all())


def standing(case_id="AVR-1001"):
    with reading() as session:
        return session.get(Case, ("GRC", case_id)).standing


def review(decision, reference="ASY-7001", *more, case="AVR-1001", by="R. Viewer", reason="parents' names differ"):
    return main(["matches", case, reference, f"--{decision}", "--by", by, "--reason", reason, *more])


def compose(day):
    channel = {"via": "sftp", "connection": "a", "folder": "/lists", "seal": "none"}
    made = office(
        "GRC", days=["mon", "tue", "wed", "thu"], begins="2026-11-01", also={"deliver": [channel], "office": "GRC-ATH"}
    )
    moment = dt.datetime.combine(day, dt.time(18), dt.UTC)
    return approving(lambda approved: compose_list(made, moment, keys_of(made), moment, approved))[1]


def notices():
    with reading() as session:
        found = session.execute(select(Notice.notice, Notice.reason, Notice.entry).order_by(Notice.list_id)).all()
    entries = list(dict.fromkeys(entry for _, _, entry in found))
    return [(notice, reason, entries.index(entry)) for notice, reason, entry in found]


def test_a_day_on_which_nobody_meets_anybody_is_reconciled_too():
    run(MONDAY, [CASE], [])
    assert (matches(), standing()) == ({}, "not_in_procedure")


def test_a_rejection_is_remembered_while_the_evidence_is_the_same_and_the_other_candidate_remains():
    run(MONDAY, [CASE], [RECORD, BROTHER])
    assert matches() == {"ASY-7001": "review", "ASY-7002": "review"}
    assert review("reject") == 0
    reconcile(MONDAY)
    assert matches() == {"ASY-7002": "review"}
    later = {
        "expected_departure_on": "2026-11-25",
        "updated_at": "2026-11-03T08:00:00+02:00",
        "given_names": "AHMAD  Zaher",
    }
    run(TUESDAY, [CASE | later], [RECORD | {"stage": "appeal"}, BROTHER])
    assert matches() == {"ASY-7002": "review"}, "neither the departure nor the stage says who somebody is"
    assert review("reject", "ASY-7002") == 0
    reconcile(TUESDAY)
    assert (matches(), standing()) == ({}, "not_in_procedure")


@pytest.mark.parametrize("side", ["case", "record"])
def test_a_rejection_is_reopened_when_the_evidence_changes_and_stays_visible(side, capsys):
    run(MONDAY, [CASE], [RECORD])
    review("reject")
    reconcile(MONDAY)
    assert matches() == {}
    father = {"father_name": "Mohammad Yusuf"}
    run(TUESDAY, [CASE | (father if side == "case" else {})], [RECORD | (father if side == "record" else {})])
    assert matches() == {"ASY-7001": "review"}
    capsys.readouterr()
    main(["matches"])
    assert f"reject by R. Viewer, {dt.datetime.now(dt.UTC):%Y-%m-%d}" in capsys.readouterr().out


def test_a_pair_that_the_machine_would_accept_now_is_still_a_persons_once_a_person_rejected_it():
    run(MONDAY, [CASE], [RECORD])
    review("reject")
    run(TUESDAY, [CASE | NUMBER], [RECORD | NUMBER])
    assert matches() == {"ASY-7001": "review"}


def test_an_acceptance_is_remembered_and_told_and_what_was_told_stays_when_the_evidence_changes():
    run(MONDAY, [CASE], [RECORD, BROTHER])
    assert compose(MONDAY) == {}
    review("accept", reason="the photo")
    reconcile(MONDAY)
    assert (matches(), standing()) == ({"ASY-7001": "accept"}, "pending")
    run(TUESDAY, [CASE], [RECORD, BROTHER])
    assert matches() == {"ASY-7001": "accept"}
    run(WEDNESDAY, [CASE | {"father_name": "Yusuf"}], [RECORD, BROTHER])
    assert matches()["ASY-7001"] == "review", "not told yet: a person looks again"
    run(WEDNESDAY, [CASE], [RECORD, BROTHER])
    assert compose(WEDNESDAY) == {"NEW": 1}
    run(THURSDAY, [CASE | {"father_name": "Yusuf"}], [RECORD, BROTHER])
    assert matches() == {"ASY-7001": "accept"}
    assert compose(THURSDAY) == {}


def test_a_told_match_that_a_person_rejects_is_cancelled_in_error_and_new_under_a_fresh_entry_once_accepted(capsys):
    run(MONDAY, [CASE | NUMBER], [RECORD | NUMBER])
    assert matches() == {"ASY-7001": "accept"}
    compose(MONDAY)
    assert review("reject", reason="another person on the photo") == 0
    assert "cancels it as notified in error" in " ".join(capsys.readouterr().out.split())
    assert compose(MONDAY) == {}, "it takes effect with the reconciliation"
    run(TUESDAY, [CASE | NUMBER], [RECORD | NUMBER])
    assert (matches(), standing()) == ({}, "not_in_procedure")
    assert compose(TUESDAY) == {"CANCELLED": 1}
    assert compose(TUESDAY) == {}
    run(WEDNESDAY, [CASE | NUMBER | {"expected_departure_on": "2026-11-27"}], [RECORD | NUMBER])
    assert compose(WEDNESDAY) == {}, "nothing more is said of whom nobody was to hear"
    assert review("accept", reason="the photo was exchanged") == 0
    reconcile(WEDNESDAY)
    assert compose(WEDNESDAY) == {"NEW": 1}
    assert notices() == [("NEW", "", 0), ("CANCELLED", "notified_in_error", 0), ("NEW", "", 1)]
    with reading() as session:
        assert set(session.scalars(select(Entry.asylum_reference))) == {"ASY-7001"}


def test_a_told_match_that_is_rejected_is_cancelled_also_where_another_record_is_accepted_instead():
    run(MONDAY, [CASE | NUMBER], [RECORD | NUMBER, BROTHER])
    compose(MONDAY)
    review("reject")
    reconcile(MONDAY)
    assert matches() == {"ASY-7002": "review"}, "the next best comes to a person"
    review("accept", "ASY-7002")
    reconcile(MONDAY)
    assert matches() == {"ASY-7002": "accept"}
    assert compose(TUESDAY) == {"CANCELLED": 1}
    assert compose(WEDNESDAY) == {"NEW": 1}
    assert notices() == [("NEW", "", 0), ("CANCELLED", "notified_in_error", 0), ("NEW", "", 1)]


def test_a_voided_list_that_took_a_match_back_takes_it_back_again():
    run(MONDAY, [CASE | NUMBER], [RECORD | NUMBER])
    compose(MONDAY)
    review("reject")
    reconcile(MONDAY)
    assert compose(TUESDAY) == {"CANCELLED": 1}
    with writing() as session:
        void_list(session, "GRC-ATH_2026-0002", "folder lost", dt.datetime.now(dt.UTC))
    assert compose(WEDNESDAY) == {"CANCELLED": 1}
    assert compose(THURSDAY) == {}
    assert notices() == [("NEW", "", 0), ("CANCELLED", "notified_in_error", 0), ("CANCELLED", "notified_in_error", 0)]


def test_a_rejection_that_is_taken_back_before_any_list_went_tells_nobody():
    run(MONDAY, [CASE | NUMBER], [RECORD | NUMBER])
    compose(MONDAY)
    review("reject")
    reconcile(MONDAY)
    assert review("reopen", reason="I mistook the file") == 0
    reconcile(MONDAY)
    assert matches() == {"ASY-7001": "accept"}
    assert compose(TUESDAY) == {}


def test_a_told_case_that_has_left_its_extract_can_still_be_taken_back(capsys):
    other = CASE | {"case_id": "AVR-1002", "given_names": "Zmarai", "family_name": "Stanekzai"}
    run(MONDAY, [CASE | NUMBER, other], [RECORD | NUMBER])
    compose(MONDAY)
    run(TUESDAY, [other], [RECORD | NUMBER])
    capsys.readouterr()
    assert review("accept") == 1
    assert "there is no evidence to accept it on" in capsys.readouterr().err
    assert review("reject") == 0
    reconcile(TUESDAY)
    assert compose(TUESDAY) == {"CANCELLED": 1}


def test_a_decision_has_its_partition_reconciled_again_by_the_next_sweep():
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    run(MONDAY, [CASE], [RECORD])
    run(TUESDAY, [CASE], [RECORD])
    assert forgotten_partitions(later) == []
    review("accept")
    assert forgotten_partitions(later) == [f"GRC|{TUESDAY}"]
    reconcile(TUESDAY)
    assert forgotten_partitions(later) == []


def test_the_queue_shows_what_is_open_by_departure_and_no_names(capsys):
    soon = CASE | {
        "case_id": "AVR-1002",
        "expected_departure_on": str(dt.datetime.now(dt.UTC).date() + dt.timedelta(3)),
    }
    run(MONDAY, [CASE | {"expected_departure_on": ""}, soon], [RECORD, BROTHER])
    capsys.readouterr()
    assert main(["matches"]) == 0
    shown = capsys.readouterr().out
    assert "GRC: 2 cases in review" in shown
    assert shown.index("AVR-1002") < shown.index("AVR-1001")
    assert shown.count("ASY-7001") == shown.count("ASY-7002") == 2
    assert " 3 " in shown[shown.index("AVR-1002") : shown.index("AVR-1001")]
    assert "Rahimi" not in shown
    assert "Zaher" not in shown
    review("accept", case="AVR-1002")
    capsys.readouterr()
    main(["matches", "--host", "GRC"])
    shown = capsys.readouterr().out
    assert "AVR-1002" not in shown, "decided, though not reconciled yet"
    assert f"1 decision waits for GRC|{MONDAY} to be reconciled again." in shown
    main(["matches", "--host", "NER"])
    assert capsys.readouterr().out == "Nothing waits for a person in NER.\n"


def test_the_order_of_the_queue_is_by_urgency():
    rows = [
        ("D", "2026-11-01", "2026-11-01", 0.5),
        ("C", None, None, 0.5),
        ("B", "2026-12-01", None, 0.5),
        ("A", "2026-11-10", None, 0.3),
        ("A", "2026-11-10", None, 0.8),
    ]
    queue = pd.DataFrame(rows, columns=["case_id", "expected_departure_on", "departed_on", "probability"])
    for column in ("expected_departure_on", "departed_on"):
        queue[column] = pd.to_datetime(queue[column])
    ordered = by_departure(queue.assign(host_country="GRC"))
    assert list(zip(ordered["case_id"], ordered["probability"])) == [
        ("A", 0.8),
        ("A", 0.3),
        ("B", 0.5),
        ("C", 0.5),
        ("D", 0.5),
    ]


def test_the_history_and_the_evidence_show_who_decided_what_and_when(capsys):
    run(MONDAY, [CASE], [RECORD])
    assert main(["matches", "AVR-1001", "--history"]) == 0
    assert capsys.readouterr().out == "No person has decided on this case.\n"
    review("accept", reason="the photo")
    assert "Ahmad Zaher" in capsys.readouterr().out, "the evidence is shown to the person who decides"
    review("reject", by="Else", reason="not the photo")
    capsys.readouterr()
    main(["matches", "AVR-1001", "--history"])
    first, second = [line for line in capsys.readouterr().out.splitlines() if "ASY-7001" in line]
    today = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    assert "accept" in first
    assert (first.count(today), second.count(today)) == (2, 1), "the first one is superseded"
    assert "reject" in second
    main(["explain", "AVR-1001", "ASY-7001"])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Decided by a person: reject, by Else on {dt.datetime.now(dt.UTC):%Y-%m-%d}: not the photo" in shown


def test_what_cannot_be_taken_down_is_one_sentence(capsys):
    run(MONDAY, [CASE], [RECORD])
    capsys.readouterr()
    for given, sentence in (
        (["NOBODY", "ASY-7001", "--accept", "--by", "R", "--reason", "x"], "no reconciled case has this id"),
        (
            ["AVR-1001", "ASY-1000", "--accept", "--by", "R", "--reason", "x"],
            "this record was never offered for this case",
        ),
        (["AVR-1001", "ASY-7001", "--accept", "--by", "R"], "say why, with --reason"),
        (["AVR-1001", "ASY-7001", "--accept", "--reason", "x"], "say who decides, with --by"),
        (["AVR-1001", "ASY-7001"], "say the case, the record and one of"),
        (["AVR-1001", "--reject"], "say the case, the record and one of"),
        (["--history"], "say which case"),
        (["AVR-1001", "ASY-7001", "--reject", "--by", "R", "--reason", "x", "--host", "NER"], "no reconciled case"),
    ):
        assert main(["matches", *given]) == 1
        said = capsys.readouterr()
        assert said.err.startswith(sentence)
        assert said.err.count("\n") == 1
        assert said.out == "", "nothing is shown before it is known that it can be decided"
    with reading() as session:
        assert session.scalars(select(Review)).all() == []


def test_a_record_that_another_case_has_is_accepted_only_as_one_persons(capsys):
    second = CASE | {"case_id": "AVR-1002"}
    run(MONDAY, [CASE, second], [RECORD])
    assert review("accept") == 0
    capsys.readouterr()
    assert review("accept", case="AVR-1002") == 1
    said = capsys.readouterr()
    assert "ASY-7001 is also accepted for AVR-1001" in said.out
    assert said.err.startswith("the record is accepted for another case; reject that first, or say --one-person")
    assert review("accept", "ASY-7001", "--one-person", case="AVR-1002") == 0
    reconcile(MONDAY)
    assert (matches(), matches("AVR-1002")) == ({"ASY-7001": "accept"}, {"ASY-7001": "accept"})


def test_a_decision_in_force_is_what_the_ledger_gives_to_the_next_day():
    run(MONDAY, [CASE], [RECORD])
    review("accept")
    with reading() as session:
        (row,) = reviews.in_force(session, "GRC").to_dict("records")
    assert (row["decision"], row["method"], len(row["evidence"])) == ("accept", "linkage", 64)
    assert row["match_probability"] > 0.99, "as the machine last said"

"""A person's own file, erasure on request, legal hold; through the command line, on both databases."""

import datetime as dt
import io
import stat

import pandas as pd
import pytest
from pypdf import PdfReader
from rich.console import Console
from sqlalchemy import select

from include.__main__ import main
from include.arrangements.models import SftpChannel
from include.arrangements.reading import load_offices
from include.ledger import outbox, retention
from include.ledger.engine import reading, writing
from include.ledger.models import Erasure, List, Notice
from include.lists.compose import compose_urgent_list, offices_that_cannot_wait
from include.lists.texts import LANGUAGES
from include.reports.overdue import forgotten_partitions
from include.retention import rights, run
from include.settings import arrangements_folder
from tests.ledger.world import MONDAY, MORNING, case, cases, matches, reconcile, record, register
from tests.lists.composing import approving, keys_of
from tests.retention.test_erasing import written
from tests.retention.world import (
    DEPARTED,
    FAMILY,
    GIVEN,
    GONE,
    LATER,
    NAMED,
    REFERENCE,
    answer,
    arrive,
    live,
    tell,
)

pytestmark = pytest.mark.usefixtures("ledger")


def text_of(path) -> str:
    return "\n".join(one.extract_text() for one in PdfReader(path).pages)


def file_of(tmp_path, language="en", host=None) -> str:
    return text_of(rights.write_person(GONE, host, tmp_path / "out", language, LATER, Console(file=io.StringIO())))


def test_the_persons_file_says_what_is_held_and_what_was_told_to_whom_and_when(tmp_path, capsys, caplog):
    live(offices=("GRC-ATH", "GRC-THE"))
    assert main(["person", GONE, "--folder", str(tmp_path / "out")]) == 0
    (path,) = (tmp_path / "out").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = text_of(path)
    flat = said.replace("\n", " ")
    for words in (FAMILY, "1987-05-06", "UNHCR-7770099", REFERENCE, "GRC-ATH", "GRC-THE", "2026-11-02 07:00"):
        assert words in said.replace("\n", "") or words in flat, words
    assert {"NEW", "DEPARTED"} <= set(said.split())
    assert "she asked about Qandaghaj" in flat
    told = capsys.readouterr()
    assert not [name for name in NAMED - {GONE} if name in told.out + told.err + caplog.text]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_the_file_is_written_in_every_language_of_lists(tmp_path, language):
    live()
    assert FAMILY in file_of(tmp_path, language).replace("\n", "")


def test_of_nobody_there_is_no_file(tmp_path, capsys):
    assert main(["person", "GRC-AVR-0", "--folder", str(tmp_path)]) == 1
    assert "nothing is held" in capsys.readouterr().err


def test_after_an_erasure_the_file_says_that_and_nothing_else(tmp_path):
    live()
    run.erase_due(LATER)
    said = file_of(tmp_path, host="GRC")
    assert "erased, its time being over" in said.replace("\n", " ")
    assert LATER.strftime("%Y-%m-%d %H:%M") in said.replace("\n", " ")
    assert FAMILY not in said


def erase(*more) -> int:
    return main(["erase", GONE, "--by", "the counter", "--reason", "in person", *more])


def erasures() -> list[tuple[str, str]]:
    with reading() as session:
        return [(one.why, one.erased_by) for one in session.scalars(select(Erasure))]


def test_who_was_told_to_nobody_is_erased_at_once_though_the_journey_is_still_to_come():
    reconcile(MONDAY, cases(case(GONE, family_name=FAMILY, given_names=GIVEN)))
    assert erase() == 0
    assert erasures() == [("request", "the counter")]
    assert FAMILY not in written()


def test_offices_that_were_told_are_asked_to_erase_first_and_then_it_is_erased(capsys):
    live(departed=None, answered=False)
    with writing() as session:  # the day was reconciled before the wish came
        session.execute(retention.update(retention.Reconciliation).values(added_up_at=MORNING))
    assert erase() == 0
    assert "GRC-ATH" in capsys.readouterr().out
    assert erasures() == []
    assert forgotten_partitions(LATER) == [f"GRC|{MONDAY}"], "the sweep has it reconciled, which makes the urgent list"
    now = MORNING + dt.timedelta(hours=3)
    assert run.erase_due(now) == {"erased": 0, "again": 0, "to_hear": 1}

    offices, _ = load_offices(arrangements_folder())
    assert "GRC-ATH" in offices_that_cannot_wait(offices, "GRC", MONDAY, MORNING)
    folder = SftpChannel(via="sftp", connection="sftp_a", folder="/a", seal="none")
    office = [one.model_copy(update={"deliver": (folder,)}) for one in offices["GRC-ATH"]]
    approving(lambda approved: compose_urgent_list(office, MONDAY, keys_of(office[0]), now, approved))
    with reading() as session:
        newest = select(Notice).join(List, List.id == Notice.list_id).where(List.kind == "urgent")
        asked = [(one.notice, one.reason) for one in session.scalars(newest) if FAMILY.upper() in one.name]
    assert asked == [("CANCELLED", "consent_withdrawn")]
    assert run.erase_due(now)["in_flight"] == 1
    with writing() as session:
        for channel in outbox.open_channels(session, "GRC-ATH"):
            while found := outbox.next_delivery(session, "GRC-ATH", channel):
                outbox.record_delivered(session, found[0].id, {"size": 4}, now)
    assert run.erase_due(now)["erased"] == 1
    assert erasures() == [("request", "the counter")]
    assert FAMILY not in written()


def test_a_wish_is_not_carried_out_while_a_concern_stands(capsys):
    live(departed=None, answered=False)
    answer("GRC-ATH", GONE, concern=True)
    tell("GRC-ATH", GONE, notice="CANCELLED", reason="consent_withdrawn", at=MORNING + dt.timedelta(days=1))
    assert erase() == 1
    assert "a concern about this return stands" in capsys.readouterr().err
    assert run.erase_due(LATER)["concern"] == 1
    assert FAMILY in written()


def test_a_list_on_its_way_holds_a_wish_up():
    live(departed=None, answered=False)
    tell("GRC-ATH", GONE, notice="CANCELLED", reason="consent_withdrawn", deliver=False)
    assert erase() == 0
    assert run.erase_due(MORNING)["in_flight"] == 1
    arrive("GRC-ATH")
    assert run.erase_due(MORNING)["erased"] == 1


def test_a_hold_stands_against_time_and_wish_until_it_is_lifted(capsys):
    live()
    assert main(["hold", GONE, "--by", "a lawyer", "--reason", "a court asks"]) == 0
    assert run.erase_due(LATER) == {"erased": 0, "again": 0, "held": 1}
    assert erase() == 1
    assert "the case is held" in capsys.readouterr().err
    assert main(["hold", GONE, "--by", "a lawyer", "--reason", "twice"]) == 1
    assert main(["hold", GONE, "--by", "a lawyer", "--lift"]) == 0
    assert run.erase_due(LATER)["erased"] == 1
    assert "a court asks" not in written()


def test_who_left_and_is_registered_again_before_the_time_keeps_one_case():
    live()
    again = cases(case(GONE, family_name=FAMILY, given_names=GIVEN, registered_on=pd.Timestamp("2027-01-10")))
    reconcile(
        DEPARTED + dt.timedelta(days=60), again, matches((GONE, REFERENCE)), register(record(REFERENCE)), mark="z"
    )
    assert run.erase_due(LATER) == {"erased": 0, "again": 0}

"""From standings in the ledger to a sealed summary that an office opens, on both databases."""

import datetime as dt
import io

import openpyxl
import pandas as pd
import pytest
from sqlalchemy import select, update

from include.arrangements.calendar import summaries_due
from include.arrangements.models import RejectedSettings
from include.delivery.keys import SealingKey
from include.delivery.send import send_owed
from include.delivery.unsealing import unseal
from include.ledger import papers
from include.ledger.engine import alone, reading, writing
from include.ledger.models import Case, CountedMonth, Paper, PaperDelivery
from include.reports.overdue import overdue_lists
from include.reports.rejected.groups import group_of, read
from include.reports.rejected.hiding import SolverGaveUp
from include.reports.rejected.publish import BeingMade, CoverageChanged, NothingKnown, publish
from include.reports.rejected.summary import THRESHOLD
from tests.arrangements.test_calendar import office
from tests.ledger.world import case, cases, matches, reconcile, record, register
from tests.servers import client, sftp
from tests.signing import CERTIFICATE, SIGNING

pytestmark = pytest.mark.usefixtures("ledger")
PASSWORD = "correct-horse-battery"
FIRST = dt.date(2026, 11, 2)
DUE = {month: dt.datetime(2026, month, 4, 9, tzinfo=dt.UTC) for month in (11, 12)}


def arrangement(code="GRC-ATH", begins="2026-11-01", **more):
    channel = {"via": "sftp", "connection": "sftp_test", "folder": "/lists", "seal": "password"}
    channel["password_by"] = "telephone, +30 210"
    return office("GRC", begins=begins, also={"deliver": [channel], "office": code} | more)


def day(on: dt.date, rows, host="GRC"):
    """A reconciled day with these rejected cases: (case id, decided on, more of the case)."""
    known = [
        case(name, standing="rejected", to_tell=False, **({"registered_on": pd.Timestamp("2026-09-01")} | more))
        for name, _, more in rows
    ]
    records = [
        record(f"R-{name}", stage="closed", outcome="rejected", outcome_on=pd.Timestamp(decided), final=True)
        for name, decided, _ in rows
    ]
    links = matches(*[(name, f"R-{name}") for name, _, _ in rows])
    reconcile(on, cases(*known), links=links, records=register(*records), host=host, mark=f"{on:%m%d}")


def people(prefix, count, decided, **more):
    return [(f"{prefix}{number}", decided, more) for number in range(count)]


def make(*made, due_at=DUE[11], code="GRC-ATH"):
    offices = {version.office: [version] for version in made or [arrangement()]}
    keys = {
        channel.key: SealingKey(signing=SIGNING, password=PASSWORD, password_since="2026-11-01")
        for channel in offices[code][-1].deliver
    }
    return publish(code, offices, due_at, keys, due_at)


def totals():
    """The total of each paper by its number, None where it is not given."""
    with reading() as session:
        found = papers.papers_of_kind(session, "rejected")
    return {one.number_text: one.content["report"]["tables"]["people"]["figures"][-1][-1] for one in found}


def counted():
    with reading() as session:
        months = session.scalars(select(CountedMonth).order_by(CountedMonth.coverage, CountedMonth.month)).all()
    return {(one.coverage, one.month): sum(n for kind, _, n in one.counts if kind == "people") for one in months}


def october(count=8):
    day(FIRST, people("A", count, "2026-10-15"))


def test_the_first_summary_has_the_month_by_its_dates_and_not_a_heap_of_years():
    day(FIRST, people("A", 8, "2026-10-15") + people("B", 9, "2026-08-01") + people("C", 5, "2026-11-01"))
    assert make() == ["GRC-ATH_2026-R01"]
    assert totals() == {"GRC-ATH_2026-R01": 8}


def test_what_becomes_known_later_counts_in_the_month_in_which_it_does_and_nobody_counts_twice():
    first = people("A", 8, "2026-10-15") + people("C", 5, "2026-11-01")
    day(FIRST, first)
    make()
    late = people("D", 6, "2026-10-20")
    day(dt.date(2026, 11, 20), first + late)
    day(dt.date(2026, 12, 3), first + late + people("E", 7, "2026-12-01"))
    assert make(due_at=DUE[12]) == ["GRC-ATH_2026-R02"]
    assert counted() == {("GRC", "2026-10"): 8, ("GRC", "2026-11"): 11}
    assert totals() == {"GRC-ATH_2026-R01": 8, "GRC-ATH_2026-R02": 11}


def test_a_run_again_makes_nothing_twice_and_a_month_is_never_recounted():
    october()
    make()
    with writing() as session:
        session.execute(update(Case).values(nationality="SYR", date_of_birth=None, iom_office="XXX"))
    day(dt.date(2026, 11, 3), people("A", 8, "2026-11-15", nationality="SYR") + people("Z", 3, "2026-10-01"))
    assert make() == []
    with writing() as session:
        papers.void_paper(session, "GRC-ATH_2026-R01", "folder lost", DUE[11])
    assert make() == ["GRC-ATH_2026-R02"], "the same report once more, under a number of its own"
    with reading() as session:
        first, again = papers.papers_of_kind(session, "rejected")
    assert first.content == again.content
    assert counted() == {("GRC", "2026-10"): 8}


def test_offices_that_hear_of_the_same_cases_have_one_report_and_each_its_own_number():
    october()
    both = arrangement(), arrangement("GRC-THE", iom_offices=["THE"], language="el")
    assert make(*both) == ["GRC-ATH_2026-R01"]
    assert make(*both, code="GRC-THE") == ["GRC-THE_2026-R01"]
    with reading() as session:
        one, other = papers.papers_of_kind(session, "rejected")
    assert one.content == other.content
    assert list(counted()) == [("GRC", "2026-10")]


def test_offices_with_other_cases_have_reports_of_their_own():
    day(FIRST, people("A", 8, "2026-10-15", iom_office="ATH") + people("B", 6, "2026-10-15", iom_office="THE"))
    both = arrangement(iom_offices=["ATH"]), arrangement("GRC-THE", iom_offices=["THE"])
    make(*both)
    make(*both, code="GRC-THE")
    assert totals() == {"GRC-ATH_2026-R01": 8, "GRC-THE_2026-R01": 6}


def test_a_month_that_was_told_of_other_cases_is_not_told_of_these():
    october()
    make()
    narrower = arrangement("GRC-THE", iom_offices=["ATH"])
    with pytest.raises(CoverageChanged, match="GRC-ATH_2026-R01 told of 2026-10 for GRC") as refused:
        make(narrower, code="GRC-THE")
    assert "8" not in str(refused.value)
    assert list(totals()) == ["GRC-ATH_2026-R01"]
    day(dt.date(2026, 12, 3), people("A", 8, "2026-10-15"))
    assert make(narrower, code="GRC-THE", due_at=DUE[12]) == ["GRC-THE_2026-R01"], "other months, other people"


def test_the_strictest_of_a_group_counts_for_all_of_it():
    monthly = arrangement(rejected={"threshold": 7})
    quarterly = arrangement("GRC-THE", iom_offices=["THE"], rejected={"every": "quarter"})
    offices = {one.office: [one] for one in (monthly, quarterly)}
    group = group_of("GRC-ATH", offices, dt.date(2027, 2, 3))
    assert (group.offices, group.every, group.threshold) == (("GRC-ATH", "GRC-THE"), "quarter", 7)
    assert (group.written, group.until) == ("GRC", dt.date(2026, 12, 31))
    assert read("DEU;GRC:ATH,THE") == {"DEU": frozenset(), "GRC": frozenset({"ATH", "THE"})}
    never = arrangement(rejected={"every": "never"})
    assert group_of("GRC-ATH", {"GRC-ATH": [never]}, dt.date(2027, 2, 3)) is None


def test_a_summary_that_the_solver_gave_up_is_not_published_and_goes_with_the_next(monkeypatch):
    def gives_up(*_):
        raise SolverGaveUp("no end")

    october()
    with monkeypatch.context() as patch:
        patch.setattr("include.reports.rejected.summary.hide", gives_up)
        with pytest.raises(SolverGaveUp):
            make()
    assert totals() == {}
    day(dt.date(2026, 12, 3), people("A", 8, "2026-10-15"))
    assert make(due_at=DUE[12]) == ["GRC-ATH_2026-R01"]
    with reading() as session:
        (paper,) = papers.papers_of_kind(session, "rejected")
    assert (paper.period_from, paper.period_to) == (dt.date(2026, 10, 1), dt.date(2026, 11, 30))


def test_nothing_is_counted_before_every_host_country_is_known():
    october()
    wider = arrangement(host_countries=["GRC", "TUR"])
    with pytest.raises(NothingKnown, match=r"^TUR was never"):
        make(wider)
    assert counted() == {}
    day(FIRST, people("A", 6, "2026-10-15"), host="TUR")
    assert make(wider) == ["GRC-ATH_2026-R01"]
    assert totals() == {"GRC-ATH_2026-R01": 14}


def test_two_processes_do_not_make_a_summary_of_one_host_country():
    october()
    with alone("rejected GRC"), pytest.raises(BeingMade):
        make()
    assert totals() == {}


def test_a_year_begins_with_a_report_of_its_own():
    october()
    day(dt.date(2027, 2, 1), people("A", 8, "2026-10-15"))
    assert make(due_at=dt.datetime(2027, 2, 3, 9, tzinfo=dt.UTC)) == ["GRC-ATH_2027-R01"]
    make(due_at=dt.datetime(2027, 3, 3, 9, tzinfo=dt.UTC))
    make(arrangement("GRC-THE"), arrangement(), code="GRC-THE", due_at=dt.datetime(2027, 3, 3, 9, tzinfo=dt.UTC))
    with reading() as session:
        found = [
            (one.number_text, one.content["report"]["months"]) for one in papers.papers_of_kind(session, "rejected")
        ]
    assert found == [
        ("GRC-ATH_2027-R01", ["2027-01"]),
        ("GRC-THE_2027-R01", ["2027-01"]),
        ("GRC-ATH_2027-R02", ["2027-02"]),
        ("GRC-THE_2027-R02", ["2027-02"]),
    ]


def test_the_office_opens_with_its_password_what_came_to_its_folder(tmp_path):
    october()
    made = arrangement()
    (number,) = make(made)
    (tmp_path / "lists").mkdir()
    with sftp(tmp_path) as (port, _):
        arrived = send_owed(
            "GRC-ATH", made.deliver, series="GRC-ATH/rejected", open_sftp=lambda _: client(port),
            open_smtp=lambda _: client(port), admitted=lambda _: None, clock=lambda: DUE[11],
        )  # fmt: skip
    assert arrived == [f"{number} via sftp"]
    there = {path.name: path.read_bytes() for path in (tmp_path / "lists").iterdir()}
    opened = {}
    for name, content in there.items():
        if not name.endswith(".asc"):
            plain, inside = unseal(
                content, name, certificate=CERTIFICATE, signature=there.get(f"{name}.asc"), password=PASSWORD
            )
            opened[plain] = inside
    assert sorted(name.rpartition(".")[2] for name in opened) == ["pdf", "xlsx"]
    book = openpyxl.load_workbook(io.BytesIO(next(content for name, content in opened.items() if ".xlsx" in name)))
    said = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {number, "8", "Greece 2026-11-02"} <= set(said)
    assert not [cell for cell in said if "Rahimi" in cell or "GRC-AVR" in cell]
    with reading() as session:
        assert session.scalars(select(PaperDelivery.state)).one() == "delivered"
        assert session.scalars(select(Paper.state)).one() == "told"


def test_a_summary_that_nobody_made_is_overdue(monkeypatch, tmp_path):
    (tmp_path / "offices").mkdir()
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(tmp_path))
    monkeypatch.setenv("AVR_FROM", "2026-11-01")
    monkeypatch.setattr(
        "include.reports.overdue.load_offices",
        lambda _: ({"GRC-ATH": [arrangement(list={"days": ["sun"], "at": "09:00"})]}, []),
    )
    october()
    later = DUE[11] + dt.timedelta(days=1)
    assert "summary of rejected cases to 2026-10" in " ".join(overdue_lists(later)["GRC-ATH"])
    make()
    assert "summary" not in " ".join(overdue_lists(later).get("GRC-ATH", []))


def test_summaries_are_due_on_the_offices_working_days():
    def due(**rejected):
        start, end = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (2027, 2028))
        made = arrangement(rejected=rejected, list={"days": ["mon"], "at": "09:00", "holidays": "GRC"})
        return [f"{moment:%m-%d %H:%M}" for moment in summaries_due([made], start, end)]

    assert due()[:5] == ["01-07 11:00", "02-03 11:00", "03-03 11:00", "04-05 11:00", "05-07 11:00"]
    assert due(every="quarter", working_day=1, at="08:30") == [
        "01-04 08:30",
        "04-01 08:30",
        "07-01 08:30",
        "10-01 08:30",
    ]
    assert due(every="never") == []


def test_headquarters_minimum_cannot_be_lowered_by_an_office():
    assert RejectedSettings().threshold == THRESHOLD
    with pytest.raises(ValueError, match="greater than or equal to 5"):
        RejectedSettings(threshold=4)

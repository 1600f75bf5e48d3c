import datetime as dt
import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from include.arrangements.checking import check, print_schedule
from include.arrangements.reading import POLICY, in_force, in_force_at, load_offices, load_sources, version
from include.arrangements.schemas import schemas
from include.settings import ROOT
from tests.arrangements.test_calendar import office

REPOSITORY = ROOT / "include" / "arrangements"
CONTRACT_EXAMPLE = """\
office: GRC-ATH
name: UNHCR Greece, Athens
host_countries: [GRC]     # an office may cover several, several may share one
iom_offices: []           # empty: all of them
timezone: Europe/Athens
language: en
list:
  days: [mon, thu]
  at: "09:00"
  holidays: GRC
  urgent_within: 5 working days
  no_show_grace: 2 working days
  when_empty: skip
  undated: false
  closures: [2026-12-24..2027-01-02]
  format: xlsx
  columns: []
consent: recorded
deliver:
  - via: sftp
    connection: sftp_grc_ath
    folder: /lists
    seal: pgp
    fingerprint: 0000 1111 2222 3333 4444  5555 6666 7777 8888 9999
  - via: email
    connection: smtp_avr
    to: [protection.athens@unhcr.example]
    seal: password
    password_by: telephone, +30 210 000 0001
answers:
  folder: /answers
  mailbox: imap_avr
  within: 3 working days
  remind: [protection.athens@unhcr.example]
  escalate: [focal.point.athens@iom.example]
retention: {after_departure: 90 days, without_departure: 365 days after last news, registers: 7 days}
measures: {}
succeeds: []
effective_from: 2026-11-01
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY, tmp_path / "arrangements")
    return tmp_path / "arrangements"


def changed(folder: Path, old: str, new: str) -> list[str]:
    """The problems once GRC-ATH's arrangement is the contract's example with a change."""
    assert old in CONTRACT_EXAMPLE
    (folder / "offices" / "GRC-ATH.yaml").write_text(CONTRACT_EXAMPLE.replace(old, new))
    return [str(problem) for problem in check(folder)]


def test_the_arrangements_of_the_repository_are_sound():
    assert check(REPOSITORY) == []
    offices, _ = load_offices(REPOSITORY)
    assert len(offices) >= 8


def test_the_contracts_own_example_loads(folder):
    assert changed(folder, "GRC", "GRC") == []
    arrangement = load_offices(folder)[0]["GRC-ATH"][-1]
    assert arrangement.deliver[0].fingerprint == "0000111122223333444455556666777788889999"
    assert arrangement.list.urgent_within.days == 5
    assert arrangement.whom_to_call.email == "focal.point.athens@iom.example"


def test_the_offices_of_the_repository_differ_in_every_setting():
    newest = [versions[-1] for versions in load_offices(REPOSITORY)[0].values()]
    same_everywhere = {"effective_from", "succeeds"}
    for field in type(newest[0]).model_fields:
        assert field in same_everywhere or len({str(getattr(one, field)) for one in newest}) > 1, field
    for field in type(newest[0].list).model_fields:
        assert len({str(getattr(one.list, field)) for one in newest}) > 1, f"list.{field}"
    assert {channel.seal for one in newest for channel in one.deliver} == {"none", "pgp", "password", "age"}


MISTAKES = [
    ("seal: password", "seal: none", "line 28, deliver.2.seal", "'pgp', 'password' or 'age'"),
    ("    password_by: telephone, +30 210 000 0001\n", "", "line 1, deliver.2.password_by", "by which way the office is told"),
    ("telephone, +30 210 000 0001", "mail to Protection.Athens@unhcr.example", "line 1", "a mailbox that gets the lists"),
    ("telephone, +30 210 000 0001", "protection.athens+new@unhcr.example", "line 1", "a mailbox that gets the lists"),
    ("0001\n", "0001\n    rotate_after: often\n", "line 30, deliver.2.rotate_after", "90 days"),
    ("seal: pgp", "seal: age", "line 20, deliver.1", "needs the office's recipient: age1"),
    ("    seal: pgp", "    seal: pgp\n    recipient: age1mistyped", "line 24, deliver.1.recipient", "age1"),
    ("    seal: password", "    seal: password\n    fingerprint: " + "AB12 " * 10, "line 25, deliver.2", "goes with seal: pgp alone"),
    ("  - via: email", "  - via: post", "line 25, deliver.2", "'sftp', 'email'"),
    ('at: "09:00"', "at: 10:30", "line 9, list.at", 'in quotes: "09:00"'),
    ("Europe/Athens", "Europe/Atlantis", "line 5, timezone", "Europe/Athens"),
    ("holidays: GRC", "holidays: GRX", "line 10, list.holidays", "such as GRC"),
    ("holidays: GRC", "workweek: []", "line 10, list.workweek", "at least 1"),
    ("[mon, thu]", "[mon, funday]", "line 8, list.days.2", "'mon', 'tue'"),
    ("5 working days", "soon", "line 11, list.urgent_within", "5 working days"),
    ("2026-12-24..2027-01-02", "2027-01-02..2026-12-24", "line 15, list.closures.1", "ends before it begins"),
    ("    fingerprint: 0000 1111 2222 3333 4444  5555 6666 7777 8888 9999\n", "", "line 20, deliver.1", "needs the fingerprint"),
    ("8888 9999", "8888", "line 24, deliver.1.fingerprint", "40 hexadecimal digits"),
    ("columns: []", "columns: [sex]", "line 17, list.columns.1", "valid dictionary or instance"),
    ("columns: []", "columns: [{column: sex, legal_basis: x}]", "line 17, list.columns.1.legal_basis", "at least 10"),
    ("columns: []", "columns: [{column: name, legal_basis: because it is useful}]", "list.columns.1.column", "date_of_birth"),
    ("format: xlsx", "format: docx", "line 16, list.format", "'xlsx', 'csv' or 'pdf'"),
    ("consent: recorded", "consent: maybe", "line 18, consent", "'recorded' or 'required'"),
    ("consent: recorded", "consent: recorded\nconsent: required", "line 19, consent", "stands here twice"),
    ("consent: recorded", "konsent: recorded", "line 18, konsent", "is not a setting"),
    ("consent: recorded\n", "", "line 1, consent", "is missing"),
    ("office: GRC-ATH", "office: GRC-XXX", "line 1, office", "file's name says GRC-ATH"),
    ("language: en", "language: [en", "line 7", "is not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "allowed"), MISTAKES)
def test_a_mistake_is_told_with_file_line_and_what_is_allowed(folder, old, new, place, allowed):
    problems = changed(folder, old, new)
    assert any(p.startswith("offices/GRC-ATH.yaml") and place in p and allowed in p for p in problems), problems


def test_a_broken_arrangement_stops_its_own_office_alone(folder):
    before = set(load_offices(folder)[0])
    changed(folder, "consent: recorded", "consent: maybe")
    assert set(load_offices(folder)[0]) == before - {"GRC-ATH"}


def test_the_version_in_force_is_the_newest_that_has_begun(folder):
    later = CONTRACT_EXAMPLE.replace("2026-11-01", "2027-01-01").replace("[mon, thu]", "[fri]")
    (folder / "offices" / "GRC-ATH.yaml").write_text(f"{later}---\n{CONTRACT_EXAMPLE}")
    versions = load_offices(folder)[0]["GRC-ATH"]
    day = versions[0].effective_from
    assert in_force(versions, day.replace(month=10)) is None
    assert in_force(versions, day).list.days == ("mon", "thu")
    assert in_force(versions, day.replace(year=2027, month=1)).list.days == ("fri",)
    assert version(versions[0]) != version(versions[1])


def test_a_version_is_in_force_from_midnight_where_the_office_is():
    versions = [office("GRC", timezone="Pacific/Apia", begins="2026-11-02")]
    assert in_force_at(versions, dt.datetime(2026, 11, 1, 10, 59, tzinfo=dt.UTC)) is None
    assert in_force_at(versions, dt.datetime(2026, 11, 1, 11, 0, tzinfo=dt.UTC)) is versions[0]


def test_the_schedule_says_what_each_list_stands_for():
    console = Console(record=True, width=100, file=io.StringIO())
    closed = office("GRC", days=["mon", "tue", "wed", "thu", "fri"], closures=["2026-12-24..2027-01-02"])
    print_schedule([closed], dt.date(2026, 12, 22), 4, console)
    lines = [line for line in console.export_text().splitlines() if "EET" in line]
    assert [line.split("│")[1].strip() for line in lines] == [
        "Tue 22 Dec 2026", "Wed 23 Dec 2026", "Mon 04 Jan 2027", "Tue 05 Jan 2027",
    ]  # fmt: skip
    assert "also for Thu 24 Dec to Fri 01 Jan (7 lists): office closed" in lines[1]
    assert "also for Wed 06 Jan: public holiday (Epiphany)" in lines[3]


def test_the_schedule_begins_with_the_day_as_the_office_counts_it():
    console = Console(record=True, width=100, file=io.StringIO())
    # Half past midnight in Apia is the morning before in UTC.
    print_schedule([office("GRC", at="00:30", timezone="Pacific/Apia")], dt.date(2026, 11, 2), 1, console)
    assert "Mon 02 Nov 2026" in console.export_text()


def test_a_broken_source_stops_only_itself(folder):
    path = folder / "sources" / "GRC.yaml"
    path.write_text(
        path.read_text().replace('at: "06:00"\n    cut_off: "08:30"', 'at: "06:00"\n    cut_off: "05:00"', 1)
    )
    sources, problems = load_sources(folder)
    assert len(sources) == len(load_sources(REPOSITORY)[0]) - 1
    assert [str(problem) for problem in problems] == ["sources/GRC.yaml line 3, sources.1: cut_off is not after at"]


def test_a_host_country_that_no_office_hears_of_is_a_problem(folder):
    (folder / "offices" / "TUR-ANK.yaml").unlink()
    assert any("no office is told of TUR" in str(problem) for problem in check(folder))


def test_the_schemas_that_editors_use_are_those_of_the_models():
    for name, schema in schemas().items():
        assert json.loads((REPOSITORY / "schema" / name).read_text()) == schema


def test_every_arrangement_names_its_schema():
    for path in [
        *(REPOSITORY / "offices").glob("*.yaml"),
        *(REPOSITORY / "sources").glob("*.yaml"),
        REPOSITORY / POLICY,
    ]:
        first = path.read_text().splitlines()[0]
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / schema).resolve().exists(), path

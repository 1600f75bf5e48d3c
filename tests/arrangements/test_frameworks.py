"""Agreements on Afghans from outside the region: which load, what is wrong with the others, and when views go."""

import datetime as dt
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from include.arrangements.checking import check
from include.arrangements.framework import Framework
from include.arrangements.framework_days import agreement_on, due_views, next_view, previous_view
from include.arrangements.reading import load_frameworks, version
from include.settings import ROOT

REPOSITORY = ROOT / "include" / "arrangements"
EXAMPLE = (REPOSITORY / "frameworks" / "afg" / "GRC.yaml").read_text(encoding="utf-8")
ATHENS = ZoneInfo("Europe/Athens")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY, tmp_path / "arrangements")
    return tmp_path / "arrangements"


def problems(folder: Path, old: str, new: str, name: str = "GRC") -> list[str]:
    """The problems once the agreement of `name` is the example with a change."""
    assert old in EXAMPLE
    (folder / "frameworks" / "afg" / f"{name}.yaml").write_text(EXAMPLE.replace(old, new))
    return [str(problem) for problem in check(folder)]


def agreed(**more) -> Framework:
    return Framework.model_validate(yaml.safe_load(EXAMPLE) | {"periods": {"days": ["mon", "thu"]}} | more)


def moments(versions, first="2026-11-02", last="2026-11-15"):
    start, end = (dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), ATHENS) for day in (first, last))
    return [
        (f"{due.moment:%m-%d %H:%M}", due.first.isoformat(), due.last.isoformat())
        for due in due_views(versions, start, end)
    ]


def test_the_example_is_sound_and_the_schema_is_its_models():
    frameworks, found = load_frameworks(REPOSITORY)
    assert not found
    assert list(frameworks) == ["GRC"]
    first = EXAMPLE.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (REPOSITORY / "frameworks" / "afg" / first).resolve().exists()
    origin = frameworks["GRC"][-1].party("origin")
    assert origin.languages == ("prs", "ps")


MISTAKES = [
    ("region: [IRN, PAK]", "region: [IRN]", "line 3", "Iran and Pakistan are the region"),
    ("region: [IRN, PAK]", "region: [IRN, PAK, GRC]", "line 3", "no host country outside the region"),
    ("host_country: GRC", "host_country: DEU", "line 3, host_country", "file's name says GRC"),
    ("  ahead: 14 days", "  ahead: soon", "line 9, periods.ahead", "90 days"),
    ("periods:", "flights: {dates: [2026-12-01]}\nperiods:", "line 3", "either periods or flights"),
    ("periods:\n  days: [mon, tue, thu]\n  ahead: 14 days\n", "", "line 3", "either periods or flights"),
    ('at: "14:00"', 'at: "08:00"', "line 1, at", "not after the cut-off"),
    ("languages: [prs, ps]", "languages: [fa]", "parties.origin.languages.1", "'prs' or 'ps'"),
    ("languages: [prs, ps]", "languages: [ps, ps]", "parties.origin", "names one twice"),
    ("column: name_original_script", "column: father_name", "parties.origin.columns.1.column", "'name_original_script'"),
    ("column: name_original_script", "column: vulnerabilities", "parties.origin.columns.1.column", "'destination_place'"),
    ("column: date_of_birth", "column: unhcr_reference", "parties.host.columns.1.column", "'date_of_birth'"),
    ("legal_basis: Article 6 (made up for the sample)", "legal_basis: x", "columns.1.legal_basis", "at least 10"),
    ("places_of_at_least: 2", "columns: [sex]", "parties.unhcr.columns", "is not a setting"),
    ("sftp_afg_grc_host", "sftp_afg_grc_origin", "line 3", "two parties have the same recipient"),
    ("connection: sftp_afg_grc_origin\n        folder: /views", "connection: sftp_grc_ath\n        folder: /lists", "parties.origin.deliver.1", "name who applied for asylum"),
    ("        password_by: telephone, +30 210 000 0002, the head of the returns unit\n", "", "parties.host.deliver.1.password_by", "is missing"),
    ("until: 2027-10-31", "until: 2026-10-31", "line 3", "until lies before effective_from"),
    ("agreement: Quad", "agrement: Quad", "line 4, agrement", "is not a setting"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "allowed"), MISTAKES)
def test_a_mistake_is_told_with_file_line_and_what_is_allowed(folder, old, new, place, allowed):
    found = problems(folder, old, new)
    assert any(p.startswith("frameworks/afg/GRC.yaml") and place in p and allowed in p for p in found), found


@pytest.mark.parametrize("host", ["PAK", "IRN", "AFG"])
def test_an_agreement_of_a_country_of_the_region_does_not_load(folder, host):
    found = problems(folder, "host_country: GRC", f"host_country: {host}", host)
    assert any(p.startswith(f"frameworks/afg/{host}.yaml") and "outside the region" in p for p in found), found
    assert set(load_frameworks(folder)[0]) == {"GRC"}


def test_a_host_country_whose_cases_nobody_pulls_is_a_problem(folder):
    found = problems(folder, "host_country: GRC", "host_country: NOR", "NOR")
    assert any("sources/NOR.yaml" in p and "avr_cases" in p for p in found), found


def test_views_go_on_the_agreements_days_and_tell_of_the_days_ahead():
    assert moments([agreed()]) == [
        ("11-02 14:00", "2026-11-02", "2026-11-16"),
        ("11-05 14:00", "2026-11-05", "2026-11-19"),
        ("11-09 14:00", "2026-11-09", "2026-11-23"),
        ("11-12 14:00", "2026-11-12", "2026-11-26"),
    ]


def test_before_a_flight_views_tell_of_all_who_leave_until_it():
    flights = agreed(periods=None, flights={"dates": ["2026-11-10", "2026-11-16"], "days_before": [7, 1]})
    assert moments([flights]) == [
        ("11-03 14:00", "2026-11-03", "2026-11-10"),
        ("11-09 14:00", "2026-11-09", "2026-11-16"),
    ]


def test_an_agreement_is_in_force_from_its_first_day_to_its_last_and_views_are_due_all_the_same():
    first, second = agreed(until="2026-11-08"), agreed(effective_from="2026-11-12", until=None)
    on = {day: agreement_on([first, second], dt.date(2026, 11, day)) for day in (1, 8, 9, 11, 12, 30)}
    assert on == {1: first, 8: first, 9: None, 11: None, 12: second, 30: second}
    assert agreement_on([second], dt.date(2026, 11, 11)) is None
    assert len(moments([first, second])) == 4, "a run that finds no agreement in force can only say so if it comes"


def test_the_next_and_the_last_view_are_found_and_no_view_after_the_last_flight():
    flights = [agreed(periods=None, flights={"dates": ["2026-11-10"], "days_before": [1]})]
    due = dt.datetime(2026, 11, 9, 14, tzinfo=ATHENS)
    assert next_view(flights, due - dt.timedelta(seconds=1)) == due
    assert next_view(flights, due) is None
    assert previous_view(flights, due) == due
    assert previous_view(flights, due - dt.timedelta(seconds=1)) is None


def test_another_end_is_another_version():
    assert version(agreed()) != version(agreed(until=None))

"""An installation that is made for a benchmark or a test is one that could be used."""

import pytest

from benchmarks.installation import FIRST, build, host_countries, iom_offices
from include.arrangements.checking import check
from include.arrangements.reading import load_offices
from include.sample.world import CASES, PROCEDURE


def test_an_installation_is_sound_and_every_case_has_one_office(tmp_path):
    installation = build(tmp_path / "made", countries=6, offices=8, cases=260, register=2600)
    arrangements = installation.setting.arrangements
    assert check(arrangements) == []
    offices = [versions[-1] for versions in load_offices(arrangements)[0].values()]
    assert len(offices) == 8
    for country in installation.countries:
        for iom_office in iom_offices(country):
            hearing = [office for office in offices if office.covers(country.code, iom_office)]
            assert len(hearing) == 1, f"{country.code} {iom_office}"
        for kind in (CASES, PROCEDURE):
            assert (installation.setting.sources / country.code / f"{kind}_{country.code}_{FIRST:%Y%m%d}.csv").exists()


def test_the_worlds_host_countries_have_all_cases_and_one_has_a_quarter_of_them():
    countries = host_countries(130, 150, 60_000, 5_000_000)
    assert len({country.code for country in countries}) == 130
    assert len({office for country in countries for office in country.offices}) == 150
    assert sum(country.cases for country in countries) == 60_000
    assert sum(country.register for country in countries) == 5_000_000
    assert 0.2 < countries[0].cases / 60_000 < 0.3


@pytest.mark.parametrize(("offices", "cases", "register"), [(3, 260, 2600), (8, 100, 2600), (8, 260, 1000)])
def test_an_installation_that_cannot_be_is_refused(offices, cases, register):
    with pytest.raises(ValueError, match="need at least"):
        host_countries(6, offices, cases, register)

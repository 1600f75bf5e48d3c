"""An installation of any size as files: host countries, offices, arrangements, keys, and extracts day by day.

Reach for `build` to have one: the world's in figures.md by default, a tiny one for a test. It is made of the sample's
people (`include.sample`), so everything in an extract has its truth beside it; the same arguments give the same
extracts.
"""

import argparse
import csv
import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import icu
import yaml
from rich.progress import track

from include.demo.setting import Setting
from include.demo.setting import build as build_setting
from include.sample.hosts import Host, load_host
from include.sample.world import CASES, FEWEST_CASES, FEWEST_RECORDS, PROCEDURE, World
from include.settings import ROOT

FIRST = dt.date(2026, 11, 2)
"""A Monday: whatever days an office has arranged, its list is due."""
COUNTRIES, OFFICES, OPEN_CASES, REGISTER, SEED = 130, 150, 60_000, 5_000_000, 20030116

# Where IOM assists, roughly by how many people; who has the largest registers is not who has the most cases.
_HOSTS = """
    NER DEU TUR GRC LBY MAR DZA PAK YEM ESP AUT NLD BEL FRA MRT MLI TUN EGY BIH SRB TCD SDN DJI ETH KEN MEX GTM PAN
    COL PER ECU BRA CHL ARG SWE NOR FIN DNK GBR IRL CHE ITA PRT POL CYP MLT BGR ROU HRV SVN HUN CZE SVK LTU LVA EST
    LUX ISL UKR MDA GEO ARM AZE KAZ KGZ TJK UZB TKM IRN IRQ JOR LBN SYR ISR KWT SAU ARE QAT OMN BHR IND NPL LKA BGD
    IDN MYS THA VNM KHM LAO PHL TLS PNG AUS NZL JPN KOR MNG USA CAN CRI NIC SLV HND DOM HTI TTO GUY BOL PRY URY VEN
    SEN GMB GIN SLE LBR CIV GHA TGO BEN NGA BFA CMR GAB COG COD CAF RWA BDI UGA TZA ZMB MWI MOZ ZWE BWA NAM ZAF AGO
    ALB MNE MKD BLR SOM SSD ERI
""".split()
_REGISTERS_FIRST = ("DEU", "FRA", "ESP", "ITA", "TUR", "GRC", "AUT", "BEL", "NLD", "SWE")
_SHRINKS = 1.17
"""The country of rank r has 1 / r**_SHRINKS of the first: of 60,000 cases in 130 countries that has 15,000."""
_AGREEMENTS = ("NER", "DEU", "TUR")
"""Where there is a framework for Afghans, if the country is in the installation."""
_HOURS = {CASES: "05:30", PROCEDURE: "05:45"}


@dataclass(frozen=True)
class Country:
    """A host country: AVR cases and procedure records on the first day, and the UNHCR offices that hear of it."""

    code: str
    cases: int
    register: int
    offices: tuple[str, ...]


class _Hosted(World):
    """A world of one host country whose cases are spread over IOM offices, one beside each UNHCR office."""

    def __init__(self, country: Country, seed: int) -> None:
        self._iom_offices = iom_offices(country)
        super().__init__(seed, [country.code], FIRST, country.cases, country.register)

    def host(self, code: str) -> Host:
        return replace(load_host(code), offices=dict.fromkeys(self._iom_offices, 1.0))


@dataclass(frozen=True)
class Installation:
    """What was built: the demo's setting (environment, servers' configuration, folders) and its host countries."""

    setting: Setting
    countries: tuple[Country, ...]
    seed: int

    def publish(self, days: Sequence[dt.date]) -> None:
        """Let the sources have their extracts of `days`, in order, each with its manifest, and the truth beside them."""
        for country in track(self.countries, f"extracts of {len(days)} days", transient=True):
            # One host country at a time, so that memory does not grow with their number.
            world = _Hosted(country, self.seed)
            for day in days:
                world.write_day(self.setting.sources, day)
                world.write_truth(self.setting.truth, day)


def build(
    folder: Path,
    countries: int = COUNTRIES,
    offices: int = OFFICES,
    cases: int = OPEN_CASES,
    register: int = REGISTER,
    days: Sequence[dt.date] = (FIRST,),
    seed: int = SEED,
) -> Installation:
    """An installation in `folder`, with the extracts of `days`; nothing is started.

    cases, register: of all host countries together, on the first day
    raises: ValueError if that is too little for so many countries, or if there are too few offices for them
    """
    hosts = host_countries(countries, offices, cases, register)
    written = folder / "written"
    write_arrangements(written, hosts, folder / "sources")
    installation = Installation(build_setting(folder, list(days), written), hosts, seed)
    shutil.rmtree(written)
    installation.publish(days)
    return installation


def host_countries(
    countries: int, offices: int, cases: int = OPEN_CASES, register: int = REGISTER
) -> tuple[Country, ...]:
    """The host countries, largest first. The smallest fifth share regional offices, the largest have several.

    raises: ValueError
    """
    if countries > len(_HOSTS):
        raise ValueError(f"{countries} countries were asked for; there are {len(_HOSTS)}")
    codes = _HOSTS[:countries]
    shared = codes[countries - countries // 5 :]
    national = codes[: countries - len(shared)]
    regions = [shared[first : first + 4] for first in range(0, len(shared), 4)]
    left = offices - len(regions)
    if left < len(national):
        raise ValueError(f"{countries} countries need at least {len(national) + len(regions)} offices")
    of = {code: tuple(f"{region[0]}-REG" for region in regions if code in region) for code in shared}
    for rank, code in enumerate(national):
        count = left // len(national) + (rank < left % len(national))
        of[code] = tuple(f"{code}-{number:02d}" for number in range(1, count + 1))
    by_register = sorted(codes, key=lambda code: (code not in _REGISTERS_FIRST, codes.index(code)))
    many, records = _shared_out(cases, countries, FEWEST_CASES), _shared_out(register, countries, FEWEST_RECORDS)
    registers = dict(zip(by_register, records, strict=True))
    return tuple(
        Country(code, number, max(registers[code], 2 * number), of[code])
        for code, number in zip(codes, many, strict=True)
    )


def iom_offices(country: Country) -> tuple[str, ...]:
    """The IOM offices of a host country: one beside each of its UNHCR offices."""
    return tuple(f"IOM{number}" for number in range(1, len(country.offices) + 1))


def _shared_out(total: int, among: int, least: int) -> list[int]:
    """`total` in so many parts, the largest first, none below `least`."""
    if total < least * among:
        raise ValueError(f"{among} countries need at least {least * among:,}, {least} each; {total:,} were asked for")
    weights = [rank**-_SHRINKS for rank in range(1, among + 1)]
    spare = total - least * among
    parts = [least + int(spare * weight / sum(weights)) for weight in weights]
    parts[0] += total - sum(parts)
    return parts


def write_arrangements(folder: Path, countries: Sequence[Country], sources: Path) -> None:
    """Arrangements, sources, policy and frameworks for these host countries, whose sources put their files in a folder."""
    ours = ROOT / "include" / "arrangements"
    for name in ("sources", "offices", "frameworks/afg", "policy"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ours / "policy" / "persons_of_concern.yaml", folder / "policy")
    shutil.copy(ours / "review.yaml", folder)
    zones = _timezones()
    for country in countries:
        entries = [_source(country.code, kind, zones[country.code], sources) for kind in _HOURS]
        _write(folder / "sources" / f"{country.code}.yaml", {"sources": entries})
    covered: dict[str, list[Country]] = {}
    for country in countries:
        for office in country.offices:
            covered.setdefault(office, []).append(country)
    for number, (office, hosts) in enumerate(sorted(covered.items())):
        _write(folder / "offices" / f"{office}.yaml", _arrangement(number, office, hosts, zones[hosts[0].code]))
    for code in {country.code for country in countries} & set(_AGREEMENTS):
        text = (ours / "frameworks" / "afg" / "GRC.yaml").read_text(encoding="utf-8")
        text = text.replace("GRC", code).replace("afg_grc_", f"afg_{code.lower()}_")
        (folder / "frameworks" / "afg" / f"{code}.yaml").write_text(text.replace("Europe/Athens", zones[code]))


def _source(code: str, kind: str, timezone: str, folder: Path) -> dict[str, Any]:
    return {
        "host_country": code,
        "kind": kind,
        "url": f"{folder.as_uri()}/{{HOST}}/{kind}_{{HOST}}_{{YYYYMMDD}}.csv",
        "at": _HOURS[kind],
        "cut_off": "08:30",
        "timezone": timezone,
        "data_owner": f"avr.data.{code.lower()}@iom.example",
        "iom_focal_point": f"focal.point.{code.lower()}@iom.example",
    }


def _arrangement(number: int, office: str, hosts: Sequence[Country], timezone: str) -> dict[str, Any]:
    """The arrangement of the office that is `number` of all; no two in a row have arranged the same."""
    name = office.lower().replace("-", "_")
    mailbox = f"protection.{name}@unhcr.example"
    seal: dict[str, Any] = [
        {"seal": "pgp", "fingerprint": "0" * 40},
        {"seal": "password", "password_by": "telephone, +00 000 0000, the head of protection"},
        {"seal": "pgp", "fingerprint": "0" * 40},
        {"seal": "age", "recipient": "age12yw4prmf873r80afhk08jnns7kq37cl7htuxakptalfzvqpquprsfqqj8g"},
    ][number % 4]
    by_email = number % 10 == 9
    way = {"via": "email", "connection": "smtp_avr", "to": [mailbox]} if by_email else {}
    (country, *others) = hosts
    alone = not others and len(country.offices) == 1
    return {
        "office": office,
        "name": f"UNHCR {office}",
        "host_countries": [host.code for host in hosts],
        "iom_offices": [] if others or alone else [iom_offices(country)[country.offices.index(office)]],
        "timezone": timezone,
        "language": ("en", "fr", "en", "es", "ar", "en", "ru")[number % 7],
        "list": {
            "days": (["mon", "tue", "wed", "thu", "fri"], ["mon", "wed", "fri"], ["mon", "thu"])[number % 5 % 3],
            "at": "09:00",
            "holidays": country.code,
            "format": ("xlsx", "xlsx", "csv", "xlsx", "pdf")[number % 5],
        },
        "consent": "required" if number % 5 == 4 else "recorded",
        "deliver": [(way or {"via": "sftp", "connection": f"sftp_{name}", "folder": "/lists"}) | seal],
        "answers": ({"mailbox": "imap_avr"} if by_email else {"folder": "/answers"})
        | {"remind": [mailbox], "escalate": [f"focal.point.{country.code.lower()}@iom.example"]},
        "effective_from": FIRST,
    }


def _timezones() -> dict[str, str]:
    """For each host country, by its three letters, the first of its timezones."""
    with (files("tzdata") / "zoneinfo" / "zone.tab").open(encoding="utf-8") as file:
        rows = list(csv.reader((line for line in file if not line.startswith("#")), delimiter="\t"))
    first: dict[str, str] = {}
    for letters, _, zone, *_ in rows:
        first.setdefault(letters, zone)
    return {code: first[icu.Region.getInstance(code).getRegionCode()] for code in _HOSTS}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--countries", type=int, default=COUNTRIES)
    parser.add_argument("--offices", type=int, default=OFFICES)
    parser.add_argument("--cases", type=int, default=OPEN_CASES)
    parser.add_argument("--register", type=int, default=REGISTER)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    days = [FIRST + dt.timedelta(days=number) for number in range(given.days)]
    build(given.folder, given.countries, given.offices, given.cases, given.register, days, given.seed)


if __name__ == "__main__":
    main()

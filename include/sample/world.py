"""The world as files: extracts day by day with their manifests, and the truth beside them.

Reach for `World` to have a made-up world of any size. It is the same for the same arguments, to the byte.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from include.sample.canaries import PROCEDURE_COLUMNS, Canary, make_canaries
from include.sample.chance import Chance
from include.sample.hosts import Host, load_host
from include.sample.lives import CASE_COLUMNS, Case, Caseload, Cells
from include.sample.register import OUTCOMES, Register
from include.settings import write_private

CASES, PROCEDURE = "avr_cases", "asylum_procedure"
FEWEST_CASES, FEWEST_RECORDS = 40, 400

_STANDINGS = {
    "pending": "pending",
    "rejected": "rejected",
    "recognised": "recognised",
    "subsidiary": "recognised",
    "withdrawn": "withdrawn_claim",
    "otherwise_closed": "withdrawn_claim",
}
TRUTH_COLUMNS = (
    "case_id",
    "person_id",
    "asylum_references",
    "deciding_reference",
    "applied",
    "expected_standing",
    "canary",
    "what_happened",
)


@dataclass(frozen=True)
class Country:
    """One host country of the world."""

    host: Host
    register: Register
    caseload: Caseload
    canaries: list[Canary]


class Written(NamedTuple):
    """An extract as it was written; `rows` are all of its rows, also of one that was cut off."""

    file: Path
    manifest: Path
    rows: int


class World:
    """People, their claims and their AVR cases in `hosts`.

    seed: another seed, another world
    cases: AVR cases of each host country in the extract of the first day, canaries aside
    register: procedure records of each host country on the first day, canaries aside
    raises: ValueError if the world is too small for something to happen in it every day
    """

    def __init__(self, seed: int, hosts: Sequence[str], first_day: dt.date, cases: int, register: int) -> None:
        if cases < FEWEST_CASES or register < max(FEWEST_RECORDS, 2 * cases):
            raise ValueError(
                f"A world needs at least {FEWEST_CASES} cases and {FEWEST_RECORDS} procedure records for each host "
                f"country, and two records for each case; {cases} cases and {register} records were asked for."
            )
        self.hosts = list(hosts)
        self.first_day = first_day
        self._seed, self._cases, self._register = seed, cases, register
        self._countries: dict[str, Country] = {}

    def host(self, code: str) -> Host:
        """Who is in the host country `code`, and who writes it down; another world may know more of it."""
        return load_host(code)

    def country(self, host: str) -> Country:
        """The host country `host`, made when it is first asked for."""
        if host not in self._countries:
            known, chance = self.host(host), Chance(self._seed, host)
            register = Register(known, chance.child("register"), self.first_day, self._register)
            caseload = Caseload(known, chance.child("caseload"), register, self.first_day, self._cases)
            canaries = make_canaries(known, self.hosts.index(host), self.first_day)
            caseload.canaries = [canary.case for canary in canaries if canary.case]
            self._countries[host] = Country(known, register, caseload, canaries)
        return self._countries[host]

    def forget(self, host: str) -> None:
        """Free what is kept of `host`. It comes out the same when it is asked for again."""
        self._countries.pop(host, None)

    def extract(self, host: str, kind: str, day: dt.date) -> pd.DataFrame:
        """One extract as text, null where a cell is empty, rows that break the contract included.

        raises: ValueError if `day` is before the world's first
        """
        country = self._on(host, day)
        return _case_rows(country, day) if kind == CASES else _procedure_rows(country, day)

    def write_day(
        self, folder: Path, day: dt.date, *, truncated: Collection[tuple[str, str]] = frozenset()
    ) -> list[Path]:
        """Write both extracts of every host country to `{folder}/{HOST}/`, each with its manifest after it.

        truncated: (host, kind) of files that are cut off in the middle of a row; their manifests tell the whole.
            Writing the day again without it is the corrected file.
        returns: the files and manifests written
        """
        written = (
            self.write_extract(folder, host, kind, day, truncated=(host, kind) in truncated)
            for host in self.hosts
            for kind in (CASES, PROCEDURE)
        )
        return [path for extract in written for path in (extract.file, extract.manifest)]

    def write_extract(self, folder: Path, host: str, kind: str, day: dt.date, *, truncated: bool = False) -> Written:
        """Write one extract and its manifest; see `write_day`."""
        rows = self.extract(host, kind, day)
        content = as_csv(rows)
        tells = {"rows": len(rows), "sha256": hashlib.sha256(content).hexdigest()}
        file = folder / host / f"{kind}_{host}_{day:%Y%m%d}.csv"
        manifest = file.with_name(f"{file.name}.manifest.json")
        # Whoever looks in between must not take the new file for what the old manifest tells.
        manifest.unlink(missing_ok=True)
        write_private(file, cut_off(content) if truncated else content)
        write_private(manifest, json.dumps(tells, indent=2).encode() + b"\n")
        return Written(file, manifest, len(rows))

    def write_truth(self, folder: Path, day: dt.date, hosts: Sequence[str] | None = None) -> list[Path]:
        """Write `truth_` and `broken_{HOST}_{YYYYMMDD}.csv` of each host country, or of `hosts`, and `canaries.csv`."""
        written = []
        for host in self.hosts if hosts is None else hosts:
            for name, table in (("truth", self.truth(host, day)), ("broken", self.broken(host, day))):
                written.append(write_private(folder / f"{name}_{host}_{day:%Y%m%d}.csv", as_csv(table)))
        return [*written, write_private(folder / "canaries.csv", as_csv(self.canaries()))]

    def truth(self, host: str, day: dt.date) -> pd.DataFrame:
        """What is true of each case in the extract of `day`.

        returns: TRUTH_COLUMNS, all text: `asylum_references` are all records of the person in the register of that day,
            separated by `;`; `deciding_reference` is the newest that is not final, else the newest;
            `expected_standing` looks at the procedure alone (consent and doubt are the software's business);
            `what_happened` are codes of that day, separated by `;`
        """
        country = self._on(host, day)
        register, broken = country.register, {case.number: code for case, code in _broken_cases(country, day)}
        length = register.length_on(day)
        standing = register.standing(day)
        by_person: dict[int, list[int]] = {}
        positions = [case.position for case in country.caseload.cases if case.position is not None]
        for record in np.flatnonzero(np.isin(register.person[:length], positions)).tolist():
            by_person.setdefault(int(register.person[record]), []).append(record)
        rows = []
        for case, cells in country.caseload.snapshot(day):
            references = list(case.references)
            deciding, ideal = (references[0], "pending") if references else ("", "not_in_procedure")
            if case.position is not None:
                records = by_person.get(case.position, [])
                references = register.reference.take(np.array(records)).to_pylist()
                newest = max(records, key=lambda record: (not standing.final[record], register.applied[record]))
                deciding = references[records.index(newest)]
                ideal = _STANDINGS[OUTCOMES[standing.outcome[newest]]] if standing.final[newest] else "pending"
            if case.number in _rejected(country):
                ideal = "rejected"
            happened = case.happened_on(day)
            if case.number in broken:
                ideal, happened = "unusable", [*happened, f"broken_{broken[case.number]}"]
            rows.append(
                (
                    cells["case_id"],
                    case.person,
                    ";".join(references),
                    deciding,
                    str(bool(references)).lower(),
                    ideal,
                    str(case in country.caseload.canaries).lower(),
                    ";".join(happened),
                )
            )
        return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS), dtype="str")

    def broken(self, host: str, day: dt.date) -> pd.DataFrame:
        """The rows of `day` that break the contract on purpose.

        returns: kind, row_number (the header is row 1), id, column
        """
        country = self._on(host, day)
        found = []
        wrong_cases = {case.number: code for case, code in _broken_cases(country, day)}
        for number, (case, cells) in enumerate(country.caseload.snapshot(day), start=2):
            if case.number in wrong_cases:
                found.append((CASES, str(number), cells["case_id"], wrong_cases[case.number]))
        references = country.register.reference
        for record, (column, _) in _broken_records(country, day).items():
            found.append((PROCEDURE, str(record + 2), references[record].as_py(), column))
        return pd.DataFrame(found, columns=["kind", "row_number", "id", "column"], dtype="str")

    def canaries(self) -> pd.DataFrame:
        """Every value that must not be found outside of the data folder: host_country, canary, kind, value."""
        rows = [
            (host, canary.name, kind, value)
            for number, host in enumerate(self.hosts)
            for canary in make_canaries(self.host(host), number, self.first_day)
            for kind, value in canary.values
        ]
        return pd.DataFrame(rows, columns=["host_country", "canary", "kind", "value"], dtype="str")

    def _on(self, host: str, day: dt.date) -> Country:
        if day < self.first_day:
            raise ValueError(f"The world begins on {self.first_day}; there is nothing on {day}.")
        country = self.country(host)
        country.caseload.open_until(day)
        return country


def as_csv(rows: pd.DataFrame) -> bytes:
    """RFC 4180, UTF-8, empty cells for nulls."""
    stream = BytesIO()
    rows.to_csv(stream, index=False, lineterminator="\r\n", encoding="utf-8")
    return stream.getvalue()


def cut_off(content: bytes) -> bytes:
    """The first part of a file, as of a transfer that broke: about six tenths, ending in the middle of a row."""
    begins = content.index(b"\n", int(len(content) * 0.6)) + 1
    return content[: begins + (content.index(b"\n", begins) - begins) // 2]


def _case_rows(country: Country, day: dt.date) -> pd.DataFrame:
    wrong = {case.number: code for case, code in _broken_cases(country, day)}
    rows = [{**cells, **_FLAWS.get(wrong.get(case.number, ""), {})} for case, cells in country.caseload.snapshot(day)]
    return pd.DataFrame(rows, columns=list(CASE_COLUMNS), dtype="str")


def _procedure_rows(country: Country, day: dt.date) -> pd.DataFrame:
    rows = country.register.snapshot(day)[list(PROCEDURE_COLUMNS)]
    for record, (_, cells) in _broken_records(country, day).items():
        for column, text in cells.items():
            rows.loc[record, column] = text
    # Last, so that a row keeps its number; whoever reads by reference does not see it.
    extra = pd.DataFrame(
        [canary.record for canary in country.canaries if canary.record], columns=list(PROCEDURE_COLUMNS), dtype="str"
    )
    return pd.concat([rows, extra.astype(rows.dtypes.to_dict())], ignore_index=True)


def _rejected(country: Country) -> set[int]:
    return {canary.case.number for canary in country.canaries if canary.case and canary.name == "rejected"}


# What a column of a broken case holds. The first two are in every day's extract.
_FLAWS: dict[str, Cells] = {
    "expected_departure_on": {"expected_departure_on": "31/02/2027"},
    "family_name": {"family_name": None, "given_names": None},
    "updated_at": {"updated_at": "yesterday 10:15"},
    "nationality": {"nationality": "Afghan"},
    "status": {"status": "travelled"},
}
_REGISTER_FLAWS: tuple[tuple[str, Cells], ...] = (
    ("date_of_birth", {"date_of_birth": "00/00/1990"}),
    ("family_name", {"family_name": None, "given_names": None}),
    ("applied_on", {"applied_on": "n/a"}),
    ("outcome", {"outcome": "unknown"}),
    ("updated_at", {"updated_at": "2026-10-01 09:30"}),
)


def _broken_cases(country: Country, day: dt.date) -> list[tuple[Case, str]]:
    """The canary that is always in quarantine, and others that are there today; each with the column to blame."""
    always = [
        (canary.case, "date_of_birth") for canary in country.canaries if canary.case and canary.name == "quarantined"
    ]
    # Nobody an office was certainly told of: their news must come through.
    candidates = [case for case, _ in country.caseload.snapshot(day) if not case.sure and not case.references]
    candidates = [case for case in candidates if case not in country.caseload.canaries and not case.happened_on(day)]
    dice = Chance(0, country.host.code).dice("broken", day.isoformat(), str(len(candidates)))
    count = 2 + len(candidates) // 500
    found: list[tuple[Case, str]] = []
    for number in range(min(count, len(candidates) // 4)):
        case = candidates.pop(dice.between(0, len(candidates) - 1))
        found.append((case, list(_FLAWS)[number % len(_FLAWS)]))
    return always + found


def _broken_records(country: Country, day: dt.date) -> dict[int, tuple[str, Cells]]:
    """Records of people who have no case, each with the column to blame and its cells."""
    register = country.register
    length = register.length_on(day)
    spared = {case.position for case in country.caseload.cases if case.on(day)}
    dice = Chance(0, country.host.code).dice("broken records", day.isoformat())
    found: dict[int, tuple[str, Cells]] = {}
    for number in range(2 + length // 20_000):
        record = dice.between(0, length - 1)
        if int(register.person[record]) not in spared:
            found[record] = _REGISTER_FLAWS[number % len(_REGISTER_FLAWS)]
    return found

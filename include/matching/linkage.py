"""Linking AVR cases to a register: candidates, Splink's probability for each, and the decision over the whole file.

Reach for `link`. It accepts only what no other candidate comes near; everything that may be true and is not certain
goes to a person.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as arrow
from pyarrow import csv
from rapidfuzz.distance import DamerauLevenshtein
from splink import Linker
from splink.internals.duckdb.database_api import DuckDBAPI

from include.matching import birthdates, model
from include.matching.candidates import people, with_blocks
from include.matching.names import SAME_NAME, name_similarity, tokens
from include.matching.references import look_alike
from include.settings import write_private

MODEL_VERSION = model.VERSION
COLUMNS = ["case_id", "asylum_reference", "match_probability", "decision", "method"]
ACCEPT = 0.999
"""From this probability on a pair may be accepted, if nothing speaks against it and nobody else comes near."""
REVIEW = 0.02
"""From this probability on a pair is worth a person's time."""
RIVAL = 0.2
"""A second person as probable as this forbids to accept the first."""
MOST_REVIEWS = 5
_BY_REFERENCE = 0.99


def link(cases: pd.DataFrame, register: pd.DataFrame, *, threads: int = 2) -> pd.DataFrame:
    """Which record of the register is each case's, or may be.

    cases, register: rows of the two extracts; optional columns may be missing
    returns: COLUMNS; at most one `accept` for a case, and then no `review`; at most MOST_REVIEWS `review`, best first;
        no row for a case without a candidate. Of several records of one person the one that decides the standing is
        accepted: the newest that is not final, or the newest.
    """
    if cases.empty or register.empty:
        return _frame([])
    cases, register = cases.reset_index(drop=True), register.reset_index(drop=True)
    left, right = with_blocks(people(cases, "asylum_reference"), people(register, "asylum_reference"))
    if right.empty:
        return _frame([])
    pairs = _score(left.assign(rarity=_rarity(left, right, len(register))), right, len(register), threads)
    return _decide(pairs, cases, register, left, right)


@dataclass(frozen=True)
class _Pair:
    case: int
    record: int
    probability: float
    same_reference: bool
    against: bool
    """Whether something contradicts that they are one person."""
    borne_out: bool
    """Whether something beyond name and birth date says that they are."""


_COLUMNS_SCORED = {
    "unique_id": arrow.int64(),
    "block": arrow.list_(arrow.string()),
    "rarity": arrow.float64(),
    **dict.fromkeys(
        ["person", "father", "mother", "place", "birth_date", "sex", "nationality", "reference", "unhcr_reference"],
        arrow.string(),
    ),
}


def _score(left: pd.DataFrame, right: pd.DataFrame, size: int, threads: int) -> list[_Pair]:
    """Splink's probability for each pair of a case and a record that share a key."""
    connection = duckdb.connect(config={"threads": threads})
    try:
        connection.create_function("name_level", _name_levels, ["VARCHAR", "VARCHAR"], "INTEGER", type="arrow")
        connection.create_function("birth_level", _birth_levels, ["VARCHAR", "VARCHAR"], "INTEGER", type="arrow")
        connection.create_function("reference_off", _references_off, ["VARCHAR", "VARCHAR"], "BOOLEAN", type="arrow")
        api = DuckDBAPI(connection=connection)
        tables = [
            api.register(
                arrow.Table.from_pandas(
                    table.assign(unique_id=table.index, person=pd.Series(_both_scripts(table), table.index))[
                        list(_COLUMNS_SCORED)
                    ],
                    arrow.schema(list(_COLUMNS_SCORED.items())),
                    preserve_index=False,
                ),
                dataset_display_name=name,
            )
            for name, table in (("a_cases", left), ("b_register", right.assign(rarity=0.0)))
        ]
        linker = Linker(tables, model.settings(size), log_level=logging.ERROR)
        found = linker.inference.predict(threshold_match_probability=1e-6, warning_mode="never").as_pandas_dataframe()
    finally:
        connection.close()
    one, other = _by_index(left), _by_index(right)
    return [
        _Pair(
            case=int(case),
            record=int(record),
            probability=float(probability),
            same_reference=bool(one[case]["reference"]) and one[case]["reference"] == other[record]["reference"],
            against=_contradict(one[case], other[record]),
            borne_out=_borne_out(one[case], other[record]),
        )
        for case, record, probability in zip(
            found["unique_id_l"], found["unique_id_r"], found["match_probability"], strict=True
        )
    ]


def _decide(
    pairs: list[_Pair], cases: pd.DataFrame, register: pd.DataFrame, left: pd.DataFrame, right: pd.DataFrame
) -> pd.DataFrame:
    one, other = _by_index(left), _by_index(right)
    of_case: dict[int, list[_Pair]] = {}
    for pair in pairs:
        of_case.setdefault(pair.case, []).append(pair)
    chosen = {case: best for case, found in of_case.items() if (best := _choose(found, other))}

    # One to one between persons: a record that two different people claim is nobody's until a person has looked.
    claims: dict[int, list[int]] = {}
    for case, records in chosen.items():
        for pair in records:
            claims.setdefault(pair.record, []).append(case)
    for claimants in claims.values():
        first = claimants[0]
        if any(not _same_person(one[first], one[case]) for case in claimants[1:]):
            for case in claimants:
                chosen.pop(case, None)

    deciding = register[["asylum_reference"]].assign(
        open=~register["final"].astype(str).str.lower().eq("true") if "final" in register else True,
        applied=register["applied_on"].astype(str) if "applied_on" in register else "",
        updated=register["updated_at"].astype(str) if "updated_at" in register else "",
    )
    rows: list[tuple[Any, ...]] = []
    references: dict[int, str] = dict(enumerate(register["asylum_reference"]))
    ids: dict[int, str] = dict(enumerate(cases["case_id"]))
    for case in left.index:
        found = of_case.get(case, [])
        if case in chosen:
            newest = (
                deciding.loc[[pair.record for pair in chosen[case]]]
                .sort_values(["open", "applied", "updated"])
                .index[-1]
            )
            probability = max(pair.probability for pair in chosen[case])
            method = "reference" if any(pair.same_reference for pair in chosen[case]) else "linkage"
            rows.append((ids[case], references[newest], probability, "accept", method))
            continue
        doubtful = [pair for pair in found if pair.probability >= REVIEW or pair.same_reference]
        doubtful.sort(key=lambda pair: (-pair.probability, str(references[pair.record])))
        rows += [
            (
                ids[case],
                references[pair.record],
                pair.probability,
                "review",
                "reference" if pair.same_reference else "linkage",
            )
            for pair in doubtful[:MOST_REVIEWS]
        ]
    return _frame(rows)


def _by_index(table: pd.DataFrame) -> dict[int, dict[str, Any]]:
    return dict(zip(table.index, _people(table), strict=True))


def _people(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]


def _choose(found: list[_Pair], records: dict[int, dict[str, Any]]) -> list[_Pair] | None:
    """The records of the one person who can be accepted for a case, or None where there is doubt."""
    sound = sorted((pair for pair in found if not pair.against), key=lambda pair: -pair.probability)
    if not sound:
        return None
    best = sound[0]
    if best.probability < (_BY_REFERENCE if best.same_reference else ACCEPT):
        return None
    if not best.same_reference and not best.borne_out:
        return None
    same = [best]
    for pair in sound[1:]:
        if _same_person(records[best.record], records[pair.record]):
            same.append(pair)
        elif pair.probability >= RIVAL and not (best.same_reference and not pair.same_reference):
            return None
    return same


def _contradict(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a name, the birth date, the sex or the father says that these are two people."""
    if one["sex"] and other["sex"] and one["sex"] != other["sex"]:
        return True
    if birthdates.agreement(one["birth_date"], other["birth_date"]) == birthdates.DIFFERS:
        return True
    if one["father"] and other["father"] and name_similarity(one["father"], other["father"]) < _ANOTHER_FATHER:
        return True
    return _likeness(_scripts(one), _scripts(other)) < SAME_NAME


_ANOTHER_FATHER = 0.5


def _borne_out(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a parent, the place of birth or UNHCR's number agrees, and none of them disagrees.

    In a country's register two people of one name and one birth date are not rare enough to be told apart by these
    alone: such a pair is a person's to decide.
    """
    agree = False
    for field in ("father", "mother", "place"):
        if one[field] and other[field]:
            likeness = name_similarity(one[field], other[field])
            if likeness < _ANOTHER_NAME:
                return False
            agree = agree or likeness >= SAME_NAME
    if one["unhcr_reference"] and other["unhcr_reference"]:
        return bool(one["unhcr_reference"] == other["unhcr_reference"])
    return agree


def _same_person(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two records of one file are surely of one person: a first and a further application, say.

    A part of the name that only one of them has may be all that tells twins apart.
    """
    if _contradict(one, other) or len(tokens(_scripts(one)[0])) != len(tokens(_scripts(other)[0])):
        return False
    if one["nationality"] and other["nationality"] and one["nationality"] != other["nationality"]:
        return False
    if one["unhcr_reference"] and one["unhcr_reference"] == other["unhcr_reference"]:
        return True
    agreement = birthdates.agreement(one["birth_date"], other["birth_date"])
    if agreement == birthdates.SAME:
        return True
    fathers = one["father"] and other["father"] and name_similarity(one["father"], other["father"]) >= SAME_NAME
    return agreement in (birthdates.GUESSED, birthdates.YEAR) and bool(fathers)


def _rarity(left: pd.DataFrame, right: pd.DataFrame, size: int) -> list[float]:
    """How rare each case's name is in the register, in powers of ten: two common names 3, two rare ones 8 or more."""
    counts: dict[str, int] = {}
    for name in right["person"].dropna():
        for token in set(tokens(name)):
            counts[token.skeleton] = counts.get(token.skeleton, 0) + 1
    return [
        sum(math.log10(max(size, 100) / (1 + counts.get(token.skeleton, 0))) for token in tokens(name)) if name else 0.0
        for name in left["person"]
    ]


def _both_scripts(table: pd.DataFrame) -> list[str | None]:
    return [_BETWEEN.join(scripts) or None for scripts in map(_scripts, _people(table))]


def _scripts(person: dict[str, Any]) -> list[str]:
    return [name for name in (person["person"], person["original"]) if name]


_BETWEEN = "\n"
"""Between the spellings of one name; no cell of an extract holds it."""


def _likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """How alike two people's names are, each given as one spelling or, in the original script, a second."""
    best = max((name_similarity(a, b) for a in one for b in other), default=0.0)
    # The original script may hold less of a name: where it agrees and the rest does not, that is a doubt.
    contradicted = best >= SAME_NAME and name_similarity(one[0], other[0]) < _ANOTHER_NAME
    return _DOUBTFUL_NAME if contradicted else best


_ANOTHER_NAME, _DOUBTFUL_NAME = 0.5, 0.7


def _name_levels(one: arrow.Array, other: arrow.Array) -> arrow.Array:
    likenesses = (
        _likeness(a.split(_BETWEEN), b.split(_BETWEEN)) for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True)
    )
    return arrow.array(
        [3 if x >= 0.92 else 2 if x >= SAME_NAME else 1 if x >= 0.5 else 0 for x in likenesses], arrow.int32()
    )


def _birth_levels(one: arrow.Array, other: arrow.Array) -> arrow.Array:
    return arrow.array(map(birthdates.agreement, one.to_pylist(), other.to_pylist()), arrow.int32())


def _references_off(one: arrow.Array, other: arrow.Array) -> arrow.Array:
    pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
    return arrow.array([look_alike(a) == look_alike(b) or DamerauLevenshtein.distance(a, b) == 1 for a, b in pairs])


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({column: "float64" if column == "match_probability" else "str" for column in COLUMNS})


@dataclass(frozen=True)
class Counts:
    """What a file of matches holds."""

    cases: int
    accepted: int
    in_review: int


_REQUIRED = {"cases": ("case_id",), "register": ("asylum_reference", "applied_on", "final")}


def link_files(cases: Path, register: Path, out: Path) -> Counts:
    """Link the cases of one CSV file to the register in another and write the matches to `out`.

    raises: ValueError, naming file and column, if a column that linking needs is missing, or a case has no id
    """
    tables = {name: _read(path, _REQUIRED[name]) for name, path in (("cases", cases), ("register", register))}
    without_id = tables["cases"]["case_id"].isna()
    if without_id.any():
        raise ValueError(
            f"{cases.name} row {int(without_id.to_numpy().argmax()) + 2}: case_id is empty; every case needs one"
        )
    matches = link(tables["cases"], tables["register"])
    write_private(out.absolute(), matches.to_csv(index=False, lineterminator="\r\n").encode())
    accepted = matches["decision"] == "accept"
    return Counts(len(tables["cases"]), int(accepted.sum()), matches.loc[~accepted, "case_id"].nunique())


def _read(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    """Every column as text, empty cells as missing."""
    options = csv.ReadOptions(block_size=16 << 20)
    with path.open("rb") as file:
        header = csv.open_csv(file).schema.names
    missing = [column for column in required if column not in header]
    if missing or not {"family_name", "given_names"} & set(header):
        raise ValueError(f"{path.name} has no column {', '.join(missing) or 'family_name or given_names'}")
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(header, arrow.string()), strings_can_be_null=True, null_values=[""]
    )
    table = csv.read_csv(path, options, csv.ParseOptions(newlines_in_values=True), convert)
    return table.to_pandas(types_mapper={arrow.string(): pd.StringDtype("pyarrow", na_value=float("nan"))}.get)

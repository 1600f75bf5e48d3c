"""Which records of a register may be a case's person at all: few enough to look at, with the right one among them.

Reach for this to see by which keys a pair can meet. Everything that touches the whole register is done by DuckDB over
distinct values; names are analysed only where a key already joins a case.
"""

import unicodedata

import duckdb
import pandas as pd

from include.matching import birthdates, references
from include.matching.names import tokens

PERSON_COLUMNS = [
    "person",
    "original",
    "father",
    "mother",
    "place",
    "birth_date",
    "sex",
    "nationality",
    "reference",
    "unhcr_reference",
]
_UNKNOWN_NATIONALITIES = ("XXA", "XXB", "XXC", "XXX")
_YEARS_AROUND = range(-2, 3)


def people(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The evidence of each row in one form, PERSON_COLUMNS, None where it is missing.

    rows: of an extract; columns beyond the required ones may be missing altogether
    reference: the column that holds the asylum reference
    """

    def column(name: str) -> pd.Series:
        found = rows[name] if name in rows else pd.Series(None, index=rows.index, dtype=object)
        return found.astype(object).where(found.notna() & (found.astype(object) != ""), None)

    given, family = column("given_names"), column("family_name")
    nationality = column("nationality")
    found = pd.DataFrame(
        {
            "person": [" ".join(filter(None, pair)) or None for pair in zip(given, family, strict=True)],
            "original": column("name_original_script"),
            "father": column("father_name"),
            "mother": column("mother_name"),
            "place": column("place_of_birth"),
            "birth_date": column("date_of_birth").map(_day, na_action="ignore"),
            "sex": column("sex").where(column("sex").isin(["F", "M"]), None),
            "nationality": nationality.where(~nationality.isin(_UNKNOWN_NATIONALITIES), None),
            "reference": _plain(column(reference)),
            "unhcr_reference": _plain(column("unhcr_reference")),
        },
        index=rows.index,
    ).astype(object)
    return found.where(found.notna(), None)


def with_blocks(cases: pd.DataFrame, register: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cases and those records that share a key with one of them, each with its keys in `block`.

    Keys: the reference, the UNHCR reference, a full birth date with the nationality, any birth date with a part of
    the name, two parts of the name with the year of birth (give or take two), two parts alone where no date is known.
    """
    case_keys = [_keys(row, around=True) for row in cases.itertuples(index=False)]
    wanted = {key for keys in case_keys for key in keys}
    near = _near(register, cases)
    register_keys = [_keys(row, around=False) & wanted for row in near.itertuples(index=False)]
    kept = [bool(keys) for keys in register_keys]
    return (
        cases.assign(block=pd.Series([sorted(keys) for keys in case_keys], cases.index)),
        near.assign(block=pd.Series([sorted(keys) for keys in register_keys], near.index))[kept],
    )


def _near(register: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """The records whose reference, birth date or year of birth any case has: a join, before names are looked at."""
    if len(register) < 20_000:
        return register
    connection = duckdb.connect()
    left = register.assign(_row=range(len(register)))[["_row", "reference", "unhcr_reference", "birth_date"]]
    connection.register("records", left)
    connection.register("cases", cases[["reference", "unhcr_reference", "birth_date"]])
    rows = connection.execute(
        """
        WITH years AS (
            SELECT DISTINCT CAST(substr(birth_date, 1, 4) AS INTEGER) + around AS year
            FROM cases, (SELECT unnest([-2, -1, 0, 1, 2]) AS around) WHERE birth_date IS NOT NULL)
        SELECT _row FROM records
        WHERE reference IN (SELECT reference FROM cases) OR unhcr_reference IN (SELECT unhcr_reference FROM cases)
           OR birth_date IS NULL OR CAST(substr(birth_date, 1, 4) AS INTEGER) IN (SELECT year FROM years)
           OR EXISTS (SELECT 1 FROM cases WHERE birth_date IS NULL)
        ORDER BY _row
        """
    ).fetchnumpy()["_row"]
    connection.close()
    return register.iloc[rows]


def _keys(row: object, *, around: bool) -> set[str]:
    keys = set()
    date: str | None = row.birth_date  # type: ignore[attr-defined]
    for name, value in (("r", row.reference), ("u", row.unhcr_reference)):  # type: ignore[attr-defined]
        if value:
            keys.add(f"{name}:{references.look_alike(value)}")
    shapes: set[frozenset[str]] = set()
    for name in (row.person, row.original):  # type: ignore[attr-defined]
        if name:
            shapes.add(frozenset(token.skeleton for token in tokens(name) if token.skeleton))
    if date and birthdates.certain(birthdates.parts(date) or ()):
        keys.add(f"d:{date}:{row.nationality}")  # type: ignore[attr-defined]
    year = int(date[:4]) if date else None
    years = [year + gap for gap in (_YEARS_AROUND if around else (0,))] if year else [None]
    for shape in shapes:
        parts = sorted(shape)
        if date:
            keys |= {f"n:{part}:{date}" for part in parts}
        for number, one in enumerate(parts):
            keys |= {f"t:{one}:{other}:{year}" for other in parts[number + 1 :] for year in years}
            if around and year:
                keys |= {f"t:{one}:{other}:None" for other in parts[number + 1 :]}
    return keys


def _plain(column: pd.Series) -> pd.Series:
    return column.map(references.plain, na_action="ignore").map(lambda value: value or None, na_action="ignore")


def _day(value: object) -> str | None:
    """The date as text, or None for what is none: linking from the command line sees rows that no contract checked."""
    text = unicodedata.normalize("NFKC", str(value))[:10]
    return text if birthdates.parts(text) else None

"""What an extract must look like: one declaration for each column, and the rules between columns.

Reach for this to know which columns a kind of extract has, to check a table of text against its contract, or to
turn checked text into dates, moments and booleans. The contract is docs/extracts.md, written for data owners.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

import pandas as pd
import pyarrow as arrow
from pyarrow import compute

from include.extracts.countries import COUNTRIES

if TYPE_CHECKING:
    import pandera.pandas as pa  # slow to import, and of no use to a task that only reads what was checked

CASES = "avr_cases"
PROCEDURE = "asylum_procedure"

EARLIEST = date(1900, 1, 1)
TEXT_DTYPE = pd.StringDtype("pyarrow", na_value=float("nan"))
# One C0 or C1 control character: line break, tab, NUL and the like. They forge lines in lists and logs.
CONTROL_CHARACTER = r"[\x00-\x1f\x7f-\x{9f}]"

Form = Literal["text", "code", "codes", "country", "date", "partial_date", "boolean", "moment"]


@dataclass(frozen=True)
class Column:
    """One column of an extract: its name and what a cell of it may be."""

    name: str
    form: Form = "text"
    required: bool = False
    """Whether the header must have it and every row must fill it."""
    longest: int = 200
    """Characters, for text."""
    values: tuple[str, ...] = ()
    """All that is allowed, for a code."""
    latest: int = 1
    """Dates and moments: how many days after the extract's day they may lie. One, as a night's pull may end late."""

    @property
    def allowed(self) -> str:
        """What a person should write, as the end of a sentence."""
        return {
            "text": f"write text of 1 to {self.longest} characters in one line",
            "code": f"write one of {', '.join(self.values)}",
            "codes": "write codes of small letters, digits and _ with ; between them",
            "country": "write an ISO 3166-1 alpha-3 code such as AFG, XKX for Kosovo, "
            "or one of ICAO's XXA, XXB, XXC, XXX",
            "date": "write YYYY-MM-DD",
            "partial_date": "write YYYY, YYYY-MM or YYYY-MM-DD",
            "boolean": "write true or false",
            "moment": "write date, time and offset, such as 2026-11-23T08:15:00+02:00",
        }[self.form]


_PERSON = (
    Column("family_name"),
    Column("given_names"),
    Column("name_original_script"),
    Column("father_name"),
    Column("mother_name"),
    Column("place_of_birth"),
    Column("date_of_birth", "partial_date", latest=0),
    Column("sex", "code", values=("F", "M", "X")),
    Column("nationality", "country", required=True),
)

CASE_COLUMNS: tuple[Column, ...] = (
    Column("case_id", required=True, longest=64),
    Column("host_country", "country", required=True),
    *_PERSON,
    Column("asylum_reference", longest=64),
    Column("unhcr_reference", longest=64),
    Column("iom_office", longest=64),
    Column("destination_country", "country"),
    Column("destination_place"),
    Column("registered_on", "date", required=True),
    # Ten years: a placeholder such as 9999-12-31 is no expectation and must not be told as one.
    Column("expected_departure_on", "date", latest=3653),
    Column("departed_on", "date"),
    Column(
        "status",
        "code",
        required=True,
        values=("registered", "booked", "departed", "withdrawn", "no_show", "closed"),
    ),
    Column("sharing_consent", "boolean"),
    Column("origin_objection", "boolean"),
    Column("vulnerabilities", "codes"),
    Column("updated_at", "moment", required=True),
)

PROCEDURE_COLUMNS: tuple[Column, ...] = (
    Column("asylum_reference", required=True, longest=64),
    Column("host_country", "country", required=True),
    # A register may not know everybody's nationality: then it writes XXX.
    *_PERSON,
    Column("unhcr_reference", longest=64),
    Column("applied_on", "date", required=True),
    Column("stage", "code", required=True, values=("registered", "first_instance", "appeal", "closed")),
    Column(
        "outcome",
        "code",
        required=True,
        values=("pending", "recognised", "subsidiary", "rejected", "withdrawn", "otherwise_closed"),
    ),
    Column("outcome_on", "date"),
    Column("final", "boolean", required=True),
    Column("updated_at", "moment", required=True),
)

COLUMNS = {CASES: CASE_COLUMNS, PROCEDURE: PROCEDURE_COLUMNS}
ID_COLUMN = {CASES: "case_id", PROCEDURE: "asylum_reference"}
ONE_OF = ("family_name", "given_names")
"""The header must have at least one of them, and every row must fill at least one. Mononyms are normal."""

Test = Callable[[pd.Series], pd.Series]


class Rule(NamedTuple):
    """A rule between the cells of a row. `column` is where the data owner should look."""

    column: str
    holds: Callable[[pd.DataFrame], pd.Series]
    problem: str


_NAMED = Rule(
    "family_name",
    lambda rows: rows["family_name"].notna() | rows["given_names"].notna(),
    "is empty and so is given_names; fill at least one of them",
)
_DATED_DEPARTURE = Rule(
    "departed_on",
    lambda rows: (rows["status"] != "departed") | rows["departed_on"].notna(),
    "is empty although status is departed; write the day of departure as YYYY-MM-DD",
)
_FINAL_OUTCOME = Rule(
    "final",
    lambda rows: ~((rows["outcome"] == "pending") & (rows["final"].str.lower() == "true")),
    "is true although outcome is pending; a final record needs its outcome",
)
RULES = {CASES: (_NAMED, _DATED_DEPARTURE), PROCEDURE: (_NAMED, _FINAL_OUTCOME)}


def empty(kind: str) -> pd.DataFrame:
    """No rows, with every column of `kind` in its type (see `typed`)."""
    return typed(pd.DataFrame({column.name: pd.array([], dtype=TEXT_DTYPE) for column in COLUMNS[kind]}), kind)


def schema(kind: str, host_country: str, day: date, of: Sequence[Column] | None = None) -> "pa.DataFrameSchema":
    """The pandera schema of one extract, over a table of trimmed text with nulls for empty cells.

    Each check's `name` is the column to blame and its `error` the end of a sentence that starts with the cell.
    of: only these columns of the contract, among them those that its rules look at
    """
    import pandera.pandas as pa

    columns = {
        column.name: pa.Column(TEXT_DTYPE, nullable=True, checks=list(_checks(column, host_country, day)))
        for column in of or COLUMNS[kind]
    }
    # Pandera copies each failing cell into its report; the failing rows themselves are read from check_output.
    between = [pa.Check(rule.holds, name=rule.column, error=rule.problem, n_failure_cases=1) for rule in RULES[kind]]
    return pa.DataFrameSchema(columns, checks=between)


def problems(rows: pd.DataFrame, kind: str, host_country: str, day: date) -> pd.DataFrame:
    """Everything that is wrong with `rows`, all at once: one line for each cell and rule that it breaks.

    rows: text, index 0..n-1, every column of `kind`, or those of them that count
    returns: `position` (in rows), `column`, `reason` (the end of a sentence that starts with the cell)
    """
    from pandera.errors import SchemaErrors

    try:
        here = [column for column in COLUMNS[kind] if column.name in rows]
        schema(kind, host_country, day, here).validate(rows, lazy=True, inplace=True)
    except SchemaErrors as error:
        failed = error.schema_errors
    else:
        failed = []
    found = [_same_id(rows, ID_COLUMN[kind])]
    for failure in failed:
        if not isinstance(failure.check_output, pd.Series):
            raise TypeError(f"The contract of {kind} has a check that does not run on its column.")
        wrong = failure.check_output.index[~failure.check_output.to_numpy(dtype=bool)]
        found.append(_lines(wrong, failure.check.name, failure.check.error))
    return pd.concat(found, ignore_index=True)


def typed(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """`rows` of good text in the types that the other rooms read. Columns are taken out of `rows` one by one.

    Text, codes, countries and partial dates stay pandas `str`; dates become datetime64[s] at midnight without zone,
    moments datetime64[us, UTC], booleans nullable `boolean`. Empty cells are NA or NaT.
    """
    convert = {"date": as_dates, "moment": as_moments, "boolean": _as_booleans}
    return pd.DataFrame(
        {
            column.name: convert.get(column.form, lambda text: text)(rows.pop(column.name))
            for column in COLUMNS[kind]
            if column.name in rows
        }
    )


def as_dates(text: pd.Series) -> pd.Series:
    """Days as datetime64[s] from YYYY-MM-DD; NaT for what is no day of the calendar."""
    # Registers repeat their dates: each distinct one is read once.
    codes, distinct = pd.factorize(text)
    written = pd.Series(distinct, dtype=TEXT_DTYPE)
    written = written.where(written.str.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}"))
    days = pd.to_datetime(written, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
    # factorize gives -1 for null; the NaT at the end answers it.
    days = pd.concat([days, pd.Series([pd.NaT], dtype="datetime64[s]")])
    return pd.Series(days.to_numpy()[codes], index=text.index)


def as_moments(text: pd.Series) -> pd.Series:
    """Moments as datetime64[us, UTC] from RFC 3339 with offset; NaT for what is none."""
    in_form = text.str.fullmatch(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
        r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    )
    good = in_form.fillna(False).astype(bool) & as_dates(text.str.slice(0, 10)).notna()
    values = compute.utf8_upper(_arrow(text.where(good)))
    # Arrow reads six digits of a second at most.
    values = compute.replace_substring_regex(values, r"(\.[0-9]{6})[0-9]+", r"\1")
    moments = values.cast(arrow.timestamp("us", "UTC")).to_pandas()
    return moments.astype("datetime64[us, UTC]").set_axis(text.index)


def _as_booleans(text: pd.Series) -> pd.Series:
    return (text.str.lower() == "true").astype("boolean").mask(text.isna())


def _arrow(text: pd.Series) -> arrow.ChunkedArray:
    return arrow.chunked_array(arrow.array(text.array, type=arrow.large_string()))


def _checks(column: Column, host_country: str, day: date) -> "Iterator[pa.Check]":
    """The checks of one column. Only the first sees nulls."""
    import pandera.pandas as pa

    if column.name == "host_country":
        # Any other country refuses the whole file (reading.py); what is left here is no country at all.
        column = replace(column, form="code", values=(host_country,))
    if column.required:
        yield pa.Check(
            lambda cells: cells.notna(),
            name=column.name,
            error=f"is empty, and every row needs it; {column.allowed}",
            ignore_na=False,
            n_failure_cases=1,
        )
    for holds, problem in _TESTS[column.form](column, day):
        yield pa.Check(holds, name=column.name, error=f"{problem}; {column.allowed}", n_failure_cases=1)


def _text(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    yield (
        lambda cells: ~cells.str.contains(CONTROL_CHARACTER),
        ("holds a line break, tab or other control character (a missing quote before it does that too)"),
    )
    yield lambda cells: cells.str.len() <= column.longest, "is too long"


def _code(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    yield lambda cells: cells.isin(column.values), "is not an allowed code"


def _codes(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    yield lambda cells: cells.str.fullmatch("[a-z0-9_]+( *; *[a-z0-9_]+)* *;?"), "is not a list of codes"
    yield lambda cells: cells.str.len() <= column.longest, f"is longer than {column.longest} characters"


def _country(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    yield lambda cells: cells.isin(COUNTRIES), "is not a country code"


def _boolean(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    # Spreadsheets write TRUE.
    yield lambda cells: cells.str.lower().isin(("true", "false")), "is neither true nor false"


def _date(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    yield lambda cells: as_dates(cells).notna(), "is not a date"
    yield _within(as_dates, column, day)


def _partial_date(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    yield lambda cells: _first_days(cells).notna(), "is not a date"
    yield _within(_first_days, column, day)


def _moment(column: Column, day: date) -> Iterator[tuple[Test, str]]:
    yield lambda cells: as_moments(cells).notna(), "is not a moment with its offset"
    # By the source's own calendar day: an offset must not push a late evening over the bound.
    yield _within(lambda cells: as_dates(cells.str.slice(0, 10)), column, day)


def _first_days(cells: pd.Series) -> pd.Series:
    """The first day that a partial date can mean."""
    length = cells.str.len()
    return as_dates(cells.mask(length == 4, cells + "-01-01").mask(length == 7, cells + "-01"))


def _within(read: Test, column: Column, day: date) -> tuple[Test, str]:
    latest = day + timedelta(days=column.latest)
    first, last = pd.Timestamp(EARLIEST), pd.Timestamp(latest)

    def holds(cells: pd.Series) -> pd.Series:
        days = read(cells)
        # What is no date has its own reason already.
        return days.isna() | days.between(first, last)

    return holds, f"lies before {EARLIEST} or after {latest}"


_TESTS: dict[Form, Callable[[Column, date], Iterator[tuple[Test, str]]]] = {
    "text": _text,
    "code": _code,
    "codes": _codes,
    "country": _country,
    "date": _date,
    "partial_date": _partial_date,
    "boolean": _boolean,
    "moment": _moment,
}


def _same_id(rows: pd.DataFrame, id_column: str) -> pd.DataFrame:
    """Rows that share an id. Of rows alike in every column the first stays; of rows that differ none does.

    Two rows that differ say two things about one person, and telling an office the wrong one may harm them. The
    case keeps its last good state meanwhile, and the data owner hears of it.
    """
    shared = rows[rows[id_column].notna() & rows[id_column].duplicated(keep=False)]
    different = shared.drop_duplicates()
    differing = different[id_column][different[id_column].duplicated(keep=False)]
    conflict = shared[id_column].isin(differing)
    again = shared[~conflict].duplicated()
    return pd.concat(
        [
            _lines(
                conflict.index[conflict],
                id_column,
                "stands in several rows that differ, and none of them can be trusted over the others; "
                f"send one row for each {id_column}",
            ),
            _lines(again.index[again], id_column, "stands in an earlier row that is the same; that one is used"),
        ]
    )


def _lines(positions: pd.Index, column: str, reason: str) -> pd.DataFrame:
    return pd.DataFrame({"position": positions.to_numpy(dtype="int64"), "column": column, "reason": reason}).astype(
        {"column": TEXT_DTYPE, "reason": TEXT_DTYPE}
    )

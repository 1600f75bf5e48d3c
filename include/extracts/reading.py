"""From a landed file to good rows and quarantined ones, or a refusal of the whole.

Reach for `read_extract`. What each column may hold is in `contract`; this module reads the three formats into one
table of text, and keeps count of every row.
"""

import codecs
import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
from pyarrow import compute, csv, parquet

from include.extracts.contract import COLUMNS, ONE_OF, TEXT_DTYPE, problems, typed
from include.extracts.countries import HOST_COUNTRIES
from include.extracts.manifest import Manifest, sha256_of
from include.extracts.refused import ExtractRefused

_SHAPE = "has another number of cells than the header"


@dataclass(frozen=True)
class Extract:
    """One file, read: `row_count` is always the good rows and the quarantined ones together."""

    file: str
    kind: str
    host_country: str
    day: dt.date
    rows: pd.DataFrame
    """The good rows, all columns of the contract, in the types of `contract.typed`."""
    quarantined: pd.DataFrame
    """One line for each reason: `row` (as a spreadsheet counts, the header is 1), `column`, `value`, `reason`."""
    row_count: int
    unknown_columns: tuple[str, ...]

    @property
    def good_count(self) -> int:
        return len(self.rows)

    @property
    def quarantined_count(self) -> int:
        """Rows, not reasons."""
        return self.row_count - self.good_count


@dataclass(frozen=True)
class _Text:
    """A file as text: its header, its well-formed rows with their row numbers, and the numbers of the others."""

    header: list[str]
    table: pd.DataFrame
    numbers: "pd.Index[int]"
    ragged: list[int]


def read_extract(
    path: Path,
    kind: str,
    host_country: str,
    day: dt.date,
    manifest: Manifest | None,
    *,
    name: str | None = None,
    only: Collection[str] | None = None,
) -> Extract:
    """Read a landed file under its contract.

    path: a file ending in .csv, .xlsx or .parquet
    name: what the source calls the file, for messages; the file's own name by default
    only: columns of the contract, among them `host_country` and those that its rules look at: the others are not read,
        and so no row is set aside, or told from another, because of what they hold
    raises: ExtractRefused if the file is not what the source meant to send: cut off, of another country or day,
        without a required column, or not readable
    """
    file = name or path.name
    stated = re.search(r"_(\d{8})\.[a-z]+$", file)
    if stated and stated[1] != f"{day:%Y%m%d}":
        raise ExtractRefused(file, [f"its name says another day than {day}"])
    if manifest and manifest.sha256.lower() != sha256_of(path):
        raise ExtractRefused(file, ["its SHA-256 is not the manifest's: it was cut off or changed on the way"])
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise ExtractRefused(file, ["its name ends in none of .csv, .xlsx, .parquet"])
    text = reader(path, file)
    row_count = len(text.table) + len(text.ragged)
    _refuse_if_not_meant(text, row_count, kind, host_country, manifest, file)

    columns = [column.name for column in COLUMNS[kind]]
    unknown = tuple(column for column in text.header if column not in columns)
    columns = [column for column in columns if only is None or column in only]
    rows = pd.DataFrame({column: _trimmed(text.table.get(column), len(text.table)) for column in columns})
    _refuse_other_countries(rows["host_country"], text.numbers, host_country, file)
    found = problems(rows, kind, host_country, day)
    quarantined = pd.DataFrame(
        {
            "row": text.numbers.to_numpy()[found["position"]],
            "column": found["column"].astype(object),
            "value": [rows[column].iat[at] for at, column in zip(found["position"], found["column"], strict=True)],
            "reason": found["reason"].astype(object),
        }
    )
    quarantined["value"] = quarantined["value"].astype(object).where(quarantined["value"].notna(), None)
    ragged = pd.DataFrame({"row": text.ragged, "column": "", "value": None, "reason": _SHAPE})
    if len(ragged):
        quarantined = pd.concat([quarantined, ragged], ignore_index=True) if len(quarantined) else ragged
    bad = rows.index.isin(found["position"].unique())
    return Extract(
        file=file,
        kind=kind,
        host_country=host_country,
        day=day,
        rows=typed(rows[~bad].reset_index(drop=True), kind),
        quarantined=quarantined.sort_values("row", kind="stable", ignore_index=True),
        row_count=row_count,
        unknown_columns=unknown,
    )


def needs_a_person(rows: int, previous: int | None, may_lose: float) -> str | None:
    """Why an extract of a source without manifest waits for a person, or None if it does not.

    rows: of this extract; previous: of the newest one before, None if there was none; may_lose: share, 0 to 1
    """
    if rows == 0:
        return "it has no rows, and there is no manifest to say that this is so"
    if previous is not None and rows < previous * (1 - may_lose):
        return f"it has {rows:,} rows, the one before had {previous:,}, and there is no manifest to say that this is so"
    return None


def quarantine_lines(extract: Extract, *, with_values: bool) -> Iterator[str]:
    """A sentence for each reason in quarantine; for the log `with_values` is False, so that no value gets there."""
    others = f"{extract.good_count:,} others go on"
    for row, column, value, reason in extract.quarantined.itertuples(index=False):
        place = f"{extract.file} row {row}" + (f", {column}" if column else "")
        shown = f"{value!r} " if with_values and value is not None else ""
        yield f"{place}: {shown}{reason}. The row is set aside in quarantine; {others}."


def _refuse_if_not_meant(
    text: _Text, row_count: int, kind: str, host_country: str, manifest: Manifest | None, file: str
) -> None:
    reasons = []
    twice = sorted({column for column in text.header if text.header.count(column) > 1 and column})
    if twice:
        reasons.append(f"its header has {', '.join(twice)} twice")
    required = [column.name for column in COLUMNS[kind] if column.required]
    missing = [column for column in required if column not in text.header]
    if not any(column in text.header for column in ONE_OF):
        missing.append(" or ".join(ONE_OF))
    if missing:
        reasons.append(f"it has no column {', '.join(missing)}")
    if manifest and manifest.rows != row_count:
        reasons.append(f"it has {row_count:,} rows and its manifest says {manifest.rows:,}")
    if manifest is None and text.ragged and text.ragged[-1] == row_count + 1:
        reasons.append("its last row is cut off, and there is no manifest to say that it is whole")
    if reasons:
        raise ExtractRefused(file, reasons)


def _refuse_other_countries(cells: pd.Series, numbers: "pd.Index[int]", host_country: str, file: str) -> None:
    other = cells.isin(HOST_COUNTRIES - {host_country}).to_numpy()
    if other.any():
        # Names of another country among these would be told to the wrong office.
        first = int(numbers.to_numpy()[other][0])
        raise ExtractRefused(file, [f"it holds another host country than {host_country}, first in row {first:,}"])


def _trimmed(cells: pd.Series | None, length: int) -> pd.Series:
    """Trimmed, in Unicode's composed form, null where empty."""
    if cells is None:
        return pd.Series(pd.array([None] * length, dtype=TEXT_DTYPE))
    values = compute.utf8_trim_whitespace(arrow.array(cells.array, type=arrow.large_string()))
    values = compute.utf8_normalize(values, form="NFC")
    values = compute.if_else(compute.equal(values, ""), None, values)
    return pd.Series(values.to_pandas().to_numpy(), dtype=TEXT_DTYPE)


def _read_csv(path: Path, file: str) -> _Text:
    _refuse_other_encodings(path, file)
    header = _csv_header(path, file)
    ragged: list[int] = []

    def set_aside(row: Any) -> str:
        ragged.append(row.number)
        return "skip"

    try:
        table = csv.read_csv(
            path,
            # One thread: rows keep their numbers.
            read_options=csv.ReadOptions(
                use_threads=False, column_names=[str(n) for n in range(len(header))], skip_rows=0
            ),
            parse_options=csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=set_aside
            ),
            convert_options=csv.ConvertOptions(
                column_types={str(n): arrow.large_string() for n in range(len(header))},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except arrow.ArrowInvalid:
        raise ExtractRefused(file, ["it is not CSV by RFC 4180"]) from None
    numbers = pd.Index(range(1, table.num_rows + len(ragged) + 1))
    numbers = numbers[~numbers.isin(ragged)]
    frame = table.to_pandas(types_mapper=lambda _: TEXT_DTYPE).set_axis(_unique(header), axis=1)
    # The first row is the header; an empty line is no row, but a spreadsheet counts it.
    rows = ~frame.isna().all(axis=1).to_numpy()
    rows[:1] = False
    return _Text(header, frame[rows].reset_index(drop=True), numbers[rows], ragged)


def _csv_header(path: Path, file: str) -> list[str]:
    with path.open("rb") as opened:
        first = opened.readline(1 << 16)
    if not first.strip():
        raise ExtractRefused(file, ["it is empty: not even a header row is there"])
    line = first.decode("utf-8-sig", errors="replace")
    if ";" in line and "," not in line:
        raise ExtractRefused(file, ["its cells are separated by ; where a comma belongs"])
    return [cell.strip().strip('"') for cell in line.rstrip("\r\n").split(",")]


def _refuse_other_encodings(path: Path, file: str) -> None:
    """pyarrow would drop a row of the wrong length without a word where its bytes are no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    read = 0
    with path.open("rb") as opened:
        while True:
            pending = len(decoder.getstate()[0])
            chunk = opened.read(1 << 20)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise ExtractRefused(
                    file, [f"it is not UTF-8, first at byte {read - pending + error.start:,}"]
                ) from None
            if not chunk:
                return
            read += len(chunk)


def _read_xlsx(path: Path, file: str) -> _Text:
    import openpyxl  # slow to import, and of no use to a task that reads no workbook

    try:
        book = openpyxl.load_workbook(path, read_only=True)
        rows = [[_cell(cell, file) for cell in row] for row in book.worksheets[0].iter_rows()]
    except ExtractRefused:
        raise
    except Exception:  # openpyxl raises whatever its parser met
        raise ExtractRefused(file, ["it is not a readable XLSX workbook"]) from None
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows:
        raise ExtractRefused(file, ["it is empty: not even a header row is there"])
    header = [str(cell or "").strip() for cell in rows[0]]
    body = pd.DataFrame(rows[1:], columns=_unique(header), dtype=object)
    blank = body.isna().all(axis=1)
    numbers = pd.Index(range(2, len(body) + 2))[~blank.to_numpy()]
    table = body[~blank].reset_index(drop=True).astype(TEXT_DTYPE)
    return _Text(header, table, numbers, [])


def _cell(cell: Any, file: str) -> str | None:
    value = cell.value
    if value is None:
        return None
    if cell.data_type == "f":
        raise ExtractRefused(file, [f"it holds a formula in row {cell.row:,}; write values"])
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _read_parquet(path: Path, file: str) -> _Text:
    try:
        table = parquet.read_table(path)
        columns = [compute.cast(column, arrow.large_string()) for column in table.columns]
    except (arrow.ArrowException, OSError):
        raise ExtractRefused(file, ["it is not a readable Parquet file of plain columns"]) from None
    header = list(table.column_names)
    frame = arrow.table(columns, names=[str(name) for name in _unique(header)]).to_pandas(
        types_mapper=lambda _: TEXT_DTYPE
    )
    return _Text(header, frame, pd.Index(range(2, len(frame) + 2)), [])


def _unique(header: list[str]) -> list[str]:
    """The header with each name once; what stands twice is refused, and must not break the reading before."""
    seen: set[str] = set()
    return [f"{name} {number}" if name in seen or seen.add(name) else name for number, name in enumerate(header)]  # type: ignore[func-returns-value]


_READERS: dict[str, Callable[[Path, str], _Text]] = {
    ".csv": _read_csv,
    ".xlsx": _read_xlsx,
    ".parquet": _read_parquet,
}

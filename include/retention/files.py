"""The files that hold names outside the ledger: how long they stay, and out of which one case is taken.

Reach for `remove_old` to remove what is past its days, `take_out` once cases were erased, `append` and `logged` for
the log of erasures that a restored backup is held against.
"""

import datetime as dt
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pandas as pd

from include.extracts.contract import CASES, PROCEDURE
from include.extracts.partition import without_erased
from include.ledger.retention import Line
from include.matching.cache import forget
from include.retention.scan import Needles, Seen, search_file, search_folder
from include.settings import write_private

OF_SOURCES = ("landing", "good_rows", "links")
"""Folders of the data folder in which extracts, and what is made of them, lie by host country and day."""
ANSWERS_KEPT = dt.timedelta(days=30)
"""How long a file that an office sent is kept as it came; what it says is in the ledger."""
_LEFT_BEHIND = dt.timedelta(days=1)
_LOG = "erasures.jsonl"


def remove_old(data: Path, first_kept: Mapping[str, dt.date], others: dt.date, now: dt.datetime) -> dict[str, int]:
    """Remove what has had its days; returns how many files of each folder.

    first_kept: for each host country the first day of which everything is kept
    others: the same for host countries that are not among them, and for what is of no day
    """
    removed: Counter[str] = Counter()
    for folder in OF_SOURCES:
        for day in sorted(data.glob(f"{folder}/*/*/")):
            if _day(day.name) < first_kept.get(day.parent.name, others):
                removed[folder] += _remove_tree(day)
    for path in _files(data / "quarantine"):
        removed["quarantine"] += _remove_if(path, _changed(path).date() < first_kept.get(path.parent.name, others))
    for path in _files(data / "answers"):
        removed["answers"] += _remove_if(path, _changed(path) < now - ANSWERS_KEPT)
    for path in _files(data / "cache"):
        removed["cache"] += _remove_if(path, _changed(path).date() < others)
    # What a process that was killed had begun to write.
    for path in _files(data):
        half = path.name.startswith(".") and _changed(path) < now - _LEFT_BEHIND
        removed["left_behind"] += _remove_if(path, half)
    return {what: count for what, count in removed.items() if count}


def take_out(data: Path, hosts: Collection[str], needles: Needles, sealed_of: Collection[str] | None) -> dict[str, int]:
    """Take the erased cases of these host countries out of what is made of extracts; returns how many files of each.

    What linking keeps is deleted as a whole, as is an answer or a quarantine in which a needle is found.
    sealed_of: offices whose sealed answers, which cannot be looked into, are deleted; None: the names are not known any
        more, and every answer is deleted, and every quarantine of the host countries
    """
    done: Counter[str] = Counter()
    for host in sorted(hosts):
        for path in sorted((data / "good_rows" / host).glob(f"*/{CASES}/*.parquet")):
            rows = pd.read_parquet(path)
            done["good_rows"] += _rewrite(path, rows, without_erased(host, rows))
        for path in sorted((data / "links" / host).glob("*/*.parquet")):
            done["links"] += _rewrite_links(data, host, path)
        for pattern in (f"partition-{host}-*.duckdb", f"csv-{host}-*.duckdb", "csv-any-*.duckdb"):
            for path in (data / "cache" / "linking").glob(pattern):
                forget(path)
                done["cache"] += 1
    for path in _files(data / "answers"):
        seen = search_file(path, needles)
        sealed = bool(seen.sealed) and path.parent.name in (sealed_of or ())
        done["answers"] += _remove_if(path, sealed_of is None or sealed or bool(seen.found))
    for path in _files(data / "quarantine"):
        unknown = sealed_of is None and path.parent.name in hosts
        done["quarantine"] += _remove_if(path, unknown or bool(search_file(path, needles).found))
    return {what: count for what, count in done.items() if count}


def search(data: Path, texts: Needles, ids: Needles, ledger: Collection[Path]) -> dict[str, Seen]:
    """What is in the data folder beside the ledger, by place.

    In what is made of extracts, row by row, a name may be a relative's: there the person's references are searched for.
    """
    by_row = {path for path in _files(data) if _place(data, path) in (f"good_rows/{CASES}", "links")}
    found = search_folder(data, texts, {*ledger, *by_row}, lambda path: _place(data, path))
    for path in sorted(by_row):
        found.setdefault(_place(data, path), Seen()).add(search_file(path, ids))
    return found


def sent_anew(place: str) -> bool:
    """Whether this is what sources send day by day, whole, or made of it: it goes after its days, not with a case."""
    return place in ("landing", f"good_rows/{PROCEDURE}", "cache")


def append(data: Path, lines: Collection[Line]) -> None:
    """Add erasures to the log, on the disk before this returns."""
    path = data / _LOG
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b") as file:
        # A process that was killed may have written half a line.
        whole = not file.seek(0, os.SEEK_END) or (file.seek(-1, os.SEEK_END), file.read())[1] == b"\n"
        file.write(b"" if whole else b"\n")
        file.write("".join(f"{line.to_json()}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


def logged(data: Path) -> list[Line]:
    """The erasures in the log; half a line, of a transaction that did not end, says nothing."""
    path = data / _LOG
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(Line.from_json(line))
        except (ValueError, TypeError):
            continue
    return lines


def _place(data: Path, path: Path) -> str:
    parts = path.relative_to(data).parts
    if parts[0] == "good_rows" and len(parts) > 4:
        return f"{parts[0]}/{parts[3]}"
    return parts[0] if len(parts) > 1 else "."


def _rewrite(path: Path, rows: pd.DataFrame, kept: pd.DataFrame) -> bool:
    if len(kept) < len(rows):
        write_private(path, kept.to_parquet(index=False))
        return True
    return False


def _rewrite_links(data: Path, host: str, path: Path) -> bool:
    """Leave in a day's links those of the cases that its rows still hold."""
    of_cases = path.name.partition("-")[0]
    rows = next((data / "good_rows" / host / path.parent.name / CASES).glob(f"{of_cases}*.parquet"), None)
    if rows is None:  # nobody can say whose they are; linking makes them again
        path.unlink()
        return True
    links = pd.read_parquet(path)
    return _rewrite(path, links, links[links["case_id"].isin(pd.read_parquet(rows, columns=["case_id"])["case_id"])])


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _changed(path: Path) -> dt.datetime:
    try:
        return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except FileNotFoundError:
        return dt.datetime.max.replace(tzinfo=dt.UTC)


def _day(name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(name)
    except ValueError:  # not ours: it stays, and the search looks into it
        return dt.date.max


def _remove_if(path: Path, gone: bool) -> int:
    if gone:
        path.unlink(missing_ok=True)
    return int(gone)


def _remove_tree(folder: Path) -> int:
    """Remove a day's folder; a process that is killed here leaves a smaller one, which the next run removes."""
    removed = 0
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
            removed += 1
    folder.rmdir()
    return removed

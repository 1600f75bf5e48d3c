"""What the DAGs ask of this room: take a source's file in, and give its good rows to the other rooms."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from include.extracts.contract import CASES
from include.extracts.landing import land_stream, open_landed, write_quarantine
from include.extracts.manifest import Manifest, parse_manifest
from include.extracts.reading import Extract, needs_a_person, quarantine_lines, read_extract
from include.extracts.refused import ExtractRefused
from include.ledger import intake, retention
from include.ledger.engine import reading, writing
from include.ledger.intake import Partition
from include.ledger.models import Extract as AcceptedExtract
from include.settings import data_folder, hashing_key, private_folder, write_private


class WaitsForAPerson(ExtractRefused):
    """A file that may be cut off and cannot prove that it is not: a person accepts it, or a better one comes."""


@dataclass(frozen=True)
class TakenIn:
    """What became of a file: counts, and what to say of its bad rows without their values."""

    sha256: str
    row_count: int
    quarantined_count: int
    remarks: tuple[str, ...]


def take_in(
    partition: Partition,
    kind: str,
    file: BinaryIO,
    *,
    file_name: str,
    manifest: bytes | None,
    may_lose: float | None,
    now: dt.datetime,
) -> TakenIn:
    """Land the bytes unchanged, check them against the contract, and put the extract in force.

    manifest: the manifest's bytes, or None where the source gives none
    may_lose: without a manifest, the share of rows that may be fewer than the extract before; None accepts any loss
    raises: ExtractRefused if the file is refused whole, WaitsForAPerson if a person has to say yes; the bytes stay
        in the landing area either way
    """
    host, day = partition.host_country, partition.day
    landed = land_stream(file, data_folder() / "landing", kind, host, day, file_name)
    stated = parse_manifest(manifest, file_name) if manifest is not None else None
    if taken := _taken_before(partition, kind, landed.sha256, stated):
        return taken
    extract = read_extract(landed.path, kind, host, day, stated, name=f"{host}/{file_name}")
    if stated is None and may_lose is not None:
        with reading() as session:
            previous = intake.previous_row_count(session, partition, kind)
        if reason := needs_a_person(extract.row_count, previous, may_lose):
            raise WaitsForAPerson(
                f"{host}/{file_name}",
                [f"{reason} To accept it all the same: python -m include accept '{partition}' {kind} {landed.sha256}"],
            )
    if extract.quarantined_count:
        write_quarantine(extract, data_folder() / "quarantine" / host)
    _keep_good_rows(partition, extract, _good_rows_path(partition, kind, landed.sha256))
    with writing() as session:
        intake.accept_extract(
            session,
            partition,
            kind,
            sha256=landed.sha256,
            file_name=file_name,
            row_count=extract.row_count,
            quarantined_count=extract.quarantined_count,
            now=now,
        )
    remarks = list(quarantine_lines(extract, with_values=False))
    if extract.unknown_columns:
        remarks.append(f"{host}/{file_name}: {len(extract.unknown_columns)} columns beyond the contract are ignored")
    return TakenIn(landed.sha256, extract.row_count, extract.quarantined_count, tuple(remarks))


def _taken_before(partition: Partition, kind: str, sha256: str, stated: Manifest | None) -> TakenIn | None:
    """What became of these bytes if they are in force already and their good rows are kept: nothing is left to do."""
    with reading() as session:
        known = intake.extract_in_force(session, partition, kind)
    if known is None or known.sha256 != sha256 or not _good_rows_path(partition, kind, sha256).exists():
        return None
    if stated and (stated.sha256.lower(), stated.rows) != (sha256, known.row_count):
        return None
    remark = "the same bytes as before; what is set aside of them is in quarantine since then"
    return TakenIn(sha256, known.row_count, known.quarantined_count, (f"{partition} {kind}: {remark}",))


def good_rows(
    partition: Partition,
    extract: AcceptedExtract,
    columns: Sequence[str] | None = None,
    *,
    asylum_references: Collection[str] | None = None,
) -> pd.DataFrame:
    """The good rows of an accepted extract, in the types of `contract.typed`; all columns and rows, or those named.

    Cases that were erased are not among them, though their source still sends them. The rows are kept as Parquet beside
    the landed bytes; where that copy was deleted it is made again from the bytes.
    """
    path = _good_rows_path(partition, extract.kind, extract.sha256)
    if not path.exists():
        host, day = partition.host_country, partition.day
        landed = open_landed(data_folder() / "landing", extract.kind, host, day, extract.sha256)
        found = read_extract(landed, extract.kind, host, day, None, name=f"{host}/{extract.file_name}")
        _keep_good_rows(partition, found, path)
    # An empty list has no type that Arrow could compare; an empty reference is nobody's.
    named = None if asylum_references is None else [("asylum_reference", "in", list(asylum_references) or [""])]
    rows = pd.read_parquet(path, columns=list(columns) if columns else None, filters=named)
    return without_erased(partition.host_country, rows) if extract.kind == CASES else rows


def without_erased(host_country: str, cases: pd.DataFrame) -> pd.DataFrame:
    """`cases` (case_id, registered_on, …) but for those of which this registration was erased."""
    with reading() as session:
        erased = retention.registrations_erased(session, host_country)
    if not erased:
        return cases
    key = hashing_key()
    of = [
        retention.registration_hash(key, host_country, case_id, registered.date()) in erased
        for case_id, registered in zip(cases["case_id"], cases["registered_on"], strict=True)
    ]
    return cases[~pd.Series(of, index=cases.index, dtype=bool)].reset_index(drop=True)


def rows_judged_by(partition: Partition, extract: AcceptedExtract, columns: Collection[str]) -> pd.DataFrame:
    """The rows of an accepted extract that are good in these columns, whatever its other columns hold.

    Who was erased, or asked to be, is not among them, whatever is registered under that id later. When
    somebody is erased depends on who was told of them; when they ask does not.
    Read from the landed bytes each time: the rows that are kept lack those with a mistake in any column.
    columns: of the contract, as `read_extract` wants them in `only`
    """
    host, day = partition.host_country, partition.day
    landed = open_landed(data_folder() / "landing", extract.kind, host, day, extract.sha256)
    name = f"{host}/{extract.file_name}"
    rows = read_extract(landed, extract.kind, host, day, None, name=name, only=columns).rows
    with reading() as session:
        erased, wished = retention.cases_erased(session, host), retention.cases_ordered(session, host)
    key = hashing_key()
    stays = [
        case not in wished and not (erased and retention.case_hash(key, host, case) in erased)
        for case in rows["case_id"]
    ]
    return rows[pd.Series(stays, index=rows.index, dtype=bool)].reset_index(drop=True)


def _good_rows_path(partition: Partition, kind: str, sha256: str) -> Path:
    folder = data_folder() / "good_rows" / partition.host_country / partition.day.isoformat() / kind
    return private_folder(folder) / f"{sha256}.parquet"


def _keep_good_rows(partition: Partition, extract: Extract, path: Path) -> None:
    of_cases = extract.kind == CASES
    rows = without_erased(partition.host_country, extract.rows) if of_cases else extract.rows
    write_private(path, rows.to_parquet(index=False))


def accept_landed(key: str, kind: str, sha256: str, now: dt.datetime) -> TakenIn:
    """Put in force an extract that waits in the landing area, because a person said so. The sweep reconciles it.

    raises: FileNotFoundError if no such bytes were landed; ExtractRefused if the contract refuses them anyway
    """
    partition = Partition.of(key)
    landed = open_landed(data_folder() / "landing", kind, partition.host_country, partition.day, sha256)
    name = f"{kind}_{partition.host_country}_{partition.day:%Y%m%d}{landed.suffix}"
    with landed.open("rb") as file:
        return take_in(partition, kind, file, file_name=name, manifest=None, may_lose=None, now=now)

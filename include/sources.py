"""A source's file: is it there, and take it in. Opens what the entry in `sources.yaml` names, through Airflow."""

import datetime as dt
from datetime import date

from airflow.sdk import ObjectStoragePath

from include.arrangements.models import Source
from include.extracts.due import find_source
from include.extracts.partition import TakenIn, take_in
from include.ledger.intake import Partition
from include.storage import open_source


def is_there(host_country: str, kind: str, day: date) -> bool:
    """Whether the file is there, and its manifest, where the source gives one: it comes last."""
    source = find_source(host_country, kind)
    file = _file(source, day)
    return (_manifest(file) if source.manifest == "required" else file).exists()


def pull(host_country: str, kind: str, day: date) -> TakenIn:
    """Copy the file unchanged, check it, put it in force.

    raises: ExtractRefused if the file is refused whole; FileNotFoundError if it is not there
    """
    source = find_source(host_country, kind)
    file = _file(source, day)
    manifest = _manifest(file).read_bytes() if source.manifest == "required" else None
    with file.open("rb") as stream:
        return take_in(
            Partition(host_country, day),
            kind,
            stream,
            file_name=file.name,
            manifest=manifest,
            may_lose=source.may_lose,
            now=dt.datetime.now(dt.UTC),
        )


def _file(source: Source, day: date) -> ObjectStoragePath:
    return open_source(source.url_for(day), source.connection)


def _manifest(file: ObjectStoragePath) -> ObjectStoragePath:
    return file.parent / f"{file.name}.manifest.json"

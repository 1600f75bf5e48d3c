"""A source's file: is it there, and take it in. The seam between `sources/` and Airflow's connections."""

import datetime as dt
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import BinaryIO, Protocol, cast
from urllib.parse import urlsplit

import paramiko
from airflow.sdk import ObjectStoragePath

from include.arrangements.models import Source
from include.connections import open_sftp
from include.extracts.due import find_source
from include.extracts.partition import TakenIn, take_in
from include.ledger.intake import Partition


class _Folder(Protocol):
    """Where a source puts its files."""

    def exists(self, name: str) -> bool: ...

    def open(self, name: str) -> BinaryIO: ...


class _SftpFolder:
    """A folder on an SFTP server whose host key was checked.

    Not through ObjectStoragePath: its SFTP file system knows nothing of the connection's `host_key`, and where it
    cannot connect it goes on silently without the connection.
    """

    def __init__(self, client: paramiko.SFTPClient, folder: str) -> None:
        self._client, self._folder = client, folder

    def exists(self, name: str) -> bool:
        try:
            self._client.stat(posixpath.join(self._folder, name))
        except FileNotFoundError:
            return False
        return True

    def open(self, name: str) -> BinaryIO:
        file = self._client.open(posixpath.join(self._folder, name), "rb")
        file.prefetch()
        return cast("BinaryIO", file)


class _StorageFolder:
    """A folder of any other storage that Airflow knows (file, s3, …)."""

    def __init__(self, folder: ObjectStoragePath) -> None:
        self._folder = folder

    def exists(self, name: str) -> bool:
        return bool((self._folder / name).exists())

    def open(self, name: str) -> BinaryIO:
        return cast("BinaryIO", (self._folder / name).open("rb"))


def is_there(host_country: str, kind: str, day: date) -> bool:
    """Whether the file is there, and its manifest, where the source gives one: it comes last."""
    source = find_source(host_country, kind)
    with _opened(source, day) as (folder, name):
        return folder.exists(_manifest(name) if source.manifest == "required" else name) and folder.exists(name)


def pull(host_country: str, kind: str, day: date) -> TakenIn:
    """Copy the file unchanged, check it, put it in force.

    raises: ExtractRefused if the file is refused whole; FileNotFoundError if it is not there
    """
    source = find_source(host_country, kind)
    with _opened(source, day) as (folder, name):
        manifest = None
        if source.manifest == "required":
            with folder.open(_manifest(name)) as file:
                manifest = file.read()
        with folder.open(name) as file:
            return take_in(
                Partition(host_country, day),
                kind,
                file,
                file_name=name,
                manifest=manifest,
                may_lose=source.may_lose,
                now=dt.datetime.now(dt.UTC),
            )


@contextmanager
def _opened(source: Source, day: date) -> Iterator[tuple[_Folder, str]]:
    """The source's folder, and the name of its file of `day` in it."""
    url, _, name = source.url_for(day).rpartition("/")
    if url.startswith("sftp://"):
        with open_sftp(source.connection or "") as client:
            yield _SftpFolder(client, urlsplit(f"{url}/").path), name
    else:
        yield _StorageFolder(ObjectStoragePath(url, conn_id=source.connection)), name


def _manifest(name: str) -> str:
    return f"{name}.manifest.json"

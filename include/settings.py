"""Where this installation keeps its things. Read from the environment in one place, nowhere else.

Reach for this when you need the data folder, the ledger's address or the arrangements; rooms' pure functions take
them as arguments instead.
"""

import datetime as dt
import os
import secrets
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """The folder that holds names: landing, quarantine, caches. From `AVR_DATA`, else `data/` beside the code."""
    return Path(os.environ.get("AVR_DATA", ROOT / "data"))


def ledger_url() -> str:
    """SQLAlchemy URL of the ledger. From `AVR_LEDGER` or the file `AVR_LEDGER_FILE`, else SQLite in the data folder."""
    if file := os.environ.get("AVR_LEDGER_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get("AVR_LEDGER") or f"sqlite:///{private_folder(data_folder()) / 'ledger.db'}"


def arrangements_folder() -> Path:
    """The folder with `sources/` and `offices/`. From `AVR_ARRANGEMENTS`, else the one in the repository."""
    return Path(os.environ.get("AVR_ARRANGEMENTS", ROOT / "include" / "arrangements"))


def first_day() -> dt.datetime:
    """The day from which the promise is kept here, at midnight UTC. From `AVR_FROM`, else the year's beginning.

    A day that was missed since (the scheduler was down) is caught up; earlier days are not asked for.
    """
    return _midnight(os.environ.get("AVR_FROM") or "2026-01-01")


def last_day() -> dt.datetime | None:
    """The end (UTC) of the last day to be pulled and told, where there is one: a mission that ends, or the demo.

    From `AVR_UNTIL`, else none.
    """
    until = os.environ.get("AVR_UNTIL")
    return _midnight(until) + dt.timedelta(days=1, microseconds=-1) if until else None


def look_every() -> dt.timedelta:
    """How often a task that waits looks again. From `AVR_LOOK_EVERY` (seconds), else 30."""
    return dt.timedelta(seconds=float(os.environ.get("AVR_LOOK_EVERY") or 30))


def late_after() -> dt.timedelta:
    """How long after its due moment, beyond its own wait, a list is late. From `AVR_LATE_AFTER` (minutes), else 120."""
    return dt.timedelta(minutes=float(os.environ.get("AVR_LATE_AFTER") or 120))


def spark_master() -> str | None:
    """The Spark that links, as a master URL (`local[4]`, `spark://host:7077`). From `AVR_SPARK`, else none: DuckDB."""
    return os.environ.get("AVR_SPARK") or None


def _midnight(day: str) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), dt.UTC)


def hashing_key() -> bytes:
    """The key of this installation's keyed hashes: `hash.key` in the data folder, made at first use.

    It is kept with the names, away from the ledger, which alone must not tell whose hashes it holds. Who loses it
    loses no decision, but is asked to look at each again.
    """
    path = data_folder() / "hash.key"
    if not path.exists():
        made = write_private(path.with_name(f"hash.key.{secrets.token_hex(4)}"), secrets.token_bytes(32))
        try:
            path.hardlink_to(made)
        except FileExistsError:  # another process was first
            pass
        finally:
            made.unlink()
    return path.read_bytes()


def private_folder(folder: Path) -> Path:
    """`folder`, made if need be, open to its owner alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def write_private(path: Path, content: bytes) -> Path:
    """Write `content` to `path` whole or not at all, readable by its owner alone."""
    private_folder(path.parent)
    # mkstemp opens with 0600; the rename is atomic, so no reader sees half a file.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path

"""A PostgreSQL of one's own, in a folder that is thrown away, from what the machine has installed.

Reach for this where SQLite would not do: the demo's Airflow, and every test that runs on both.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.demo.ports import free_port

START_SECONDS = 60


class PostgresDied(RuntimeError):
    """The server did not start; the message says where it would have been."""


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs, of the newest that is installed; None where none is."""
    # Debian keeps them off the path, so that several versions can be there.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """A server that forgets everything when it is left; yields its address, to which a database is added: `/postgres`.

    It listens on this machine alone, at a free port. It does not wait for the disk, since nothing of it is to outlive
    the machine; and as retention wants it, it keeps no file of its log to be written over.
    raises: PostgresDied if it is not there within a minute
    """
    # PostgreSQL refuses to run as root; the package has made a user.
    user = "postgres" if os.geteuid() == 0 else None
    # /tmp may be closed to other users than root.
    folder = Path(tempfile.mkdtemp(prefix="avr-pg-", dir="/var/tmp"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    port = free_port()
    make: list[str | Path] = [
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        "avr",
        "--auth=trust",
        "-E",
        "UTF8",
        "-N",
    ]
    subprocess.run(  # noqa: S603
        [*make, "--locale=C.UTF-8"], check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL
    )
    server = subprocess.Popen(  # noqa: S603
        [programs / "postgres", "-D", folder / "data", "-p", str(port), "-h", "127.0.0.1", "-k", folder,
         "-c", "fsync=off", "-c", "log_min_messages=fatal", "-c", "max_connections=200",
         "-c", "wal_recycle=off"],
        user=user, cwd=folder, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        ready: list[str | Path] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(ready, check=False).returncode:  # noqa: S603
            if time.monotonic() > deadline or server.poll() is not None:
                raise PostgresDied(f"PostgreSQL of {programs} did not start")
            time.sleep(0.1)
        yield f"postgresql+psycopg://avr@127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)  # waits for nobody who is still connected
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)

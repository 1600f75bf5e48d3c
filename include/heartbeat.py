"""Does Airflow still run? The sweep leaves a heartbeat every hour; whoever looks needs neither Airflow nor the ledger.

Reach for `age` from outside: `python -m include alive` is what cron, systemd and a container's health check call.
"""

import datetime as dt
from pathlib import Path

from include.settings import data_folder, write_private


def leave_heartbeat(now: dt.datetime) -> None:
    """Write the moment to `heartbeat` in the data folder."""
    write_private(_path(), now.isoformat(timespec="seconds").encode())


def age(now: dt.datetime) -> dt.timedelta:
    """How long ago the newest heartbeat was left.

    raises: OSError if there is none or it cannot be read; ValueError if it is no moment
    """
    return now - dt.datetime.fromisoformat(_path().read_text(encoding="utf-8"))


def _path() -> Path:
    return data_folder() / "heartbeat"

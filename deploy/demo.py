"""A made-up world for the containers: `python deploy/demo.py FOLDER`, then as it says (docs/deployment.md).

FOLDER gets what the service `servers` serves: the sources' files of two days, offices' folders and mailboxes, and the
arrangements that go with their keys. `secrets/connections.yaml` gets Airflow's connections to it; one that is in use is
not written over.
"""

import datetime as dt
import json
import os
import sys
from pathlib import Path

from include.arrangements.reading import load_sources
from include.demo.keys import make_tls_certificate
from include.demo.run import CASES, FIRST_DAY, REGISTER, SEED
from include.demo.setting import build
from include.sample.world import World
from include.settings import ROOT, write_private

SERVICE = "servers"
"""By which name containers know it."""


def prepare(folder: Path, connections: Path) -> dict[str, str]:
    """Write it all; returns what belongs into `.env`. raises: FileExistsError if there are connections already"""
    if connections.exists() and json.loads(connections.read_text() or "{}"):
        raise FileExistsError(f"{connections} holds connections that may be in use; nothing was written")
    days = [FIRST_DAY, FIRST_DAY + dt.timedelta(days=1)]
    setting = build(folder, days)
    hosts = sorted({source.host_country for source in load_sources(setting.arrangements)[0]})
    world = World(seed=SEED, hosts=hosts, first_day=FIRST_DAY, cases=CASES, register=REGISTER)
    for day in days:
        world.write_day(setting.sources, day, truncated=frozenset())
    for name, content in zip(("certificate", "key", "authority"), make_tls_certificate(name=SERVICE), strict=True):
        write_private(folder / "keys" / f"{name}.pem", content.encode())
    # In a container nobody else hears what it listens on.
    served = json.loads(setting.servers.read_text()) | {"host": "0.0.0.0"}  # noqa: S104
    write_private(setting.servers, json.dumps(served).encode())
    known = {
        name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value)
        for name, value in setting.environment.items()
        if name.startswith("AIRFLOW_CONN_")
    }
    for connection in known.values():
        if "host" in connection:
            connection["host"] = SERVICE
    connections.unlink(missing_ok=True)
    write_private(connections, json.dumps(known).encode()).chmod(0o444)
    # Other containers read it by its mount; others on this machine are kept out by its folder.
    setting.authority.chmod(0o444)
    user, group = os.getuid(), os.getgid()
    if user == 0:
        user = group = 50000  # the image's
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, user, group)
    return {
        "AVR_DEMO": str(folder),
        "AVR_DEMO_USER": f"{user}:{group}",
        "AVR_ARRANGEMENTS": str(setting.arrangements),
        "AVR_AUTHORITIES": str(setting.authority),
        "AVR_FROM": f"{days[0]}",
        "AVR_UNTIL": f"{days[-1]}",
        "AVR_LOOK_EVERY": "5",
    }


if __name__ == "__main__":
    said = prepare(Path(sys.argv[1]).resolve(), ROOT / "secrets" / "connections.yaml")
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in said.items()))

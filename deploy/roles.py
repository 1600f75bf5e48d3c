"""Gives FAB the roles of a file, in the form of `airflow roles export`; whatever else such a role had is taken away.

`python deploy/roles.py deploy/roles.json`. Airflow's own `airflow roles import` refuses a resource that FAB does not
know yet, as the board's are at first, and leaves a role as it is that is there already. Other roles are left alone.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder


def main(file: Path) -> None:
    wanted = defaultdict(list)
    for entry in json.loads(file.read_text(encoding="utf-8")):
        wanted[entry["name"]] += [(action, entry["resource"]) for action in entry["action"].split(",")]
    with get_application_builder() as builder:
        manager = builder.sm
        for name, permissions in wanted.items():
            role = manager.add_role(name)
            role.permissions = [manager.create_permission(*one) for one in permissions]
        manager.session.commit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The demo's world and offices before the stack of docker-compose.yml, which reaches them over OpenSSH, SMTP and IMAP."""

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import asyncssh

from include.demo.keys import make_host_key
from include.demo.run import CASES, FIRST_DAY, REGISTER, SEED, Demo
from include.demo.running import Running
from include.sample.world import World
from tests.stack.native import Stack
from tests.stack.openssh import USER, sshd

HOST = "GRC"
USERS = {
    "watcher": ("AVR watcher",),
    "reviewer": ("AVR reviewer",),
    "auditor": ("AVR auditor",),
    "stranger": ("Viewer",),
}
"""Who logs in besides the admin, with the roles of deploy/roles.json, or with Airflow's own alone."""


class OnStack(Running):
    """An installation on the stack. An office opens and answers its lists as in any; only Airflow's side differs."""

    stack: Stack
    variables: Mapping[str, str] = {}
    """What `.env` would set, beside what every installation needs."""

    def _make_airflow(self, home: Path) -> Stack:
        self._open = ExitStack()
        said = self.setting.environment
        connections = {
            name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value)
            for name, value in said.items()
            if name.startswith("AIRFLOW_CONN_")
        }
        arrangements = self._arrangements(connections)
        self.stack = Stack(
            home,
            variables={
                **{name: said[name] for name in ("AVR_FROM", "AVR_UNTIL", "AVR_LOOK_EVERY")},
                "AVR_ARRANGEMENTS": str(arrangements),
                "AVR_AUTHORITIES": said["SSL_CERT_FILE"],
                "AVR_API_WORKERS": "1",
                "AVR_PARALLELISM": "4",
                "AVR_WORKER_CONCURRENCY": "2",
                "AVR_REFRESH_INTERVAL": "30",
                **self.variables,
            },
            connections=connections,
        )
        self.setting = replace(self.setting, ledger=self.stack.secret("ledger_owner"))
        return self.stack

    def _arrangements(self, connections: dict[str, dict]) -> Path:
        """Where the stack's arrangements are; `connections` may be changed for them."""
        return self.setting.arrangements

    def _start_airflow(self) -> None:
        self.stack.start(self._said)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.stack.__exit__()
        self._open.close()


class StackDemo(OnStack, Demo):
    """A demo of one host country on the stack, which reaches its sources and offices over OpenSSH."""

    keys: dict[str, str]
    """The fingerprint of the key with which Airflow logs in over a connection."""

    def _make_airflow(self, home: Path) -> Stack:
        self._keep_one_country()
        return super()._make_airflow(home)

    def _keep_one_country(self) -> None:
        """One host country's two extracts go through all parts as five countries' ten do."""
        self.hosts = [HOST]
        self.world = World(seed=SEED, hosts=self.hosts, first_day=FIRST_DAY, cases=CASES, register=REGISTER)
        for path in (self.setting.arrangements / "offices").glob("*.yaml"):
            if not path.stem.startswith(HOST):
                path.unlink()
        for path in (self.setting.arrangements / "sources").glob("*.yaml"):
            if path.stem != HOST:
                path.unlink()

    def _start_airflow(self) -> None:
        super()._start_airflow()
        for name, roles in USERS.items():
            self.stack.add_user(name, *roles)

    def _arrangements(self, connections: dict[str, dict]) -> Path:
        """Let Airflow's SFTP connections lead to an sshd, each with a key of its own; gives arrangements for it.

        It has no root folder for each user, as the demo's own server has: their folders get their whole paths.
        """
        homes = {"sources": self.setting.sources}
        host_secret, host_key = make_host_key()
        sftp = {name: one for name, one in connections.items() if one["conn_type"] == "sftp"}
        keys = {name: make_host_key() for name in sftp}
        self.keys = {name: asyncssh.import_public_key(public).get_fingerprint() for name, (_, public) in keys.items()}
        port = self._open.enter_context(
            sshd(self.setting.folder / "sshd", host_secret, [public for _, public in keys.values()])
        )
        for name, connection in sftp.items():
            homes.setdefault(connection["login"], self.setting.offices / connection["login"])
            extra = {"private_key": keys[name][0], "host_key": host_key, "no_host_key_check": "false"}
            connections[name] = {
                "conn_type": "sftp", "host": "127.0.0.1", "port": port, "login": USER, "extra": extra
            }  # fmt: skip
        copy = self.setting.folder / "arrangements-openssh"
        shutil.copytree(self.setting.arrangements, copy)
        for path in (copy / "sources").glob("*.yaml"):
            _put_before(path, r"(?<=url: sftp://)", homes["sources"])
        for path in (copy / "offices").glob("*.yaml"):
            if path.stem in homes:
                _put_before(path, r"(?<=folder: )(?=/)", homes[path.stem])
        for path in (copy / "frameworks" / "afg").glob("*.yaml"):
            text = path.read_text()
            for party in self.parties:
                # Each party's part of the file stands under its name, and has one folder.
                host, _, name = party.removeprefix("AFG-").partition("-")
                if host == path.stem and party in homes:
                    text = re.sub(rf"(?s)(\n  {name}:.*?folder: )(?=/)", rf"\g<1>{homes[party]}", text, count=1)
            path.write_text(text)
        return copy


def _put_before(path: Path, where: str, home: Path) -> None:
    path.write_text(re.sub(where, str(home), path.read_text()))

"""The stack of docker-compose.yml without an engine: the same processes with the same settings, on this machine.

`with Stack(home, …) as stack:` starts each service's own command in its own environment, with the secrets, volumes and
configs that the file gives it and no others; only paths, host names and ports are this machine's, and what `NATIVE`
says. PostgreSQL is Debian's; Valkey is Debian's Redis, which speaks the same protocol and reads the same options.
A part can be killed and comes again with its data, as `restart: unless-stopped` has it, if `keep_alive` is called.
"""

import json
import os
import pwd
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import httpx
import psutil

from include.demo.airflow import AirflowDied, Parts
from include.demo.ports import free_port
from include.demo.postgres import binaries
from include.settings import ROOT, private_folder, write_private
from tests.stack.compose import image_environment, render, services

NATIVE = {
    "AIRFLOW__API__HOST": "127.0.0.1",  # no container keeps other machines away
    "AIRFLOW__FAB__COOKIE_SECURE": "False",  # no TLS stands before it
}
"""The settings that differ natively."""
_OF_THE_MACHINE = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
# The name of the program where it is another one natively.
_PROGRAMS = {"valkey-server": "redis-server", "valkey-cli": "redis-cli"}
_ADDRESS = re.compile(r"(?<=[@/])(?:api-server|localhost|postgres|valkey):(?P<port>\d+)")
_PARTS = {"valkey": "redis"}
_ALWAYS_THERE = ("/opt/avr", "/var/lib/avr", "/run/secrets")


class Stack(Parts, AbstractContextManager["Stack"]):
    """The services as parts: `postgres`, `redis`, `api-server`, `scheduler`, `dag-processor`, `triggerer`, `worker-1`, …

    variables: what `.env` would set beside docker-compose.yml
    connections: Airflow's, as `connections.yaml` would hold them
    """

    start_seconds = 400

    def __init__(
        self,
        home: Path,
        *,
        variables: Mapping[str, str] | None = None,
        connections: Mapping[str, Any] | None = None,
        workers: int = 2,
        restarts: int = 50,
    ) -> None:
        super().__init__(home, restarts)
        self.ports = {"8080": str(self.port), "5432": str(free_port()), "6379": str(free_port())}
        self._variables = dict(variables or {})
        self._services = services(self._variables)
        # PostgreSQL runs as a user of its own, to whom /tmp and a test's folders may be closed.
        self._for_postgres = Path(tempfile.mkdtemp(prefix="avr-stack-", dir="/var/tmp"))
        self._user = "postgres" if os.geteuid() == 0 else None
        self._programs = binaries()
        self.password = secrets.token_urlsafe(12)
        self.passwords = {self.user: self.password}
        self._kept_token: str | None = None
        self._secrets = self._make_secrets(connections or {})
        self.parts = {
            part: service
            for service, one in self._services.items()
            for part in (
                [f"{service}-{number}" for number in range(1, workers + 1)]
                if service == "worker"
                else [_PARTS.get(service, service)]
            )
        }
        self._mounts: dict[str, dict[str, str]] = {}
        for part in self.parts:
            self._mount(part)

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._for_postgres, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a worker's processes have."""
        return self.environment_of("worker-1")

    @property
    def volumes(self) -> Path:
        """The folder of the named volumes."""
        return self.home / "volumes"

    def secret(self, name: str) -> str:
        """What is in one of the secret files."""
        return self._secrets[name]

    def start(self, said: Callable[[str], None] = lambda _: None) -> None:
        """Start every part in the order of `depends_on`; returns when all are healthy.

        raises: AirflowDied if a part ends, or is not healthy in time
        """
        if self._programs is None:
            raise AirflowDied("PostgreSQL is not installed: apt-get install postgresql")
        waits_for = {name: set(one.get("depends_on", {})) for name, one in self._services.items()}
        awaited = set().union(*waits_for.values())
        for service in TopologicalSorter(waits_for).static_order():
            for part in [part for part, of in self.parts.items() if of == service]:
                said(part)
                if service == "postgres":
                    self._make_databases()
                if self._services[service].get("restart") == "no":
                    self._complete(part)
                    continue
                self._start(part)
                if service in awaited:
                    self._wait(lambda part=part: self.healthy(part), part)
        self._wait(self._all_healthy, "scheduler")
        for part in self.parts:
            if part.startswith("worker"):
                self._wait(lambda part=part: self.healthy(part), part)
        self.airflow("users", "create", "--username", self.user, "--password", self.password, "--role", "Admin",
                     "--firstname", "A", "--lastname", "B", "--email", "admin@iom.example")  # fmt: skip

    def add_user(self, name: str, *roles: str) -> None:
        """Let somebody log in, by FAB's own API."""
        self.passwords[name] = secrets.token_urlsafe(12)
        body = {"username": name, "password": self.passwords[name], "email": f"{name}@iom.example",
                "first_name": name, "last_name": "-", "roles": [{"name": role} for role in roles]}  # fmt: skip
        bearer = {"Authorization": f"Bearer {self._token()}"}
        httpx.post(f"{self.url}/auth/fab/v1/users", json=body, headers=bearer, timeout=60).raise_for_status()

    def _token(self) -> str:
        # FAB takes a good part of a second to look at a password.
        self._kept_token = self._kept_token or super()._token()
        return self._kept_token

    def stop(self) -> None:
        """End every part, PostgreSQL last; what the volumes hold stays."""
        database = self._parts.pop("postgres", None)
        # A task is in a session of its own, beyond its worker's group.
        children = [child for part in self._parts.values() for child in _descendants(part.pid)]
        super().stop()
        _kill(children)
        if database:
            database.send_signal(signal.SIGINT)  # waits for nobody who is still connected
            try:
                database.wait(30)
            except subprocess.TimeoutExpired:
                _kill([*_descendants(database.pid), psutil.Process(database.pid)])
                database.wait()

    def kill(self, part: str, number: int = signal.SIGKILL) -> None:
        """Send a part's processes a signal; SIGKILL reaches all of them, as when a container is killed."""
        process = self._parts[part]
        if number == signal.SIGKILL:
            process.send_signal(signal.SIGSTOP)  # so that it starts nobody meanwhile
            _kill([*_descendants(process.pid), psutil.Process(process.pid)])
            process.wait()
        else:
            process.send_signal(number)

    def restart(self, part: str) -> None:
        """Kill a part, if it still runs, and start it."""
        if self.alive(part):
            self.kill(part)
        self._start(part)

    def alive(self, part: str) -> bool:
        """Whether the part's first process runs."""
        process = self._parts.get(part)
        return process is not None and process.poll() is None

    def healthy(self, part: str) -> bool:
        """What the service's own health check says."""
        test = self._services[self.parts[part]]["healthcheck"]["test"]
        try:
            done = subprocess.run(
                ["sh", "-c", self.native(part, test)], env=self.environment_of(part), cwd=ROOT, check=False,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def airflow(self, *arguments: str, part: str = "api-server") -> str:
        """What `airflow ARGUMENTS` prints in a part, as `docker compose run` has it. raises: CalledProcessError"""
        done = subprocess.run(
            ["airflow", *arguments], env=self.environment_of(part), cwd=ROOT, capture_output=True, text=True,
            check=True, executable=shutil.which("airflow", path=self.environment_of(part)["PATH"]),
        )  # fmt: skip
        return done.stdout

    def environment_of(self, part: str) -> dict[str, str]:
        """The environment of a part's processes."""
        service = self._services[self.parts[part]]
        ours = service.get("build") is not None
        said = {**(image_environment() if ours else {}), **service.get("environment", {})}
        rendered = {name: self.native(part, str(value)) for name, value in said.items()}
        folders = [
            str(self.home / "parts" / part / "bin"),
            str(Path(sys.executable).parent),
            str(self._programs),
            "/usr/sbin",
            os.environ.get("PATH", ""),
        ]
        return {
            **{name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ},
            **rendered,
            **{name: value for name, value in NATIVE.items() if name in rendered},
            "PATH": ":".join(folders),
            **({"PGPORT": self.ports["5432"]} if part == "postgres" else {}),
        }

    def native(self, part: str, said: str) -> str:
        """What docker-compose.yml says, with this machine's paths, host names, ports and programs."""
        said = _ADDRESS.sub(self._address, said)
        paths, names = self._mounts[part], {**self.ports, **_PROGRAMS}
        found = re.compile(
            rf"(?<![\w./-])(?P<path>{_any_of(paths)})(?![\w.-])|(?<![\w.])(?P<name>{_any_of(names)})(?![\w.])"
        )
        return found.sub(lambda one: paths.get(one["path"]) or names[one["name"]], said)

    def _mount(self, part: str) -> None:
        """Make the part's folders, and remember which path of its container each is."""
        service = self._services[self.parts[part]]
        own = (self._for_postgres if part == "postgres" else self.home) / "parts" / part
        mounts = {path: str(own / path.strip("/")) for path in _ALWAYS_THERE} | {"/opt/avr": str(ROOT)}
        for entry in service.get("tmpfs", []):
            path = entry.partition(":")[0]
            mounts[path] = str(private_folder(own / path.strip("/")))
        for entry in service.get("volumes", []):
            source, path = entry.split(":")[:2]
            if "/" in source:
                mounts[path] = str((ROOT / source).resolve())
            else:
                volumes = self._for_postgres if part == "postgres" else self.home
                mounts[path] = str(private_folder(volumes / "volumes" / source))
        for entry in service.get("configs", []):
            mounts[entry["target"]] = str(ROOT / render(self._variables)["configs"][entry["source"]]["file"])
        for name in service.get("secrets", []):
            write_private(Path(mounts["/run/secrets"]) / name, self._secrets[name].encode())
        hostname = self.home / "parts" / part / "bin" / "hostname"
        private_folder(hostname.parent)
        hostname.write_text(f"#!/bin/sh\necho {part}\n")  # each container has a name of its own
        hostname.chmod(0o755)
        self._mounts[part] = mounts

    def _make_secrets(self, connections: Mapping[str, Any]) -> dict[str, str]:
        folder = self.home / "secrets"
        subprocess.run([ROOT / "deploy" / "secrets.sh", folder], check=True)
        said = {path.name: _ADDRESS.sub(self._address, path.read_text()) for path in folder.iterdir()}
        return said | {"connections.yaml": json.dumps(connections)}

    def _address(self, found: re.Match[str]) -> str:
        return f"127.0.0.1:{self.ports[found['port']]}"

    def _start(self, part: str) -> None:
        more: dict[str, Any] = {"cwd": ROOT}
        if part == "postgres":
            more = {"cwd": self._for_postgres, "user": self._user}
        self._launch(part, self._command(part), self.environment_of(part), **more)

    def _command(self, part: str) -> list[str]:
        command = self._services[self.parts[part]]["command"]
        words = shlex.split(command) if isinstance(command, str) else command
        if part == "postgres":
            words += ["-D", "/var/lib/postgresql/data"]  # the image's PGDATA
        return [self.native(part, word) for word in words]

    def _complete(self, part: str) -> None:
        process = self._launch(part, self._command(part), self.environment_of(part), cwd=ROOT)
        del self._parts[part]
        if process.wait(self.start_seconds):
            raise AirflowDied(f"{part} failed; see {self.home / f'{part}.log'}")

    def _make_databases(self) -> None:
        """What the entry point of PostgreSQL's image does with an empty volume; nothing, where it is not empty."""
        data = Path(self._mounts["postgres"]["/var/lib/postgresql/data"])
        if any(data.iterdir()):
            return
        environment = self.environment_of("postgres")
        if self._user:
            who = pwd.getpwnam(self._user)
            for path in [self._for_postgres, *self._for_postgres.rglob("*")]:
                os.chown(path, who.pw_uid, who.pw_gid)
        run = {"env": environment, "cwd": self._for_postgres, "user": self._user, "check": True}
        options = shlex.split(environment["POSTGRES_INITDB_ARGS"])
        password = environment["POSTGRES_PASSWORD_FILE"]
        subprocess.run(
            ["initdb", "-D", data, "-U", "postgres", f"--pwfile={password}", "--auth-local=trust", *options, "-E",
             "UTF8", "--locale=C.UTF-8"],
            stdout=subprocess.DEVNULL, executable=self._programs / "initdb", **run,
        )  # fmt: skip
        # Without a port, as the image does, so that nobody else connects before the databases are made.
        control = [str(self._programs / "pg_ctl"), "-D", str(data), "-w", "-o", "-c listen_addresses=''"]
        sockets = self._mounts["postgres"]["/run/postgresql"]
        control[-1] += f" -k {sockets}"
        subprocess.run([*control, "-l", str(self._for_postgres / "first.log"), "start"], **run)
        for target, script in self._mounts["postgres"].items():
            if target.startswith("/docker-entrypoint-initdb.d/"):
                commands = self.native("postgres", Path(script).read_text())
                subprocess.run(["sh", "-c", commands], **{**run, "env": {**environment, "PGHOST": sockets}})
        subprocess.run([*control, "stop"], stdout=subprocess.DEVNULL, **run)


def _any_of(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


def _descendants(pid: int) -> list[psutil.Process]:
    """All of them, also those with a session of their own."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()

"""A real Airflow of the demo's own: its parts as processes, in a folder that can be thrown away.

Reach for this to start, ask and stop it. The parts are started one after another, the API server first: a task that
starts before it answers would fail. Its database is PostgreSQL where the machine has it, as Airflow advises; on SQLite,
which lets one write at a time, a busy scheduler may give up waiting and end. A part that ended is started again, as a
service manager does.
"""

import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from include.demo.ports import free_port
from include.demo.postgres import binaries, postgres
from include.settings import ROOT, private_folder, write_private

USERS = {"admin": "admin", "watcher": "viewer", "reviewer": "user", "auditor": "op"}
"""Who may log in, each with the simple auth manager's role: one for every role of the notification board."""
_ATTEMPTS = 4
_RESTARTS = 3
# Each task is a process of its own: without kept bytecode each would compile Airflow anew.
_NOT_PASSED_ON = ("AIRFLOW", "AVR_", "PYTHONDONTWRITEBYTECODE")


class AirflowDied(RuntimeError):
    """A part of Airflow ended by itself, or did not start in time; the message names its log."""


class Parts:
    """Parts of an Airflow as processes, each with its children a group; and its REST API, asked as `user`.

    home: where each part's log is
    restarts: how often `keep_alive` starts parts again before it says that something is wrong
    """

    start_seconds = 180
    environment: dict[str, str]
    passwords: dict[str, str]

    def __init__(self, home: Path, restarts: int = _RESTARTS) -> None:
        self.home = private_folder(home)
        self.port = free_port()
        self.user, self.password = "admin", ""
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._left = restarts

    @property
    def url(self) -> str:
        """Where the UI is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, said: Callable[[str], None] = lambda _: None) -> None:
        """Start every part; returns when all are healthy. raises: AirflowDied"""
        raise NotImplementedError

    def stop(self) -> None:
        """End every part and its children."""
        for part in self._parts.values():
            _signal_group(part, signal.SIGTERM)
        deadline = time.monotonic() + 15
        for part in self._parts.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                part.wait(max(0.1, deadline - time.monotonic()))
            # A part that ended may leave its children behind: the group is ended, whoever is left in it.
            _signal_group(part, signal.SIGKILL)
            part.wait()
        self._parts.clear()

    def keep_alive(self) -> None:
        """Start a part again that ended by itself.

        raises: AirflowDied if that has happened too often
        """
        for name, part in list(self._parts.items()):
            if part.poll() is None:
                continue
            self._left -= 1
            if self._left < 0:
                raise AirflowDied(f"Airflow's {name} ended with {part.returncode}; see {self.home / f'{name}.log'}")
            _signal_group(part, signal.SIGKILL)
            self._start(name)

    def get(self, path: str) -> Any:
        """What the REST API answers at `path`, as the admin."""
        return self.request("GET", path)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """What the REST API answers. Raises HTTPError if it refuses.

        Asked again if it could not write: on SQLite its event loop may wait for a lock that only the event loop can
        free, until SQLite gives up waiting.
        """
        left = _ATTEMPTS
        while True:
            left -= 1
            try:
                return _json(method, f"{self.url}/api/v2/{path}", body, {"Authorization": f"Bearer {self._token()}"})
            except (urllib.error.HTTPError, TimeoutError) as error:
                refused = isinstance(error, urllib.error.HTTPError) and error.code < 500
                if refused or not left:
                    raise

    def _token(self) -> str:
        login = {"username": self.user, "password": self.password}
        token: str = _json("POST", f"{self.url}/auth/token", login, {})["access_token"]
        return token

    def _start(self, part: str) -> None:
        raise NotImplementedError

    def _launch(
        self, part: str, command: Sequence[str], environment: Mapping[str, str], **more: Any
    ) -> "subprocess.Popen[bytes]":
        with (self.home / f"{part}.log").open("ab") as log:
            self._parts[part] = subprocess.Popen(  # noqa: S603
                # A group of its own: a part's children are ended with it.
                command,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **more,
            )
        return self._parts[part]

    def _wait(self, ready: Callable[[], bool], part: str) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not ready():
            self.keep_alive()
            if time.monotonic() > deadline:
                raise AirflowDied(
                    f"Airflow was not healthy after {self.start_seconds} seconds; see {self.home / f'{part}.log'}"
                )
            time.sleep(0.5)

    def _health(self) -> Any:
        try:
            return _json("GET", f"{self.url}/api/v2/monitor/health", None, {})
        except (urllib.error.URLError, OSError):
            return None

    def _all_healthy(self) -> bool:
        health = self._health() or {}
        return all(
            (health.get(part) or {}).get("status") == "healthy" for part in ("scheduler", "triggerer", "dag_processor")
        )


class Airflow(Parts):
    """The parts of one Airflow: migrated database, API server, scheduler, triggerer, DAG processor."""

    def __init__(self, home: Path, environment: Mapping[str, str], workers: int = 3) -> None:
        super().__init__(home)
        self.passwords = {user: secrets.token_urlsafe(9) for user in USERS}
        self.password = self.passwords[self.user]
        passwords = write_private(home / "passwords.json", json.dumps(self.passwords).encode())
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)},
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
            "PYTHONPATH": str(ROOT),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            # By default some thirty idle workers would be started.
            "AIRFLOW__CORE__PARALLELISM": str(workers),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(map(":".join, USERS.items())),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{self.port}",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(24),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            **environment,
        }
        self._database = contextlib.ExitStack()

    @property
    def database(self) -> str:
        """The URL of its database, once it was started."""
        return self.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]

    def start(self, said: Callable[[str], None] = lambda _: None) -> None:
        """Migrate and start every part; returns when all are healthy.

        raises: AirflowDied if a part ends, or is not healthy in time
        """
        said("Airflow: its database")
        self.environment |= self._make_database()
        with (self.home / "migrate.log").open("wb") as log:
            done = subprocess.run(  # noqa: S603
                self._command("db", "migrate"), env=self.environment, stdout=log, stderr=log, check=False
            )
        if done.returncode:
            raise AirflowDied(f"Airflow's database could not be made; see {self.home / 'migrate.log'}")
        said("Airflow: API server")
        self._start("api-server")
        self._wait(lambda: self._health() is not None, "api-server")
        said("Airflow: scheduler, triggerer, DAG processor")
        for part in ("dag-processor", "triggerer", "scheduler"):
            self._start(part)
        self._wait(self._all_healthy, "scheduler")

    def _make_database(self) -> dict[str, str]:
        if programs := binaries():
            url = f"{self._database.enter_context(postgres(programs))}/postgres"
            return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": url}
        with contextlib.closing(sqlite3.connect(self.home / "airflow.db")) as database:
            # So that a reader, the UI say, keeps no part of Airflow from writing. The file remembers it.
            database.execute("PRAGMA journal_mode = WAL")
        return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}?timeout=15"}

    def stop(self) -> None:
        super().stop()
        self._database.close()

    def run(self, *arguments: str) -> str:
        """What `airflow ARGUMENTS` prints. Raises CalledProcessError if it fails."""
        return subprocess.run(  # noqa: S603
            self._command(*arguments), env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "airflow", *arguments]

    def _start(self, part: str) -> None:
        self._launch(part, self._command(part), self.environment)


def _json(method: str, url: str, body: object, headers: Mapping[str, str]) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310  (our own server, on this machine)
        url, data, {"Content-Type": "application/json", **headers}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        content = answer.read()
    return json.loads(content) if content else None


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)

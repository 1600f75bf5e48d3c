"""A worker process as Airflow starts one: it makes the list of a due moment, sends what is owed, and can be killed.

Each is forked from a process that has imported everything and does nothing else (multiprocessing's forkserver), so that
fifty of them take seconds. The code under test knows nothing of this: its functions are wrapped in the child.
"""

import datetime as dt
import importlib
import itertools
import multiprocessing
import os
import resource
import secrets
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy.orm import configure_mappers

from include import connections
from include.arrangements.models import Arrangement
from include.delivery.send import send_owed
from include.lists.compose import compose_list
from tests.lists.composing import approving

configure_mappers()  # at the first query it would import half of Airflow, in each child anew
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.delivery.worker"])


@dataclass(frozen=True)
class Death:
    """Where a worker kills itself: `before` or `after` the nth call of `module:function`.

    `half` is in the middle of it: half of the bytes that begin with, or hold, `holding` were written.
    """

    at: str
    when: str = "before"
    nth: int = 1
    holding: bytes = b""


class Worker:
    """A running worker. `wait()` gives how it ended: what it said, or the number of the signal that killed it."""

    def __init__(self, process: Any, heard: Connection) -> None:
        self._process, self._heard = process, heard

    def wait(self) -> str | int:
        self._process.join(60)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise AssertionError("the worker did not end within a minute")
        return str(self._heard.recv()) if code == 0 else -code


def start(
    arrangement: Arrangement,
    due_at: dt.datetime,
    environment: Mapping[str, str],
    *,
    death: Death | None = None,
    disk: int | None = None,
    compose: bool = True,
    send: bool = True,
) -> Worker:
    """Start a worker. disk: the size in bytes that no file of it may exceed."""
    heard, said = _FORKS.Pipe(duplex=False)
    given = (arrangement, due_at, dict(environment), death, disk, compose, send, said)
    process = _FORKS.Process(target=_work, args=given)
    process.start()
    said.close()
    return Worker(process, heard)


def _work(
    arrangement: Arrangement,
    due_at: dt.datetime,
    environment: dict[str, str],
    death: Death | None,
    disk: int | None,
    compose: bool,
    send: bool,
    said: Connection,
) -> None:
    assert threading.active_count() == 1, "a fork with threads would be no honest worker"
    os.environ.update(environment)
    letter = itertools.count()
    # The same entry references in each run, so that its files can be compared with another run's.
    secrets.choice = lambda letters: letters[next(letter) % len(letters)]
    if disk is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))
    if death:
        _arm(death)
    try:
        answer = []
        if compose:
            keys = connections.sealing_keys(arrangement)
            answer.append(approving(lambda approved: compose_list(arrangement, due_at, keys, due_at, approved))[0])
        if send:
            answer += send_owed(
                arrangement.office,
                arrangement.deliver,
                open_sftp=connections.open_sftp,
                open_smtp=connections.open_smtp,
                admitted=lambda _: None,
                clock=lambda: dt.datetime.now(dt.UTC),
            )
        said.send(", ".join(str(part) for part in answer))
    except Exception as error:
        said.send(f"{type(error).__name__}: {error}")


def _arm(death: Death) -> None:
    module, _, path = death.at.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    real: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    def wrapped(*given: Any, **named: Any) -> Any:
        if death.when == "half":
            content = given[-1].encode() if isinstance(given[-1], str) else given[-1]
            if death.holding in content:
                real(*given[:-1], content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **named)
        mine = next(calls) == death.nth
        if mine and death.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*given, **named)
        if mine and death.when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)

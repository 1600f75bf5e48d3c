"""An installation that runs: its real SFTP and mail servers, its ledger, its Airflow, and what each office has of it.

Reach for `Running` to have one from a `Setting`, whoever made that: the demo, a test, a benchmark.
"""

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from include.arrangements.calendar import due_moments
from include.arrangements.framework import PARTIES, AddressedParty
from include.arrangements.models import Addressee, Arrangement
from include.arrangements.reading import load_frameworks, load_offices
from include.demo.airflow import Airflow, Parts
from include.demo.office import Received, ReceivedView, answer_tests, open_everything, open_views
from include.demo.setting import Setting
from include.ledger import intake, outbox, recipients
from include.ledger.engine import reading, writing
from include.ledger.migrating import migrate
from include.ledger.models import Paper
from include.reports.framework.compose import KIND as VIEWS
from include.reports.seals import in_groups
from include.settings import ROOT

DAY_MINUTES = 12


class DemoFailed(RuntimeError):
    """The demo did not come to its end; the message says where to look."""


@dataclass(frozen=True)
class Progressed:
    """How far a day is."""

    pulled: int
    reconciled: int
    partitions: int
    seen_to: int
    due: int
    owed: int
    views: int
    views_due: int

    @property
    def done(self) -> bool:
        done = self.reconciled == self.partitions and self.seen_to == self.due and self.views == self.views_due
        return done and not self.owed

    def __str__(self) -> str:
        return (
            f"{self.pulled} of {2 * self.partitions} extracts in, {self.reconciled} of {self.partitions} "
            f"host countries reconciled, {self.seen_to} of {self.due} offices seen to, "
            f"{self.views} of {self.views_due} views of frameworks with their parties"
        )


class Running(AbstractContextManager["Running"]):
    """An installation. Enter it to start its servers and its Airflow; leave it to stop them.

    hosts: its host countries
    home: where its Airflow keeps its files
    """

    def __init__(
        self, setting: Setting, hosts: Sequence[str], home: Path, said: Callable[[str], None] = lambda _: None
    ) -> None:
        self.setting, self.hosts, self._said = setting, list(hosts), said
        self.airflow = self._make_airflow(home)
        self._due: dict[dt.date, dict[str, dt.datetime]] = {}
        self._servers: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._said("SFTP and mail servers")
        self._servers = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "include.demo.servers", "--config", str(self.setting.servers)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=(self.setting.folder / "servers.log").open("wb"),
        )
        try:
            self._wait_for_servers(self._servers)
            self._start_airflow()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _make_airflow(self, home: Path) -> Parts:
        return Airflow(home, self.setting.environment)

    def _start_airflow(self) -> None:
        self._said("the ledger")
        migrate(self.setting.ledger)
        self.airflow.start(self._said)

    def _wait_for_servers(self, servers: "subprocess.Popen[bytes]") -> None:
        ready = servers.stdout.readline() if servers.stdout else b""
        if not ready:
            raise DemoFailed(f"the servers did not start; see {self.setting.folder / 'servers.log'}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.airflow.stop()
        if self._servers:
            self._servers.terminate()
            self._servers.wait(10)
            self._servers = None

    @property
    def offices(self) -> dict[str, list[Arrangement]]:
        return load_offices(self.setting.arrangements)[0]

    @property
    def parties(self) -> dict[str, list[AddressedParty]]:
        """The parties of frameworks, by code."""
        agreements = load_frameworks(self.setting.arrangements)[0].values()
        addressed = [AddressedParty(versions[-1], party) for versions in agreements for party in PARTIES]
        return {one.code: [one] for one in addressed}

    def open_addresses(self, said: Callable[[str], None] = lambda _: None) -> None:
        """Prove every arrangement as an operator would, by a test message that its office or party answers."""
        said("a test message to every office and party")
        everybody: dict[str, Sequence[Addressee]] = {**self.offices, **self.parties}
        for some in in_groups(everybody):
            done = self.command("check", "--connect", "--office", *some)
            if done.returncode:
                raise DemoFailed(f"an arrangement does not hold:\n{done.stdout}{done.stderr}")
        codes = answer_tests(self.setting, everybody)
        with writing(self.setting.ledger) as session:
            for office, code in ((office, code) for office, several in codes.items() for code in several):
                recipients.confirm(session, office, code, "the demo", dt.datetime.now(dt.UTC))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m include`, as an operator does, with Airflow's connections in the environment."""
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", "include", *arguments],
            cwd=ROOT, env=self.airflow.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def answer_requests(self) -> list[str]:
        """Let the lists and cases go that wait for a person, as one does in the UI; returns what was asked."""
        asked = self.airflow.get("dags/~/dagRuns/~/hitlDetails?response_received=false&limit=100")["hitl_details"]
        # No person answers within seconds; Airflow, not done with the task that asked, would take it for failed.
        long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=8)
        asked = [request for request in asked if dt.datetime.fromisoformat(request["created_at"]) < long_ago]
        for request in asked:
            task = request["task_instance"]
            path = (
                f"dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'])}/taskInstances/{task['task_id']}"
                f"/{task['map_index']}/hitlDetails"
            )
            # What is asked first is what lets go: a list out of proportion, a case at which somebody looked.
            self.airflow.request("PATCH", path, {"chosen_options": request["options"][:1], "params_input": {}})
        return [str(request["subject"]) for request in asked]

    def progress(self, day: dt.date) -> Progressed:
        """How far the work on `day` is, by the ledger."""
        hosts = self.hosts
        with reading(self.setting.ledger) as session:
            pulled = sum(
                intake.extract_in_force(session, intake.Partition(host, day), kind) is not None
                for host in hosts
                for kind in ("avr_cases", "asylum_procedure")
            )
            newest = intake.newest_reconciled(session, hosts)
            seen_to = outbox.composed_for(session)
            owed = len(outbox.owed_lists(session, dt.datetime.now(dt.UTC) + dt.timedelta(days=1)))
            told = select(func.count()).select_from(Paper).filter_by(kind=VIEWS, state="told", period_from=day)
            views = session.scalar(told) or 0
        due = self._due.setdefault(day, self.due_on(day))
        return Progressed(
            pulled=pulled,
            reconciled=sum(found is not None and found >= day for found in newest.values()),
            partitions=len(hosts),
            seen_to=sum((seen := seen_to.get(office)) is not None and seen >= moment for office, moment in due.items()),
            due=len(due),
            owed=owed,
            views=views,
            views_due=sum(to.framework.covers_until(day) is not None for (to,) in self.parties.values()),
        )

    def due_on(self, day: dt.date) -> dict[str, dt.datetime]:
        """The offices whose list is due on `day`, each by its own calendar, with the moment."""
        found = {}
        for office, versions in self.offices.items():
            zone = ZoneInfo(versions[-1].timezone)
            start = dt.datetime.combine(day, dt.time(), zone)
            moments = due_moments(versions, start, start + dt.timedelta(days=1))
            if moments:
                found[office] = moments[-1]
        return found

    def wait_for(self, day: dt.date, said: Callable[[str], None] = lambda _: None) -> None:
        """Return when every list of `day` is with its office.

        raises: DemoFailed if that takes too long, AirflowDied if a part of Airflow ends
        """
        deadline = time.monotonic() + DAY_MINUTES * 60
        while not ((now := self.progress(day)).done and not self.at_work()):
            said(str(now))
            self.airflow.keep_alive()
            for asked in self.answer_requests():
                said(f"a person lets a list go: {asked}")
            time.sleep(2)
            if time.monotonic() > deadline:
                raise DemoFailed(f"{day} did not end in {DAY_MINUTES} minutes: {now}; look at {self.airflow.url}")
        said(str(now))

    def at_work(self) -> bool:
        """Whether a reconciliation or an urgent list, of which the ledger cannot know yet, is under way."""
        states = "state=queued&state=running&limit=1"
        return any(
            self.airflow.get(f"dags/{dag_id}/dagRuns?{states}")["dag_runs"]
            for dag_id in ("reconcile_cases", "deliver_urgent_lists")
        )

    def received(self) -> list[Received]:
        """Every list as its office has it, opened and checked with what the office alone has."""
        return open_everything(self.setting, self.offices)

    def received_views(self) -> list[ReceivedView]:
        """Every view as its party has it, opened and checked with what the party alone has."""
        return open_views(self.setting, [to for (to,) in self.parties.values()])

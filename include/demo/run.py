"""The demo: a few days of the main job, from a real SFTP source to real SFTP and mail servers, under a real Airflow.

Reach for `Demo` to drive it step by step (the tests do), for `run` to see it (`make demo`). Nothing in it is known to
the DAGs: they run by their own timetables, catching up the demo's days, and wait for each day's files as they would
for any late source.
"""

import datetime as dt
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import func, select

from include.arrangements.calendar import due_moments
from include.arrangements.framework import PARTIES, AddressedParty
from include.arrangements.models import Addressee, Arrangement
from include.arrangements.reading import load_frameworks, load_offices, load_sources
from include.demo.airflow import Airflow, Running
from include.demo.answering import Answer, Door, answer, doors
from include.demo.office import Received, ReceivedView, answer_tests, open_everything, open_lists, open_views
from include.demo.setting import Setting, build
from include.ledger import intake, outbox, responses
from include.ledger.engine import reading
from include.ledger.migrating import migrate
from include.ledger.models import Delivery, Paper
from include.reports.framework.compose import KIND as VIEWS
from include.sample.world import World
from include.settings import ROOT, private_folder

FIRST_DAY = dt.date(2026, 11, 2)
DAY_MINUTES = 12
CASES, REGISTER, SEED = 60, 600, 20030116
TRUNCATED = ("NER", "avr_cases")
"""The source whose file of the second day comes cut off at first, and whole when its refusal was seen."""

ANSWERING: dict[Door, str] = {"folder": "DEU-BER", "email": "GRC-THE"}
"""By each door, the office that answers by itself; whoever plays an office plays another one, GRC-ATH say."""


class DemoFailed(RuntimeError):
    """The demo did not come to its end; the message says where to look."""


@dataclass(frozen=True)
class Answered:
    """What an office has answered of one list; `answers` is by entry."""

    office: str
    door: Door
    list_number: str
    answers: dict[str, Answer]


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


class Demo(AbstractContextManager["Demo"]):
    """The demo's setting, servers and Airflow. Enter it to start them; leave it to stop them.

    folder: emptied first, if it is a demo's
    """

    def __init__(self, folder: Path, days: int, said: Callable[[str], None] = lambda _: None) -> None:
        self.days = [FIRST_DAY + dt.timedelta(days=number) for number in range(days)]
        self._said = said
        self._due: dict[dt.date, dict[str, dt.datetime]] = {}
        marker = folder / "demo"
        if folder.exists() and any(folder.iterdir()) and not marker.exists():
            raise DemoFailed(f"{folder} is not empty and not a demo's folder; name another one with --folder")
        shutil.rmtree(folder, ignore_errors=True)
        private_folder(folder)
        marker.touch()
        said("keys, arrangements and servers' configuration")
        self.setting: Setting = build(folder, self.days)
        said("a made-up world")
        hosts = sorted({source.host_country for source in load_sources(self.setting.arrangements)[0]})
        self.world = World(seed=SEED, hosts=hosts, first_day=FIRST_DAY, cases=CASES, register=REGISTER)
        self.airflow: Running = self._make_airflow(folder / "airflow")
        self._servers: subprocess.Popen[bytes] | None = None

    def _make_airflow(self, home: Path) -> Running:
        return Airflow(home, self.setting.environment)

    def __enter__(self) -> "Demo":
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
        done = self.command("check", "--connect", "--office", *everybody)
        if done.returncode:
            raise DemoFailed(f"an arrangement does not hold:\n{done.stdout}{done.stderr}")
        for office, codes in answer_tests(self.setting, everybody).items():
            for code in codes:
                done = self.command("confirm", office, code, "--by", "the demo")
                if done.returncode:
                    raise DemoFailed(f"the answer of {office} was not taken:\n{done.stderr}")

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

    def run_day(self, day: dt.date, said: Callable[[str], None] = lambda _: None) -> None:
        """Let the sources publish `day` and wait until every list of the day is with its office.

        On the second day one source's file is cut off at first; it comes whole when its refusal was seen.
        """
        second = day == FIRST_DAY + dt.timedelta(days=1)
        said("the sources publish their files")
        self.publish(day, TRUNCATED if second else None)
        if second:
            self.wait_for_refusal(said)
            self.publish(day)
        self.wait_for(day, said)

    def publish(self, day: dt.date, truncated: tuple[str, str] | None = None) -> None:
        """Let the sources have their files of `day`; the named one is cut off."""
        self.world.write_day(self.setting.sources, day, truncated=frozenset([truncated] if truncated else []))
        self.world.write_truth(self.setting.truth, day)

    def progress(self, day: dt.date) -> Progressed:
        """How far the work on `day` is, by the ledger."""
        hosts = self.world.hosts
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
        while not ((now := self.progress(day)).done and not self._at_work()):
            said(str(now))
            self.airflow.keep_alive()
            for asked in self.answer_requests():
                said(f"a person lets a list go: {asked}")
            time.sleep(2)
            if time.monotonic() > deadline:
                raise DemoFailed(f"{day} did not end in {DAY_MINUTES} minutes: {now}; look at {self.airflow.url}")
        said(str(now))

    def _at_work(self) -> bool:
        """Whether a reconciliation or an urgent list, of which the ledger cannot know yet, is under way."""
        states = "state=queued&state=running&limit=1"
        return any(
            self.airflow.get(f"dags/{dag_id}/dagRuns?{states}")["dag_runs"]
            for dag_id in ("reconcile_cases", "deliver_urgent_lists")
        )

    def wait_for_refusal(self, said: Callable[[str], None]) -> None:
        """Return when Airflow shows that a pull was refused."""
        deadline = time.monotonic() + DAY_MINUTES * 60
        while time.monotonic() < deadline:
            self.airflow.keep_alive()
            tasks = self.airflow.get("dags/pull_extracts/dagRuns/~/taskInstances?limit=500")["task_instances"]
            if any(task["task_id"] == "pull_cases" and task["state"] in ("up_for_retry", "failed") for task in tasks):
                said("a cut-off file was refused; the whole one comes now")
                return
            time.sleep(3)
        raise DemoFailed(f"the cut-off file was not refused; look at {self.airflow.url}")

    def received(self) -> list[Received]:
        """Every list as its office has it, opened and checked with what the office alone has."""
        return open_everything(self.setting, self.offices)

    def received_views(self) -> list[ReceivedView]:
        """Every view as its party has it, opened and checked with what the party alone has."""
        return open_views(self.setting, [to for (to,) in self.parties.values()])

    def answer_lists(self) -> list[Answered]:
        """Let an office answer by each door: a concern about the newest who is NEW, and a record that was closed.

        raises: DemoFailed if an office has too few entries to answer
        """
        answered = []
        for door, office in ANSWERING.items():
            arrangement = self.offices[office][-1]
            channel = doors(arrangement)[door]
            lists = {one.list_number: one for one in open_lists(self.setting, office, channel)}
            for list_number, answers in self._answers_of(office, list(lists.values())).items():
                answer(self.setting, arrangement, channel, lists[list_number], answers, door)
                answered.append(Answered(office, door, list_number, answers))
        return answered

    def wait_for_effect(self, answered: Sequence[Answered], said: Callable[[str], None] = lambda _: None) -> None:
        """Return when every answer is in the ledger and every concern in it was mailed to IOM's focal point.

        raises: DemoFailed if that takes too long, AirflowDied if a part of Airflow ends
        """
        deadline = time.monotonic() + DAY_MINUTES * 60
        while waiting := self._without_effect(answered):
            said(f"IOM takes what {' and '.join(sorted(waiting))} answered")
            self.airflow.keep_alive()
            time.sleep(1)
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"the answer of {', '.join(sorted(waiting))} had no effect; look at {self.airflow.url}"
                )

    def _without_effect(self, answered: Sequence[Answered]) -> set[str]:
        with reading(self.setting.ledger) as session:
            taken = {(one.list_number, one.entry) for one in responses.everything_said(session)}
            untold = {one.entry for one in responses.open_concerns(session) if one.told_at is None}
        return {
            one.office
            for one in answered
            for entry in one.answers
            if (one.list_number, entry) not in taken or entry in untold
        }

    def _answers_of(self, office: str, lists: list[Received]) -> dict[str, dict[str, Answer]]:
        """A concern and a record closed, by list and entry."""
        entries = [entry for one in lists if one.opened for entry in one.opened.entries.to_dict("records")]
        doubted = next((entry for entry in reversed(entries) if entry["notice"] == "NEW"), None)
        # A record is closed on a departure; where nobody has left yet, on a person's decision to stay.
        closed = next(
            (entry for notice in ("DEPARTED", "CANCELLED", "NEW") for entry in entries if entry["notice"] == notice),
            None,
        )
        if doubted is None or closed is None:
            raise DemoFailed(f"{office} has too few entries to answer; look at {self.airflow.url}")
        closed_on = dt.date.fromisoformat(closed["departed_on"]) if closed["departed_on"] else self.days[-1]
        said: dict[str, dict[str, Answer]] = {}
        said.setdefault(closed["list_number"], {})[closed["entry"]] = Answer(record_closed_on=closed_on)
        said.setdefault(doubted["list_number"], {})[doubted["entry"]] = Answer(
            concern=True, remarks="please call before the flight"
        )
        return said

    def review(self) -> Path:
        """The review of the cooperation from the demo's first day to today, as an operator makes it; its PDF.

        raises: DemoFailed
        """
        # The demo's days are gone through now: what was told was told today.
        today = dt.datetime.now(dt.UTC).date()
        first, last = min(self.days[0], today), max(self.days[-1], today)
        done = self.command("review", "--from", f"{first}", "--to", f"{last}", "--folder", f"{self.setting.review}")
        if done.returncode:
            raise DemoFailed(f"the review was not made:\n{done.stderr}")
        return Path(done.stdout.splitlines()[0])

    def views_sent(self) -> int:
        """Views that the ledger says their parties have."""
        with reading(self.setting.ledger) as session:
            return session.scalar(select(func.count()).select_from(Paper).filter_by(kind=VIEWS, state="told")) or 0

    def sealed_count(self) -> int:
        """Deliveries that the ledger says were made."""
        with reading(self.setting.ledger) as session:
            return session.scalar(select(func.count()).select_from(Delivery)) or 0


class _Said(AbstractContextManager["_Said"]):
    """What the demo is doing: one moving line in a terminal, a line for each change elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = self._since = time.monotonic()
        self._last = ""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._line = self._progress.add_task("starting", total=None)

    def __enter__(self) -> "_Said":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, what: str) -> None:
        if what != self._last and not self._console.is_terminal:
            self._console.print(f"{time.monotonic() - self._begun:4.0f} s  {what}", highlight=False, soft_wrap=True)
        self._last = what
        self._progress.update(self._line, description=what)

    def within(self, prefix: str) -> Callable[[str], None]:
        """Says things of one day."""
        return lambda what: self(f"{prefix}: {what}")

    def done(self, what: str) -> None:
        """Leave a line behind, with how long it took since the line before."""
        now = time.monotonic()
        self._console.print(f"[green]✓[/green] {what} ({now - self._since:.0f} s)", highlight=False, soft_wrap=True)
        self._since = now

    def stop(self) -> None:
        self._progress.stop()


def run(folder: Path, *, days: int, once: bool) -> int:
    """Run the demo in a terminal; exit code 0 only if every list arrived and was opened by the receiving side."""
    console = Console()
    try:
        with _Said(console) as said:
            demo = Demo(folder, days, said)
            with demo:
                said.done("Airflow is up")
                demo.open_addresses(said)
                said.done("every office has answered its test message")
                for day in demo.days:
                    demo.run_day(day, said.within(f"{day:%A %d %B}"))
                    said.done(f"{day:%A %d %B}: every list is with its office")
                said("opening every list as its office does")
                received = demo.received()
                said.done(f"{len(received)} lists opened")
                views = demo.received_views()
                said.done(f"{len(views)} views of frameworks opened by their parties")
                said("an office answers by each door")
                answered = demo.answer_lists()
                for one in answered:
                    said.done(f"{one.office} answers {one.list_number} by {one.door}")
                demo.wait_for_effect(answered, said)
                said.done("IOM has taken the answers, and its focal points have been told of the concerns")
                said("the review of the cooperation")
                review = demo.review()
                said.done("the review of the cooperation is made")
                said.stop()
                _show(console, demo, received, views, review)
                good = len(received) == demo.sealed_count() and len(views) == demo.views_sent()
                good = good and not any(found.problem for found in received) and not any(view.problem for view in views)
                if not good:
                    console.print("[red]Not everything arrived and could be opened: see above.[/red]")
                if not once:
                    console.print("The UI stays up. Ctrl-C ends it. Be an office in another terminal: make office")
                    while True:
                        demo.airflow.keep_alive()
                        time.sleep(1)
    except KeyboardInterrupt:
        return 0
    except (DemoFailed, RuntimeError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    return 0 if good else 1


def _show(console: Console, demo: Demo, received: list[Received], views: list[ReceivedView], review: Path) -> None:
    # Eighty columns wide, so that it is whole in any terminal.
    table = Table(
        title="What each office received", title_justify="left", header_style="bold", padding=0, box=SIMPLE_HEAD
    )
    notices = ("NEW", "CHANGED", "CANCELLED", "DEPARTED")
    for heading in ("list", "came by", *notices, "opened"):
        table.add_column(heading, justify="right" if heading.isupper() else "left", no_wrap=heading != "opened")
    for found in sorted(received, key=lambda one: (one.office, one.list_number, one.via)):
        counts = [str(found.counts.get(notice, "") or "") for notice in notices]
        opened = "[green]yes[/green]" if found.problem is None else f"[red]{found.problem}[/red]"
        table.add_row(found.list_number, f"{found.via} {found.seal}", *counts, opened)
    console.print(table)
    table = Table(
        title="What each party of a framework received", title_justify="left", header_style="bold", box=SIMPLE_HEAD
    )
    for heading in ("view", "party", "came by", "languages", "opened"):
        table.add_column(heading)
    for view in views:
        opened = "[green]yes[/green]" if view.problem is None else f"[red]{view.problem}[/red]"
        table.add_row(view.number, view.party.party, f"sftp {view.seal}", " ".join(view.party.languages), opened)
    console.print(table)
    where = Table.grid(padding=(0, 2))
    where.add_row("Lists as opened", str(demo.setting.opened))
    where.add_row("Offices' SFTP folders", str(demo.setting.offices))
    where.add_row("Offices' mailboxes", str(demo.setting.mail))
    where.add_row("Review, for headquarters", str(review))
    if dt.datetime.now(dt.UTC).date() > demo.days[-1]:
        where.add_row("", "(the demo's days are past: what was told of them today is told late)")
    where.add_row("Airflow", demo.airflow.url)
    for user, password in demo.airflow.passwords.items():
        where.add_row("", f"user {user}, password {password}")
    console.print(where)

"""The demo: a few days of the main job, from a real SFTP source to real SFTP and mail servers, under a real Airflow.

Reach for `Demo` to drive it step by step (the tests do), for `run` to see it (`make demo`). Nothing in it is known to
the DAGs: they run by their own timetables, catching up the demo's days, and wait for each day's files as they would
for any late source.
"""

import datetime as dt
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import func, select

from include.arrangements.reading import load_sources
from include.demo.answering import Answer, Door, answer, doors
from include.demo.office import Received, ReceivedView, open_lists
from include.demo.running import DAY_MINUTES, DemoFailed, Running
from include.demo.setting import build
from include.ledger import responses
from include.ledger.engine import reading
from include.ledger.models import Delivery, Paper
from include.reports.framework.compose import KIND as VIEWS
from include.sample.world import World
from include.settings import arrangements_folder, private_folder

FIRST_DAY = dt.date(2026, 11, 2)
CASES, REGISTER, SEED = 60, 600, 20030116
TRUNCATED = ("NER", "avr_cases")
"""The source whose file of the second day comes cut off at first, and whole when its refusal was seen."""

ANSWERING: dict[Door, str] = {"folder": "DEU-BER", "email": "GRC-THE"}
"""By each door, the office that answers by itself; whoever plays an office plays another one, GRC-ATH say."""


@dataclass(frozen=True)
class Answered:
    """What an office has answered of one list; `answers` is by entry."""

    office: str
    door: Door
    list_number: str
    answers: dict[str, Answer]


class Demo(Running):
    """The demo's installation, and its made-up world.

    folder: emptied first, if it is a demo's
    """

    def __init__(self, folder: Path, days: int, said: Callable[[str], None] = lambda _: None) -> None:
        self.days = [FIRST_DAY + dt.timedelta(days=number) for number in range(days)]
        marker = folder / "demo"
        if folder.exists() and any(folder.iterdir()) and not marker.exists():
            raise DemoFailed(f"{folder} is not empty and not a demo's folder; name another one with --folder")
        shutil.rmtree(folder, ignore_errors=True)
        private_folder(folder)
        marker.touch()
        said("keys, arrangements and servers' configuration")
        setting = build(folder, self.days, arrangements_folder())
        said("a made-up world")
        hosts = sorted({source.host_country for source in load_sources(setting.arrangements)[0]})
        self.world = World(seed=SEED, hosts=hosts, first_day=FIRST_DAY, cases=CASES, register=REGISTER)
        super().__init__(setting, hosts, folder / "airflow", said)

    def run_day(self, day: dt.date, said: Callable[[str], None] = lambda _: None) -> None:
        """Let the sources publish `day` and wait until every list of the day is with its office.

        On the second day one source's file is cut off at first; it comes whole when its refusal was seen.
        """
        second = day == FIRST_DAY + dt.timedelta(days=1) and TRUNCATED[0] in self.world.hosts
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

    def answer_lists(self) -> list[Answered]:
        """Let an office answer by each door: a concern about the newest who is NEW, and a record that was closed.

        raises: DemoFailed if an office has too few entries to answer
        """
        answered = []
        for door, office in ANSWERING.items():
            if office not in self.offices:  # the arrangements of somebody who tries their own
                continue
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

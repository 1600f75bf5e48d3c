"""The tasks that may have to wait: for a source's file, for a day's reconciliation, for a person's word.

They wait deferred or parked, so that waiting takes no worker. Everything else they leave to the rooms.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import ZoneInfo

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseOperator
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail
from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TriggerEvent

from include.links import HostCountryLink, ListLink
from include.runbook import Page
from include.settings import look_every

if TYPE_CHECKING:
    from include.arrangements.framework import Framework, PartyName
    from include.arrangements.framework_days import DueView
    from include.arrangements.models import Arrangement
    from include.lists.compose import Approved
    from include.lists.proportion import Figures

THERE, TOO_LATE = "there", "too late"


class PullExtract(BaseOperator):
    """Waits for one source's file of one day, takes it in, and publishes its partition.

    :param source: `{host_country, kind, day}`, as `include.extracts.due.due_sources` gives them
    """

    # Nothing is templated: a rendered template is kept in Airflow's database.
    template_fields: Sequence[str] = ()
    operator_extra_links = (HostCountryLink(),)

    def __init__(self, *, source: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source

    def execute(self, context: Context) -> dict[str, Any]:
        from include.arrangements.calendar import pull_window
        from include.extracts.due import find_source

        source = find_source(self.source["host_country"], self.source["kind"])
        opens_at, closes_at = pull_window(source, dt.date.fromisoformat(self.source["day"]))
        # Who starts late (the scheduler was down, a task was cleared) waits as long as on time.
        closes_at = max(opens_at, dt.datetime.now(dt.UTC)) + (closes_at - opens_at)
        trigger = SourceTrigger(self.source, opens_at, closes_at)
        if dt.datetime.now(dt.UTC) < opens_at or not trigger.is_there():
            self.defer(trigger=trigger, method_name="resume")
        return self.resume(context, {"came": THERE})

    def resume(self, context: Context, event: dict[str, str]) -> dict[str, Any]:
        from include.sources import pull

        name = f"{self.source['host_country']} {self.source['kind']} of {self.source['day']}"
        if event["came"] == TOO_LATE:
            raise AirflowFailException(f"{name} was not there at its cut-off. Clear this task when the file has come.")
        taken = pull(self.source["host_country"], self.source["kind"], dt.date.fromisoformat(self.source["day"]))
        for remark in taken.remarks:
            self.log.warning(remark)
        self.log.info("%s: %s rows, %s of them in quarantine", name, taken.row_count, taken.quarantined_count)
        outlet_events = context["outlet_events"]
        for asset in self.outlets:
            outlet_events[asset].add_partitions(f"{self.source['host_country']}|{self.source['day']}")
        return {"sha256": taken.sha256, "rows": taken.row_count, "quarantined": taken.quarantined_count}


class _MakeList(HITLOperator):
    """Makes a list. One that is out of proportion waits in the UI for a person, who is shown figures and no names."""

    # Nothing is templated: a rendered template is kept in Airflow's database.
    template_fields: Sequence[str] = ()
    operator_extra_links = (ListLink(),)
    SEND, HOLD = "Send the list", "Hold it back"
    made: str | None = None
    """The number of the list that this run has made, for the link to it."""

    def __init__(self, **kwargs: Any) -> None:
        # What is asked is known only when a list was weighed: see `_ask`.
        super().__init__(subject="A list is out of proportion", options=[self.SEND, self.HOLD], **kwargs)

    def order(self, context: Context) -> "Order":
        """Which list this run makes."""
        raise NotImplementedError

    def make(self, context: Context, approved: "Approved | None" = None) -> dict[str, Any] | None:
        from include.connections import sealing_keys
        from include.lists.compose import OutOfProportion
        from include.metrics import count_composed

        order = self.order(context)
        try:
            number, counts = order.compose(sealing_keys(order.arrangement), dt.datetime.now(dt.UTC), approved)
        except OutOfProportion as found:
            if approved:
                raise AirflowException(
                    f"{order}: meanwhile there is more than was approved, so it is asked again. {found}"
                ) from None
            asked = {"figures": found.figures.as_dict(), "body": _question(order, found.figures, found.findings)}
            self._ask(context, order, asked, again=False)
        self.made = number
        self.log.info("%s: %s", number or "nothing to tell", counts)
        if number is None:
            return None
        count_composed(order.arrangement.office, order.kind, counts)
        return {"list": number, **counts}

    def _ask(self, context: Context, order: "Order", asked: dict[str, Any], *, again: bool) -> NoReturn:
        from include.alerts import ask_for_approval

        # The mail goes first: on SQLite, which locks no rows, an answer between request and parking would wait for the
        # time limit to be read.
        ask_for_approval(order.arrangement, str(order), asked["body"], again=again)
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=self.options,
            subject=f"May {order} go?",
            body=_hinted(asked["body"], Page.LIST_HELD),
            params={},
        )
        # Parked, not failed: no worker and no trigger is taken, and only an answer or the time limit goes on.
        raise TaskAwaitingInput(method_name="answered", kwargs={"asked": asked}, timeout=order.answer_within)

    def answered(self, context: Context, asked: dict[str, Any], event: dict[str, Any]) -> dict[str, Any] | None:
        """Goes on with what a person said; asks again, louder, when nobody said anything in time."""
        from include.lists.compose import Approved, hold_list

        order = self.order(context)
        if "error" in event:
            if event["error_type"] != "timeout":
                self.process_trigger_event_error(event)
            self.log.warning("Nobody has answered whether %s may go; it is asked again.", order)
            self._ask(context, order, asked, again=True)
        who = (event["responded_by_user"] or {}).get("name") or "unknown"
        said = Approved(asked["figures"], who, dt.datetime.now(dt.UTC))
        if event["chosen_options"] == [self.SEND]:
            return self.make(context, said)
        hold_list(order.arrangement.office, order.kind, order.due_at, said)
        self.log.warning("%s is held back; what it would have told stays owed.", order)
        return None


class ComposeList(_MakeList):
    """Waits, as long as the arrangement allows, for the day's reconciliations; then makes the office's list.

    :param office: the office's code
    """

    def __init__(self, *, office: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.office = office

    def execute(self, context: Context) -> dict[str, Any] | None:
        order = self.order(context)
        until = dt.datetime.now(dt.UTC) + order.arrangement.list.wait
        trigger = StandingsTrigger(order.arrangement.host_countries, order.due_at, until)
        there = trigger.is_there()
        if not there and order.arrangement.list.wait:
            self.defer(trigger=trigger, method_name="resume")
        return self.resume(context, {"came": THERE if there else TOO_LATE})

    def resume(self, context: Context, event: dict[str, str]) -> dict[str, Any] | None:
        if event["came"] == TOO_LATE:
            self.log.warning("Not every host country is reconciled; the list goes with what is known and says so.")
        return self.make(context)

    def order(self, context: Context) -> "Order":
        from include.lists.compose import compose_list

        # A run that was started by hand may have no interval: it is a list of that moment.
        due_at = context.get("data_interval_end") or context["dag_run"].run_after
        arrangement = _in_force(_versions(self.office), self.office, due_at)
        return Order(
            arrangement,
            "scheduled",
            due_at,
            lambda keys, now, approved: compose_list(arrangement, due_at, keys, now, approved),
        )


class ComposeUrgentList(_MakeList):
    """Makes the urgent list of the run's partition, `OFFICE|HOST|YYYY-MM-DD`."""

    def execute(self, context: Context) -> dict[str, Any] | None:
        return self.make(context)

    def order(self, context: Context) -> "Order":
        from include.lists.compose import compose_urgent_list

        office, _, day = context["dag_run"].partition_key.split("|")
        on = dt.date.fromisoformat(day)
        versions = _versions(office)
        morning = dt.datetime.combine(on, dt.time(), ZoneInfo(versions[-1].timezone) if versions else dt.UTC)
        arrangement = _in_force(versions, office, morning)
        return Order(
            arrangement,
            "urgent",
            morning,
            lambda keys, now, approved: compose_urgent_list(versions, on, keys, now, approved),
        )


class AskForClearance(HITLOperator):
    """Asks in the UI whether somebody has looked at a case of which its office is to be told for the first time.

    The notice waits no longer than `list.review_within` and the departure allow, whatever this task does.

    :param number: of the clearance, which is nowhere else and says nothing of anybody
    """

    # Nothing is templated: a rendered template is kept in Airflow's database.
    template_fields: Sequence[str] = ()
    SEEN = "Looked into: the office may be told"
    ASKED_AGAIN_AFTER = dt.timedelta(days=1)

    def __init__(self, *, number: int, **kwargs: Any) -> None:
        # What is asked is known only when the ledger was asked: see `_ask`.
        super().__init__(subject="A person must look at a case first", options=[self.SEEN], **kwargs)
        self.number = number

    def execute(self, context: Context) -> None:
        self._ask(context)

    def answered(self, context: Context, event: dict[str, Any]) -> None:
        """Goes on with what a person said; asks again, once a day, when nobody said anything."""
        from include.reports.clearances import note_cleared

        if "error" in event:
            if event["error_type"] != "timeout":
                self.process_trigger_event_error(event)
            self._ask(context)
            return
        who = (event["responded_by_user"] or {}).get("name") or "unknown"
        note_cleared(self.number, who, dt.datetime.now(dt.UTC))

    def _ask(self, context: Context) -> None:
        from include.reminders import ask_for_clearance
        from include.reports.clearances import question

        asked = question(self.number, dt.datetime.now(dt.UTC))
        if asked is None:
            self.log.info("nobody has to look any more")
            return
        ask_for_clearance(asked, dt.datetime.now(dt.UTC))
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=self.options,
            subject=asked.subject,
            body=_hinted(asked.body, Page.CASE_WAITS),
            params={},
        )
        # Parked, not failed: no worker and no trigger is taken, and only an answer or the time limit goes on.
        raise TaskAwaitingInput(method_name="answered", kwargs={}, timeout=self.ASKED_AGAIN_AFTER)


class MakeView(BaseOperator):
    """Waits, as long as the agreement allows, for the day's AVR cases; then makes one party's view of them.

    Skips, saying why, where no agreement is in force. It looks at nothing that an asylum register has a part in: not
    whether the day is reconciled, and not whether another party has its view.
    :param host_country: whose agreement it is
    :param party: of `arrangements.framework.PARTIES`
    """

    # Nothing is templated: a rendered template is kept in Airflow's database.
    template_fields: Sequence[str] = ()

    def __init__(self, *, host_country: str, party: "PartyName", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host_country, self.party = host_country, party

    def execute(self, context: Context) -> str:
        agreement, due = self._due(context)
        trigger = CasesTrigger(self.host_country, due.first.isoformat(), dt.datetime.now(dt.UTC) + agreement.wait)
        if not trigger.is_there():
            self.defer(trigger=trigger, method_name="resume")
        return self.resume(context, {"came": THERE})

    def resume(self, context: Context, event: dict[str, str]) -> str:
        from include.arrangements.framework import AddressedParty
        from include.connections import sealing_keys
        from include.reports.framework.compose import make_view

        agreement, due = self._due(context)
        if event["came"] == TOO_LATE:
            self.log.warning("The cases of %s are not in; the view tells of the newest before them.", due.first)
        keys = sealing_keys(AddressedParty(agreement, self.party))
        number = make_view(agreement, self.party, due, keys, dt.datetime.now(dt.UTC))
        self.log.info("%s is made.", number)
        return number

    def _due(self, context: Context) -> "tuple[Framework, DueView]":
        from include.reports.framework.compose import NothingToSend, agreements_with, view_due

        due_at = context.get("data_interval_end") or context["dag_run"].run_after
        try:
            return view_due(agreements_with(self.host_country), due_at)
        except NothingToSend as nothing:
            raise AirflowSkipException(f"{str(nothing)[:1].upper()}{str(nothing)[1:]}.") from None


@dataclass(frozen=True)
class Order:
    """A list to be made, and how."""

    arrangement: "Arrangement"
    kind: str
    due_at: dt.datetime
    compose: Callable[..., tuple[str | None, dict[str, int]]]

    def __str__(self) -> str:
        zone = ZoneInfo(self.arrangement.timezone)
        return f"the {self.kind} list of {self.due_at.astimezone(zone):%Y-%m-%d} for {self.arrangement.office}"

    @property
    def answer_within(self) -> dt.timedelta:
        proportion = self.arrangement.proportion
        return proportion.answer_urgent_within if self.kind == "urgent" else proportion.answer_within


def _question(order: Order, figures: "Figures", findings: Mapping[str, str]) -> str:
    """What the person who decides reads: Markdown, figures, no names."""
    rows = [
        *((notice, figures.notices.get(notice, 0)) for notice in ("NEW", "CHANGED", "CANCELLED", "DEPARTED")),
        ("departures that the office expects now", figures.open_entries),
        ("entries of its largest list of the last 90 days", figures.largest),
        *((f"open cases of {host}, newly missing", f"{gone} of {n}") for host, (gone, n) in figures.missing.items()),
    ]
    return "\n".join(
        [
            f"**{order.arrangement.name}**: this list waits for you. Until you answer it has no number, and nobody is "
            f"told by it{'; urgent entries go on lists of their own' if order.kind == 'scheduled' else ''}.",
            "",
            *(f"- {finding}" for finding in findings.values()),
            "",
            "| | |",
            "| --- | ---: |",
            *(f"| {what} | {count} |" for what, count in rows),
            "",
            "*Send the list* if these figures are right. *Hold it back* if a file may be wrong: nothing is lost, what "
            "it would have told stays owed and is asked again with the next list.",
        ]
    )


def _hinted(body: str, page: Page) -> str:
    """As the UI shows it; a mail names its page by itself."""
    return f"{body}\n\n{page.hint}"


def _versions(office: str) -> "Sequence[Arrangement]":
    from include.arrangements.reading import load_offices
    from include.settings import arrangements_folder

    return load_offices(arrangements_folder())[0].get(office, [])


def _in_force(versions: "Sequence[Arrangement]", office: str, at: dt.datetime) -> "Arrangement":
    from include.arrangements.reading import in_force_at

    arrangement = in_force_at(versions, at)
    if arrangement is None:
        raise AirflowFailException(
            f"{office} has no arrangement in force on {at:%Y-%m-%d}; see python -m include check"
        )
    return arrangement


class _Looking(BaseTrigger):
    """Looks again and again until `is_there`, or until its time is over."""

    def __init__(self, opens_at: dt.datetime, closes_at: dt.datetime) -> None:
        super().__init__()
        self.opens_at, self.closes_at = opens_at, closes_at

    def is_there(self) -> bool:
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await asyncio.sleep(max(0.0, (self.opens_at - dt.datetime.now(dt.UTC)).total_seconds()))
        # Looking blocks (a socket, the ledger), so it is done beside the triggerer's event loop.
        while not await asyncio.to_thread(self._look):
            if dt.datetime.now(dt.UTC) >= self.closes_at:
                yield TriggerEvent({"came": TOO_LATE})
                return
            await asyncio.sleep(look_every().total_seconds())
        yield TriggerEvent({"came": THERE})

    def _look(self) -> bool:
        try:
            return self.is_there()
        except Exception as error:
            # A server that is away for a moment is no reason to stop looking; at the cut-off the task says so.
            self.log.warning("could not look (%s); trying again", type(error).__name__)
            return False


class SourceTrigger(_Looking):
    """Fires when a source's file of a day, and its manifest where it gives one, are there."""

    def __init__(self, source: dict[str, str], opens_at: dt.datetime, closes_at: dt.datetime) -> None:
        super().__init__(opens_at, closes_at)
        self.source = source

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "include.operators.SourceTrigger",
            {"source": self.source, "opens_at": self.opens_at, "closes_at": self.closes_at},
        )

    def is_there(self) -> bool:
        from include.sources import is_there

        return is_there(self.source["host_country"], self.source["kind"], dt.date.fromisoformat(self.source["day"]))


class StandingsTrigger(_Looking):
    """Fires when every host country is reconciled for the day that a list due at `due_at` should know."""

    def __init__(self, host_countries: Sequence[str], due_at: dt.datetime, closes_at: dt.datetime) -> None:
        super().__init__(dt.datetime.now(dt.UTC), closes_at)
        self.host_countries, self.due_at = list(host_countries), due_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "include.operators.StandingsTrigger",
            {"host_countries": self.host_countries, "due_at": self.due_at, "closes_at": self.closes_at},
        )

    def is_there(self) -> bool:
        from include.reports.readiness import reconciled_for

        return reconciled_for(self.host_countries, self.due_at)


class CasesTrigger(_Looking):
    """Fires when the AVR cases of a host country and day are in, whatever else is."""

    def __init__(self, host_country: str, day: str, closes_at: dt.datetime) -> None:
        super().__init__(dt.datetime.now(dt.UTC), closes_at)
        self.host_country, self.day = host_country, day

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "include.operators.CasesTrigger",
            {"host_country": self.host_country, "day": self.day, "closes_at": self.closes_at},
        )

    def is_there(self) -> bool:
        from include.reports.framework.compose import cases_are_in

        return cases_are_in(self.host_country, dt.date.fromisoformat(self.day))


class _Watch(BaseEventTrigger):
    """Looks again and again, as long as Airflow runs; fires when there is something that it has not told yet.

    What stays is told again after a while, so that a run that was lost is no news that was lost.
    """

    TOLD_AGAIN_AFTER = dt.timedelta(minutes=5)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (f"include.operators.{type(self).__name__}", {})

    def what_waits(self) -> frozenset[str]:
        """Names, the same for the same thing, that say nothing of anybody."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        told: frozenset[str] = frozenset()
        told_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        while True:
            # Looking blocks (sockets, the ledger), so it is done beside the triggerer's event loop.
            waiting = await asyncio.to_thread(self._look)
            told &= waiting  # what was seen to and comes again is news again: another decision, say, of the same day
            now = dt.datetime.now(dt.UTC)
            if waiting and (waiting - told or now - told_at >= self.TOLD_AGAIN_AFTER):
                told, told_at = waiting, now
                # The event is kept in Airflow's database: it says how many, and nothing of what.
                yield TriggerEvent({"waiting": len(waiting)})
            await asyncio.sleep(2 * look_every().total_seconds())

    def _look(self) -> frozenset[str]:
        try:
            return self.what_waits()
        except Exception as error:
            # An arrangement that does not load, a ledger that is away: the hourly run says so.
            self.log.warning("could not look (%s); trying again", type(error).__name__)
            return frozenset()


class DoorsTrigger(_Watch):
    """Fires when something waits at a door by which offices answer."""

    def what_waits(self) -> frozenset[str]:
        from include import doors

        return doors.what_waits(dt.datetime.now(dt.UTC))


class DecisionsTrigger(_Watch):
    """Fires when a person has decided in review what the newest reconciliation does not know yet."""

    TOLD_AGAIN_AFTER = dt.timedelta(hours=1)

    def what_waits(self) -> frozenset[str]:
        from include.reports.overdue import undone_decisions

        return undone_decisions()

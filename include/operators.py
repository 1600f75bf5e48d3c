"""The two tasks that may have to wait: for a source's file, and for a day's reconciliation.

They wait deferred, in the triggerer, so that waiting takes no worker. Everything else they leave to the rooms.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from include.settings import look_every

THERE, TOO_LATE = "there", "too late"


class PullExtract(BaseOperator):
    """Waits for one source's file of one day, takes it in, and publishes its partition.

    :param source: `{host_country, kind, day}`, as `include.extracts.due.due_sources` gives them
    """

    # Nothing is templated: a rendered template is kept in Airflow's database.
    template_fields: Sequence[str] = ()

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


class ComposeList(BaseOperator):
    """Waits, as long as the arrangement allows, for the day's reconciliations; then makes the office's list.

    :param office: the office's code
    """

    template_fields: Sequence[str] = ()

    def __init__(self, *, office: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.office = office

    def execute(self, context: Context) -> dict[str, Any] | None:
        arrangement, due_at = self._due(context)
        until = dt.datetime.now(dt.UTC) + arrangement.list.wait
        trigger = StandingsTrigger(arrangement.host_countries, due_at, until)
        there = trigger.is_there()
        if not there and arrangement.list.wait:
            self.defer(trigger=trigger, method_name="resume")
        return self.resume(context, {"came": THERE if there else TOO_LATE})

    def resume(self, context: Context, event: dict[str, str]) -> dict[str, Any] | None:
        from include.connections import sealing_keys
        from include.lists.compose import compose_list
        from include.metrics import count_composed

        arrangement, due_at = self._due(context)
        if event["came"] == TOO_LATE:
            self.log.warning("Not every host country is reconciled; the list goes with what is known and says so.")
        number, counts = compose_list(arrangement, due_at, sealing_keys(arrangement), dt.datetime.now(dt.UTC))
        self.log.info("%s: %s", number or "nothing to tell", counts)
        if number is None:
            return None
        count_composed(self.office, "scheduled", counts)
        return {"list": number, **counts}

    def _due(self, context: Context) -> tuple[Any, dt.datetime]:
        from include.arrangements.reading import in_force_at, load_offices
        from include.settings import arrangements_folder

        # A run that was started by hand may have no interval: it is a list of that moment.
        due_at = context.get("data_interval_end") or context["dag_run"].run_after
        offices, _ = load_offices(arrangements_folder())
        arrangement = in_force_at(offices.get(self.office, []), due_at)
        if arrangement is None:
            raise AirflowFailException(
                f"{self.office} has no arrangement in force on {due_at:%Y-%m-%d}; see python -m include check"
            )
        return arrangement, due_at


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

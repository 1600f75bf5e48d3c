"""When extracts are pulled and when the sweep looks: plain cron times whose runs name their partitions themselves."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.trigger import CronTriggerTimetable
from pendulum import DateTime


class DailyPullTimetable(CronTriggerTimetable):
    """Midnight UTC, for the day that begins: its data interval is [midnight, next midnight).

    Each source's own time of day falls once into that day; its task waits for it.
    """

    partitioned_at_runtime = True

    def __init__(self) -> None:
        super().__init__("0 0 * * *", timezone="UTC")
        self.description = "Every day, for each source at its own time of day"

    @property
    def summary(self) -> str:
        return "daily, each source at its time"

    def serialize(self) -> dict[str, Any]:
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        return cls()

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        midnight = run_after.in_timezone("UTC").start_of("day")
        return DataInterval(start=midnight, end=midnight.add(days=1))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        # The cron timetable counts from the end of an interval: for it, this one ended when it began.
        begun = last_automated_data_interval and DataInterval.exact(last_automated_data_interval.start)
        info = super().next_dagrun_info(last_automated_data_interval=begun, restriction=restriction)
        if info is None:
            return None
        start = info.run_after
        return DagRunInfo(
            run_after=start,
            data_interval=DataInterval(start=start, end=start.add(days=1)),
            partition_key=None,
            partition_date=None,
        )


class HourlyTimetable(CronTriggerTimetable):
    """Once an hour, at that minute."""

    partitioned_at_runtime = True

    def __init__(self, minute: int) -> None:
        super().__init__(f"{minute} * * * *", timezone="UTC")
        self.minute = minute

    def serialize(self) -> dict[str, Any]:
        return {"minute": self.minute}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        return cls(data["minute"])


class PullTimetablePlugin(AirflowPlugin):
    name = "pull_timetable"
    timetables = [DailyPullTimetable, HourlyTimetable]  # noqa: RUF012  (Airflow's own form)

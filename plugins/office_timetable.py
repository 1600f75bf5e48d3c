"""An office's working days as a timetable: a run is due when its list is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from pendulum import UTC, DateTime, instance, now

from include.arrangements.calendar import next_due, previous_due, summaries_due
from include.arrangements.models import Arrangement
from include.arrangements.reading import in_force_at


class DueTimetable(Timetable):
    """Due at moments of its own; the data interval is from the one before to this one."""

    def next_due(self, after: datetime) -> datetime | None:
        """The first moment after `after`."""
        raise NotImplementedError

    def previous_due(self, before: datetime) -> datetime | None:
        """The last moment at or before `before`."""
        raise NotImplementedError

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """A run started by hand is for that moment."""
        previous = self.previous_due(run_after.subtract(microseconds=1))
        return DataInterval(start=_moment(previous) if previous else run_after, end=run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        after = last_automated_data_interval.end if last_automated_data_interval else None
        if restriction.earliest is not None:
            after = max(after, restriction.earliest) if after else restriction.earliest
        if not restriction.catchup or after is None:
            # Only the newest list that was missed: it tells whatever the older ones would have.
            latest = self.previous_due(now(UTC))
            just_before = _moment(latest).subtract(microseconds=1) if latest else now(UTC)
            after = max(after, just_before) if after else just_before
        due = self.next_due(after)
        if due is None or (restriction.latest is not None and due > restriction.latest):
            return None
        before = self.previous_due(_moment(due).subtract(microseconds=1))
        # A run's logical date is where its interval starts. Airflow makes no task for one before the DAG's start, and
        # no second run of one date: so a first interval starts with the DAG, and a list due that very moment is not it.
        # Nor does one start before the last ended: with a closure that was added since, the list before may be older.
        ran_until = last_automated_data_interval.end if last_automated_data_interval else None
        known = (_moment(before) if before else None, ran_until, restriction.earliest)
        start = max(filter(None, known), default=None)
        start = start or _moment(due).subtract(days=1)
        return DagRunInfo.interval(start=start, end=_moment(due))


class OfficeTimetable(DueTimetable):
    """Due when the arrangement in force says so; the data interval is from the list before to this one.

    versions: the arrangements of one office, oldest first
    """

    def __init__(self, versions: Sequence[Arrangement]) -> None:
        self.versions = list(versions)
        today, *coming = self._from_today_on()
        self.description = f"{_when(today)}, on working days of {today.office}"
        for version in coming:
            self.description += f"; from {version.effective_from}: {_when(version)}"

    @property
    def summary(self) -> str:
        today = self._from_today_on()[0]
        return f"{', '.join(today.list.days)} {today.list.at:%H:%M}"

    def _from_today_on(self) -> list[Arrangement]:
        """The version in force and those to come."""
        begun = in_force_at(self.versions, now(UTC))
        return self.versions[self.versions.index(begun) if begun else 0 :]

    def serialize(self) -> dict[str, Any]:
        # Only what its days depend on: recipients and keys have no business in Airflow's database.
        return {"versions": [_days_only(version) for version in self.versions]}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        return cls([Arrangement.model_validate(version) for version in data["versions"]])

    def next_due(self, after: datetime) -> datetime | None:
        return next_due(self.versions, after)

    def previous_due(self, before: datetime) -> datetime | None:
        return previous_due(self.versions, before)


class SummaryTimetable(OfficeTimetable):
    """Due when the office's summary of rejected cases is."""

    def __init__(self, versions: Sequence[Arrangement]) -> None:
        super().__init__(versions)
        today = self._from_today_on()[0]
        self.description = f"Working day {today.rejected.working_day} after each {today.rejected.every}, {today.office}"

    @property
    def summary(self) -> str:
        today = self._from_today_on()[0].rejected
        return f"{today.every}, working day {today.working_day}, {today.at:%H:%M}"

    def next_due(self, after: datetime) -> datetime | None:
        begin = after + timedelta(microseconds=1)
        return next(iter(summaries_due(self.versions, begin, begin + _TWO_YEARS)), None)

    def previous_due(self, before: datetime) -> datetime | None:
        end = before + timedelta(microseconds=1)
        return next(iter(reversed(summaries_due(self.versions, end - _TWO_YEARS, end))), None)


_TWO_YEARS = timedelta(days=728)


def _moment(at: Any) -> DateTime:
    return instance(at).in_timezone(UTC)


def _when(version: Arrangement) -> str:
    return f"{', '.join(version.list.days)} at {version.list.at:%H:%M} {version.timezone}"


def _days_only(version: Arrangement) -> dict[str, Any]:
    """The arrangement with its calendar as it is and everything else neutral, as JSON that loads again."""
    settings = version.list
    return {
        "office": version.office,
        "name": version.name,
        "host_countries": version.host_countries,
        "timezone": version.timezone,
        "language": version.language,
        "consent": version.consent,
        "effective_from": version.effective_from.isoformat(),
        "list": {
            "days": settings.days,
            "at": f"{settings.at:%H:%M}",
            "holidays": settings.holidays,
            "workweek": settings.workweek,
            "closures": [f"{closure.first}..{closure.last}" for closure in settings.closures],
        },
        "rejected": version.rejected.model_dump(include={"every", "working_day"})
        | {"at": f"{version.rejected.at:%H:%M}"},
        "deliver": [{"via": "sftp", "connection": "none", "folder": "/", "seal": "none"}],
        "answers": {"escalate": ["nobody@iom.example"]},
    }


class OfficeTimetablePlugin(AirflowPlugin):
    name = "office_timetable"
    timetables = [OfficeTimetable, SummaryTimetable]  # noqa: RUF012  (Airflow's own form)

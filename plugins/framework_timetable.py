"""When the views of an agreement on Afghan returns go: by its own days and its own clock, and nothing else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import Timetable
from office_timetable import DueTimetable

from include.arrangements.framework import PARTIES, Framework
from include.arrangements.framework_days import next_view, previous_view


class FrameworkTimetable(DueTimetable):
    """Due when the agreement says so, in force or not: a run that finds none in force says that.

    versions: the agreements of one host country, oldest first
    """

    def __init__(self, versions: Sequence[Framework]) -> None:
        self.versions = list(versions)
        self.description = f"By the agreement on Afghans from {versions[-1].host_country}: {self.summary}"

    @property
    def summary(self) -> str:
        newest = self.versions[-1]
        when = ", ".join(newest.periods.days) if newest.periods else "before each flight"
        return f"{when} {newest.at:%H:%M} {newest.timezone}"

    def serialize(self) -> dict[str, Any]:
        # Only what its days depend on: recipients and keys have no business in Airflow's database.
        return {"versions": [_days_only(version) for version in self.versions]}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        return cls([Framework.model_validate(version) for version in data["versions"]])

    def next_due(self, after: datetime) -> datetime | None:
        return next_view(self.versions, after)

    def previous_due(self, before: datetime) -> datetime | None:
        return previous_view(self.versions, before)


def _days_only(version: Framework) -> dict[str, Any]:
    """The agreement with its days as they are and everything else neutral, as JSON that loads again."""
    days = {
        name: setting.model_dump(mode="json")
        for name in ("periods", "flights")
        if (setting := getattr(version, name)) is not None
    }
    if version.periods:
        days["periods"]["ahead"] = f"{version.periods.ahead.days} days"
    parties = {
        party: {
            "name": party,
            "languages": ["en"],
            "deliver": [{"via": "sftp", "connection": "none", "folder": f"/{party}", "seal": "none"}],
        }
        for party in PARTIES
    }
    return days | {
        "host_country": version.host_country,
        "agreement": "by its days alone",
        "region": list(version.region),
        "timezone": version.timezone,
        "at": f"{version.at:%H:%M}",
        "parties": parties,
        "contact": {"name": "IOM", "email": "nobody@iom.example"},
        "effective_from": version.effective_from.isoformat(),
        "until": version.until.isoformat() if version.until else None,
    }


class FrameworkTimetablePlugin(AirflowPlugin):
    name = "framework_timetable"
    timetables = [FrameworkTimetable]  # noqa: RUF012  (Airflow's own form)

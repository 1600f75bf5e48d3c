"""The arrangements and sources as a page needs them: read again only when a file has changed."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from include.arrangements.calendar import next_due
from include.arrangements.models import Arrangement, Source
from include.arrangements.reading import load_offices, load_sources, newest_at
from include.settings import arrangements_folder, last_day


@dataclass(frozen=True)
class Arranged:
    """What is arranged. A broken file takes its own office away; the DAG *watch* says so."""

    offices: Mapping[str, Sequence[Arrangement]]
    sources: Sequence[Source]
    _due: dict[str, dt.datetime | None] = field(default_factory=dict)

    def newest(self, now: dt.datetime) -> dict[str, Arrangement]:
        """For each office the version in force; before its first day, its newest."""
        return newest_at(self.offices, now)

    def next_list(self, office: str, now: dt.datetime) -> dt.datetime | None:
        """When the office's next list is due, in its own timezone; none where its mission is over.

        To ask the calendar takes milliseconds for each office: the answer is kept until it has passed.
        """
        if office not in self._due or ((known := self._due[office]) and known <= now):
            self._due[office] = next_due(self.offices[office], now)
        due, end = self._due[office], last_day()
        return None if due and end and due > end else due

    def sources_of(self, host_country: str) -> list[Source]:
        """The two sources of a host country, as far as there are any."""
        return [source for source in self.sources if source.host_country == host_country]

    def today(self, office: str, now: dt.datetime) -> dt.date:
        """The day that it is at the office; in UTC for one that is not arranged with any more."""
        versions = self.offices.get(office)
        return now.astimezone(ZoneInfo(versions[-1].timezone) if versions else dt.UTC).date()


def arranged() -> Arranged:
    """What is arranged now."""
    folder = arrangements_folder()
    paths = [path for kind in ("sources", "offices") for path in sorted((folder / kind).glob("*.yaml"))]
    return _read(folder, tuple((str(path), path.stat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=1)
def _read(folder: Path, _written: tuple[tuple[str, int], ...]) -> Arranged:
    return Arranged(load_offices(folder)[0], load_sources(folder)[0])

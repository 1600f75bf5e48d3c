"""Which sources a day's run pulls, as keys that may travel through Airflow."""

import datetime as dt

from include.arrangements.calendar import pull_moments
from include.arrangements.models import Source
from include.arrangements.reading import load_sources
from include.settings import arrangements_folder


def due_sources(kind: str, start: dt.datetime, end: dt.datetime) -> list[dict[str, str]]:
    """`{host_country, kind, day}` of each source of this kind whose time of pull lies in [start, end)."""
    sources, _ = load_sources(arrangements_folder())
    return [
        {"host_country": source.host_country, "kind": source.kind, "day": day.isoformat()}
        for source in sources
        if source.kind == kind
        for day in pull_moments(source, start, end)
    ]


def find_source(host_country: str, kind: str) -> Source:
    """The entry of `sources/{HOST}.yaml` for this host country and kind.

    raises: LookupError if there is none, or its entry is broken (`python -m include check` says how)
    """
    sources, _ = load_sources(arrangements_folder())
    for source in sources:
        if (source.host_country, source.kind) == (host_country, kind):
            return source
    raise LookupError(f"sources/{host_country}.yaml has no good entry for {kind}; python -m include check")

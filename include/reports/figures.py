"""How well the promise is kept, in figures that name nobody: labels are office, host country and fixed words.

Reach for `what_stands` for what is true now, for `what_was_sent` for what one run of sending did. `include.metrics`
hands both to Airflow.
"""

import datetime as dt
from dataclasses import dataclass, field

from include.arrangements.calendar import pull_window
from include.arrangements.models import Source
from include.arrangements.reading import load_offices, load_sources
from include.ledger import figures, intake, responses
from include.ledger.engine import reading
from include.ledger.models import KINDS, STANDINGS
from include.reports.overdue import LOOK_BACK, SETTLING, overdue_lists
from include.settings import arrangements_folder, first_day


@dataclass(frozen=True)
class Figure:
    """One figure. A span of time is one of many whose distribution matters."""

    name: str
    value: float | dt.timedelta
    labels: dict[str, str] = field(default_factory=dict)


def what_stands(now: dt.datetime) -> list[Figure]:
    """The levels of now, for every office and host country. All is well is a zero: so no old figure stays."""
    offices, _ = load_offices(arrangements_folder())
    sources, _ = load_sources(arrangements_folder())
    hosts = sorted({source.host_country for source in sources})
    overdue = overdue_lists(now)
    with reading() as session:
        owed = figures.owed(session)
        standings = figures.standings(session)
        quarantined = figures.quarantined(session)
        waiting = figures.cases_in_review(session)
        reconciled = intake.newest_reconciled(session, hosts)
        concerns = [one.office for one in responses.open_concerns(session)]
        silent = [one.office for one in responses.silent_lists(session)]
    found = []
    for office in sorted({*offices, *(one.office for one in owed)}):
        sealed = [one.sealed_at for one in owed if one.office == office]
        age = (now - min(sealed)).total_seconds() if sealed else 0
        found.append(Figure("oldest_owed_seconds", age, {"office": office}))
        found.append(Figure("overdue", len(overdue.get(office, [])), {"office": office}))
        found.append(Figure("concerns_open", concerns.count(office), {"office": office}))
        found.append(Figure("lists_silent", silent.count(office), {"office": office}))
    for host in hosts:
        label = {"host_country": host}
        counts = standings.get(host, {})
        found += [Figure("cases", counts.get(one, 0), label | {"standing": one}) for one in STANDINGS]
        found += [Figure("quarantined", quarantined.get((host, kind), 0), label | {"kind": kind}) for kind in KINDS]
        found.append(Figure("cases_in_review", waiting.get(host, 0), label))
        of_host = [source for source in sources if source.host_country == host]
        found.append(Figure("partitions_missing", days_missing(of_host, reconciled[host], now), label))
    return found


def days_missing(sources: list[Source], newest: dt.date | None, now: dt.datetime) -> int:
    """Days that should be reconciled by now (the sources' cut-off is over) and that nothing newer makes up for."""
    since = max((now - LOOK_BACK).date(), first_day().date())
    days = (since + dt.timedelta(days=number) for number in range((now.date() - since).days + 2))
    return sum(
        (newest is None or day > newest) and all(pull_window(source, day)[1] + SETTLING < now for source in sources)
        for day in days
    )


def what_was_sent(office: str, since: dt.datetime) -> list[Figure]:
    """What sending to the office did since that moment: attempts, failures, lists that it has now, and how early."""
    with reading() as session:
        tried = figures.tried_since(session, office, since)
        told = figures.told_since(session, office, since)
    label = {"office": office}
    found = [Figure("delivery_attempts", 1, label | {"via": one.via}) for one in tried]
    failed = [one for one in tried if one.state != "delivered"]
    found += [Figure("delivery_failures", 1, label | {"via": one.via, "state": one.state}) for one in failed]
    for one in told:
        found.append(Figure("lists_told", 1, label | {"kind": one.kind}))
        found.append(Figure("told_after", one.after, label))
        found += [Figure("lead_time", dt.timedelta(days=days), label) for days in one.lead_days]
    return found

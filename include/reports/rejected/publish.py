"""From months that are over to numbered, sealed summaries: count once, hide, number, seal and store.

Reach for `publish`. What is published stands in the ledger as content of papers: the next report must know it, and
offices that hear of the same cases get the same one. The solver works while no transaction is open.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy.orm import Session

from include.arrangements.models import Arrangement, Channel
from include.arrangements.reading import in_force, version
from include.delivery.keys import SealingKey
from include.ledger import intake, papers, rejected
from include.ledger.engine import alone, reading, writing
from include.ledger.models import CountedMonth, Paper
from include.ledger.sending import Parcel
from include.lists.compose import sealed_files
from include.lists.document import Contact
from include.reports.rejected.document import Summary, render
from include.reports.rejected.groups import KIND, Group, group_of, overlap, read, series_of
from include.reports.rejected.months import AsOf, last_day, month_counts, months_until
from include.reports.rejected.summary import Report, summary
from include.reports.rejected.texts import email_for


class BeingMade(RuntimeError):
    """Another process makes a summary of the same host country; try again when that has ended."""


class NothingKnown(RuntimeError):
    """A host country was never reconciled: a month that is counted now would be counted empty, for good."""


class CoverageChanged(ValueError):
    """Months that were told already, of other cases: the two reports could be set against each other."""


def publish(
    office: str,
    offices: Mapping[str, Sequence[Arrangement]],
    due_at: dt.datetime,
    keys: Mapping[str, SealingKey],
    now: dt.datetime,
) -> list[str]:
    """Number and seal what the office is owed of summaries due at `due_at`; returns their numbers, none if it has all.

    offices: the versions of every office's arrangement: those that hear of the same cases share the summary
    keys: what seals and signs for each channel of the office's arrangement, by channel key
    raises: PeriodRefused, ContradictsItself, SolverGaveUp, CoverageChanged: then nothing is published; SealRefused;
        BeingMade and NothingKnown, which pass
    """
    arrangement = _in_force_at(offices[office], due_at)
    day = due_at.astimezone(ZoneInfo(arrangement.timezone)).date()
    group = group_of(office, offices, day)
    if group is None:
        return []
    with ExitStack() as held:
        for host in sorted(group.coverage):
            if not held.enter_context(alone(f"rejected {host}")):
                raise BeingMade(f"another process makes a summary of {host} now")
        reports = _reports(group, now)
        made = []
        for number, (report, as_of) in enumerate(reports):
            # An office has no summary of a period that was over before it began.
            if in_force(offices[office], last_day(report.months[-1]) + dt.timedelta(days=1)) is not None:
                earlier = tuple(one for one, _ in reports[:number])
                made.append(_seal(arrangement, group, day, report, earlier, as_of, keys, now))
    return [number for number in made if number]


def _in_force_at(versions: Sequence[Arrangement], due_at: dt.datetime) -> Arrangement:
    found = in_force(versions, due_at.astimezone(ZoneInfo(versions[-1].timezone)).date())
    if found is None:
        raise LookupError(f"{versions[-1].office} has no arrangement in force at {due_at}")
    return found


def _reports(group: Group, now: dt.datetime) -> list[tuple[Report, AsOf]]:
    """Every report of the group's coverage up to its period, oldest first; those that are not published yet are made.

    What could not be told in its time goes with the next, in one report for each year.
    """
    until = f"{group.until:%Y-%m}"
    with reading() as session:
        every = papers.papers_of_kind(session, KIND)
        begun = rejected.counted_months(session, group.written)
    known = {report.months: (report, as_of) for report, as_of in map(_published, _of(group, every))}
    reports = [known[months] for months in sorted(known) if months[-1] <= until]
    latest = max((months[-1] for months in known), default=None)
    first = f"{group.until.year}-{group.until.month - (2 if group.every == 'quarter' else 0):02d}"
    since = latest or (begun[0].month if begun else first)
    new = [month for month in months_until(since, until) if latest is None or month > latest]
    if not new:
        return reports
    _refuse_what_was_told_otherwise(group, new, every)
    counted = _counted(group, new, now)
    counts = pd.DataFrame(
        [(one.month, *figures) for one in counted for figures in one.counts],
        columns=["month", "kind", "key", "count"],
    )
    for year in sorted({month[:4] for month in new}):
        months = [month for month in new if month[:4] == year]
        report = summary(months, counts, [one for one, _ in reports], group.threshold)
        newest = next(one for one in counted if one.month == months[-1])
        reports.append((report, _days(newest.as_of)))
    return reports


def _of(group: Group, every: Sequence[Paper]) -> list[Paper]:
    return [paper for paper in every if paper.content["coverage"] == group.written]


def _published(paper: Paper) -> tuple[Report, AsOf]:
    return Report.from_json(json.dumps(paper.content["report"])), _days(paper.content["as_of"])


def _refuse_what_was_told_otherwise(group: Group, months: Sequence[str], every: Sequence[Paper]) -> None:
    for paper in every:
        written = paper.content["coverage"]
        told = set(paper.content["report"]["months"]) & set(months)
        if told and written != group.written and overlap(group.coverage, read(written)):
            raise CoverageChanged(
                f"{paper.number_text} told of {', '.join(sorted(told))} for {written}; the same months for "
                f"{group.written} could be set against it. Nothing is published: let the arrangements change on the "
                "first of a month whose summary nobody has yet"
            )


def _counted(group: Group, months: Sequence[str], now: dt.datetime) -> list[CountedMonth]:
    """The coverage's months; those of `months` that never were are counted now, in order, and kept for good."""
    with writing() as session:
        known = rejected.counted_months(session, group.written)
        missing = [month for month in months if month not in {one.month for one in known}]
        if missing:
            cases = rejected.rejected_cases(session, group.coverage)
            newest = intake.newest_reconciled(session, list(group.coverage))
            if not known and (unknown := sorted(host for host, day in newest.items() if day is None)):
                raise NothingKnown(f"{', '.join(unknown)} was never reconciled; no month is counted before it is")
            begun: AsOf = _days(known[0].as_of) if known else newest
            before: AsOf = _days(known[-1].as_of) if known else newest
            for month in missing:
                until = {host: _settled(newest[host], month, before[host]) for host in group.coverage}
                counts = [list(one) for one in month_counts(cases, group.coverage, month, begun, before, until)]
                as_of = {host: day.isoformat() if day else None for host, day in until.items()}
                rejected.keep_month(session, group.written, month, counts, as_of, now)
                before = until
        return rejected.counted_months(session, group.written)


def _settled(newest: dt.date | None, month: str, before: dt.date | None) -> dt.date | None:
    """Up to which extract day a month is counted. A host country's newest day may still be reconciled anew.

    What is known later counts in the month after: nothing waits, nothing is lost, and nothing is counted twice.
    """
    known = newest - dt.timedelta(days=1) if newest else None
    return max(filter(None, [min(known, last_day(month)) if known else None, before]), default=None)


def _days(as_of: Mapping[str, str | None]) -> dict[str, dt.date | None]:
    return {host: dt.date.fromisoformat(day) if day else None for host, day in as_of.items()}


def _seal(
    arrangement: Arrangement,
    group: Group,
    day: dt.date,
    report: Report,
    earlier: tuple[Report, ...],
    as_of: AsOf,
    keys: Mapping[str, SealingKey],
    now: dt.datetime,
) -> str | None:
    """The number of the office's paper of this report, made and stored now; None if the office has one already."""
    series = series_of(arrangement.office)
    period = dt.date.fromisoformat(f"{report.months[0]}-01"), last_day(report.months[-1])
    with writing() as session:
        papers.lock_series(session, series)
        if papers.paper_of(session, series, *period):
            return None
        year = max(day.year, papers.newest_year(session, series))
        number, number_text = papers.next_number(session, series, year)
        document = Summary(
            number=number_text,
            office_name=arrangement.name,
            host_countries=tuple(sorted(group.coverage)),
            language=arrangement.language,
            made_on=day,
            contact=Contact(**arrangement.whom_to_call.model_dump()),
            report=report,
            earlier=earlier,
            as_of=as_of,
        )
        _store(session, arrangement, group, series, number, document, keys, now)
    return number_text


def _store(
    session: Session,
    arrangement: Arrangement,
    group: Group,
    series: str,
    number: int,
    document: Summary,
    keys: Mapping[str, SealingKey],
    now: dt.datetime,
) -> None:
    report = document.report
    sealed = Paper(
        series=series,
        addressee=arrangement.office,
        year=int(document.number.rpartition("_")[2][:4]),
        number=number,
        number_text=document.number,
        kind=KIND,
        state="sealed",
        period_from=dt.date.fromisoformat(f"{report.months[0]}-01"),
        period_to=last_day(report.months[-1]),
        content={
            "coverage": group.written,
            "as_of": {host: at.isoformat() if at else None for host, at in document.as_of.items()},
            "report": json.loads(report.to_json()),
        },
        arrangement_version=version(arrangement),
        sealed_at=now,
    )
    files = [file for form in arrangement.rejected.formats for file in render(document, form)]
    subject, body = email_for(document)

    def parcel(channel: Channel) -> Parcel:
        leaving = sealed_files(files, channel, keys[channel.key], now)
        return Parcel(
            channel=channel.key,
            cover={"subject": subject, "body": body} if channel.via == "email" else {},
            files=tuple((file.name, file.content, file.sha256) for file in leaving),
        )

    papers.store_paper(session, sealed, [parcel(channel) for channel in arrangement.deliver])

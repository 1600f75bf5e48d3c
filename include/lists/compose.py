"""Making a list: difference, number, seal and store, in one transaction, before anything is sent.

Reach for this to follow a list from what is true to what waits in the outbox.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy.orm import Session

from include.arrangements.calendar import next_due, working_days_between
from include.arrangements.models import Arrangement, Channel
from include.arrangements.reading import in_force, newest_at, version
from include.casework.concern import add_local
from include.delivery.keys import SealingKey
from include.delivery.sealing import SealedFileContent, seal
from include.ledger import caseload, clearances, intake, outbox
from include.ledger.engine import reading, writing
from include.ledger.models import List
from include.ledger.sending import Parcel
from include.lists.clearance import Held, hold
from include.lists.difference import KEY, NOTICE_COLUMNS, difference
from include.lists.document import ANSWER_COLUMNS, COLUMNS, Contact, NotificationList, RenderedFile, render
from include.lists.proportion import Figures, covered_by, out_of_line
from include.lists.texts import email_for
from include.lists.truth import office_truth, why_late
from include.lists.urgency import cannot_wait


@dataclass(frozen=True)
class Approved:
    """That a person, having seen `figures`, let a list go."""

    figures: Mapping[str, Any]
    by: str
    at: dt.datetime


class OutOfProportion(RuntimeError):
    """A list that waits for a person's approval. It has no number yet; nothing is stored."""

    def __init__(self, figures: Figures, findings: Mapping[str, str]) -> None:
        super().__init__(" ".join(findings.values()))
        self.figures, self.findings = figures, findings


def compose_list(
    arrangement: Arrangement,
    due_at: dt.datetime,
    keys: Mapping[str, SealingKey],
    now: dt.datetime,
    approved: Approved | None = None,
) -> tuple[str | None, dict[str, int]]:
    """The number of the list made for this due moment, with its counts by notice; None when there is nothing to tell.

    keys: what seals and signs for each channel of the arrangement, by channel key
    raises: OutOfProportion if a person must approve first; SealRefused if a channel's key is not what the arrangement
        recorded. Then nothing is numbered or stored.
    """
    with writing() as session:
        outbox.lock_office(session, arrangement.office)
        outbox.see_to(session, arrangement.office, due_at)
        day, cases = _day(arrangement, due_at), _cases(session, arrangement)
        near = _near(arrangement, next_due([arrangement], due_at))
        held = _hold(session, arrangement, _notices(session, arrangement, cases, day), cases, near, day)
        clearances.ask(session, arrangement.office, held.wanted, day, now)
        notices = held.notices
        if not len(notices):
            done = outbox.has_list_for(session, arrangement.office, due_at)
            if done or arrangement.list.when_empty == "skip":
                return None, {}
        return _make(session, arrangement, "scheduled", due_at, notices, keys, now, approved)


def compose_urgent_list(
    versions: Sequence[Arrangement],
    day: dt.date,
    keys: Mapping[str, SealingKey],
    now: dt.datetime,
    approved: Approved | None = None,
) -> tuple[str | None, dict[str, int]]:
    """As `compose_list`, of what cannot wait for the office's next scheduled list, as the extracts of `day` have it.

    versions: the office's arrangements, oldest first, of which one is in force on `day`
    """
    arrangement = _in_force(versions, day)
    with writing() as session:
        outbox.lock_office(session, arrangement.office)
        held = _urgent(session, versions, arrangement, day)
        clearances.ask(session, arrangement.office, held.wanted, day, now)
        notices = held.notices
        if not len(notices):
            return None, {}
        morning = dt.datetime.combine(day, dt.time(), ZoneInfo(arrangement.timezone))
        return _make(session, arrangement, "urgent", morning, notices, keys, now, approved)


def offices_that_cannot_wait(
    offices: Mapping[str, Sequence[Arrangement]], host_country: str, day: dt.date, now: dt.datetime
) -> list[str]:
    """The offices that hear of this host country and must be told something before their next scheduled list.

    At whom a person must look before anybody is told is asked for from now on.
    """
    found, wanted = [], {}
    with reading() as session:
        for office, versions in sorted(offices.items()):
            arrangement = in_force(versions, day)
            if arrangement is None or host_country not in arrangement.host_countries:
                continue
            held = _urgent(session, versions, arrangement, day)
            if len(held.notices):
                found.append(office)
            if held.wanted:
                wanted[office] = held.wanted
    for office, cases in wanted.items():
        with writing() as session:
            outbox.lock_office(session, office)
            clearances.ask(session, office, cases, day, now)
    return found


def owed_cases(offices: Mapping[str, Sequence[Arrangement]], now: dt.datetime) -> set[tuple[str, str]]:
    """Host country and case id of each case of which one of these offices is still to be told something."""
    found: set[tuple[str, str]] = set()
    with reading() as session:
        for arrangement in newest_at(offices, now).values():
            notices = _notices(session, arrangement, _cases(session, arrangement), _day(arrangement, now))
            found |= set(notices[KEY].itertuples(index=False, name=None))
    return found


def hold_list(office: str, kind: str, due_at: dt.datetime, held: Approved) -> None:
    """Keep in the ledger that a person saw to this list by holding it back. What it would have told stays owed."""
    with writing() as session:
        outbox.lock_office(session, office)
        if kind == "scheduled":
            outbox.see_to(session, office, due_at)
        outbox.record_approval(session, office, kind, due_at, held.figures, held.by, held.at, list_id=None)


def _make(
    session: Session,
    arrangement: Arrangement,
    kind: str,
    due_at: dt.datetime,
    notices: pd.DataFrame,
    keys: Mapping[str, SealingKey],
    now: dt.datetime,
    approved: Approved | None,
) -> tuple[str, dict[str, int]]:
    """Weigh, number, seal and store the list, under the office's lock."""
    due_on = _day(arrangement, due_at)
    figures = _figures(session, arrangement, notices, due_on)
    findings = out_of_line(figures, arrangement.proportion)
    if findings and not (approved and covered_by(figures, arrangement.proportion, approved.figures)):
        raise OutOfProportion(figures, findings)
    notices = outbox.give_entries(session, arrangement.office, notices, now)
    document = _document(session, arrangement, kind, due_on, notices)
    parcels = [_parcel(document, arrangement, channel, keys[channel.key], now) for channel in arrangement.deliver]
    sealed = List(
        office=arrangement.office,
        year=document.year,
        number=document.number,
        kind=document.kind,
        state="sealed",
        due_at=due_at,
        period_from=document.period_from,
        period_to=document.period_to,
        as_of={host: day.isoformat() if day else None for host, day in document.as_of.items()},
        arrangement_version=version(arrangement),
        policy_version=intake.policies_of(session, document.as_of),
        columns=list(document.extra_columns),
        sealed_at=now,
    )
    outbox.store_list(session, sealed, notices, parcels)
    if findings and approved:
        outbox.record_approval(
            session, arrangement.office, kind, due_at, approved.figures, approved.by, approved.at, list_id=sealed.id
        )
    return sealed.list_number, dict(figures.notices)


def _day(arrangement: Arrangement, moment: dt.datetime) -> dt.date:
    return moment.astimezone(ZoneInfo(arrangement.timezone)).date()


def _in_force(versions: Sequence[Arrangement], day: dt.date) -> Arrangement:
    found = in_force(versions, day)
    if found is None:
        raise LookupError(f"{versions[-1].office} has no arrangement in force on {day}")
    return found


def _extra_columns(arrangement: Arrangement) -> list[str]:
    return [column.column for column in arrangement.list.columns]


def _cases(session: Session, arrangement: Arrangement) -> pd.DataFrame:
    """The cases that concern the office, as `outbox.cases_of_concern` has them, with the measures that it adds."""
    cases = outbox.cases_of_concern(session, arrangement.office, list(arrangement.host_countries))
    return add_local(cases, arrangement.measures)


def _notices(session: Session, arrangement: Arrangement, cases: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """All that the office is owed on `day`: `lists.difference.NOTICE_COLUMNS`."""
    truth = office_truth(
        cases,
        covers=arrangement.covers,
        consent_required=arrangement.consent == "required",
        undated=arrangement.list.undated,
        no_show_overdue=lambda since: (
            working_days_between(arrangement.list, since, day) > arrangement.list.no_show_grace.days
        ),
        owed_from=arrangement.effective_from,
        shared_columns=_extra_columns(arrangement),
    )
    notices = difference(truth, outbox.last_told(session, arrangement.office))
    late = notices["marked"].str.split(";").map(lambda marks: "late" in marks).astype(bool)
    if late.any():
        notices.loc[late, "marked"] += ";" + why_late(notices[late], caseload.standings_of(session, notices[late]))
    return notices


def _urgent(session: Session, versions: Sequence[Arrangement], arrangement: Arrangement, day: dt.date) -> Held:
    """What cannot wait for the list that is due next, counted from `day` and from the newest list that was seen to.

    The wall clock has no part in it: a day that is caught up later has the urgent lists that it would have had.
    """
    seen_to = outbox.composed_for(session).get(arrangement.office)
    morning = dt.datetime.combine(day, dt.time(), ZoneInfo(arrangement.timezone))
    near = _near(arrangement, next_due(versions, max(filter(None, [seen_to, morning]))))
    cases = _cases(session, arrangement)
    held = _hold(session, arrangement, _notices(session, arrangement, cases, day), cases, near, day)
    notices = held.notices
    of_concern = pd.MultiIndex.from_frame(notices[KEY]).isin(pd.MultiIndex.from_frame(cases.loc[cases["urgent"], KEY]))
    return replace(held, notices=cannot_wait(notices, near, pd.Series(of_concern, index=notices.index)))


def _near(arrangement: Arrangement, due: dt.datetime | None) -> Callable[[dt.date], bool]:
    """Whether a departure on a day would be told too late by the list that is due then."""

    def near(departure: dt.date) -> bool:
        if due is None:  # its lists have ended: nothing that is owed can wait for one
            return True
        left = working_days_between(arrangement.list, _day(arrangement, due), departure)
        # Who leaves before the list is due could not be told at all: that never waits, however short the lead.
        return left < max(arrangement.list.urgent_within.days, 1)

    return near


def _hold(
    session: Session,
    arrangement: Arrangement,
    notices: pd.DataFrame,
    cases: pd.DataFrame,
    near: Callable[[dt.date], bool],
    day: dt.date,
) -> Held:
    """What of the notices need not wait for a person, and who must be looked at first."""
    if not cases["review"].ne("").any():
        return Held(notices, {})
    return hold(
        notices,
        cases,
        clearances.known(session, arrangement.office),
        near=near,
        over=lambda since: working_days_between(arrangement.list, since, day) >= arrangement.list.review_within.days,
    )


def _figures(session: Session, arrangement: Arrangement, notices: pd.DataFrame, due_on: dt.date) -> Figures:
    counts = notices["notice"].value_counts()
    return Figures(
        notices={str(notice): int(count) for notice, count in counts.items()},
        open_entries=outbox.open_entries(session, arrangement.office),
        largest=outbox.largest_list(session, arrangement.office, since=due_on - dt.timedelta(days=90)),
        first=not outbox.has_any_list(session, arrangement.office),
        missing=outbox.newly_missing(session, arrangement.office, list(arrangement.host_countries)),
    )


def _document(
    session: Session, arrangement: Arrangement, kind: str, due_on: dt.date, notices: pd.DataFrame
) -> NotificationList:
    since = outbox.last_period_end(session, arrangement.office) if kind == "scheduled" else None
    # A list of the old year that is made late comes after those of the new one: it is read in the order of numbers.
    year = max(due_on.year, outbox.newest_year(session, arrangement.office))
    document = NotificationList(
        office=arrangement.office,
        office_name=arrangement.name,
        year=year,
        number=outbox.next_number(session, arrangement.office, year),
        kind=kind,
        language=arrangement.language,
        made_on=due_on,
        # An office's first list tells what was open when it began; a second one on a day covers that day.
        period_from=min(since + dt.timedelta(days=1), due_on) if since else due_on,
        period_to=due_on,
        as_of=intake.newest_reconciled(session, list(arrangement.host_countries)),
        contact=Contact(**arrangement.whom_to_call.model_dump()),
        extra_columns=tuple(_extra_columns(arrangement)),
        voided=tuple(void.list_number for void in outbox.voids_to_name(session, arrangement.office)),
        entries=pd.DataFrame(columns=COLUMNS),
    )
    return _with_entries(document, notices)


def _with_entries(document: NotificationList, notices: pd.DataFrame) -> NotificationList:
    shared = pd.DataFrame(list(notices["shared"]), index=notices.index, columns=list(document.extra_columns))
    entries = notices[["entry", *NOTICE_COLUMNS[3:-1]]].join(shared)
    entries.insert(0, "list_number", document.list_number)
    return document.with_entries(entries.assign(**dict.fromkeys(ANSWER_COLUMNS, "")))


def _parcel(
    document: NotificationList, arrangement: Arrangement, channel: Channel, key: SealingKey, now: dt.datetime
) -> Parcel:
    files = sealed_files(render(document, arrangement.list.format), channel, key, now)
    subject, body = email_for(document)
    return Parcel(
        channel=channel.key,
        cover={"subject": subject, "body": body} if channel.via == "email" else {},
        files=tuple((file.name, file.content, file.sha256) for file in files),
    )


def sealed_files(
    files: Sequence[RenderedFile], channel: Channel, key: SealingKey, now: dt.datetime
) -> list[SealedFileContent]:
    """The files as they go over `channel`, in their order.

    What holds no names goes first, and a signature before what it signs: the list itself is last, so that its arrival
    is the list's arrival.
    raises: SealRefused
    """
    return [leaving for file in reversed(files) for leaving in seal(file, channel, key, now)]

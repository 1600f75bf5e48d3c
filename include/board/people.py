"""The pages that name a person: a pair in review, a concern, the trail of a case. Each view is recorded first.

Reach for a page's `…_page` with a `Viewer`: it writes down who is about to see whose name, and only then reads it. What
comes back is for that user's eyes alone: never for a log, a URL or an exception.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import pandas as pd
from sqlalchemy.orm import Session

from include.board.arranged import arranged
from include.board.charts import Step
from include.extracts.partition import good_rows
from include.ledger import board, caseload, responses, reviews
from include.ledger.board import Trail, Waiting
from include.ledger.engine import reading, writing
from include.ledger.intake import Partition, both_extracts
from include.ledger.models import Answer, Concern, Entry, Extract, Match, Review
from include.ledger.responses import ToldOf
from include.ledger.reviews import Accepted, Pair
from include.matching.candidates import READ
from include.matching.explanation import Explanation, explain
from include.matching.fingerprint import fingerprints
from include.reports.evidence import newest_of_case
from include.settings import hashing_key

_ONE_AT_A_TIME = Lock()
"""Evidence is weighed against the whole register: one at a time, so that the server's memory stays bounded."""


@dataclass(frozen=True)
class Viewer:
    """Who is looking, and when."""

    name: str
    clock: Callable[[], dt.datetime]

    def about_to_see(self, page: str, host_country: str, case_id: str, entry: str | None = None) -> None:
        """Write it down, before anything is shown."""
        with writing() as session:
            board.record_view(
                session, self.name, page, host_country=host_country, case_id=case_id, entry=entry, now=self.clock()
            )


class NothingToSee(LookupError):
    """There is no such pair, entry or case."""


def queue() -> list[Waiting]:
    """What waits for a decision, the nearest departure first. It names nobody."""
    with reading() as session:
        return board.waiting(session)


@dataclass(frozen=True)
class PairPage:
    """A case and a record side by side, and where in the queue they stand."""

    id: int
    partition: Partition
    pair: Pair
    waiting: Waiting | None
    """None where somebody decided meanwhile."""
    previous: int | None
    following: int | None
    position: int
    of: int
    found: Explanation | None
    """None where the case or the record is not in its extract any more."""
    details: Sequence[tuple[str, str, str]]
    """What is known of case and record beside what is compared: the column, and both values."""
    seen: str | None
    beside: Accepted
    told: bool
    """An office was told by this match."""
    decisions: Sequence[Review]

    @property
    def steps(self) -> list[Step]:
        """The evidence as a waterfall shows it, in the model's own names; the first is where it starts."""
        if self.found is None:
            return []
        compared = [
            Step(one.comparison, one.weight) for one in self.found.evidence if one.label and one.weight is not None
        ]
        return [Step("before", self.found.prior), *compared]


_CASE_DETAILS = ("registered_on", "status", "expected_departure_on", "destination_country", "iom_office")
_RECORD_DETAILS = ("applied_on", "stage", "outcome", "outcome_on", "final")


def pair_page(match_id: int, viewer: Viewer) -> PairPage:
    """The pair of this match, shown to the viewer. raises: NothingToSee"""
    with reading() as session:
        match = session.get(Match, match_id)
        if match is None:
            raise NothingToSee("there is no such pair")
        pair = Pair(match.host_country, match.case_id, match.asylum_reference)
        partition = newest_of_case(session, pair.case_id, pair.host_country)
        waiting = board.waiting(session)
        cases, procedure = both_extracts(session, partition)
        beside = reviews.accepted_beside(session, pair)
        decisions = [
            one
            for one in reviews.history(session, pair.host_country, pair.case_id)
            if one.asylum_reference == pair.asylum_reference
        ]
        told = match.decision == "accept" and pair.case_id in set(caseload.told_cases(session, pair.host_country))
    viewer.about_to_see("review", pair.host_country, pair.case_id)
    of_case, of_record, seen = _rows(pair, partition, cases, procedure)
    found = None
    if seen is not None:
        with _ONE_AT_A_TIME:
            register = good_rows(partition, procedure, READ)
            found = explain(of_case, register, pair.case_id, pair.asylum_reference)
    ids = [one.id for one in waiting]
    at = ids.index(match_id) if match_id in ids else None
    return PairPage(
        id=match_id,
        partition=partition,
        pair=pair,
        waiting=waiting[at] if at is not None else None,
        previous=ids[at - 1] if at else None,
        following=_following(ids, at),
        position=at + 1 if at is not None else 0,
        of=len(ids),
        found=found,
        details=[
            *((name, _shown(of_case, name), "") for name in _CASE_DETAILS),
            *((name, "", _shown(of_record, name)) for name in _RECORD_DETAILS),
        ],
        seen=seen,
        beside=beside,
        told=told,
        decisions=decisions,
    )


def decide(
    match_id: int, decision: str, *, by: str, reason: str, one_person: bool, seen: str, clock: Callable[[], dt.datetime]
) -> int | None:
    """Take a person's decision on the pair down; the id of the pair that comes next in the queue, if any.

    seen: the fingerprint of what the person saw, empty where there was no evidence
    raises: NothingToSee; reviews.NotDecidable, also if somebody else decided meanwhile or the evidence is another now
    """
    with reading() as session:
        match = session.get(Match, match_id)
        if match is None:
            raise NothingToSee("there is no such pair")
        pair = Pair(match.host_country, match.case_id, match.asylum_reference)
        partition = newest_of_case(session, pair.case_id, pair.host_country)
        ids = [one.id for one in board.waiting(session)]
        cases, procedure = both_extracts(session, partition)
    if match_id not in ids:
        raise reviews.NotDecidable("somebody has decided on this pair meanwhile, or it is no longer in doubt")
    _, _, now_seen = _rows(pair, partition, cases, procedure)
    if (now_seen or "") != seen:
        raise reviews.NotDecidable("the case or the record has changed since you looked; look again")
    with writing() as session:
        reviews.record_decision(
            session, pair, decision, by=by, reason=reason, evidence=now_seen, one_person=one_person, clock=clock
        )
    return _following(ids, ids.index(match_id))


def _following(ids: Sequence[int], at: int | None) -> int | None:
    return ids[at + 1] if at is not None and at + 1 < len(ids) else None


def _rows(
    pair: Pair, partition: Partition, cases: Extract, procedure: Extract
) -> tuple[pd.DataFrame, pd.DataFrame, str | None]:
    """The rows of the case and of the record, and the fingerprint of both; None where one is missing."""
    everyone = good_rows(partition, cases)
    of_case = everyone[everyone["case_id"] == pair.case_id]
    of_record = good_rows(partition, procedure, asylum_references=[pair.asylum_reference])
    on_one = pd.DataFrame({"case_id": [pair.case_id], "asylum_reference": [pair.asylum_reference]})
    return of_case, of_record, fingerprints(on_one, of_case, of_record, hashing_key()).iloc[0]


def _shown(rows: pd.DataFrame, column: str) -> str:
    value = rows[column].iloc[0] if len(rows) and column in rows else None
    if value is None or pd.isna(value):
        return ""
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)


@dataclass(frozen=True)
class ConcernPage:
    """An entry on which a concern stood or stands: whose it is, what was told and what was answered."""

    id: int
    entry: str
    office: str
    host_country: str
    case_id: str
    told: Sequence[ToldOf]
    said: Sequence[tuple[dt.datetime, str, Answer]]
    concerns: Sequence[Concern]

    @property
    def stands(self) -> bool:
        """Whether nobody has closed it yet."""
        return any(one.closed_at is None for one in self.concerns)


def concern_page(concern_id: int, viewer: Viewer) -> ConcernPage:
    """The concern of this id and all else of its entry, shown to the viewer. raises: NothingToSee"""
    with reading() as session:
        known = _entry_of(session, concern_id)
    viewer.about_to_see("concern", known.host_country, known.case_id, known.entry)
    with reading() as session:
        concerns = responses.concerns_of(session, known.entry)
        told = responses.told_of(session, known.entry)
        said = responses.words_of(session, known.entry)
    return ConcernPage(concern_id, known.entry, known.office, known.host_country, known.case_id, told, said, concerns)


def close_concern(concern_id: int, *, by: str, note: str, now: dt.datetime) -> None:
    """Close the concern that stands on the entry of this one. raises: NothingToSee; responses.NotClosable"""
    with writing() as session:
        responses.close_concern(session, _entry_of(session, concern_id).entry, by, note, now)


def _entry_of(session: Session, concern_id: int) -> Entry:
    concern = session.get(Concern, concern_id)
    if concern is None:
        raise NothingToSee("there is no such concern")
    return responses.entry_of(session, concern.entry)


@dataclass(frozen=True)
class Happened:
    """One thing of a case's trail."""

    at: dt.date | dt.datetime
    what: str
    """standing, match, match_ended, decision, told, answer, concern, closed, viewed"""
    said: tuple[str, ...]
    """Codes and references, in the order in which the page puts them into words."""
    list_number: str = ""


@dataclass(frozen=True)
class TrailPage:
    """All that happened to a case, in time order."""

    hosts: Sequence[str]
    """The host countries that know the id."""
    found: Trail | None
    """None where several know it and none was named."""
    happened: Sequence[Happened]


def trail_page(case_id: str, host_country: str | None, viewer: Viewer) -> TrailPage:
    """The trail of a case, shown to the viewer. raises: NothingToSee"""
    with reading() as session:
        hosts = board.trails(session, case_id)
    if not hosts or (host_country and host_country not in hosts):
        raise NothingToSee("no case has this id")
    if host_country is None and len(hosts) > 1:
        return TrailPage(hosts, None, [])
    host = host_country or hosts[0]
    viewer.about_to_see("trail", host, case_id)
    with reading() as session:
        found = board.trail(session, host, case_id)
    return TrailPage(hosts, found, _in_order(found))


def _in_order(found: Trail) -> list[Happened]:
    said: tuple[str, ...]
    happened = [Happened(one.since, "standing", (one.standing,)) for one in found.standings]
    for match in found.matches:
        said = (match.decision, match.asylum_reference, f"{match.probability:.4f}", match.method, match.model_version)
        happened.append(Happened(match.since, "match", said))
        if match.ended_on:
            happened.append(Happened(match.ended_on, "match_ended", (match.asylum_reference,)))
    for decision in found.decisions:
        said = (decision.decision, decision.asylum_reference, decision.decided_by, decision.reason)
        happened.append(Happened(decision.decided_at, "decision", said))
    for notice, on, entry in found.told:
        day = notice.departed_on or notice.expected_departure_on
        said = (notice.notice, notice.reason, entry.office, entry.entry, str(day or ""), on.state)
        happened.append(Happened(on.told_at or on.sealed_at, "told", said, on.list_number))
    for answer, about in found.answers:
        doubts = {True: "concern", False: "no_concern", None: ""}[answer.concern]
        said = (doubts, str(answer.record_closed_on or ""), answer.remarks)
        happened.append(Happened(answer.answered_at, "answer", said, about.list_number))
    for concern in found.concerns:
        happened.append(Happened(concern.raised_at, "concern", (concern.entry,)))
        if concern.closed_at:
            said = (concern.entry, concern.closed_by or "", concern.note or "")
            happened.append(Happened(concern.closed_at, "closed", said))
    happened += [Happened(one.viewed_at, "viewed", (one.viewed_by, one.page)) for one in found.views]
    return sorted(happened, key=_moment)


def _moment(one: Happened) -> dt.datetime:
    """A day counts from its beginning."""
    return one.at if isinstance(one.at, dt.datetime) else dt.datetime.combine(one.at, dt.time(), dt.UTC)


def concerns_by_days(now: dt.datetime) -> list[tuple[responses.OpenConcern, int | None]]:
    """Every concern that stands with the days left at its office, the nearest departure first. It names nobody."""
    known = arranged()
    with reading() as session:
        found = responses.open_concerns(session)
    return [(one, one.days_left(known.today(one.office, now))) for one in found]

"""What should have happened and did not: asked of the ledger, since what never ran has nothing to fail."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from include.arrangements.calendar import due_moments, summaries_due
from include.arrangements.checking import check
from include.arrangements.models import Arrangement
from include.arrangements.reading import in_force_at, load_offices
from include.ledger import clearances, figures, intake, outbox, papers, retention, reviews
from include.ledger.engine import reading
from include.reports.rejected.groups import group_of, series_of
from include.settings import arrangements_folder, first_day, last_day, late_after

SETTLING = dt.timedelta(minutes=15)
"""How long Airflow has to start a reconciliation before it is called forgotten."""
LOOK_BACK = dt.timedelta(days=10)


class Overdue(RuntimeError):
    """Something that was due is not done; the message lists each."""


class BrokenArrangements(RuntimeError):
    """Arrangements do not load; the message lists each problem with file and line."""


def forgotten_partitions(now: dt.datetime) -> list[str]:
    """Keys of the partitions whose two extracts have been in for a while and whose reconciliation is not.

    So are the newest ones of host countries where a person decided on a pair, or cleared a case, since, a departure may
    be near; or where somebody asked to be erased: their offices are to hear it.
    """
    with reading() as session:
        forgotten = intake.forgotten(session, accepted_before=now - SETTLING)
        decided_since = [*reviews.not_yet_laid_over(session), *clearances.cleared_since_reconciled(session)]
        ordered_since = retention.ordered_since(session)
    return [str(partition) for partition in dict.fromkeys([*forgotten, *decided_since, *ordered_since])]


def undone_decisions() -> frozenset[str]:
    """The partitions to be reconciled again because of what people decided, each with how many decisions there are."""
    with reading() as session:
        decided, cleared = reviews.not_yet_laid_over(session), clearances.cleared_since_reconciled(session)
    return frozenset(
        f"{partition} {decided.get(partition, 0)} {cleared.get(partition, 0)}" for partition in {*decided, *cleared}
    )


def still_owed(known: Collection[str]) -> list[str]:
    """Offices and series of papers of which something is owed that nobody has refused: it may yet arrive by itself.

    known: the codes of all who have a good arrangement; the others are left out
    """
    with reading() as session:
        offices = outbox.offices_owed(session, ("queued", "unknown"))
        series = papers.series_owed(session, ("queued", "unknown"))
    return [
        *(office for office in offices if office in known),
        *(one for one, addressee in series.items() if addressee in known),
    ]


def overdue_lists(now: dt.datetime) -> dict[str, list[str]]:
    """For each office what is overdue there: a list nobody saw to, one still owed, one that a recipient missed.

    So is a paper that is still owed or that a recipient missed.
    """
    offices, _ = load_offices(arrangements_folder())
    overdue: dict[str, list[str]] = {}
    with reading() as session:
        for one in what_is_overdue(session, offices, now):
            overdue.setdefault(one.office, []).append(one.text)
    return overdue


@dataclass(frozen=True)
class Late:
    """One thing that is overdue at an office, or at a party of a framework."""

    office: str
    what: str
    """unmade (nobody saw to a list), owed (still to be brought), came_back, missed (not everybody has it); or paper"""
    list_number: str
    """Empty where the list was never made."""
    text: str


def what_is_overdue(session: Session, offices: Mapping[str, Sequence[Arrangement]], now: dt.datetime) -> list[Late]:
    """All that is overdue, lists that were made first. offices: as `load_offices` gives them"""
    arranged = filter(None, (in_force_at(versions, now) for versions in offices.values()))
    channels = [channel.key for arrangement in arranged for channel in arrangement.deliver]
    overdue = _not_with_its_office(session, channels, now)
    seen_to, told_to = outbox.composed_for(session), papers.last_period_ends(session)
    end = last_day()
    until = min(now, end) if end else now
    for office, versions in sorted(offices.items()):
        arrangement = in_force_at(versions, until)
        if arrangement is None:
            continue
        late_at = until - late_after() - arrangement.list.wait
        since = max(late_at - LOOK_BACK, first_day())
        due = list(due_moments(versions, since, late_at))
        last = seen_to.get(office)
        if due and (last is None or last < due[-1]):
            text = f"{office} should have been told at {due[-1]:%Y-%m-%d %H:%M %Z}"
            overdue.append(Late(office, "unmade", "", text))
        if summary := _overdue_summary(office, offices, told_to, until):
            overdue.append(Late(office, "paper", "", summary))
    return overdue


def _not_with_its_office(session: Session, channels: Sequence[str], now: dt.datetime) -> list[Late]:
    """The lists and papers that are still owed, came back, or did not reach every recipient."""
    overdue = []
    for kind, owing in (("list", figures.owed(session)), ("paper", figures.owed_papers(session))):
        for owed in owing:
            which = f"{kind} {owed.list_number} via {owed.via}"
            if owed.came_back:
                what, text = "came_back", f"{which} {owed.came_back}: repair the mailbox and resend it, or void it"
            elif owed.sealed_at < now - late_after():
                what, text = "owed", f"{which} is still owed"
            else:
                continue
            overdue.append(Late(owed.office, what if kind == "list" else "paper", owed.list_number, text))
    # Who is no longer arranged with is missed by nobody: to change the arrangement is one way to put it right.
    for missed in outbox.missed_recipients(session, channels):
        number, office = missed.partition(" ")[0], missed.partition("_")[0]
        overdue.append(Late(office, "missed", number, f"list {missed} did not reach everybody"))
    for addressee, missed in papers.missed_recipients(session, channels):
        overdue.append(Late(addressee, "paper", missed.partition(" ")[0], f"paper {missed} did not reach everybody"))
    return overdue


def _overdue_summary(
    office: str, offices: Mapping[str, Sequence[Arrangement]], told_to: Mapping[str, dt.date], until: dt.datetime
) -> str | None:
    """That the office has no summary of rejected cases which was due by now, if so.

    told_to: the day up to which each series of papers goes
    """
    late_at = until - late_after()
    due = summaries_due(offices[office], max(late_at - LOOK_BACK, first_day()), late_at)
    group = group_of(office, offices, due[-1].date()) if due else None
    if group is None:
        return None
    last = told_to.get(series_of(office))
    if last is not None and last >= group.until:
        return None
    return (
        f"{office} should have had its summary of rejected cases to {group.until:%Y-%m} at {due[-1]:%Y-%m-%d %H:%M %Z}"
    )


def check_lists_are_on_time(overdue: dict[str, list[str]]) -> None:
    """raises: Overdue, naming the offices that nobody saw to and the lists that are still owed"""
    if overdue:
        raise Overdue("; ".join(what for found in overdue.values() for what in found))


def what_is_late(office: str, due_at: dt.datetime) -> list[str]:
    """What the office should have of the list due at `due_at` and has not, in a sentence each; empty if it has it."""
    with reading() as session:
        seen_to = outbox.composed_for(session).get(office)
        owed = [one for one in figures.owed(session, office) if one.due_at <= due_at]
    unmade = seen_to is None or seen_to < due_at
    return [*(["The list has not been made."] if unmade else []), *(f"{one} is not with the office." for one in owed)]


def check_arrangements_load() -> None:
    """raises: BrokenArrangements, with each problem's file and line."""
    problems = check(arrangements_folder())
    if problems:
        raise BrokenArrangements("\n".join(str(problem) for problem in problems))

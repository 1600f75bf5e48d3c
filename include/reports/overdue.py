"""What should have happened and did not: asked of the ledger, since what never ran has nothing to fail."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from include.arrangements.calendar import due_moments
from include.arrangements.checking import check
from include.arrangements.models import Arrangement
from include.arrangements.reading import in_force_at, load_offices
from include.ledger import figures, intake, outbox, reviews
from include.ledger.engine import reading
from include.settings import arrangements_folder, data_folder, first_day, last_day, late_after, write_private

SETTLING = dt.timedelta(minutes=15)
"""How long Airflow has to start a reconciliation before it is called forgotten."""
LOOK_BACK = dt.timedelta(days=10)


class Overdue(RuntimeError):
    """Something that was due is not done; the message lists each."""


class BrokenArrangements(RuntimeError):
    """Arrangements do not load; the message lists each problem with file and line."""


def forgotten_partitions(now: dt.datetime) -> list[str]:
    """Keys of the partitions whose two extracts have been in for a while and whose reconciliation is not.

    So are the newest ones of host countries where a person decided on a pair since: a departure may be near.
    """
    with reading() as session:
        forgotten = intake.forgotten(session, accepted_before=now - SETTLING)
        decided_since = reviews.not_yet_laid_over(session)
    return [str(partition) for partition in dict.fromkeys([*forgotten, *decided_since])]


def undone_decisions() -> frozenset[str]:
    """The partitions to be reconciled again because of decisions in review, each with how many there are."""
    with reading() as session:
        return frozenset(f"{partition} {count}" for partition, count in reviews.not_yet_laid_over(session).items())


def offices_still_owed() -> list[str]:
    """Offices with good arrangements to which a list is owed that nobody has refused: it may yet arrive by itself."""
    offices, _ = load_offices(arrangements_folder())
    with reading() as session:
        owed = outbox.offices_owed(session, ("queued", "unknown"))
    return [office for office in owed if office in offices]


def overdue_lists(now: dt.datetime) -> dict[str, list[str]]:
    """For each office what is overdue there: a list nobody saw to, one still owed, one that a recipient missed."""
    offices, _ = load_offices(arrangements_folder())
    overdue: dict[str, list[str]] = {}
    with reading() as session:
        for one in what_is_overdue(session, offices, now):
            overdue.setdefault(one.office, []).append(one.text)
    return overdue


@dataclass(frozen=True)
class Late:
    """One thing that is overdue at an office."""

    office: str
    what: str
    """unmade (nobody saw to a list), owed (it is still to be brought), came_back, missed (not everybody has it)"""
    list_number: str
    """Empty where the list was never made."""
    text: str


def what_is_overdue(session: Session, offices: Mapping[str, Sequence[Arrangement]], now: dt.datetime) -> list[Late]:
    """All that is overdue, lists that were made first. offices: as `load_offices` gives them"""
    arranged = filter(None, (in_force_at(versions, now) for versions in offices.values()))
    channels = [channel.key for arrangement in arranged for channel in arrangement.deliver]
    overdue = []
    for owed in figures.owed(session):
        of_list = f"list {owed.list_number} via {owed.via}"
        if owed.came_back:
            text = f"{of_list} {owed.came_back}: repair the mailbox and resend it, or void it"
            overdue.append(Late(owed.office, "came_back", owed.list_number, text))
        elif owed.sealed_at < now - late_after():
            overdue.append(Late(owed.office, "owed", owed.list_number, f"{of_list} is still owed"))
    # Who is no longer arranged with is missed by nobody: to change the arrangement is one way to put it right.
    for missed in outbox.missed_recipients(session, channels):
        number, office = missed.partition(" ")[0], missed.partition("_")[0]
        overdue.append(Late(office, "missed", number, f"list {missed} did not reach everybody"))
    seen_to = outbox.composed_for(session)
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
    return overdue


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


def leave_heartbeat(now: dt.datetime) -> None:
    """Write the moment to `heartbeat` in the data folder; something outside Airflow watches its age."""
    write_private(data_folder() / "heartbeat", now.isoformat(timespec="seconds").encode())

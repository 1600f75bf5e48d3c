"""What should have happened and did not: asked of the ledger, since what never ran has nothing to fail."""

import datetime as dt

from include.arrangements.calendar import due_moments
from include.arrangements.checking import check
from include.arrangements.reading import in_force, load_offices
from include.ledger import intake, outbox, reviews
from include.ledger.engine import reading
from include.settings import arrangements_folder, data_folder, first_day, last_day, write_private

SETTLING = dt.timedelta(minutes=15)
"""How long Airflow has to start a reconciliation before it is called forgotten."""
GRACE = dt.timedelta(hours=2)
"""How long after its due moment, beyond its own wait, a list is called overdue."""
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


def check_lists_are_on_time(now: dt.datetime) -> None:
    """Compare what was due with what the ledger has.

    raises: Overdue, naming the offices that nobody saw to, the lists that are still owed, and those that a recipient
        did not get
    """
    offices, _ = load_offices(arrangements_folder())
    arranged = [in_force(versions, now.date()) for versions in offices.values()]
    channels = [channel.key for arrangement in filter(None, arranged) for channel in arrangement.deliver]
    with reading() as session:
        seen_to = outbox.composed_for(session)
        overdue = [f"list {owed} is still owed" for owed in outbox.owed_lists(session, now - GRACE)]
        # Who is no longer arranged with is missed by nobody: to change the arrangement is one way to put it right.
        overdue += [f"list {missed} did not reach everybody" for missed in outbox.missed_recipients(session, channels)]
    end = last_day()
    until = min(now, end) if end else now
    for office, versions in sorted(offices.items()):
        arrangement = in_force(versions, until.date())
        if arrangement is None:
            continue
        late_at = until - GRACE - arrangement.list.wait
        since = max(late_at - LOOK_BACK, first_day())
        due = list(due_moments(versions, since, late_at))
        last = seen_to.get(office)
        if due and (last is None or last < due[-1]):
            overdue.append(f"{office} should have been told at {due[-1]:%Y-%m-%d %H:%M %Z}")
    if overdue:
        raise Overdue("; ".join(overdue))


def check_arrangements_load() -> None:
    """raises: BrokenArrangements, with each problem's file and line."""
    problems = check(arrangements_folder())
    if problems:
        raise BrokenArrangements("\n".join(str(problem) for problem in problems))


def leave_heartbeat(now: dt.datetime) -> None:
    """Write the moment to `heartbeat` in the data folder; something outside Airflow watches its age."""
    write_private(data_folder() / "heartbeat", now.isoformat(timespec="seconds").encode())

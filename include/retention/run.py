"""What the DAG and the command line ask of this room: remove what is old, erase what is due, prove that it is gone.

The ledger goes first, in one transaction for each handful of cases. From then on their sources' rows are silent, and
all that follows (files, free space, the search) can be done again by whoever comes after a process that was killed.
What is searched for is in this process's memory and nowhere else: so erasing and searching are one step.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Collection, Mapping

import pandas as pd
from sqlalchemy.orm import Session

from include.arrangements.models import Retention
from include.arrangements.reading import load_offices, load_sources, newest_at
from include.ledger import intake, retention, storage
from include.ledger.engine import alone, reading, writing
from include.ledger.retention import Erased, NotErasable
from include.lists.compose import owed_cases
from include.retention import due, files
from include.retention.scan import Needles, Seen, total
from include.settings import arrangements_folder, data_folder, hashing_key

_log = logging.getLogger(__name__)
_AT_ONCE = 50
"""Cases that are erased in one transaction: others must not wait long for the ledger."""
BY_TIME = "retain_records"
"""Who erases when the time has come."""


class StillThere(RuntimeError):
    """Something of what was erased was found again. The message says where and how much, not what."""


def remove_old_files(now: dt.datetime) -> dict[str, int]:
    """Remove extracts, what is made of them, and answers as they came, once their days are over; files by folder.

    Of each host country the newest reconciled day stays, whatever its age, and all that is newer: lists, reviews and
    the next day are made from it.
    """
    offices = newest_at(load_offices(arrangements_folder())[0], now)
    sources, _ = load_sources(arrangements_folder())
    hosts = {source.host_country for source in sources} | {h for one in offices.values() for h in one.host_countries}
    with reading() as session:
        reconciled = intake.newest_reconciled(session, sorted(hosts))
    first_kept, today = {}, now.date()
    for host in hosts:
        days = [one.retention.registers.days for one in offices.values() if host in one.host_countries]
        first = today - dt.timedelta(days=min(days, default=Retention().registers.days))
        first_kept[host] = min(first, reconciled[host] or first)
    others = today - dt.timedelta(days=Retention().registers.days)
    removed = files.remove_old(data_folder(), first_kept, others, now)
    _log.info("removed: %s", _said(removed))
    return removed


def erase_due(now: dt.datetime) -> dict[str, int]:
    """Erase every case whose time has come, or whose person asked for it, and prove it.

    returns: cases `erased`, erased once more (`again`: a restored backup, or a day decided meanwhile), and for each of
        `due.BLOCKS` those that it holds up
    raises: StillThere; storage.StillInUse: then the proof is made by the next run; PermissionError: nothing is erased
    """
    storage.check_owned()
    with alone("retain records") as ours:
        if not ours:
            raise storage.StillInUse("another process is erasing now")
        again = _erase_again(now)
        weighed = weigh(now)
        blocked = Counter(weighed["blocked"])
        ready = weighed.loc[weighed["blocked"] == "", [*due.KEY, "ordered"]]
        erased: list[Erased] = []
        for begin in range(0, len(ready), _AT_ONCE):
            erased += _erase(ready[begin : begin + _AT_ONCE], now)
        counts = {"erased": len(erased), "again": len(again)}
        counts |= {what: blocked[what] for what in due.BLOCKS if blocked[what]}
        with writing() as session:
            retention.forget_words(session)
        _log.info("%s", _said(counts))
        prove([*again, *erased])
    return counts


def erase_one(host_country: str, case_id: str, *, by: str, now: dt.datetime) -> None:
    """Erase this case because its person asked for it, and prove it. raises: as `retention.erase` and `erase_due`"""
    storage.check_owned()
    with alone("retain records") as ours:
        if not ours:
            raise storage.StillInUse("another process is erasing now; try again in a while")
        with writing() as session:
            erased = _one(session, host_country, case_id, "request", by, now)
            files.append(data_folder(), [erased.line])
        prove([erased])


def weigh(now: dt.datetime) -> pd.DataFrame:
    """The cases whose time has come, and what holds each up: as `due.weigh`."""
    offices, _ = load_offices(arrangements_folder())
    with reading() as session:
        cases, told = retention.followed(session, now), retention.offices_told(session)
    arranged = list(newest_at(offices, now).values())

    def owed(pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        concerned = {host for host, _ in pairs}
        heard = set(told.loc[told["host_country"].isin(concerned), "office"])
        these = {
            one.office: offices[one.office]
            for one in arranged
            if one.office in heard or concerned & set(one.host_countries)
        }
        return owed_cases(these, now)

    return due.weigh(cases, due.periods(cases, told, arranged), pd.Timestamp(now.date()), owed)


def prove(erased: Collection[Erased]) -> dict[str, Seen]:
    """Take what was erased out of the files and the free space, search for it everywhere, and record the result.

    Of erasures whose process was killed before this, the names are known to nobody any more: what they left is taken
    out all the same, and the proof says that it was not searched for by name.
    returns: what was seen, by place; nothing where there is nothing to prove
    raises: StillThere
    """
    with reading() as session:
        open_ones = {one.registration_hash: one.host_country for one in retention.unproven(session)}
        if not open_ones:
            return {}
        held = storage.held(session)
    known = {one.line.registration_hash for one in erased}
    all_values = frozenset().union(*(one.values | one.ids for one in erased)) if erased else frozenset()
    texts = Needles(all_values).without(held)
    ids = Needles(frozenset().union(*(one.ids for one in erased)) if erased else ()).without(held)
    by_name = set(open_ones) <= known
    offices = {office for one in erased for office in one.offices}
    data = data_folder()
    _log.info(
        "taken out: %s", _said(files.take_out(data, set(open_ones.values()), texts, offices if by_name else None))
    )
    storage.compact()
    seen = {"ledger": _search_ledger(texts), **files.search(data, texts, ids, storage.files())}
    with reading() as session:
        seen["ledger"].found += retention.left_over(session)
    for place, one in seen.items():
        _log.info("searched %s: %s", place, _said(one.counts()))
    counted = {place: one.counts() for place, one in seen.items()}
    proof = {"searched_for": texts.count, "held_by_others": len(all_values) - texts.count, "places": counted}
    with writing() as session:
        retention.record_proof(session, known, proof)
        retention.record_proof(session, set(open_ones) - known, {"searched_for": 0, "places": counted})
    _log.info("%d texts searched for in %d files", texts.count, total(seen.values())["files"])
    left = {place: one.found for place, one in seen.items() if one.found and not files.sent_anew(place)}
    if left:
        raise StillThere(f"of what was erased something is still there: {_said(left)}")
    return seen


def _search_ledger(needles: Needles) -> Seen:
    seen = Seen()
    for path in storage.files():
        try:
            with path.open("rb") as file:
                size, found = needles.in_stream(file)
        except OSError:  # a log that the server let go of meanwhile
            continue
        seen.add(Seen(1, size, len(found)))
    for stream in storage.dumped():
        size, found = needles.in_stream(stream)
        seen.add(Seen(1, size, len(found)))
    return seen


def _erase(cases: pd.DataFrame, now: dt.datetime) -> list[Erased]:
    done = []
    with writing() as session:
        for host, case_id, ordered in cases.itertuples(index=False, name=None):
            order = retention.order_of(session, host, case_id) if ordered else None
            why, by = ("request", order.ordered_by) if order else ("retention", BY_TIME)
            try:
                with session.begin_nested():
                    done.append(_one(session, host, case_id, why, by, now))
            except (NotErasable, LookupError):  # something came up since it was weighed; it is weighed again tomorrow
                continue
        files.append(data_folder(), [one.line for one in done])
    return done


def _one(session: Session, host: str, case_id: str, why: str, by: str, now: dt.datetime) -> Erased:
    return retention.erase(session, host, case_id, key=hashing_key(), why=why, by=by, now=now)


def _erase_again(now: dt.datetime) -> list[Erased]:
    """Erase what stands in the ledger although it was erased: the log in the data folder knows."""
    done, held_up = [], set()
    with writing() as session:
        unknown = retention.not_in_ledger(session, files.logged(data_folder()))
        for host, case_id, line in retention.come_back(session, hashing_key(), unknown):
            try:
                with session.begin_nested():
                    done.append(_one(session, host, case_id, line.why, line.erased_by, now))
            except NotErasable as reason:
                held_up.add(line.registration_hash)
                _log.warning("a case of %s that was erased before is back and stays for now: %s", host, reason)
        for line in retention.not_in_ledger(session, unknown):
            if line.registration_hash not in held_up:
                retention.remember(session, line, {})
    return done


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts.items()) or "nothing"

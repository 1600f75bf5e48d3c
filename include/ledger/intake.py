"""Which extracts were accepted and which partitions were reconciled from them."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Subquery, exists, func, select
from sqlalchemy.orm import Session, aliased

from include.ledger.models import KINDS, Extract, Reconciliation
from include.ledger.tables import distinct


@dataclass(frozen=True)
class Partition:
    """A host country and a day: what Airflow knows as the partition key `HOST|YYYY-MM-DD`."""

    host_country: str
    day: dt.date

    @classmethod
    def of(cls, key: str) -> "Partition":
        """From a partition key. Raises ValueError if it is not one."""
        host_country, _, day = key.partition("|")
        if len(host_country) != 3 or not host_country.isupper():
            raise ValueError("a partition key is HOST|YYYY-MM-DD, with the host country as alpha-3")
        return cls(host_country, dt.date.fromisoformat(day))

    def __str__(self) -> str:
        return f"{self.host_country}|{self.day.isoformat()}"


class NotPulled(LookupError):
    """A partition whose extracts are not both in."""


class DoesNotAddUp(RuntimeError):
    """The standings of a partition are not as many as the rows that were pulled."""


def extract_in_force(session: Session, partition: Partition, kind: str) -> Extract | None:
    """The extract accepted last for the partition and kind, if any."""
    return session.scalars(
        select(Extract)
        .filter_by(host_country=partition.host_country, day=partition.day, kind=kind)
        .order_by(Extract.turn.desc())
        .limit(1)
    ).first()


def newest_extract(session: Session, host_country: str, kind: str, until: dt.date) -> Extract | None:
    """The extract in force of the newest day not after `until`, if there is one."""
    return session.scalars(
        select(Extract)
        .filter_by(host_country=host_country, kind=kind)
        .where(Extract.day <= until)
        .order_by(Extract.day.desc(), Extract.turn.desc())
        .limit(1)
    ).first()


def previous_row_count(session: Session, partition: Partition, kind: str) -> int | None:
    """Rows of the newest extract of an earlier day, or None if there was none."""
    return session.scalars(
        select(Extract.row_count)
        .filter_by(host_country=partition.host_country, kind=kind)
        .where(Extract.day < partition.day)
        .order_by(Extract.day.desc(), Extract.turn.desc())
        .limit(1)
    ).first()


def accept_extract(
    session: Session,
    partition: Partition,
    kind: str,
    *,
    sha256: str,
    file_name: str,
    row_count: int,
    quarantined_count: int,
    now: dt.datetime,
) -> None:
    """Put this extract in force for its partition. The same bytes twice are one extract."""
    in_force = extract_in_force(session, partition, kind)
    if in_force and in_force.sha256 == sha256:
        return
    turn = in_force.turn + 1 if in_force else 1
    again = session.scalars(
        select(Extract).filter_by(host_country=partition.host_country, day=partition.day, kind=kind, sha256=sha256)
    ).first()
    if again:  # a correction was taken back
        again.turn, again.accepted_at = turn, now
        return
    session.add(
        Extract(
            host_country=partition.host_country,
            day=partition.day,
            kind=kind,
            sha256=sha256,
            file_name=file_name,
            row_count=row_count,
            good_count=row_count - quarantined_count,
            quarantined_count=quarantined_count,
            turn=turn,
            accepted_at=now,
        )
    )


def both_extracts(session: Session, partition: Partition) -> tuple[Extract, Extract]:
    """The two extracts in force, cases first.

    raises: NotPulled if one is not in
    """
    found = [extract_in_force(session, partition, kind) for kind in KINDS]
    missing = [kind for kind, extract in zip(KINDS, found, strict=True) if extract is None]
    if missing:
        raise NotPulled(f"{partition}: no good extract of {' and '.join(missing)} is in")
    cases, procedure = found
    assert cases is not None  # noqa: S101  (for the type checker: said above)
    assert procedure is not None  # noqa: S101
    return cases, procedure


def forgotten(session: Session, accepted_before: dt.datetime) -> list[Partition]:
    """Partitions whose two extracts are in and that were not reconciled from just these two, or did not add up.

    accepted_before: extracts that came after that moment are given time to be reconciled
    """
    cases, procedure = (_in_force(kind) for kind in KINDS)
    statement = (
        select(cases.c.host_country, cases.c.day)
        .join(procedure, (procedure.c.host_country == cases.c.host_country) & (procedure.c.day == cases.c.day))
        .outerjoin(
            Reconciliation,
            (Reconciliation.cases_extract_id == cases.c.id)
            & (Reconciliation.procedure_extract_id == procedure.c.id)
            & Reconciliation.added_up_at.is_not(None),
        )
        .where(
            cases.c.accepted_at < accepted_before,
            procedure.c.accepted_at < accepted_before,
            Reconciliation.host_country.is_(None),
        )
        .order_by(cases.c.day, cases.c.host_country)
    )
    return [Partition(host, day) for host, day in session.execute(statement)]


def _in_force(kind: str) -> Subquery:
    """The extracts of this kind that are in force, one for each partition that has any."""
    newer = aliased(Extract)
    return (
        select(Extract)
        .where(
            Extract.kind == kind,
            ~exists().where(
                newer.host_country == Extract.host_country,
                newer.day == Extract.day,
                newer.kind == Extract.kind,
                newer.turn > Extract.turn,
            ),
        )
        .subquery(kind)
    )


def newest_added_up() -> Subquery:
    """For each host country that has one (`host_country`) the newest day (`day`) that was reconciled and added up."""
    return (
        select(Reconciliation.host_country, func.max(Reconciliation.day).label("day"))
        .where(Reconciliation.added_up_at.is_not(None))
        .group_by(Reconciliation.host_country)
        .subquery()
    )


def newest_reconciled(session: Session, host_countries: Collection[str]) -> dict[str, dt.date | None]:
    """For each host country the newest extract day that was reconciled and added up, or None."""
    newest = newest_added_up()
    rows = session.execute(select(newest.c.host_country, newest.c.day).where(newest.c.host_country.in_(host_countries)))
    days: dict[str, dt.date] = {host: day for host, day in rows}  # noqa: C416  (rows are not tuples to mypy)
    return {host: days.get(host) for host in host_countries}


def newest_reconciliations() -> Subquery:
    """The newest reconciliation of each host country, columns as in `models.Reconciliation`."""
    # Of each host country once, by its index: a year of days takes its time.
    host, of_host = distinct(Reconciliation.host_country), aliased(Reconciliation)
    last = select(func.max(of_host.day)).where(of_host.host_country == host.c.value).correlate(host).scalar_subquery()
    return (
        select(Reconciliation)
        .join(host, (Reconciliation.host_country == host.c.value) & (Reconciliation.day == last))
        .subquery("newest")
    )


def reconciled_between(session: Session, first: dt.date, last: dt.date) -> list[Partition]:
    """The partitions of these days, both included, that were reconciled and added up; by day and host country."""
    rows = session.execute(
        select(Reconciliation.host_country, Reconciliation.day)
        .where(Reconciliation.day.between(first, last), Reconciliation.added_up_at.is_not(None))
        .order_by(Reconciliation.day, Reconciliation.host_country)
    )
    return [Partition(host, day) for host, day in rows]


def policies_of(session: Session, days: Mapping[str, dt.date | None]) -> str | None:
    """The versions of headquarters' policy by which these days of host countries were decided, `;` between several."""
    found = {
        reconciliation.policy_version
        for host, day in days.items()
        if day is not None and (reconciliation := session.get(Reconciliation, (host, day)))
    }
    return ";".join(sorted(filter(None, found))) or None

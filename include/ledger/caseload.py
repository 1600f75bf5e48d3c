"""Cases, their matches and standings: what a reconciliation reads and what it leaves behind."""

import datetime as dt
from typing import Any

import pandas as pd
from sqlalchemy import Table, bindparam, delete, func, insert, select, true, update
from sqlalchemy.orm import Session

from include.ledger.intake import DoesNotAddUp, Partition, both_extracts
from include.ledger.models import Case, Entry, List, Match, Notice, ProcedureRecord, Reconciliation, Standing
from include.ledger.tables import records, table

_CASE: Table = Case.__table__  # type: ignore[assignment]
_KEPT = [
    column.name
    for column in _CASE.columns
    if column.name not in {"host_country", "case_id", "since", "status_since", "missing_since", "erased_on"}
]
"""The columns of a case that come from the extract and its decision."""
_RECORD_COLUMNS = ["asylum_reference", "applied_on", "stage", "outcome", "outcome_on", "final"]


def known_cases(session: Session, host_country: str) -> pd.DataFrame:
    """Every case of the host country that was not erased, one row each, columns as in `models.Case`."""
    kept = (_CASE.c.host_country == host_country, _CASE.c.erased_on.is_(None))
    return table(session, select(*_CASE.columns).where(*kept))


def open_accepts(session: Session, host_country: str) -> pd.DataFrame:
    """The accepted matches in force: case_id, asylum_reference, match_probability, decision, method."""
    return table(
        session,
        select(
            Match.case_id,
            Match.asylum_reference,
            Match.probability.label("match_probability"),
            Match.decision,
            Match.method,
        ).where(Match.host_country == host_country, Match.decision == "accept", Match.ended_on.is_(None)),
    )


def accepts_on(session: Session, host_country: str, day: dt.date) -> pd.DataFrame:
    """The matches that were accepted once `day` was reconciled: case_id, asylum_reference, decision."""
    return table(
        session,
        select(Match.case_id, Match.asylum_reference, Match.decision).where(
            Match.host_country == host_country,
            Match.decision == "accept",
            Match.since <= day,
            Match.ended_on.is_(None) | (Match.ended_on > day),
        ),
    )


def procedure_records(session: Session, host_country: str) -> pd.DataFrame:
    """What is kept of the records that cases were matched to; columns as in `models.ProcedureRecord`."""
    return table(
        session,
        select(*ProcedureRecord.__table__.columns).where(ProcedureRecord.host_country == host_country),
    )


def hosts_of(session: Session, case_id: str) -> list[str]:
    """The host countries whose extracts have a case of this id."""
    return list(session.scalars(select(Case.host_country).where(Case.case_id == case_id).order_by(Case.host_country)))


def open_matches_of(session: Session, host_country: str, case_id: str) -> list[Match]:
    """The matches of a case that are in force, likeliest first."""
    found = select(Match).where(Match.host_country == host_country, Match.case_id == case_id, Match.ended_on.is_(None))
    return list(session.scalars(found.order_by(Match.probability.desc())))


def told_cases(session: Session, host_country: str, until: dt.date | None = None) -> pd.Series:
    """case_id of each case that an office was told of, or will be by a list in flight, and not in error.

    until: only by lists of this day or an earlier one
    """
    found = table(
        session,
        select(Entry.case_id)
        .join(Notice, Notice.entry == Entry.entry)
        .join(List, List.id == Notice.list_id)
        .where(Entry.host_country == host_country, Entry.closed_at.is_(None), List.state != "void")
        .where(List.period_to <= until if until else true())
        .distinct(),
    )
    return found["case_id"]


def standings_of(session: Session, cases: pd.DataFrame) -> pd.DataFrame:
    """Every standing that these cases (host_country, case_id) ever had: host_country, case_id, since, standing."""
    return table(
        session,
        select(Standing.host_country, Standing.case_id, Standing.since, Standing.standing).where(
            Standing.host_country.in_(list(cases["host_country"].unique())),
            Standing.case_id.in_(list(cases["case_id"])),
        ),
    )


def write_day(
    session: Session,
    partition: Partition,
    *,
    cases: pd.DataFrame,
    matches: pd.DataFrame,
    register: pd.DataFrame,
    unusable: int,
    erased: int = 0,
    without_office: int,
    model_version: str,
    policy_version: str | None,
    now: dt.datetime,
) -> dict[str, int]:
    """Write what was decided for a partition, replacing an earlier reconciliation of the same day.

    cases: one row per good row of the extract, the columns of `models.Case` that come from the extract and its decision
    matches: the matches in force (case_id, asylum_reference, match_probability, decision, method)
    register: the procedure records that `matches` names
    erased: rows of cases that were erased, and that the source still sends: they are counted and not kept
    returns: rows by standing, `unusable` and `erased` included
    A day older than the newest reconciled one leaves every case as it is and is only counted.
    """
    host, day = partition.host_country, partition.day
    cases_extract, procedure_extract = both_extracts(session, partition)
    counts = {str(standing): int(rows) for standing, rows in cases["standing"].value_counts().items()}
    counts |= {what: rows for what, rows in (("unusable", unusable), ("erased", erased)) if rows}
    newest = session.scalar(select(func.max(Reconciliation.day)).where(Reconciliation.host_country == host))
    missing = 0
    if newest is None or day >= newest:
        missing = _write_cases(session, host, day, cases)
        _write_records(session, host, register)
        _write_matches(session, host, day, matches, model_version)
    session.merge(
        Reconciliation(
            host_country=host,
            day=day,
            cases_extract_id=cases_extract.id,
            procedure_extract_id=procedure_extract.id,
            model_version=model_version,
            policy_version=policy_version,
            counts=counts,
            missing_count=missing,
            without_office_count=without_office,
            reconciled_at=now,
            added_up_at=None,
        )
    )
    return counts


def add_up(session: Session, partition: Partition, now: dt.datetime) -> dict[str, int]:
    """The day's report, once every row that was pulled has exactly one standing in the ledger, or is of an erased case.

    raises: DoesNotAddUp otherwise; NotPulled if an extract is not in
    """
    host, day = partition.host_country, partition.day
    cases_extract, _ = both_extracts(session, partition)
    reconciliation = session.get(Reconciliation, (host, day))
    if reconciliation is None or reconciliation.cases_extract_id != cases_extract.id:
        raise DoesNotAddUp(f"{partition}: the extract in force has not been reconciled")
    counts: dict[str, int] = reconciliation.counts
    if sum(counts.values()) != cases_extract.row_count:
        raise DoesNotAddUp(
            f"{partition}: {cases_extract.row_count:,} rows were pulled, {sum(counts.values()):,} have a standing"
        )
    newest = session.scalar(select(func.max(Reconciliation.day)).where(Reconciliation.host_country == host))
    if day == newest:
        latest = (
            select(Standing.case_id, func.max(Standing.since).label("since"))
            .where(Standing.host_country == host)
            .group_by(Standing.case_id)
            .subquery()
        )
        rows = session.execute(
            select(Standing.standing, func.count())
            .join(latest, (Standing.case_id == latest.c.case_id) & (Standing.since == latest.c.since))
            .join(Case, (Case.host_country == Standing.host_country) & (Case.case_id == Standing.case_id))
            .where(
                Standing.host_country == host,
                Case.missing_since.is_(None),
                Case.erased_on.is_(None),
                Case.standing == Standing.standing,
            )
            .group_by(Standing.standing)
        )
        kept = {standing: count for standing, count in rows}  # noqa: C416
        expected = {standing: count for standing, count in counts.items() if standing not in ("unusable", "erased")}
        if kept != expected:
            raise DoesNotAddUp(f"{partition}: decided {expected}, but the ledger holds {kept}")
    reconciliation.added_up_at = now
    return {**counts, "rows": cases_extract.row_count, "missing": reconciliation.missing_count}


def _write_cases(session: Session, host: str, day: dt.date, cases: pd.DataFrame) -> int:
    known = known_cases(session, host).set_index("case_id")
    fresh = pd.DataFrame(records(cases[["case_id", *_KEPT]]), columns=["case_id", *_KEPT], dtype=object)
    fresh = fresh.set_index("case_id")
    kept = pd.DataFrame(records(known[_KEPT]), columns=_KEPT, index=known.index, dtype=object)
    both = fresh.index.intersection(kept.index)
    changed = both[(fresh.loc[both].fillna("") != kept.loc[both].fillna("")).any(axis=1)]
    added = fresh.index.difference(kept.index)

    new_rows = fresh.loc[added].reset_index()
    _insert(session, _CASE, new_rows.assign(host_country=host, since=day, status_since=day, missing_since=None))

    changes = fresh.loc[changed].reset_index()
    since = known.loc[changed, "status_since"]
    same_status = (fresh.loc[changed, "status"] == kept.loc[changed, "status"]).to_numpy()
    changes["status_since"] = [before.date() if same else day for before, same in zip(since, same_status, strict=True)]
    _update_cases(session, host, changes.assign(since=day))

    back = both[known.loc[both, "missing_since"].notna()]
    _update_cases(session, host, pd.DataFrame({"case_id": back, "missing_since": [None] * len(back)}))
    gone = kept.index.difference(fresh.index)
    newly = gone[known.loc[gone, "missing_since"].isna()]
    _update_cases(session, host, pd.DataFrame({"case_id": newly, "missing_since": [day] * len(newly)}))

    # The standing of `day` is written anew: a corrected extract of the same day may take back what the first said.
    session.execute(delete(Standing).where(Standing.host_country == host, Standing.since == day))
    latest = (
        select(Standing.case_id, func.max(Standing.since).label("since"))
        .where(Standing.host_country == host)
        .group_by(Standing.case_id)
        .subquery()
    )
    before = table(
        session,
        select(Standing.case_id, Standing.standing)
        .join(latest, (Standing.case_id == latest.c.case_id) & (Standing.since == latest.c.since))
        .where(Standing.host_country == host),
    ).set_index("case_id")["standing"]
    turned = fresh.index[fresh["standing"].ne(before.reindex(fresh.index))]
    standings = pd.DataFrame({"case_id": turned, "standing": fresh.loc[turned, "standing"].to_numpy()})
    _insert(session, Standing.__table__, standings.assign(host_country=host, since=day))  # type: ignore[arg-type]
    return len(gone)


def _write_records(session: Session, host: str, register: pd.DataFrame) -> None:
    fresh = pd.DataFrame(records(register[_RECORD_COLUMNS]), columns=_RECORD_COLUMNS, dtype=object)
    known = procedure_records(session, host)
    kept = pd.DataFrame(records(known[_RECORD_COLUMNS]), columns=_RECORD_COLUMNS, dtype=object)
    merged = fresh.merge(kept, on="asylum_reference", how="left", suffixes=("", "_kept"), indicator=True)
    new = merged["_merge"] == "left_only"
    fields = _RECORD_COLUMNS[1:]
    differs = pd.concat(
        [merged[field].fillna("") != merged[f"{field}_kept"].fillna("") for field in fields], axis=1
    ).any(axis=1)
    record: Table = ProcedureRecord.__table__  # type: ignore[assignment]
    _insert(session, record, merged.loc[new, _RECORD_COLUMNS].assign(host_country=host))
    changes = merged.loc[differs & ~new, _RECORD_COLUMNS].rename(columns={"asylum_reference": "_reference"})
    if len(changes):
        session.connection().execute(
            update(record)
            .where(record.c.host_country == host, record.c.asylum_reference == bindparam("_reference"))
            .values({field: bindparam(field) for field in fields}),
            records(changes),
        )


def _write_matches(session: Session, host: str, day: dt.date, matches: pd.DataFrame, model_version: str) -> None:
    key = ["case_id", "asylum_reference", "decision"]
    known = table(
        session,
        select(Match.id, Match.case_id, Match.asylum_reference, Match.decision).where(
            Match.host_country == host, Match.ended_on.is_(None)
        ),
    )
    merged = known.merge(matches[key], on=key, how="left", indicator=True)
    over = [int(number) for number in merged.loc[merged["_merge"] == "left_only", "id"]]
    if over:
        session.connection().execute(
            update(Match).where(Match.id == bindparam("_id")).values(ended_on=day),
            [{"_id": number} for number in over],
        )
    merged = matches.merge(known[key], on=key, how="left", indicator=True)
    new = merged[merged["_merge"] == "left_only"].rename(columns={"match_probability": "probability"})
    columns = [*key, "probability", "method"]
    match: Table = Match.__table__  # type: ignore[assignment]
    _insert(session, match, new[columns].assign(host_country=host, model_version=model_version, since=day))


def _insert(session: Session, target: Table, rows: pd.DataFrame) -> None:
    if len(rows):
        session.connection().execute(insert(target), records(rows))


def _update_cases(session: Session, host: str, rows: pd.DataFrame) -> None:
    if not len(rows):
        return
    fields = [column for column in rows.columns if column != "case_id"]
    values: dict[str, Any] = {field: bindparam(field) for field in fields}
    session.connection().execute(
        update(_CASE).where(_CASE.c.host_country == host, _CASE.c.case_id == bindparam("_case_id")).values(values),
        records(rows.rename(columns={"case_id": "_case_id"})),
    )

"""IOM's side of a day: an extract is accepted, its cases are matched and given their standing, a person decides.

The rooms are the real ones from the casework on (`casework.standings`, `ledger`); only what an extract holds and what
matching makes of it comes from the simulated lives. Beside them `known` keeps, by hand, what IOM can know.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from include.arrangements.models import Arrangement
from include.casework.standings import decide, settle_matches
from include.ledger import caseload, intake, reviews
from include.ledger.engine import writing
from include.ledger.intake import Partition
from include.ledger.reviews import Pair
from tests.ledger import world
from tests.year.expected import Known, concerns_unhcr
from tests.year.lives import Row, Snapshot


@dataclass
class Iom:
    """What IOM knows, in the ledger by the real rooms and in `known` by hand.

    told: the ids of a host country's cases that some office was told of, or will be by a list in flight
    """

    arrangements: Sequence[Arrangement]
    told: Callable[[str], set[str]]
    known: dict[tuple[str, str], Known] = field(default_factory=dict)
    newest: dict[str, Snapshot] = field(default_factory=dict)
    offered: set[tuple[str, str]] = field(default_factory=set)
    days: set[tuple[str, dt.date]] = field(default_factory=set)
    decisions: list[tuple[str, str]] = field(default_factory=list)
    """Host country and what a person said, as often as one did."""

    def reconcile(self, snapshot: Snapshot, now: dt.datetime, unusable: int = 0) -> None:
        """Pull and reconcile a host country's day.

        unusable: rows of the file that are not among the snapshot's, because they failed the contract
        """
        told = self.told(snapshot.host)
        self._write(snapshot, now, unusable)
        self.days.add((snapshot.host, snapshot.day))
        newest = self.newest.get(snapshot.host)
        if newest is None or snapshot.day >= newest.day:
            self.newest[snapshot.host] = snapshot
            self._know(snapshot, told)

    def decide(self, key: tuple[str, str], decision: str, now: dt.datetime) -> None:
        """Let a person say whether a case and its record are of one person."""
        case = self.known[key]
        assert case.row.reference
        pair = Pair(*key, case.row.reference)
        with writing() as session:
            reviews.record_decision(
                session, pair, decision, by="a reviewer", reason="seen", evidence="0" * 64, one_person=True,
                clock=lambda: now,
            )  # fmt: skip
        case.decided = decision
        self.decisions.append((key[0], decision))

    def _know(self, snapshot: Snapshot, told: set[str]) -> None:
        """Absence is not news, a day run twice says nothing twice, and a told match stays until a person takes it back."""
        for case_id, row in snapshot.rows.items():
            case = self.known.setdefault((row.host, case_id), Known(row, snapshot.day))
            if case.row.status != row.status:
                case.status_since = snapshot.day
            case.row = row
            if row.reference:
                self.offered.add((row.host, case_id))
        for (host, case_id), case in self.known.items():
            if host == snapshot.host:
                case.missing = case_id not in snapshot.rows
                by_machine = not case.missing and case.row.link == "accept"
                stays = case.matched and case_id in told
                case.matched = case.decided == "accept" or (case.decided != "reject" and (by_machine or stays))
                if not case.missing:
                    record = snapshot.records.get(case.row.reference or "")
                    case.to_tell = case.matched and concerns_unhcr(case.row, record)

    def _write(self, snapshot: Snapshot, now: dt.datetime, unusable: int) -> None:
        partition = Partition(snapshot.host, snapshot.day)
        rows = list(snapshot.rows.values())
        with writing() as session:
            for kind, count in (("avr_cases", len(rows) + unusable), ("asylum_procedure", len(snapshot.records))):
                held = repr((unusable, rows if kind == "avr_cases" else sorted(snapshot.records.items())))
                intake.accept_extract(
                    session, partition, kind, sha256=hashlib.sha256(held.encode()).hexdigest(), file_name=f"{kind}.csv",
                    row_count=count, quarantined_count=unusable if kind == "avr_cases" else 0, now=now,
                )  # fmt: skip
        cases = world.cases(*(_case(row) for row in rows))
        links = _links(rows)
        register = world.register(
            *(
                world.record(
                    record.reference,
                    applied_on=pd.Timestamp(record.applied_on),
                    outcome=record.outcome,
                    outcome_on=pd.Timestamp(record.outcome_on) if record.outcome_on else pd.NaT,
                    final=record.final,
                )
                for record in snapshot.records.values()
            )
        )
        with writing() as session:
            decisions = reviews.in_force(session, snapshot.host).assign(changed=False)
            matches = settle_matches(
                links, caseload.open_accepts(session, snapshot.host), caseload.told_cases(session, snapshot.host),
                decisions, register,
            )  # fmt: skip
            register = register[register["asylum_reference"].isin(matches["asylum_reference"])]
            offices = pd.DataFrame(
                [(row.case_id, *self._covering(row)) for row in rows],
                columns=["case_id", "covered", "consent_required"],
            )
            decided = decide(cases, matches, register, offices)
            caseload.write_day(
                session,
                partition,
                cases=cases.drop(columns=["standing", "to_tell", "marked"]).merge(
                    decided.drop(columns="asylum_reference"), on="case_id", validate="one_to_one"
                ),
                matches=matches,
                register=register,
                unusable=unusable,
                without_office=0,
                model_version="year",
                policy_version=None,
                now=now,
            )
        with writing() as session:
            caseload.add_up(session, partition, now)

    def _covering(self, row: Row) -> tuple[bool, bool]:
        covering = [one for one in self.arrangements if one.covers(row.host, row.iom_office)]
        return bool(covering), bool(covering) and all(one.consent == "required" for one in covering)


def _case(row: Row) -> dict[str, object]:
    return world.case(
        row.case_id,
        iom_office=row.iom_office,
        family_name=row.family_name,
        given_names=row.given_names,
        registered_on=row.registered_on,
        expected_departure_on=row.expected,
        departed_on=row.departed_on,
        status=row.status,
        sharing_consent=row.consent,
    )


def _links(rows: Sequence[Row]) -> pd.DataFrame:
    links = [(row.case_id, row.reference, row.link) for row in rows if row.reference and row.link]
    found = world.matches(*((case_id, reference) for case_id, reference, _ in links))
    return found.assign(decision=[link for _, _, link in links])

"""Why a case and a record are one person, may be, or are not: the evidence in words and weights.

Reach for `explain`, for a person who has to decide. What it returns names people: it is for their eyes, not for a log.
"""

from dataclasses import dataclass

import pandas as pd

from include.matching import candidates, model
from include.matching.decision import Pair, Person, doubt, objection
from include.matching.linkage import PAIR, people

SHOWN = {
    "name": ("person", "original"),
    "called": ("person", "original"),
    "birth_date": ("birth_date",),
    "reference": ("reference",),
    "unhcr_reference": ("unhcr_reference",),
    "sex": ("sex",),
    "nationality": ("nationality",),
    "father": ("father",),
    "mother": ("mother",),
    "birth_place": ("place",),
}
"""The fields of a person that each comparison of the model looks at."""
COUNTED_WITH = {"called": "name"}
"""Comparisons whose weight is counted with another's, of the same fields.

All weights are fitted at once, and both of these read the same names: how what they say is split between the two is the
fit's own, and means nothing by itself. A name that contradicts the other mostly has another given name as well, which
takes all that speaks against, and leaves the whole name as `contradicting` with a weight above nothing.
"""


@dataclass(frozen=True)
class Evidence:
    """What one comparison says of the pair."""

    comparison: str
    of_case: str
    of_record: str
    label: str | None
    """The level of agreement in words; None where a side does not say."""
    weight: float | None
    """log2 of the odds: 1 makes a match twice as likely, -1 half. None where it is COUNTED_WITH another's."""


@dataclass(frozen=True)
class Explanation:
    """The evidence of a pair, and what the decision makes of it."""

    register_size: int
    prior: float
    """Match weight before anything is compared: one record among all of the register."""
    evidence: tuple[Evidence, ...]
    objection: str
    """What says that these are two people whatever the odds; empty if nothing does."""
    doubt: str
    """Why it is not accepted by itself; empty if it may be, where nobody else comes near."""

    @property
    def weight(self) -> float:
        return self.prior + sum(one.weight for one in self.evidence if one.weight is not None)

    @property
    def probability(self) -> float:
        return 1 / (1 + 2**-self.weight)


def explain(cases: pd.DataFrame, register: pd.DataFrame, case_id: str, asylum_reference: str) -> Explanation:
    """What speaks for and against the case and the record being of one person.

    cases, register: rows of the two extracts, as `linkage.link` takes them; the whole register, since a name's rarity
        is counted in it
    raises: LookupError if the case or the record is not in them
    """
    case = cases[cases["case_id"] == case_id]
    if case.empty:
        raise LookupError("the case is not among the good rows of its extract")
    if not (register["asylum_reference"] == asylum_reference).any():
        raise LookupError("the record is not among the good rows of its extract")
    with people(case, register) as connection:
        candidates.meet(connection)
        connection.execute("DELETE FROM met")
        connection.execute(
            "INSERT INTO met SELECT id, number FROM cases, register_numbers r JOIN register_read ON r.row = "
            "register_read.rowid WHERE register_read.key = ?",
            [asylum_reference],
        )
        candidates.pair_up(connection, all_of_them=True)
        candidates.shortlist(connection, all_of_them=True)
        candidates.compare(connection, all_of_them=True)
        readings = model.readings()
        columns = [
            f"{sql} AS {name}_{kind}" for name, both in readings.items() for kind, sql in zip("lw", both, strict=True)
        ]
        said, pair = (
            connection.sql(f"SELECT {wanted} FROM compared").to_arrow_table().to_pylist()[0]
            for wanted in (", ".join(columns), PAIR)
        )
        one, other = (
            connection.sql(f"SELECT * FROM {table} WHERE id IN (SELECT {pair} FROM compared)")
            .to_arrow_table()
            .to_pylist()[0]
            for table, pair in (("cases", "case_id"), ("records", "record_id"))
        )
        size = candidates.register_size(connection)
    weights = {name: said[f"{name}_w"] for name in readings}
    for name, counted_with in COUNTED_WITH.items():
        weights[counted_with] += weights[name]
    evidence = tuple(
        Evidence(
            name,
            _shown(one, name),
            _shown(other, name),
            said[f"{name}_l"],
            None if name in COUNTED_WITH else weights[name],
        )
        for name in readings
    )
    found = Explanation(size, model.prior_weight(size), evidence, "", "")
    scored = Pair(**pair, probability=found.probability)
    return Explanation(size, found.prior, evidence, objection(one, other, scored), doubt(one, scored, other))


def _shown(person: Person, comparison: str) -> str:
    return " · ".join(person[field] for field in SHOWN[comparison] if person[field])

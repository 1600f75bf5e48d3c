"""Afghans from outside the region: what each of the four parties of a framework is told of one period.

Reach for `told_by_name` and `people_named` (Afghanistan, the host country), `arrivals` (UNHCR) and `operations` (IOM).
All are drawn from the AVR cases alone, and of those from COLUMNS alone: whether somebody applied for asylum has no way
in. docs/decisions/afghan-framework.md says why each of them is as it is.
"""

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from include.arrangements.framework import ORIGIN
from include.ledger.models import OPEN_STATUSES
from include.lists.truth import list_name

COLUMNS = (
    "case_id",
    "host_country",
    "family_name",
    "given_names",
    "name_original_script",
    "date_of_birth",
    "sex",
    "nationality",
    "iom_office",
    "destination_country",
    "destination_place",
    "expected_departure_on",
    "departed_on",
    "status",
    "origin_objection",
)
"""What a view may depend on. Not among them: references, `sharing_consent`, which is about UNHCR, and `vulnerabilities`
and `updated_at`, which an asylum procedure may leave its traces in."""
EXPECTED = "expected_departure_on"
OPERATIONS = (
    "case_id",
    "iom_office",
    "name",
    "name_original_script",
    "date_of_birth",
    "sex",
    "status",
    EXPECTED,
    "departed_on",
    "destination_country",
    "destination_place",
    "vulnerabilities",
    "not_named",
)
MONITORED = dt.timedelta(days=90)
"""How long after a departure an arrival counts for UNHCR's monitoring: as long as extracts keep it."""


def told_by_name(cases: pd.DataFrame, first: dt.date, last: dt.date) -> pd.DataFrame:
    """The cases told to Afghanistan and the host country: who is booked to leave in these days, both included.

    Each view is whole and replaces the one before, so whoever is no longer to be named is simply not on the next,
    like anybody whose date has moved.
    cases: the rows of an extract that are good in COLUMNS
    """
    return cases[_why_not_named(cases, first, last).eq("")]


def people_named(told: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """What is shown of them, in the order of what is shown and of nothing else; the families of a day stand together.

    told: from `told_by_name`
    columns: beyond name and expected departure, as the agreement has them
    returns: `name`, `expected_departure_on`, then `columns`
    """
    return _shown(told).sort_values([EXPECTED, "name", *columns], kind="stable", ignore_index=True)[
        ["name", EXPECTED, *columns]
    ]


def arrivals(cases: pd.DataFrame, day: dt.date, at_least: int) -> pd.DataFrame:
    """What UNHCR monitors: who left in the ninety days up to `day`, counted by the place they go to. Nobody is named.

    Who objects to being named to Afghanistan is not counted: figures beside names would tell how many objected.
    at_least: places with fewer are counted together, with those who gave none
    returns: `destination_place` and `arrivals`, most first; the others last, without a place
    """
    gone = _departed(cases, day - MONITORED + dt.timedelta(days=1), day) & _of_the_framework(cases) & ~_objects(cases)
    # A place is written by hand: another case or a second space is no other place. Its commonest spelling is shown.
    places = cases.loc[gone, "destination_place"].dropna().map(lambda text: " ".join(text.split())).astype("str")
    spellings = places.groupby(places.str.casefold())
    counts = pd.DataFrame(
        {"destination_place": spellings.agg(lambda same: same.mode().iloc[0]), "arrivals": spellings.size()}
    )
    told = counts[counts["arrivals"] >= at_least].reset_index(drop=True)
    told = told.sort_values(["arrivals", "destination_place"], ascending=[False, True], kind="stable")
    others = int(gone.sum() - told["arrivals"].sum())
    if others:
        told = pd.concat([told, pd.DataFrame({"destination_place": [None], "arrivals": [others]})])
    return told.astype({"destination_place": "object", "arrivals": "int64"}).reset_index(drop=True)


def operations(cases: pd.DataFrame, vulnerabilities: pd.Series, first: dt.date, last: dt.date) -> pd.DataFrame:
    """What IOM works with: every Afghan who may leave in these days, or did in the ninety before, named or not.

    vulnerabilities: codes by case id, of the cases that have any
    returns: OPERATIONS, `not_named` saying why no other party is told the name: `objects`, `not_booked`,
        `destination_not_afghanistan`; empty where it is told, or where the person has left
    """
    gone = _departed(cases, first - MONITORED, last)
    open_cases = cases["status"].isin(OPEN_STATUSES)
    concerned = cases["nationality"].eq(ORIGIN) & ((open_cases & _within(cases[EXPECTED], first, last)) | gone)
    shown = _shown(cases).assign(
        vulnerabilities=cases["case_id"].map(vulnerabilities),
        not_named=_why_not_named(cases, first, last).mask(gone, ""),
    )
    shown = shown.loc[concerned, list(OPERATIONS)]
    return shown.sort_values([EXPECTED, "name", "case_id"], kind="stable", ignore_index=True)


def _why_not_named(cases: pd.DataFrame, first: dt.date, last: dt.date) -> pd.Series:
    """Why a case is not named to others than IOM; empty where it is."""
    why = pd.Series("", index=cases.index, dtype="str")
    why[~(cases["status"].eq("booked") & _within(cases[EXPECTED], first, last))] = "not_booked"
    why[cases["destination_country"].ne(ORIGIN)] = "destination_not_afghanistan"
    why[_objects(cases)] = "objects"
    why[cases["nationality"].ne(ORIGIN)] = "not_afghan"
    return why


def _of_the_framework(cases: pd.DataFrame) -> pd.Series:
    return cases["nationality"].eq(ORIGIN) & cases["destination_country"].eq(ORIGIN)


def _objects(cases: pd.DataFrame) -> pd.Series:
    return cases["origin_objection"].astype("boolean").fillna(False).astype(bool)


def _departed(cases: pd.DataFrame, first: dt.date, last: dt.date) -> pd.Series:
    return cases["status"].isin(["departed", "closed"]) & _within(cases["departed_on"], first, last)


def _within(days: pd.Series, first: dt.date, last: dt.date) -> pd.Series:
    return days.between(pd.Timestamp(first), pd.Timestamp(last))


def _shown(cases: pd.DataFrame) -> pd.DataFrame:
    names = [list_name(family, given) for family, given in zip(cases["family_name"], cases["given_names"], strict=True)]
    return cases.assign(name=pd.Series(names, index=cases.index, dtype="str"))

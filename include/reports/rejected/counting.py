"""Cases counted by month, each in three ways. From here on there are no persons, only numbers.

Reach for `counted` for the counts of months that are over. They are kept as they are: a month is counted once. To count
it anew would show, by the difference, what became of single people, and retention has erased them by then.
"""

import datetime as dt

import pandas as pd

BANDS = ("0-11", "12-17", "18-59", "60+")
SEXES = ("F", "M")
"""`M` holds also X and unknown: they are too few anywhere to be a figure of their own."""
NATIONALITY, DESTINATION, PEOPLE = "nationality", "destination", "people"
NOT_STATED = ""


def counted(cases: pd.DataFrame) -> pd.DataFrame:
    """How many cases of each month have each nationality, destination, and sex with age band.

    cases: one row per case: month (`YYYY-MM`), nationality, destination (alpha-3 or none), sex (F, M, X or none),
        age_band (of BANDS)
    returns: month, kind (nationality, destination, people), key, count; count is never 0. The key of `people` is
        `F 12-17`; of a case without destination it is empty
    """
    keys = {
        NATIONALITY: cases["nationality"],
        DESTINATION: cases["destination"].fillna(NOT_STATED),
        PEOPLE: cases["sex"].where(cases["sex"] == "F", "M") + " " + cases["age_band"],
    }
    long = pd.concat([pd.DataFrame({"month": cases["month"], "kind": kind, "key": key}) for kind, key in keys.items()])
    return long.groupby(["month", "kind", "key"], as_index=False).size().rename(columns={"size": "count"})


def age_band(date_of_birth: str | None, on: dt.date) -> str:
    """The band of BANDS on that day. date_of_birth: `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or none.

    What is not known of a date is taken as its middle; whoever has none stands with the adults, as the table says.
    """
    if not date_of_birth:
        return "18-59"
    year, month, day = _filled(date_of_birth)
    age = on.year - year - ((on.month, on.day) < (month, day))
    return "0-11" if age < 12 else "12-17" if age < 18 else "18-59" if age < 60 else "60+"


def _filled(date_of_birth: str) -> tuple[int, int, int]:
    year, *rest = (int(part) for part in date_of_birth.split("-"))
    month, day = (*rest, 15)[:2] if rest else (7, 1)
    return year, month, day

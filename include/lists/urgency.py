"""Which notices cannot wait for the office's next scheduled list.

Reach for this to see who goes on an urgent list. A departure is near when the office, told by its next scheduled
list, would have fewer working days left than its arrangement's `urgent_within`. A person of concern may be told of at
once however far the departure is: that is headquarters' policy, and what the office's arrangement adds to it.
"""

import datetime as dt
from collections.abc import Callable

import pandas as pd

AT_ONCE = ("departure_corrected", "notified_in_error", "consent_withdrawn")
"""Reasons that never wait: a record closed on a departure that was none, a name that the office must erase."""


def cannot_wait(notices: pd.DataFrame, near: Callable[[dt.date], bool], of_concern: pd.Series) -> pd.DataFrame:
    """The rows of `notices` (`lists.difference.NOTICE_COLUMNS`) that go on an urgent list.

    near: whether a departure on that day would be told too late by the next scheduled list
    of_concern: for each row whether a rule on persons of concern says that it is told at once
    returns: who is NEW, CHANGED or CANCELLED and is of concern, or leaves, or was told to leave, on a near day; and
        what is said AT_ONCE. Who has left already waits for the scheduled list: nobody can be met any more.
    """
    days = {
        day: near(day.date())
        for column in ("expected_departure_on", "previous_expected_departure_on")
        for day in notices[column].dropna().unique()
    }
    # What was told in haste is taken back in haste: a CANCELLED shows the day that the office expects.
    by_day = notices["expected_departure_on"].map(days).eq(True) | notices["previous_expected_departure_on"].map(
        days
    ).eq(True)
    pressing = notices["notice"].ne("DEPARTED") & (by_day | of_concern)
    return notices[pressing | notices["reason"].isin(AT_ONCE)].reset_index(drop=True)

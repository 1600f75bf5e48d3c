import datetime as dt

import pandas as pd
import pytest

from include.lists.difference import NOTICE_COLUMNS
from include.lists.urgency import cannot_wait

NEAR, FAR = "2026-11-05", "2026-12-20"


def notice(kind, expected=NEAR, previous=None, reason="", departed=None):
    return {
        "host_country": "GRC",
        "case_id": "A",
        "entry": "",
        "notice": kind,
        "reason": reason,
        "name": "RAHIMI, Ahmad",
        "expected_departure_on": pd.Timestamp(expected),
        "previous_expected_departure_on": pd.Timestamp(previous),
        "departed_on": pd.Timestamp(departed),
        "marked": "",
        "shared": {},
    }


def urgent(*rows, of_concern=False):
    frame = pd.DataFrame(list(rows), columns=NOTICE_COLUMNS)
    for column in ("expected_departure_on", "previous_expected_departure_on", "departed_on"):
        frame[column] = pd.to_datetime(frame[column]).astype("datetime64[s]")
    return cannot_wait(frame, lambda day: day < dt.date(2026, 11, 10), pd.Series(of_concern, index=frame.index))


@pytest.mark.parametrize(
    "row",
    [
        notice("NEW"),
        notice("CHANGED", reason="date_moved", previous=FAR),
        notice("CHANGED", FAR, reason="date_moved", previous=NEAR),
        notice("CANCELLED", reason="stays"),
        notice("CHANGED", None, reason="departure_corrected"),
        notice("CANCELLED", FAR, reason="notified_in_error"),
        notice("CANCELLED", FAR, reason="consent_withdrawn"),
    ],
)
def test_cannot_wait(row):
    assert len(urgent(row)) == 1


@pytest.mark.parametrize(
    "row",
    [
        notice("NEW", FAR),
        notice("NEW", None),
        notice("CHANGED", FAR, reason="date_moved", previous="2026-12-01"),
        notice("CANCELLED", FAR, reason="stays"),
        notice("DEPARTED", departed="2026-11-02"),
    ],
)
def test_can_wait(row):
    assert urgent(row).empty


def test_only_who_cannot_wait_is_taken_and_nothing_of_nothing():
    assert list(urgent(notice("NEW", FAR), notice("NEW"), notice("CANCELLED", FAR))["expected_departure_on"]) == [
        pd.Timestamp(NEAR)
    ]
    assert urgent().empty


@pytest.mark.parametrize(
    "row",
    [
        notice("NEW", FAR),
        notice("NEW", None),
        notice("CHANGED", FAR, reason="name_corrected"),
        notice("CANCELLED", FAR, reason="stays"),
    ],
)
def test_a_person_of_concern_does_not_wait_however_far_the_departure_is(row):
    assert len(urgent(row, of_concern=True)) == 1


def test_a_person_of_concern_who_has_left_waits_as_others_do():
    assert urgent(notice("DEPARTED", departed="2026-11-02"), of_concern=True).empty

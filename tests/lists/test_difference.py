import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.lists.difference import ENDS, TOLD_COLUMNS, TRUTH_COLUMNS, DuplicateCase, difference


def truth(
    case_id="A", state="active", to_tell=True, name="RAHIMI, Ahmad", expected="2026-11-20", departed=None, **more
):
    row = {
        "host_country": "GRC",
        "case_id": case_id,
        "state": state,
        "to_tell": to_tell,
        "name": name,
        "expected_departure_on": pd.Timestamp(expected) if expected else pd.NaT,
        "departed_on": pd.Timestamp(departed) if departed else pd.NaT,
        "marked": "",
        "shared": {},
    } | more
    return pd.DataFrame([row], columns=TRUTH_COLUMNS)


def told(notice="NEW", case_id="A", reason="", name="RAHIMI, Ahmad", expected="2026-11-20", departed=None, shared=None):
    row = {
        "host_country": "GRC",
        "case_id": case_id,
        "entry": "7K3M-9QXT",
        "notice": notice,
        "reason": reason,
        "name": name,
        "expected_departure_on": pd.Timestamp(expected) if expected else pd.NaT,
        "departed_on": pd.Timestamp(departed) if departed else pd.NaT,
        "shared": shared or {},
    }
    return pd.DataFrame([row], columns=TOLD_COLUMNS)


NOTHING = pd.DataFrame(columns=TOLD_COLUMNS).astype(told().dtypes.to_dict())


def one(truth_table, told_table=NOTHING):
    notices = difference(truth_table, told_table)
    assert len(notices) == 1
    return notices.iloc[0]


def test_a_case_never_told_is_new():
    notice = one(truth())
    assert (notice["notice"], notice["reason"], notice["name"]) == ("NEW", "", "RAHIMI, Ahmad")


def test_a_case_that_is_not_to_be_told_gets_no_notice():
    assert difference(truth(to_tell=False), NOTHING).empty


def test_a_moved_date_is_changed_and_shows_the_previous_one():
    notice = one(truth(expected="2026-11-27"), told())
    assert (notice["notice"], notice["reason"]) == ("CHANGED", "date_moved")
    assert notice["expected_departure_on"] == pd.Timestamp("2026-11-27")
    assert notice["previous_expected_departure_on"] == pd.Timestamp("2026-11-20")
    assert notice["entry"] == "7K3M-9QXT"


def test_a_removed_date_is_changed_with_an_empty_date():
    notice = one(truth(expected=None), told())
    assert (notice["notice"], notice["reason"]) == ("CHANGED", "date_moved")
    assert pd.isna(notice["expected_departure_on"])
    assert notice["previous_expected_departure_on"] == pd.Timestamp("2026-11-20")


def test_a_corrected_name_is_changed_without_a_previous_date():
    notice = one(truth(name="RAHIMI, Ahmad Shah"), told())
    assert (notice["notice"], notice["reason"]) == ("CHANGED", "name_corrected")
    assert pd.isna(notice["previous_expected_departure_on"])


@pytest.mark.parametrize("state", ENDS)
def test_an_announced_case_that_ends_is_cancelled_as_it_was_told(state):
    notice = one(truth(state=state, name="OTHER, Name", expected=None, to_tell=False), told())
    assert (notice["notice"], notice["reason"]) == ("CANCELLED", state)
    assert notice["name"] == "RAHIMI, Ahmad"
    assert notice["expected_departure_on"] == pd.Timestamp("2026-11-20")


@pytest.mark.parametrize("state", ENDS)
def test_a_case_first_seen_at_its_end_is_told_to_nobody(state):
    assert difference(truth(state=state), NOTHING).empty


def test_a_departure_of_an_announced_case_is_departed_with_its_date():
    notice = one(truth(state="departed", departed="2026-11-21", to_tell=False), told())
    assert (notice["notice"], notice["marked"]) == ("DEPARTED", "")
    assert notice["departed_on"] == pd.Timestamp("2026-11-21")


def test_a_departure_that_nobody_was_told_of_is_marked_late():
    assert one(truth(state="departed", departed="2026-11-21"))["marked"] == "late"
    assert one(truth(state="departed", departed="2026-11-21", marked="recognised"))["marked"] == "recognised;late"


@pytest.mark.parametrize("reason", ["stays", "closed", "no_show", "other_office"])
def test_a_person_may_come_back_after_cancelled(reason):
    assert one(truth(), told("CANCELLED", reason=reason))["notice"] == "NEW"


def test_after_consent_was_withdrawn_nothing_more_is_said():
    last = told("CANCELLED", reason="consent_withdrawn")
    assert difference(truth(), last).empty
    assert difference(truth(state="departed", departed="2026-11-21"), last).empty


@pytest.mark.parametrize("erased", ["notified_in_error", "consent_withdrawn"])
@pytest.mark.parametrize("reason", ["stays", "closed", "no_show", "other_office"])
def test_what_is_to_be_erased_is_said_also_of_whom_an_office_thinks_cancelled(reason, erased):
    notice = one(truth(state=erased, to_tell=False), told("CANCELLED", reason=reason))
    assert (notice["notice"], notice["reason"]) == ("CANCELLED", erased)
    assert notice["entry"] == "7K3M-9QXT"


def test_who_was_said_to_stay_and_left_after_all_is_departed_whatever_the_standing():
    notice = one(truth(state="departed", departed="2026-11-21", to_tell=False), told("CANCELLED", reason="stays"))
    assert (notice["notice"], notice["marked"]) == ("DEPARTED", "late")


@pytest.mark.parametrize(("state", "expected"), [("active", "2026-12-04"), ("stays", None)])
def test_a_departure_that_did_not_happen_is_corrected(state, expected):
    last = told("DEPARTED", departed="2026-11-21")
    notice = one(truth(state=state, expected="2026-12-04"), last)
    assert (notice["notice"], notice["reason"]) == ("CHANGED", "departure_corrected")
    assert pd.isna(notice["departed_on"])
    assert (
        None if pd.isna(notice["expected_departure_on"]) else str(notice["expected_departure_on"].date())
    ) == expected


def test_a_case_that_its_clerk_closes_after_departure_stays_departed():
    assert difference(truth(state="closed"), told("DEPARTED", departed="2026-11-21")).empty


def test_a_told_case_that_vanished_from_the_truth_gets_no_notice():
    assert difference(truth(case_id="B", to_tell=False), told()).empty


def test_only_the_fields_that_were_told_are_compared():
    assert difference(truth(shared={"sex": "F", "nationality": "AFG"}), told(shared={"sex": "F"})).empty
    assert one(truth(shared={"sex": "F"}), told(shared={"sex": "M"}))["notice"] == "CHANGED"
    assert difference(truth(shared={}), told(shared={"sex": "M"})).empty


def test_a_case_twice_on_one_side_is_an_error():
    with pytest.raises(DuplicateCase, match="twice in truth"):
        difference(pd.concat([truth(), truth()]), NOTHING)
    with pytest.raises(DuplicateCase, match="twice in told"):
        difference(truth(), pd.concat([told(), told()]))


states = st.sampled_from(["active", "departed", *ENDS])
dates = st.sampled_from([None, "2026-11-20", "2026-11-27", "2026-12-04"])


@given(
    st.lists(st.tuples(states, dates, dates, st.booleans(), st.sampled_from(["X, A", "X, B"])), min_size=1, max_size=12)
)
def test_what_an_office_believes_after_each_list_leaves_nothing_to_tell(life):
    """Fold the notices of any life of a case: telling the same truth twice never says anything."""
    belief = NOTHING
    for state, expected, departed, to_tell, name in life:
        departed = departed or "2026-11-20" if state == "departed" else None
        now = truth(state=state, expected=expected, departed=departed, to_tell=to_tell, name=name)
        notices = difference(now, belief)
        if len(notices):
            row = notices.iloc[0]
            belief = told(row["notice"], reason=row["reason"], name=row["name"]).assign(
                expected_departure_on=row["expected_departure_on"], departed_on=row["departed_on"]
            )
            if row["reason"] == "departure_corrected" and state in ("stays", "no_show"):
                # The office first hears that the person did not leave, then that they stay.
                again = difference(now, belief)
                assert list(again["notice"]) == ["CANCELLED"]
                belief = told("CANCELLED", reason=state, name=row["name"], expected=None)
        assert difference(now, belief).empty

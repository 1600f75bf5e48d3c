from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from include.matching.fingerprint import FIELDS, changed, fingerprints
from include.settings import hashing_key

KEY = b"k" * 32
PAIR = pd.DataFrame({"case_id": ["A"], "asylum_reference": ["ASY/7-001"]})
ROW = dict.fromkeys(FIELDS) | {"family_name": "Rahimi", "given_names": "Ahmad", "date_of_birth": "1990-01-01"}


def case(**more):
    return pd.DataFrame([ROW | {"case_id": "A", "status": "booked", "updated_at": "2026-11-01"} | more])


def record(**more):
    return pd.DataFrame([ROW | {"asylum_reference": "ASY/7-001", "stage": "appeal", "final": False} | more])


def of(case_row=None, record_row=None, key=KEY):
    return fingerprints(
        PAIR, case() if case_row is None else case_row, record() if record_row is None else record_row, key
    )[0]


@pytest.mark.parametrize("field", FIELDS)
def test_whatever_linking_looks_at_on_either_side_changes_it(field):
    other = {field: "1991" if field == "date_of_birth" else "Other-1"}
    assert of(case(**other)) != of()
    if field != "asylum_reference":
        assert of(record_row=record(**other)) != of()
        assert of(record_row=record(**other)) != of(case(**other))


def test_what_does_not_say_who_somebody_is_does_not_change_it():
    assert of(case(status="no_show", updated_at="2026-11-02"), record(stage="closed", final=True)) == of()
    assert of(case(given_names=" AHMAD ", family_name="rahimi")) == of()
    assert of(case(asylum_reference="asy 7001")) == of(case(asylum_reference="ASY-7001"))
    assert of(case().drop(columns=["mother_name"])) == of(), "an optional column that is empty may be left out"


def test_nobody_can_guess_it_without_the_key():
    assert of(key=b"x" * 32) != of()
    assert len(of()) == 64


def test_the_key_is_made_once_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("AVR_DATA", str(tmp_path / "data"))
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: hashing_key(), range(8)))
    assert len(made) == 1
    assert {len(key) for key in made} == {32}
    (kept,) = (tmp_path / "data").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_who_is_absent_today_changes_no_decision_and_who_comes_back_changed_does():
    decided = PAIR.assign(evidence=of())
    nobody = case().iloc[:0]
    assert of(nobody) is None
    assert changed(decided, case(), record(), KEY).tolist() == [False]
    assert changed(decided, nobody, record(), KEY).tolist() == [False]
    assert changed(decided, case(), record(sex="F"), KEY).tolist() == [True]
    assert changed(PAIR.assign(evidence=None), case(), record(), KEY).tolist() == [True], "nothing was seen then"

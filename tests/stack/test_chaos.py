"""A small day in the stack while its parts are killed. The day of 130 host countries is `make chaos`."""

from random import Random

import pytest

from tests.stack.chaos import Plan, Size, a_day, by_the_rooms, differences

SEED, FAULTS = 84, 4
"""Few, since each costs a minute of retries: a worker, Redis, the scheduler, PostgreSQL."""
pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("airflow")]


def test_a_day_ends_complete_and_tells_nobody_twice_whatever_is_killed(tmp_path):
    size = Size(countries=2, offices=3, cases=90, register=900)
    should = by_the_rooms(tmp_path / "rooms", size)
    assert sum(told.total() for told in should.values()) > 20
    day = a_day(tmp_path / "stack", size, Plan(Random(SEED), FAULTS, between=(5, 15)), minutes=20)
    assert day.problems == []
    assert differences(should, day.told) == []
    assert 1 < day.killed.total() <= FAULTS, "unless the day was over before"

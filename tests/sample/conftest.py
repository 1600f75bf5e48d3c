"""Two small worlds, made once: one to look at, one of a single country with enough people to count."""

import datetime as dt

import pandas as pd
import pytest

from include.sample.world import CASES, PROCEDURE, World

FIRST = dt.date(2026, 11, 2)
SECOND = FIRST + dt.timedelta(days=1)
HOSTS = ["GRC", "DEU", "NER", "TUR", "PAK"]


def make_world(seed: int = 20030116, hosts: list[str] | None = None, cases: int = 60, register: int = 600) -> World:
    return World(seed=seed, hosts=hosts or HOSTS, first_day=FIRST, cases=cases, register=register)


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


class Counted:
    """A country with many people: its extracts of the first day, their truth, and each true pair side by side."""

    def __init__(self) -> None:
        world = make_world(hosts=["GRC"], cases=3000, register=30_000)
        self.cases = world.extract("GRC", CASES, FIRST).fillna("")
        self.register = world.extract("GRC", PROCEDURE, FIRST).fillna("")
        self.truth = world.truth("GRC", FIRST)
        applied = self.truth[self.truth["applied"] == "true"]
        self.pairs: pd.DataFrame = self.cases.merge(applied, on="case_id").merge(
            self.register, left_on="deciding_reference", right_on="asylum_reference", suffixes=("", "_register")
        )


@pytest.fixture(scope="session")
def counted() -> Counted:
    return Counted()

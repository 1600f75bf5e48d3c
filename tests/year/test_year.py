"""Any days with any faults: what offices believe is what is true. `python -m benchmarks.year` is the whole year.

`YEARS=100 DAYS=30` looks longer; `SHRINK=1` makes a failing year small, in minutes: its story says what happened anyway.
"""

import datetime as dt
import os
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.year.arranged import BEGIN, HOSTS, OFFICES
from tests.year.lives import EVENTS, Lives
from tests.year.machine import FAULTS, Year
from tests.year.reviewed import check_review

REGIONS = [("GRC",), ("DEU", "AUT"), ("TUR",), ("NER",), ("PAK",), ("GEO",), ("MAR",), ("EGY",)]
"""Host countries that share an office; each with all of its offices."""


def years(new_installation) -> type[RuleBasedStateMachine]:
    class AYear(RuleBasedStateMachine):
        """Each step is a day; a failing year shrinks to the fewest days, faults and happenings."""

        year: Year | None = None
        events: list[str]

        @initialize(
            region=st.sampled_from(REGIONS),
            people=st.integers(3, 8),
            pace=st.sampled_from([0, 4, 12]),
            events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4, unique=True),
            begin=st.sampled_from([BEGIN, dt.date(2026, 12, 27)]),
        )
        def begin(self, region, people, pace, events, begin):
            hosts = {host: HOSTS[host] for host in region}
            offices = [office for office in OFFICES if set(office.host_countries) & set(hosts)]
            # Few kinds of event in each year, so that the same befall one person again and again.
            self.events = events
            self.year = Year(new_installation(), offices, Lives(hosts, people, pace), begin)

        @rule(
            happens=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=6),
            faults=st.sets(st.sampled_from(FAULTS), max_size=5),
            # A seed, because hypothesis draws the same few numbers too often for lives to differ.
            seed=st.integers(0, 10**6),
        )
        def a_day(self, happens, faults, seed):
            year, self.year = self.year, None
            try:
                year.a_day(
                    faults, Random(seed), [(self.events[event % len(self.events)], who) for event, who in happens]
                )
                self.year = year
            finally:
                if self.year is None:
                    year.close()

        def teardown(self):
            if self.year is not None:
                try:
                    self.year.come_to_rest()
                    check_review(self.year)
                finally:
                    self.year.close()

    return AYear


@pytest.mark.parametrize("new_installation", ["sqlite", "postgresql"], indirect=True)
def test_what_offices_believe_is_true_whatever_fails(new_installation, request):
    """On any day: the lists on their way told or to be told, once each, late only with a mark, and nobody else."""
    few = request.node.callspec.params["new_installation"] == "postgresql"
    run_state_machine_as_test(
        years(new_installation),
        settings=settings(
            max_examples=int(os.environ.get("YEARS", 2 if few else 8)),
            stateful_step_count=int(os.environ.get("DAYS", 8 if few else 12)),
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *([Phase.shrink] if os.environ.get("SHRINK") else [])],
        ),
    )

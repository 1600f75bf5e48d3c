"""The project's metrics, by Airflow's own door: StatsD or OpenTelemetry, as `[metrics]` of Airflow's settings says.

Reach for this in a task, never in a room. Their names begin with `avr.`; `deploy/` has what Prometheus and Grafana make
of them. Where Airflow's metrics are off nothing is sent and nothing is needed.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from airflow.sdk.observability import stats

from include.reports.figures import Figure, what_stands, what_was_sent

_log = logging.getLogger(__name__)


def count_composed(office: str, kind: str, notices: Mapping[str, int]) -> None:
    """Count a list that was made, and its entries by notice."""
    stats.incr("avr.lists_composed", tags={"office": office, "kind": kind})
    for notice, count in notices.items():
        stats.incr("avr.entries", count, tags={"office": office, "notice": notice})


@contextmanager
def counted_sending(office: str) -> Iterator[None]:
    """Count what sending to the office does in this block, whether or not it ends well."""
    begun = dt.datetime.now(dt.UTC)
    try:
        yield
    finally:
        try:
            _add(what_was_sent(office, begun))
        except Exception as error:
            # A list that arrived is no failure because it could not be counted.
            _log.warning("sending could not be counted (%s)", type(error).__name__)


def measure_what_stands(now: dt.datetime) -> None:
    """Set every level: what is owed, overdue, in review, in quarantine, missing; cases by standing."""
    for figure in what_stands(now):
        stats.gauge(f"avr.{figure.name}", figure.value, tags=figure.labels)


def _add(figures: Sequence[Figure]) -> None:
    for figure in figures:
        if isinstance(figure.value, dt.timedelta):
            stats.timing(f"avr.{figure.name}", figure.value, tags=figure.labels)
        else:
            stats.incr(f"avr.{figure.name}", int(figure.value), tags=figure.labels)

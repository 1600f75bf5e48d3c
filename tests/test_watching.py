"""Each hour every check is made, and what they found is told together."""

import datetime as dt

import pytest

from include import watching
from include.runbook import Page
from include.watching import Check

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)


def finds(text):
    def check(now):
        raise RuntimeError(text)

    return check


def test_one_check_that_finds_something_keeps_no_other_from_being_made(monkeypatch):
    made = []
    checks = {
        "seals": Check(finds("a key ends"), Page.KEY_EXPIRING),
        "lists": Check(made.append, Page.LATE_LIST),
        "mail": Check(finds("two wait"), Page.UNREAD_ANSWER),
    }
    monkeypatch.setattr(watching, "CHECKS", checks)
    with pytest.raises(watching.NeedsAPerson) as found:
        watching.look(NOW)
    assert made == [NOW]
    assert str(found.value).splitlines() == [
        "seals: a key ends (What to do: docs/runbook/key-expiring.md)",
        "mail: two wait (What to do: docs/runbook/unread-answer.md)",
    ]


@pytest.mark.usefixtures("ledger")
def test_an_installation_without_lists_needs_nobody_and_every_check_runs_by_itself(monkeypatch):
    for name, check in watching.CHECKS.items():
        if name not in ("overdue lists", "unread messages", "ending seals"):  # these need connections, and a clock
            monkeypatch.setattr(watching, "CHECKS", {name: check})
            assert watching.look(NOW) == {}

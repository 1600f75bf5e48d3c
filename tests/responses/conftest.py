"""What tests of the way back share: an office that has its list, and a mailbox that it replies to."""

import pytest

from tests.imap import inbox_of
from tests.responses.world import booked, told_list

OURS = "mx.iom.example"
"""The name under which IOM's own mail server speaks in tests."""


@pytest.fixture
def entry(ledger):
    """The entry of each case on the list that GRC-ATH has."""
    booked()
    return told_list()


@pytest.fixture
def inbox(imap_server, monkeypatch):
    with inbox_of(imap_server, monkeypatch, authserv_id=OURS) as opened:
        yield opened

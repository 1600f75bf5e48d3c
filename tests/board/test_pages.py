import pytest
from tests.board.world import *
from tests.board import world

@pytest.fixture
def told(ledger, monkeypatch, tmp_path):
    world.run(); e=world.tell(); world.doubt(e); return e

def test_x(told, login):
    for role in ("watcher","reviewer","auditor"):
        c=login(role)
        for path in ("","office/GRC-ATH","office/GRC-ATH/chart.svg","list/GRC-ATH_2026-0001","concerns","review","timeliness","timeliness/GRC","timeliness/all/chart.csv","concern/"+told,"review/1","review/2","trail","static/board.css"):
            r=c.get(path)
            print(role, path, r.status_code, len(r.content))

"""`python -m include sample`."""

import datetime as dt
from pathlib import Path

import pytest

from include.sample.command import write
from tests.sample.conftest import FIRST


def test_the_command_writes_days_and_truth_and_says_counts_only(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    written = write(tmp_path, 5, ["GRC", "TUR"], FIRST, 2, 40, 400)
    assert all(path.exists() for path in written)
    names = {str(path.relative_to(tmp_path)) for path in written}
    assert {"GRC/avr_cases_GRC_20261103.csv", "TUR/asylum_procedure_TUR_20261102.csv.manifest.json"} <= names
    assert {"truth/truth_GRC_20261102.csv", "truth/broken_TUR_20261103.csv", "truth/canaries.csv"} <= names
    assert len(names) == 2 * 2 * 2 * 2 + 2 * 2 * 2 + 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "AVR cases" in said.err
    canaries = (tmp_path / "truth" / "canaries.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert not [value for line in canaries if (value := line.split(",")[-1]) in said.err]


def test_no_days_are_no_world(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        write(tmp_path, 5, ["GRC"], dt.date(2026, 11, 2), 0, 40, 400)

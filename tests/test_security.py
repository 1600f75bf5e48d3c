"""docs/security.md and docs/data-protection.md name what holds each line; and lines that had no test of their own."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from include.arrangements.models import Arrangement
from include.settings import ROOT, arrangements_folder, data_folder
from tests.board.world import run, tell

DOCS = ROOT / "docs"


def sections(page: str, marks: str) -> dict[str, dict[str, str]]:
    """For each section (`##`) of a page with such lines (`- mark: …`), by mark, what they say."""
    found = {}
    for section in re.split(r"^##? ", (DOCS / page).read_text(), flags=re.MULTILINE)[1:]:
        lines = re.findall(rf"^- ({marks}): ((?:.|\n(?!- |\n))+)", section, re.MULTILINE)
        if lines:
            found[section.splitlines()[0]] = dict(lines)
    return found


def missing(names: list[str]) -> list[str]:
    """Which of these paths, or `path::test`, are not there."""
    gone = []
    for name in names:
        path, _, test = name.partition("::")
        there = (ROOT / path).exists()
        if not there or (test and not re.search(rf"^def {test}\(", (ROOT / path).read_text(), re.MULTILINE)):
            gone.append(name)
    return gone


def test_each_who_might_try_is_held_by_tests_that_are_there_and_what_is_left_is_said():
    threats = sections("security.md", "from|holds|test|left")
    overview = re.findall(r"^\| (?!who \||---)([^|]+) \|", (DOCS / "security.md").read_text(), re.MULTILINE)
    assert len(threats) == len(overview) >= 13
    assert [who for who, said in threats.items() if set(said) != {"from", "holds", "test", "left"}] == []
    for said in threats.values():
        named = re.findall(r"`([^`]+)`", said["test"])
        assert named
        assert all("::test_" in name for name in named)
        assert missing(named) == []


def test_each_principle_says_what_keeps_it_here_and_what_the_organisation_does():
    principles = sections("data-protection.md", "here|kept by|yours")
    assert [name.split(".")[0] for name in principles] == [str(number) for number in range(1, 14)]
    for name, said in principles.items():
        assert set(said) == {"here", "kept by", "yours"}, name
        named = re.findall(r"`([^`]+)`", said["kept by"])
        assert named, name
        assert missing(named) == [], name


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_nothing_in_the_data_folder_is_open_to_others(ledger):
    run()
    tell()
    data = data_folder()
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) > 4
    # Who cannot enter the folder reaches nothing in it; but a file that is copied takes its own mode along.
    assert [path.relative_to(data) for path in [data, *files] if path.stat().st_mode & 0o077] == []


def test_no_arrangement_sends_a_list_by_mail_unsealed():
    files = (arrangements_folder() / "offices").glob("*.yaml")
    written = next(
        one for one in map(yaml.safe_load, map(Path.read_text, files)) if one["deliver"][0]["via"] == "email"
    )
    (channel, *_) = written["deliver"]
    Arrangement.model_validate(written)
    for setting in ("fingerprint", "recipient", "password_by", "rotate_after"):
        channel.pop(setting, None)
    with pytest.raises(ValidationError, match="seal"):
        Arrangement.model_validate(written | {"deliver": [channel | {"seal": "none"}]})

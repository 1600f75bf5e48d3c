"""Writes docs/reliability.md from the tests that cause each fault: `make faults` runs them first.

A row stands beside its test, as `@pytest.mark.fault(fault, happens=…, there=…, you=…)`; it is read, not imported. The
year below the rows is what `python -m benchmarks.year` left in benchmarks/results.
"""

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from include.settings import ROOT

PAGE = ROOT / "docs" / "reliability.md"
YEAR = ROOT / "benchmarks" / "results" / "year.json"
_HEAD = """# What happens when something fails

Each row is a fault that a test causes for real: on real SFTP, mail and IMAP servers, with workers that are killed. The
rows are written beside the tests, and `make faults` writes this page after they have passed.

| fault | what happens | what the other side has | what you see, and do | seen by |
| --- | --- | --- | --- | --- |
"""
_YEAR = """
## A year in which everything fails

A simulation lets people live through a year (booked, moved, gone, staying after all, with and without consent, from one
office or host country to another) and lets the faults below strike on days of their own. Every day it is checked, for
each office and from nothing but the list files that it has:

- what it believes of each person is what is true, but for the lists on their way;
- nobody who did not apply for asylum is on a list, and nobody is told twice;
- who left was announced before, or stands on a list as told late (but see below);
- every concern stands until a person closes it, though answers are lost, cut off or come twice.

What is true is worked out a second time, by hand, beside the code that makes the lists (`tests/year/expected.py`). A
short year of each kind runs with every `make test`; this one is `python -m benchmarks.year`, by seed.

One thing is not kept: where a person voids the only list that announced somebody, after a later list has told their
departure, that departure is not marked late on its list. Where it arrives after the voiding, it is counted among those
told too late.

"""


@dataclass(frozen=True)
class Row:
    fault: str
    happens: str
    there: str
    you: str
    test: str


def rows() -> list[Row]:
    """A row for each `fault` mark of each test."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                marks = [mark for mark in node.decorator_list if ast.unparse(mark).startswith("pytest.mark.fault(")]
                found += [_row(mark, path, node.name) for mark in marks if isinstance(mark, ast.Call)]
    return found


def _row(mark: ast.Call, path: Path, test: str) -> Row:
    named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in mark.keywords}
    return Row(ast.literal_eval(mark.args[0]), **named, test=f"{path.relative_to(ROOT / 'tests')} {test}")


def page() -> str:
    """The whole page."""
    lines = []
    for row in rows():
        path, test = row.test.split()
        sentence = test.removeprefix("test_").replace("_", " ")
        lines.append(f"| {row.fault} | {row.happens} | {row.there} | {row.you} | [{sentence}](../tests/{path}) |\n")
    return _HEAD + "".join(lines) + _YEAR + _year()


def _year() -> str:
    """What the newest whole year went through."""
    tables = json.loads(YEAR.read_text(encoding="utf-8"))["tables"]
    lines = []
    for title, rows_of in tables.items():
        columns = list(rows_of[0])
        lines += [f"| {title} | {columns[1]} |", "| --- | --- |"]
        lines += [f"| {row[columns[0]]} | {row[columns[1]]} |" for row in rows_of] + [""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

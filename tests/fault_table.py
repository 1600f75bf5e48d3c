"""Writes docs/reliability.md from the tests that cause each fault: `make faults` runs them first.

A row stands beside its test, as `@pytest.mark.fault(fault, happens=…, there=…, you=…)`; it is read, not imported.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from include.settings import ROOT

PAGE = ROOT / "docs" / "reliability.md"
_HEAD = """# What happens when something fails

Each row is a fault that a test causes for real: on real SFTP, mail and IMAP servers, with workers that are killed. The
rows are written beside the tests, and `make faults` writes this page after they have passed.

| fault | what happens | what the other side has | what you see, and do | seen by |
| --- | --- | --- | --- | --- |
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
    return _HEAD + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

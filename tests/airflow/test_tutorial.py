"""docs/tutorial.md, line by line, in a clone: what it says is typed, and what it shows is seen."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import ROOT

pytestmark = pytest.mark.airflow
END = "end-of-the-command"


def steps() -> list[tuple[str, list[str]]]:
    """Each command of the page with the lines that it is shown to print."""
    found: list[tuple[str, list[str]]] = []
    page = re.sub(r"\\\n\s*", "", (ROOT / "docs" / "tutorial.md").read_text())
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def shown(lines: list[str]) -> re.Pattern[str]:
    """What the lines stand for: `…` alone is any lines, within a line any text; how much space there is does not matter."""
    said = "".join(
        r"(?:.*\n)*"
        if line == "…"
        else r"[ \t]*" + re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(line)).replace("…", ".*") + r"[ \t]*\n"
        for line in lines
    )
    return re.compile(said)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The repository as it is here, with nothing that was made in it but its environment."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "clone" / name)
    (tmp_path / "clone" / ".venv").symlink_to(sys.prefix)
    # So that `make install` finds all installed already, as it was for this run of the tests.
    os.utime(tmp_path / "clone" / "requirements.txt", (0, 0))
    return tmp_path / "clone"


class Terminal:
    """A shell that keeps its folder and variables from one command to the next."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AVR_", "AIRFLOW"))}
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=environment | {"COLUMNS": "200"}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def type(self, command: str) -> str:
        self._shell.stdin.write(f"{{ {command}\n}} < /dev/null; echo; echo {END}\n")
        self._shell.stdin.flush()
        lines = iter(self._shell.stdout.readline, f"{END}\n")
        return "".join(lines).removesuffix("\n")

    def close(self) -> None:
        self._shell.stdin.close()
        self._shell.wait()


def test_the_tutorial_does_what_it_says_line_by_line(clone):
    terminal = Terminal(clone)
    typed = steps()
    assert len(typed) > 12
    for command, lines in typed:
        printed = terminal.type(command)
        assert not lines or shown(lines).fullmatch(printed), f"$ {command}\n{printed}\nis not\n" + "\n".join(lines)
        assert lines or "rror" not in printed, f"$ {command}\n{printed}"
    terminal.close()

"""`make audit`: what ruff's checks do not see in our code, secrets that were committed, known holes in what we install.

Reach for `judged` to see what becomes of a known hole. One that is accepted stands in `tests/holes_accepted.yaml` with a
reason and the day until which that holds. Where nobody can be asked for known holes the run says so and goes on: it is
no proof that there are none.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from include.settings import ROOT

BASELINE = ROOT / ".secrets.baseline"
ACCEPTED = Path(__file__).with_name("holes_accepted.yaml")
KNOWN_HOLE = "pyyaml==5.3.1"
"""A release with a published hole: who does not name it answers nothing."""


@dataclass(frozen=True)
class Judged:
    holes: list[str]
    """What must not be installed: `PACKAGE VERSION: ID (fixed in …)`."""
    outlived: list[str]
    """Accepted holes whose day has passed, or that nobody reports any more."""
    unasked: list[str]
    """Packages of which the service said nothing at all."""


def judged(report: Mapping[str, Any], accepted: Sequence[Mapping[str, Any]], today: dt.date) -> Judged:
    """What of a report of pip-audit (its JSON) fails the run. accepted: id, package, reason, until (a date)"""
    in_force = {(one["package"], one["id"]): one["until"] for one in accepted if one["reason"]}
    holes, seen = [], set()
    for package in report["dependencies"]:
        for hole in package.get("vulns", []):
            ids = {hole["id"], *hole.get("aliases", [])}
            known = {key for key in in_force if key[0] == package["name"] and key[1] in ids}
            seen |= known
            if not any(in_force[key] >= today for key in known):
                fixed = ", ".join(hole["fix_versions"]) or "nothing yet"
                holes.append(f"{package['name']} {package['version']}: {hole['id']} (fixed in {fixed})")
    outlived = [f"{name} {id_}" for (name, id_), until in in_force.items() if (name, id_) not in seen or until < today]
    unasked = [package["name"] for package in report["dependencies"] if "skip_reason" in package]
    return Judged(holes, outlived, unasked)


def ask(requirements: Path, *service: str) -> dict[str, Any] | None:
    """pip-audit's report on what is pinned in the file; None where the advisory service does not answer.

    service: options of pip-audit that name another service than PyPI's
    """
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.txt"
        known.write_text(KNOWN_HOLE)
        if not any(package.get("vulns") for package in _pip_audit(known, *service)["dependencies"]):
            return None
    return _pip_audit(requirements, *service)


def _pip_audit(requirements: Path, *service: str) -> dict[str, Any]:
    options = ["--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    done = _run("pip-audit", *options, *service, "--requirement", str(requirements), quiet=True)
    return json.loads(done.stdout) if done.stdout.startswith("{") else {"dependencies": []}


def _run(program: str, *options: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name(program), *options]
    return subprocess.run(command, cwd=ROOT, check=False, text=True, capture_output=quiet)


def known_holes(*service: str) -> bool:
    """Whether no hole is known that nobody has accepted; says what is, or that nobody could be asked."""
    report = ask(ROOT / "requirements.txt", *service)
    if report is None:
        print("pip-audit: NOT ASKED, no advisory service answers here. This says nothing about holes.", flush=True)
        return True
    found = judged(report, yaml.safe_load(ACCEPTED.read_text()) or [], dt.datetime.now(dt.UTC).date())
    for hole in found.holes:
        print(f"pip-audit: {hole}")
    for one in found.outlived:
        print(f"pip-audit: {one} is accepted in {ACCEPTED.name} and no longer may be, or need not")
    if found.unasked:
        print(f"pip-audit: nothing is known of {', '.join(found.unasked)}")
    return not (found.holes or found.outlived)


def secrets_in(files: Sequence[str]) -> bool:
    """Whether no file has a secret that is not in the baseline, where each was looked at; says where one is."""
    with tempfile.TemporaryDirectory() as folder:
        # It writes into the baseline that a known one stands on another line by now, and ends with 3.
        known = Path(folder) / "baseline"
        known.write_bytes(BASELINE.read_bytes())
        return _run("detect-secrets-hook", "--baseline", str(known), *files).returncode in (0, 3)


def main() -> int:
    """Runs all three; 1 where one of them found something."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = [name for name in tracked.stdout.split("\0") if name not in ("", BASELINE.name)]
    code = _run("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", "include", "dags", "plugins")
    good = [code.returncode == 0, secrets_in(files), known_holes()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

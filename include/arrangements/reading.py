"""From YAML to arrangements, with the line of every mistake.

Reach for `load_offices`, `load_frameworks`, `load_sources`, `load_policy` and `load_review`: what is broken is told and
left out, what is good goes on.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from include.arrangements.framework import Framework
from include.arrangements.models import Arrangement, CooperationReview, Source
from include.arrangements.rules import Policy

POLICY = "policy/persons_of_concern.yaml"
REVIEW = "review.yaml"
_IN_OUR_WORDS = {
    "extra_forbidden": "is not a setting",
    "missing": "is missing",
    "tuple_type": "is one value; write a list, in brackets: [one, another]",
}
_M = TypeVar("_M", bound=BaseModel)
_Dated = TypeVar("_Dated", Arrangement, Framework, Policy)
_Version = TypeVar("_Version", Arrangement, Framework)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, order=True)
class Problem:
    """A mistake in a file, where it is and what is allowed. Its text never holds more than the setting's name."""

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}"
        return f"{place}, {self.where}: {self.what}" if self.where else f"{place}: {self.what}"


@dataclass(frozen=True)
class _Document:
    value: Any
    line: int
    lines: dict[tuple[str | int, ...], int]


def load_offices(folder: Path) -> tuple[dict[str, list[Arrangement]], list[Problem]]:
    """The arrangements of `folder`/offices: for each office its versions, oldest first; and every problem.

    A broken file takes its own office away and no other.
    """
    return _load_dated(folder, "offices", Arrangement, "office")


def load_frameworks(folder: Path) -> tuple[dict[str, list[Framework]], list[Problem]]:
    """The agreements of `folder`/frameworks/afg: for each host country its versions, oldest first; and every problem.

    A broken file takes its own host country away and no other.
    """
    return _load_dated(folder, "frameworks/afg", Framework, "host_country")


def _load_dated(
    folder: Path, inside: str, model: type[_Version], named_by: str
) -> tuple[dict[str, list[_Version]], list[Problem]]:
    """Files of dated versions, each named as their setting `named_by` says."""
    loaded: dict[str, list[_Version]] = {}
    problems: list[Problem] = []
    for path in sorted((folder / inside).glob("*.yaml")):
        name = f"{inside}/{path.name}"
        documents, found = _documents(path, name)
        versions = []
        for document in documents:
            version, wrong = _validated(model, document, name)
            found += wrong
            if version and getattr(version, named_by) != path.stem:
                line = document.lines.get((named_by,), document.line)
                found.append(Problem(name, line, named_by, f"the file's name says {path.stem}"))
            elif version:
                versions.append(version)
        days = [version.effective_from for version in versions]
        if len(set(days)) != len(days):
            found.append(Problem(name, 1, "effective_from", "two versions begin on the same day"))
        if not found and versions:
            loaded[path.stem] = sorted(versions, key=lambda version: version.effective_from)
        problems += found
    return loaded, problems


def load_policy(folder: Path) -> tuple[list[Policy], list[Problem]]:
    """The versions of `folder`/policy/persons_of_concern.yaml, oldest first; and every problem.

    A broken version is left out, and the one before it stays in force: fewer rules would protect fewer people.
    """
    if not (folder / POLICY).exists():
        return [], [Problem(POLICY, 1, "", "the file is missing")]
    return policy_versions(folder / POLICY, POLICY)


def policy_versions(path: Path, name: str) -> tuple[list[Policy], list[Problem]]:
    """As `load_policy`, of any file. name: what problems call it"""
    documents, problems = _documents(path, name)
    versions: list[Policy] = []
    for document in documents:
        policy, wrong = _validated(Policy, document, name)
        problems += wrong
        if policy and any(policy.effective_from == one.effective_from for one in versions):
            line = document.lines.get(("effective_from",), document.line)
            problems.append(Problem(name, line, "effective_from", "an earlier version begins on the same day"))
        elif policy:
            versions.append(policy)
    return sorted(versions, key=lambda one: one.effective_from), problems


def in_force(versions: Sequence[_Dated], on: dt.date) -> _Dated | None:
    """The newest version whose `effective_from` is not after `on`, or None before the first.

    versions: of one office, or of the policy, oldest first; on: a day of the office, in its own timezone, or of the
        extracts
    """
    return next((version for version in reversed(versions) if version.effective_from <= on), None)


def in_force_at(versions: Sequence[Arrangement], moment: dt.datetime) -> Arrangement | None:
    """The newest version whose first day has come, where the office is, at `moment`, or None before the first."""
    begun = (v for v in reversed(versions) if v.effective_from <= moment.astimezone(ZoneInfo(v.timezone)).date())
    return next(begun, None)


def newest_at(offices: Mapping[str, Sequence[Arrangement]], moment: dt.datetime) -> dict[str, Arrangement]:
    """For each office the version in force at `moment`; before its first day, its newest."""
    return {office: in_force_at(versions, moment) or versions[-1] for office, versions in offices.items()}


def load_sources(folder: Path) -> tuple[list[Source], list[Problem]]:
    """The entries of `folder`/sources, a file for each host country, and every problem.

    A broken entry stops only itself, a broken file only its own host country.
    """
    sources: list[Source] = []
    problems: list[Problem] = []
    for path in sorted((folder / "sources").glob("*.yaml")):
        found, wrong = _sources_of(path, f"sources/{path.name}")
        sources += found
        problems += wrong
    if not sources and not problems:
        problems.append(Problem("sources", 1, "", "there is no file; python -m include country new writes one"))
    return sources, problems


def _sources_of(path: Path, name: str) -> tuple[list[Source], list[Problem]]:
    documents, problems = _documents(path, name)
    sources: dict[str, Source] = {}
    for document in documents:
        entries = document.value.get("sources") if isinstance(document.value, dict) else None
        if not isinstance(entries, list):
            problems.append(Problem(name, document.line, "", "write `sources:` and a list of entries under it"))
            continue
        for number, entry in enumerate(entries):
            at = ("sources", number)
            lines = {place[2:]: line for place, line in document.lines.items() if place[:2] == at}
            part = _Document(entry, document.lines.get(at, document.line), lines)
            source, wrong = _validated(Source, part, name, prefix=f"sources.{number + 1}")
            problems += wrong
            if source and source.host_country != path.stem:
                line = lines.get(("host_country",), part.line)
                what = f"the file's name says {path.stem}"
                problems.append(Problem(name, line, f"sources.{number + 1}.host_country", what))
            elif source and source.kind in sources:
                what = f"there is an entry for {source.kind} of {source.host_country} already"
                problems.append(Problem(name, part.line, f"sources.{number + 1}", what))
            elif source:
                sources[source.kind] = source
    return list(sources.values()), problems


def load_review(folder: Path) -> tuple[CooperationReview, list[Problem]]:
    """What `folder`/review.yaml says of the review of the cooperation, and every problem. Without it: what is usual."""
    if not (folder / REVIEW).exists():
        return CooperationReview(), []
    documents, problems = _documents(folder / REVIEW, REVIEW)
    if len(documents) > 1:
        return CooperationReview(), [Problem(REVIEW, documents[1].line, "", "holds one version; take the others away")]
    for document in documents:
        found, wrong = _validated(CooperationReview, document, REVIEW)
        problems += wrong
        if found:
            return found, problems
    return CooperationReview(), problems


def version(of: Arrangement | Framework | Policy) -> str:
    """A short name of exactly this content, for the ledger: 12 hexadecimal digits."""
    return hashlib.sha256(of.model_dump_json().encode()).hexdigest()[:12]


def _validated(model: type[_M], document: _Document, file: str, prefix: str = "") -> tuple[_M | None, list[Problem]]:
    try:
        return model.model_validate(document.value), []
    except ValidationError as error:
        problems = []
        for wrong in error.errors(include_url=False, include_context=False, include_input=False):
            # A union's tag stands in pydantic's location but not in the file.
            place = tuple(part for part in wrong["loc"] if part not in ("sftp", "email"))
            known = place
            while known and known not in document.lines:
                known = known[:-1]
            shown = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
            shown = f"{prefix}.{shown}".strip(".")
            problems.append(Problem(file, document.lines.get(known, document.line), shown, in_our_words(wrong)))
        return None, problems


def in_our_words(wrong: ErrorDetails) -> str:
    """What a model says of a setting, as people are told it."""
    return _IN_OUR_WORDS.get(wrong["type"], wrong["msg"].removeprefix("Value error, "))


def _documents(path: Path, name: str) -> tuple[list[_Document], list[Problem]]:
    try:
        nodes = list(yaml.compose_all(path.read_text(encoding="utf-8"), Loader=_Loader))
    except UnicodeDecodeError:
        return [], [Problem(name, 1, "", "is not UTF-8")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [], [Problem(name, line, "", f"is not YAML: {error.problem}")]
    documents: list[_Document] = []
    problems: list[Problem] = []
    for node in nodes:
        lines: dict[tuple[str | int, ...], int] = {}
        _mark(node, (), lines, problems, name)
        constructor = yaml.SafeLoader("")
        documents.append(_Document(constructor.construct_document(node), node.start_mark.line + 1, lines))
    return documents, problems


def _mark(
    node: yaml.Node,
    place: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    problems: list[Problem],
    name: str,
) -> None:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                problems.append(Problem(name, key.start_mark.line + 1, str(key.value), "stands here twice"))
            _mark(value, inner, lines, problems, name)
            lines[inner] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _mark(value, (*place, number), lines, problems, name)

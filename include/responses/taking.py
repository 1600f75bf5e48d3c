"""From a file or a line that came from an office to what the ledger keeps of it.

Reach for this to see what becomes of an answer: opened, read, held against the lists that this office was sent, and
written in one transaction. The bytes are kept first, in the data folder, before anything reads them.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from include.arrangements.models import Arrangement
from include.ledger import recipients, responses
from include.ledger.engine import reading, writing
from include.lists.texts import Texts
from include.responses.opening import OpeningKeys, open_answer
from include.responses.reading import AnswerRow, Finding, ReadFile, Unreadable, merged, read_answers
from include.settings import data_folder, write_private

SETTLES_IN = dt.timedelta(minutes=2)
"""How long a file that does not open must stay the same before it is called damaged: it may be half written."""
MOST_FINDINGS = 100
_MAY_BE_HALF = ("not_readable", "not_a_list", "cannot_open")
_RECEIVED = re.compile(r"RECEIVED:?\s+([A-Z]{3}-[A-Z0-9]{2,8}_\d{4}-\d{4,})\W*", re.IGNORECASE)
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """What became of something that came: one of models.RESPONSE_OUTCOMES, and what was not understood of it."""

    outcome: str
    findings: tuple[Finding, ...] = ()
    concerns: int = 0


def take_file(
    arrangement: Arrangement, content: bytes, name: str, via: str, keys: OpeningKeys, now: dt.datetime
) -> Outcome:
    """Take the answers in a file of this office. The same bytes a second time change nothing.

    name: of the file, for its ending alone; via: `sftp` or `email`
    """
    office, sha256 = arrangement.office, hashlib.sha256(content).hexdigest()
    now = now.astimezone(ZoneInfo(arrangement.timezone))
    with reading() as session:
        known = responses.known_response(session, office, sha256)
    if known and (known.outcome != "unsettled" or now < known.came_at + SETTLES_IN):
        return Outcome(known.outcome, tuple(Finding(**finding) for finding in known.findings))
    write_private(data_folder() / "answers" / office / sha256, content)
    settled = known is not None or via == "email"
    file, line, problem = None, "", ""
    sealed = True
    try:
        plain, inner, sealed = open_answer(content, name, keys)
        if inner.lower().endswith(".txt"):
            line = plain.decode("utf-8-sig", errors="replace")
        else:
            file = read_answers(plain, inner, now.date())
    except Unreadable as unreadable:
        problem = unreadable.code
    if not settled and (problem in _MAY_BE_HALF or (file and file.cut_off)):
        with writing() as session:
            responses.record_response(session, office, via, sha256, "unsettled", [], now)
        return Outcome("unsettled")
    with writing() as session:
        good: list[AnswerRow] = []
        if problem:
            outcome = Outcome("refused", (Finding(problem),))
        elif file is None:
            outcome = _take_line(session, [office], line, now) or Outcome("refused", (Finding("wrong_kind"),))
        else:
            outcome, good = _check(session, arrangement, file, via, sealed)
        response = responses.record_response(
            session, office, via, sha256, outcome.outcome, [finding.as_dict() for finding in outcome.findings], now
        )
        lists = responses.lists_of(session, office, {row.list_number for row in good})
        taken = responses.take(session, response, good, lists)
        for about in lists.values():
            responses.record_receipt(session, about, "answer", now)
    return replace(outcome, concerns=taken.concerns)


def note(
    office: str, via: str, seen: bytes, outcome: str, findings: Sequence[Mapping[str, Any]], now: dt.datetime
) -> None:
    """Note something of which nothing is taken. seen: by what the same thing is known again"""
    with writing() as session:
        responses.record_response(session, office, via, hashlib.sha256(seen).hexdigest(), outcome, findings, now)


def refuse(office: str, via: str, seen: bytes, code: str, now: dt.datetime) -> Outcome:
    """Note that something was not even read."""
    finding = Finding(code)
    note(office, via, seen, "refused", [finding.as_dict()], now)
    return Outcome("refused", (finding,))


def take_line(offices: Sequence[str], text: str, now: dt.datetime) -> bool:
    """Whether the first line of a text is a receipt of one of these offices, or the code of its test message."""
    with writing() as session:
        return _take_line(session, offices, text, now) is not None


def _take_line(session: Session, offices: Sequence[str], text: str, now: dt.datetime) -> Outcome | None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    if code := _CODE.fullmatch(lines[0].rstrip(".")):
        for office in offices:
            try:
                recipients.confirm(session, office, code[0], "the program that reads answers", now)
            except recipients.NotWaiting:
                continue
            return Outcome("receipt")
    taken = 0
    for line in lines:  # one for each list that is there, until the first other line
        said = _RECEIVED.fullmatch(line)
        if said is None:
            break
        number = said[1].upper()
        for office in offices:
            if received := responses.lists_of(session, office, [number]).get(number):
                responses.record_receipt(session, received, "receipt", now)
                taken += 1
    return Outcome("receipt") if taken else None


def _check(
    session: Session, arrangement: Arrangement, file: ReadFile, via: str, sealed: bool
) -> tuple[Outcome, list[AnswerRow]]:
    """What of the file cannot be taken, held against what this office was sent, and what can: a row for each entry."""
    findings = list(file.findings)
    demanded = arrangement.answers.sealed
    if not sealed and (demanded == "always" or (demanded == "email" and via == "email")):
        findings.append(Finding("not_sealed"))
    if file.cut_off:
        findings.append(Finding("cut_off"))
    good, refused = _on_its_lists(session, arrangement.office, file)
    kept, differing = merged(good)
    findings += [*refused, *differing]
    if len(findings) > MOST_FINDINGS:
        findings = [*findings[:MOST_FINDINGS], Finding("more")]
    # What is told of a file that was taken whole, such as that it came unsealed, refuses nothing of it.
    refuses = {finding.code for finding in findings} - {"not_sealed", "void_list"}
    outcome = "read" if not refuses else "partly" if good else "refused"
    return Outcome(outcome, tuple(findings)), kept


def _on_its_lists(session: Session, office: str, file: ReadFile) -> tuple[list[AnswerRow], list[Finding]]:
    """The rows that are of an entry on a list of this office, and a finding for what is not.

    Whether an entry is on another office's list is not said: it is nobody's here.
    """
    lists = responses.lists_of(session, office, {row.list_number for row in file.rows})
    entries = responses.entries_of(session, list(lists.values()))
    good, findings = [], dict[str, Finding]()
    for row in file.rows:
        about = lists.get(row.list_number)
        if about is None:
            findings.setdefault(row.list_number, Finding("unknown_list", row.row, row.list_number))
        elif row.entry not in entries[about.id]:
            place = Finding("unknown_entry", row.row, row.list_number, row.entry)
            findings.setdefault(f"{row.list_number} {row.entry}", place)
        else:
            if about.state == "void":
                findings.setdefault(row.list_number, Finding("void_list", None, row.list_number))
            good.append(row)
    return good, list(findings.values())


def explained(findings: Sequence[Finding], words: Texts) -> list[str]:
    """What was not understood, a line each, in the office's language; nothing that was written in a cell is in it."""
    lines = []
    for finding in findings:
        place = [
            words.in_row.format(row=finding.row) if finding.row else "",
            finding.list_number,
            finding.entry,
            words.columns.get(finding.column, ""),
        ]
        where = ", ".join(part for part in place if part)
        lines.append(f"{where}: {words.findings[finding.code]}" if where else words.findings[finding.code])
    return lines

"""A person's own file: all that is held about them, and what was told to whom and when, in a language of theirs.

Reach for `gather` to see what goes into it, `page` to see how it is set. It names the person and is for them alone.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from include.ledger.models import Erasure, List, Notice
from include.ledger.retention import Life
from include.lists.page import fonts, in_its_direction, printable, typeset
from include.lists.texts import texts

TEMPLATE = Path(__file__).parent / "person.typ"
_TEXTS = Path(__file__).parent / "texts.yaml"


@dataclass(frozen=True)
class Part:
    """One table of the file."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@lru_cache
def _own_words() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(_TEXTS.read_text(encoding="utf-8"))
    return found


def gather(
    life: Life | None, erasures: Iterable[Erasure], extract_days: Iterable[tuple[dt.date, str]], language: str
) -> list[Part]:
    """What the file says, part by part.

    life: what the ledger holds; None where nothing is left there
    erasures: of the case
    extract_days: day and kind of the files of the source that still hold the case
    """
    own, words = _own_words()[language], texts(language)
    days = Part(own["files"], (own["when"], own["what"]), tuple((str(day), kind) for day, kind in extract_days))
    if life is None:
        gone = ((_at(one.erased_at), own[f"erased_{one.why}"], "") for one in erasures)
        return [Part(own["held"], (own["what"],), ()), _part(own, "erasure", ("when", "what", "why"), gone), days]
    columns = words.columns
    told = (
        (
            _at(delivery.delivered_at) if delivery.delivered_at else own["not_delivered"],
            on.office,
            delivery.channel.partition(":")[0],
            on.list_number,
            *_said(notice, on, language),
        )
        for notice, on, delivery in life.told
    )
    papers = (
        (
            _at(delivery.delivered_at) if delivery.delivered_at else own["not_delivered"],
            paper.addressee,
            delivery.channel.partition(":")[0],
            paper.number_text,
            paper.kind,
            "",
        )
        for paper, delivery in life.papers
    )
    answers = (
        (
            _at(answer.answered_at),
            on.office,
            on.list_number,
            {True: words.yes, False: words.no, None: ""}[answer.concern],
            _day(answer.record_closed_on),
            answer.remarks,
        )
        for answer, on in life.answers
    )
    return [
        Part(own["held"], (own["what"], ""), tuple(_held(life, own, columns))),
        _part(
            own,
            "record",
            ("reference", "probability", "way", "since", "until", "what"),
            (
                (
                    record.asylum_reference,
                    f"{match.probability:.4f}",
                    own[match.method],
                    _day(match.since),
                    _day(match.ended_on),
                    f"{record.stage}, {record.outcome}",
                )
                for match, record in life.matches
            ),
            {"reference": columns["asylum_reference"]},
        ),
        _part(
            own,
            "decisions",
            ("when", "what", "why"),
            [
                *((_at(one.decided_at), own[one.decision], one.reason) for one in life.decisions),
                *((_at(one.cleared_at), own["looked"], one.note) for one in life.clearances if one.cleared_at),
            ],
        ),
        _part(
            own,
            "standings",
            ("since", "what"),
            ((_day(one.since), own["standing"][one.standing]) for one in life.standings),
        ),
        _part(own, "told", ("when", "office", "way", "list", "notice", "said"), [*told, *papers], {
            "list": columns["list_number"], "notice": columns["notice"],
        }),
        _part(own, "answers", ("when", "office", "list", "concern", "record", "remarks"), answers, {
            "office": "UNHCR", "list": columns["list_number"], "concern": columns["voluntariness_concern"],
            "record": columns["record_closed_on"], "remarks": columns["remarks"],
        }),
        _part(own, "concerns", ("when", "office", "what", "why"), _concerns(life, own), {"office": "UNHCR"}),
        _part(own, "erasure", ("when", "what", "why"), _erasure(life, erasures, own)),
        days,
    ]  # fmt: skip


def _part(
    own: Mapping[str, Any],
    name: str,
    columns: Iterable[str],
    rows: Iterable[tuple[str, ...]],
    titles: Mapping[str, str] | None = None,
) -> Part:
    """titles: of columns that another text names better"""
    named = titles or {}
    return Part(own[name], tuple(named.get(column, own.get(column, column)) for column in columns), tuple(rows))


def _held(life: Life, own: Mapping[str, Any], columns: Mapping[str, str]) -> list[tuple[str, str]]:
    case = life.case
    agreed = {True: "✓", False: "✗", None: own["not_asked"]}[case.sharing_consent]
    values = [
        (columns["case_id"], case.case_id),
        (own["family_name"], case.family_name),
        (own["given_names"], case.given_names),
        (columns["date_of_birth"], case.date_of_birth),
        (columns["sex"], case.sex),
        (columns["nationality"], case.nationality),
        (columns["asylum_reference"], case.typed_asylum_reference),
        (columns["unhcr_reference"], case.unhcr_reference),
        (columns["destination_country"], case.destination_country),
        (own["iom_office"], case.iom_office),
        (own["registered_on"], _day(case.registered_on)),
        (columns["expected_departure_on"], _day(case.expected_departure_on)),
        (columns["departed_on"], _day(case.departed_on)),
        (own["status"], f"{own['statuses'][case.status]} ({_day(case.status_since)})"),
        (own["consent"], agreed),
        (columns["marked"], "; ".join(filter(None, [case.marked, case.concerns]))),
    ]
    return [(what, value) for what, value in values if value]


def _said(notice: Notice, on: List, language: str) -> tuple[str, str]:
    """The notice, and the words of it, as the office's list has them, in the language of the file."""
    words = texts(language)
    of_notice = words.shown("notice", notice.notice)
    if notice.reason:
        of_notice += f": {words.shown('reason', notice.reason)}"
    if on.state == "void":
        of_notice += f" ({words.voided})"
    fields = [
        ("name", notice.name),
        ("expected_departure_on", _day(notice.expected_departure_on)),
        ("previous_expected_departure_on", _day(notice.previous_expected_departure_on)),
        ("departed_on", _day(notice.departed_on)),
        ("marked", words.shown("marked", notice.marked)),
        *((column, str(value)) for column, value in notice.shared.items() if value),
    ]
    return of_notice, "; ".join(f"{words.columns.get(name, name)}: {value}" for name, value in fields if value)


def _concerns(life: Life, own: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    rows = []
    for concern, entry in life.concerns:
        rows.append((_at(concern.raised_at), entry.office, own["raised"], ""))
        if concern.closed_at:
            rows.append((_at(concern.closed_at), entry.office, own["closed"], concern.note or ""))
    return rows


def _erasure(life: Life, erasures: Iterable[Erasure], own: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    rows = [(_at(one.erased_at), own[f"erased_{one.why}"], "") for one in erasures]
    for hold in life.holds:
        rows.append((_at(hold.placed_at), own["held_up"], hold.reason))
        if hold.lifted_at:
            rows.append((_at(hold.lifted_at), own["lifted"], ""))
    if life.order:
        rows.append((_at(life.order.ordered_at), own["asked"], life.order.reason))
    return sorted(rows)


def page(parts: Iterable[Part], host_country: str, case_id: str, language: str, made_on: dt.date) -> bytes:
    """The bytes of a PDF (PDF/UA-1, A4 landscape)."""
    own, words = _own_words()[language], texts(language)
    said = {
        "language": language,
        "right_to_left": words.right_to_left,
        "fonts": fonts().families(),
        "page": words.page,
        "title": own["title"],
        "purpose": own["purpose"],
        "nothing": own["nothing"],
        "made": in_its_direction(own["made"].format(case=case_id, host=host_country, day=made_on)),
        "parts": [
            {
                "title": part.title,
                "columns": [printable(column) for column in part.columns],
                "rows": [[in_its_direction(cell) for cell in row] for row in part.rows],
            }
            for part in parts
        ],
    }
    files = {"main.typ": TEMPLATE.read_bytes(), "person.json": json.dumps(said).encode()}
    return typeset(files, made_on, "the person's file cannot be set as PDF")


def _at(moment: dt.datetime | None) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M}" if moment else ""


def _day(day: dt.date | None) -> str:
    return day.isoformat() if day else ""

"""What lists and emails say, in the language of their office. The words are in `texts/*.yaml`, one file a language.

Each file says whether a speaker has reviewed it. No text treats a change of mind as a failure.
"""

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from include.lists.document import NotificationList

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("en", "fr", "es", "ar", "ru", "el", "de")


class Texts(BaseModel):
    """Every text of a list and of the email that carries it. Names in braces are filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    right_to_left: bool
    reviewed_by: str | None
    title: str
    kind: dict[str, str]
    purpose: str
    no_withdrawal: str
    how_to_answer: str
    how_to_answer_on_paper: str
    unprintable: str
    whom_to_call: str
    period: str
    as_of: str
    not_yet_known: str
    voided: str
    counts: str
    empty: str
    page: str
    notices: dict[str, str]
    reasons: dict[str, str]
    marks: dict[str, str]
    columns: dict[str, str]
    yes: str
    no: str
    date_hint: str
    email_subject: str
    email_body: str
    only_received: str
    trial_subject: str
    trial_code: str
    trial_answer: str
    trial_body: str
    answers_subject: str
    answers_body: str
    in_row: str
    findings: dict[str, str]
    receipt_subject: str
    receipt_body: str
    closing_subject: str
    closing_body: str
    closing_departed: str
    closing_erase: str

    def head(self, document: NotificationList) -> list[tuple[str, str]]:
        """What a list says about itself: pairs of what and how, without any person's data."""
        counts = ", ".join(f"{self.notices[notice]} {count}" for notice, count in document.counts.items())
        known = ", ".join(
            f"{host} {day.isoformat() if day else self.not_yet_known}" for host, day in sorted(document.as_of.items())
        )
        contact = document.contact
        rows = [
            (self.columns["list_number"], f"{document.list_number} ({self.kind[document.kind]})"),
            (self.period, f"{document.period_from.isoformat()} – {document.period_to.isoformat()}"),
            (self.as_of, known),
            (self.counts, counts),
            (self.whom_to_call, " · ".join(filter(None, [contact.name, contact.email, contact.phone]))),
        ]
        if document.voided:
            rows.append((self.voided, ", ".join(document.voided)))
        return rows

    def shown(self, column: str, value: str) -> str:
        """A value in the words of the language; codes that are not ours stay as they are."""
        if column == "notice":
            return self.notices[value]
        if column == "reason":
            return self.reasons.get(value, value)
        if column == "marked":
            return "; ".join(self.marks.get(mark, mark) for mark in value.split(";") if mark)
        return value


@lru_cache
def texts(language: str) -> Texts:
    """The texts of a language of LANGUAGES."""
    return Texts.model_validate(yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8")))


def email_for(document: NotificationList) -> tuple[str, str]:
    """Subject and body of the email that carries a list: its number and counts, nobody's name."""
    words = texts(document.language)
    filled = {
        "list_number": document.list_number,
        "kind": words.kind[document.kind],
        "office": document.office_name,
        "count": str(len(document.entries)),
        "head": "\n".join(f"{what}: {how}" for what, how in words.head(document)[1:]),
        "contact": document.contact.email,
    }
    subject = words.email_subject.format(**filled)
    received = words.only_received.format(list_number=document.list_number)
    return subject, words.email_body.format(**filled, no_withdrawal=words.no_withdrawal, only_received=received)

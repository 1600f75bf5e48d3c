"""A new office's arrangement and a new host country's sources: asked for, shown, written, and what to do next.

Reach for this from the command line: `python -m include office new`, `python -m include country new`.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from include.arrangements.asking import COUNTRY, OFFICE, Answers, Question, answered, write
from include.arrangements.checking import check
from include.arrangements.models import EmailChannel, SftpChannel
from include.arrangements.reading import load_offices, load_sources

_CHANNELS = {"sftp": ("connection", "folder", "seal"), "email": ("connection", "to", "seal")}
_SEALED_BY = {"pgp": "fingerprint", "age": "recipient", "password": "password_by"}
_SFTP = {"conn_type": "sftp", "host": "HOST", "port": 22, "login": "USER", "password": "PASSWORD",
         "extra": {"host_key": "ssh-ed25519 AAAA…", "no_host_key_check": "false"}}  # fmt: skip
_SMTP = {"conn_type": "smtp", "host": "HOST", "port": 587, "login": "USER", "password": "PASSWORD",
         "extra": {"from_email": "ADDRESS", "disable_ssl": True, "disable_tls": False}}  # fmt: skip
_IMAP = {"conn_type": "imap", "host": "HOST", "port": 993, "login": "USER", "password": "PASSWORD",
         "extra": {"authserv_id": "NAME"}}  # fmt: skip
_SEAL_EXTRA = {
    "pgp": {"public_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----…"},
    "age": {"age_recipient": "age1…"},
    "password": {"password_since": "YYYY-MM-DD"},
}


def new_office(given: Mapping[str, Any], folder: Path, console: Console, *, asks: bool, today: dt.date) -> None:
    """Write `offices/{OFFICE}.yaml` in `folder` and say what is left to do.

    given: answers by the names of `asking.OFFICE`; asks: whether the rest is asked on the console
    raises: asking.NotAnswered, FileExistsError; nothing is written then
    """
    zones = {source.host_country: source.timezone for source in load_sources(folder)[0]}
    hints = {
        "_tomorrow": f"{today + dt.timedelta(days=1)}",
        # Most often the clock of the office is that of its country.
        "_timezone": zones.get(str(given.get("office") or "")[:3]),
    }
    answers = answered(OFFICE, given, console if asks else None, hints)
    office = answers["office"]
    _write(folder, "offices", office, office_yaml(answers), console)
    console.print("\n[bold]Next[/bold]")
    _print("1. Airflow's connections, where they are not there yet (what is in each: docs/data-engineer.md):", console)
    taken = _connections_in_use(folder, but=office)
    for name, connection in _connections_of(answers).items():
        if name not in taken:
            _print(f"   {_add(name, connection)}", console)
    if "password" in _seals(answers):
        _print(
            "   python -m include password     # prints a list password; tell it by no mailbox of the lists", console
        )
    _print("2. Give the office IOM's key: python -m include signing-key", console)
    _print(f"3. Prove it, with nobody's data: python -m include check --office {office} --connect", console)
    _print(f"4. When the office has said its code: python -m include confirm {office} CODE --by WHO", console)
    _say_what_is_wrong(folder, office, console)


def new_country(given: Mapping[str, Any], folder: Path, console: Console, *, asks: bool) -> None:
    """Write `sources/{HOST}.yaml` in `folder` and say what is left to do. As `new_office`."""
    answers = answered(COUNTRY, given, console if asks else None)
    host, taken = answers["host_country"], _connections_in_use(folder)
    _write(folder, "sources", host, country_yaml(answers), console)
    console.print("\n[bold]Next[/bold]")
    for name in dict.fromkeys(filter(None, (answers["cases_connection"], answers["register_connection"]))):
        if name not in taken:
            _print(f"- the connection, as for SFTP: {_add(name, _SFTP)}", console)
    _print(f"- an office that hears of it: python -m include office new {host}-CODE", console)
    _say_what_is_wrong(folder, host, console)


def office_yaml(answers: Answers) -> str:
    """The file of an office, each setting under the reason why it was asked for."""
    lines = ["# yaml-language-server: $schema=../schema/arrangement.schema.json"]
    for name in ("office", "name", "host_countries", "iom_offices", "timezone", "language"):
        lines += _setting(name, answers)
    lines.append("list:")
    for name in ("days", "at", "holidays", "urgent_within", "format"):
        lines += _setting(name, answers, "  ")
    lines += [*_columns(answers["column"]), *_setting("consent", answers)]
    lines += [*_reason("via", OFFICE), "deliver:", *(line for via in answers["via"] for line in _channel(via, answers))]
    lines.append("answers:")
    for name, setting in (("answers_folder", "folder"), ("mailbox", "mailbox"), ("remind", "remind"),
                          ("escalate", "escalate")):  # fmt: skip
        lines += _setting(name, answers, "  ", setting)
    if answers["contact_name"]:
        lines.append("contact:")
        for name in ("contact_name", "contact_email", "contact_phone"):
            lines += _setting(name, answers, "  ", name.removeprefix("contact_"))
    lines += _setting("effective_from", answers)
    lines.append(
        "# All else (how long personal data is kept, what waits for a person) is as docs/arrangements.md says."
    )
    return "\n".join(lines) + "\n"


def _columns(columns: Sequence[Mapping[str, str]]) -> list[str]:
    if not columns:
        return []
    said = [
        f"    - {{column: {one['column']}, legal_basis: {json.dumps(one['legal_basis'], ensure_ascii=False)}}}"
        for one in columns
    ]
    return [*_reason("column", OFFICE, "  "), "  columns:", *said]


def _channel(via: str, answers: Answers) -> list[str]:
    lines = [f"  - via: {via}"]
    for name in _CHANNELS[via]:
        lines += _setting(f"{via}_{name}", answers, "    ", name)
    if needed := _SEALED_BY.get(answers[f"{via}_seal"]):
        lines += _setting(needed, answers, "    ")
    return lines


def country_yaml(answers: Answers) -> str:
    """The file of a host country: an entry for each of its two sources."""
    lines = ["# yaml-language-server: $schema=../schema/sources.schema.json", "sources:"]
    for kind, whose in (("avr_cases", "cases"), ("asylum_procedure", "register")):
        lines += [f"  - host_country: {answers['host_country']}", f"    kind: {kind}"]
        named = (
            (f"{whose}_url", "url"),
            (f"{whose}_connection", "connection"),
            ("at", "at"),
            ("cut_off", "cut_off"),
            ("timezone", "timezone"),
            ("manifest", "manifest"),
            (f"{whose}_owner", "data_owner"),
            ("focal_point", "iom_focal_point"),
        )
        for name, setting in named:
            # What stands above the first entry need not stand above the second.
            lines += _setting(name, answers, "    ", setting)[0 if kind == "avr_cases" else -1 :]
    return "\n".join(lines) + "\n"


def _setting(name: str, answers: Answers, indent: str = "", setting: str = "") -> list[str]:
    """A setting under why it was asked for; nothing where there is nothing to say."""
    value = answers.get(name)
    if value in ("", [], None):
        return []
    questions = OFFICE if "office" in answers else COUNTRY
    return [*_reason(name, questions, indent), f"{indent}{setting or name}: {_inline(value)}"]


def _reason(name: str, questions: Sequence[Question], indent: str = "") -> list[str]:
    return [f"{indent}# {question.why}" for question in questions if question.name == name]


def _inline(value: Any) -> str:
    """A value on one line, as YAML has it within brackets."""
    return yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10**6).strip()[1:-1]


def _write(folder: Path, inside: str, name: str, text: str, console: Console) -> None:
    path = write(folder, inside, name, text)
    _print(text, console)
    console.print(f"[green]✓[/green] {path}", highlight=False, soft_wrap=True)


def _print(line: str, console: Console) -> None:
    """As it is: what is copied from a terminal must not have been wrapped."""
    console.print(line, highlight=False, soft_wrap=True, markup=False)


def _add(name: str, connection: Mapping[str, Any]) -> str:
    return f"airflow connections add {name} --conn-json '{json.dumps(connection, ensure_ascii=False)}'"


def _seals(answers: Answers) -> list[str]:
    return sorted({answers[f"{via}_seal"] for via in answers["via"]} - {"none"})


def _connections_of(answers: Answers) -> dict[str, Mapping[str, Any]]:
    """What the office needs, by name, with capitals for what only people know."""
    needed: dict[str, Mapping[str, Any]] = {}
    for via, form in (("sftp", _SFTP), ("email", _SMTP)):
        if via in answers["via"]:
            needed[answers[f"{via}_connection"]] = form
    if answers["mailbox"]:
        needed[answers["mailbox"]] = _IMAP
    if seals := _seals(answers):
        extra = {key: value for seal in seals for key, value in _SEAL_EXTRA[seal].items()}
        password = {"password": "PASSWORD"} if "password" in seals else {}
        name = f"seal_{answers['office'].lower().replace('-', '_')}"
        needed[name] = {"conn_type": "generic", **password, "extra": extra}
    return needed


def _connections_in_use(folder: Path, but: str = "") -> set[str]:
    """Connections that an office or a source names already."""
    named = [source.connection or "" for source in load_sources(folder)[0]]
    for office, versions in load_offices(folder)[0].items():
        if office != but:
            channels: list[SftpChannel | EmailChannel] = [one for version in versions for one in version.deliver]
            named += [channel.connection for channel in channels]
            named += [version.answers.mailbox or "" for version in versions]
    return set(named)


def _say_what_is_wrong(folder: Path, name: str, console: Console) -> None:
    """What stands in the way of what was just written, beside the other files."""
    for problem in check(folder):
        if name in str(problem):
            console.print(f"[yellow]![/yellow] {problem}", highlight=False, soft_wrap=True)

"""The evidence of a pair, on the screen of the person who has to decide. It names people: never for a log."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from include.extracts.partition import good_rows
from include.ledger import caseload, reviews
from include.ledger.engine import reading
from include.ledger.intake import Partition, both_extracts, newest_reconciled
from include.ledger.reviews import Pair
from include.matching.candidates import READ
from include.matching.explanation import Evidence, Explanation, explain

_WIDTH = 6
"""Signs of a bar on each side."""
_MOST = 24.0
"""The match weight that fills a bar: odds of 16 million to one."""


def show(case_id: str, asylum_reference: str, host_country: str | None, console: Console) -> None:
    """Print what speaks for and against the pair, by the newest reconciled day of its host country.

    raises: LookupError if the case or the record is not known there, or the case id is known in several host countries
    """
    with reading() as session:
        partition = newest_of_case(session, case_id, host_country)
        cases, procedure = both_extracts(session, partition)
        pair = Pair(partition.host_country, case_id, asylum_reference)
        matches = [
            (match.asylum_reference, match.decision, match.since, match.model_version)
            for match in caseload.open_matches_of(session, pair.host_country, case_id)
        ]
        decided = reviews.decision_in_force(session, pair)
    found = explain(good_rows(partition, cases), good_rows(partition, procedure, READ), case_id, asylum_reference)
    console.print(_table(found, f"{case_id} and {asylum_reference}, by the extracts of {partition}"))
    console.print(_summary(found), highlight=False)
    for reference, decision, since, version in matches:
        whose = "this record" if reference == asylum_reference else "another record"
        console.print(f"In the ledger since {since}: {decision}, {whose} (model {version})", highlight=False)
    if decided:
        words = f"{decided.decision}, by {decided.decided_by} on {decided.decided_at:%Y-%m-%d}: {decided.reason}"
        console.print(f"Decided by a person: {escape(words)}", highlight=False)


def newest_of_case(session: Session, case_id: str, host_country: str | None) -> Partition:
    """The newest reconciled partition of the case's host country.

    raises: LookupError if the case is not known there, or the case id is known in several host countries
    """
    hosts = caseload.hosts_of(session, case_id)
    if host_country is None and len(hosts) > 1:
        raise LookupError(f"the case id is known in {', '.join(hosts)}; say which with --host")
    host = host_country or next(iter(hosts), "")
    day = newest_reconciled(session, [host])[host] if host in hosts else None
    if day is None:
        raise LookupError("no reconciled case has this id" + (f" in {host}" if host else ""))
    return Partition(host, day)


def _table(found: Explanation, title: str) -> Table:
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=0, header_style="bold")
    for heading in ("", "the case", "the record", "they are", "weight", "against │ for"):
        table.add_column(heading, justify="right" if heading == "weight" else "left", no_wrap="│" in heading)
    size = f"one of {found.register_size:,}"
    table.add_row("before", "", "", size, f"{found.prior:+.1f}", _bar(found.prior))
    for one in found.evidence:
        label = one.label or "not known"
        values = (Text(value) for value in (one.of_case, one.of_record))
        weight = one.weight if one.label else None
        table.add_row(_name(one), *values, label, "" if weight is None else f"{weight:+.1f}", _bar(weight or 0))
    table.add_section()
    table.add_row(
        "together", "", "", f"probability {found.probability:.4f}", f"{found.weight:+.1f}", _bar(found.weight)
    )
    return table


def _name(evidence: Evidence) -> str:
    return evidence.comparison.replace("_", " ").replace("unhcr", "UNHCR")


def _bar(weight: float) -> Text:
    signs = min(_WIDTH, round(abs(weight) / _MOST * _WIDTH) or int(bool(weight)))
    if weight < 0:
        return Text.assemble(" " * (_WIDTH - signs), ("█" * signs, "red"), "│")
    return Text.assemble(" " * _WIDTH, "│", ("█" * signs, "green"))


def _summary(found: Explanation) -> str:
    probable = f"Probability {found.probability:.4f}."
    if found.objection:
        return f"{probable} [red]Never accepted without a person:[/red] {found.objection}."
    if found.doubt:
        return f"{probable} [yellow]Not accepted without a person:[/yellow] {found.doubt}."
    return f"{probable} [green]Accepted by itself[/green], if nobody else of the register comes near or claims it."

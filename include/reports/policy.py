"""Headquarters' rules on persons of concern, explained for a case and replayed on past days. References, no names.

Reach for `show_rules_of` when somebody asks why a case is marked or told at once, or is not; for `replay` before a
changed rule goes into force. Neither writes to the ledger.
"""

import datetime as dt
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.arrangements.reading import in_force, load_offices, load_policy, policy_versions, version
from include.arrangements.rules import Age, Condition, Policy
from include.casework.concern import applies
from include.casework.partition import facts_of
from include.ledger import intake
from include.ledger.engine import reading
from include.ledger.intake import Partition
from include.ledger.models import Case
from include.reports.evidence import newest_of_case
from include.settings import arrangements_folder

_KEY = ["host_country", "rule", "measure", "case_id"]


def show_rules_of(case_id: str, host_country: str | None, console: Console) -> None:
    """Print which rules mean the case by its newest reconciled day, by which version, why, and what an office adds.

    raises: LookupError if the case is not known, is known in several host countries, or is not in that day's extract
    """
    with reading() as session:
        partition = newest_of_case(session, case_id, host_country)
        decided_by = intake.policies_of(session, {partition.host_country: partition.day})
        known = session.get_one(Case, (partition.host_country, case_id))
        iom_office = known.iom_office
    facts = facts_of(partition)
    of = facts[facts["case_id"] == case_id]
    if of.empty:
        raise LookupError(f"the extract of {partition} does not hold this case; it keeps what was last found")
    policy = in_force(load_policy(arrangements_folder())[0], partition.day)
    if policy is None:
        raise LookupError(f"no policy is in force on {partition.day}; python -m include check says more")
    console.print(f"{escape(case_id)} by the extracts of {partition}, by {_named(policy)}", highlight=False)
    if version(policy) != decided_by:
        other = f"version {decided_by}" if decided_by else "no policy"
        console.print(f"[yellow]That day was decided by {other}[/yellow]; a reconciliation goes by this one.")
    if not of["concerned"].iloc[0]:
        console.print("No office is told of this case, so no rule is asked about it.", highlight=False)
        return
    found = applies(of, policy).iloc[0]
    table = Table(box=SIMPLE_HEAD, header_style="bold", padding=(0, 1))
    for heading in ("rule", "applies", "measures", "means"):
        table.add_column(heading)
    for rule in policy.rules:
        applied = "[bold]yes[/bold]" if found[rule.name] else "no"
        table.add_row(rule.name, applied, " ".join(rule.measures), escape(in_words(rule.when)))
    console.print(table)
    for rule in policy.rules:
        if found[rule.name]:
            console.print(
                f"[bold]{rule.name}[/bold]: {escape(rule.why.text)} ({escape(rule.why.source)})", highlight=False
            )
            for office, measures in _added(partition, iom_office, rule.name).items():
                console.print(f"  {office} adds: {' '.join(measures)}", highlight=False)


def replay(first: dt.date, last: dt.date, file: Path | None, console: Console) -> None:
    """Print what the newest version of a policy would have done on past days, beside what was in force on each.

    file: the policy to try; None tries the newest version of the one that is here
    raises: ValueError with each problem of the file; LookupError if nothing was reconciled in that time
    """
    here, _ = load_policy(arrangements_folder())
    tried, problems = policy_versions(file, file.name) if file else (here, [])
    if problems or not tried:
        raise ValueError(
            "\n".join(map(str, problems)) or "there is no policy to try; python -m include check says more"
        )
    with reading() as session:
        partitions = intake.reconciled_between(session, first, last)
    if not partitions:
        raise LookupError(f"no day from {first} to {last} was reconciled")
    found, erased = [], []
    for partition in partitions:
        try:
            facts = facts_of(partition)
        except FileNotFoundError:
            erased.append(str(partition))
            continue
        for side, policy in (("before", in_force(here, partition.day)), ("after", tried[-1])):
            found.append(
                _asked(facts, policy).assign(host_country=partition.host_country, day=partition.day, side=side)
            )
    console.print(f"{_named(tried[-1])} on {len(partitions) - len(erased)} days of host countries, {first} to {last}")
    if erased:
        console.print(f"[yellow]Left out, their extracts are erased:[/yellow] {', '.join(erased)}", highlight=False)
    if found:
        _print_difference(beside(pd.concat(found, ignore_index=True)), console)


def beside(asked: pd.DataFrame) -> pd.DataFrame:
    """Each measure that a rule asks for a case, once: was it asked before, is it after, and since when they differ.

    asked: host_country, rule, measure, case_id, day, side (`before` or `after`)
    returns: host_country, rule, measure, case_id, before, after, day (the first on which only one side asks for it)
    """
    by_day = asked.assign(there=True).pivot_table(
        index=[*_KEY, "day"], columns="side", values="there", aggfunc="any", fill_value=False
    )
    by_day = by_day.reindex(columns=["before", "after"], fill_value=False).astype(bool).reset_index()
    by_day["differs_on"] = by_day["day"].where(by_day["before"] != by_day["after"])
    return by_day.groupby(_KEY, as_index=False).agg(
        before=("before", "any"), after=("after", "any"), day=("differs_on", "min")
    )


def _print_difference(both: pd.DataFrame, console: Console) -> None:
    gains, loses = both["after"] & ~both["before"], both["before"] & ~both["after"]
    counts = both.assign(gain=gains, lose=loses).groupby(["host_country", "rule", "measure"])
    table = Table(title="Cases", title_justify="left", box=SIMPLE_HEAD, header_style="bold")
    for heading in ("host", "rule", "measure"):
        table.add_column(heading, no_wrap=True)
    for heading in ("before", "after", "gain it", "lose it"):
        table.add_column(heading, justify="right")
    for names, row in counts[["before", "after", "gain", "lose"]].sum().iterrows():
        table.add_row(*names, *(f"{int(count):,}" for count in row))  # type: ignore[misc]
    console.print(table)
    turned = both[gains | loses].sort_values(["host_country", "case_id", "rule", "measure"])
    columns = ["host_country", "case_id", "after", "measure", "rule", "day"]
    for host, case_id, gained, measure, rule, day in turned[columns].itertuples(index=False):
        what = f"{'gains' if gained else 'loses'} {measure} by {rule}"
        console.print(f"{host} {escape(str(case_id))} {what}, from {day} on", highlight=False)
    if turned.empty:
        console.print("No case would gain or lose a measure.", highlight=False)


def _asked(facts: pd.DataFrame, policy: Policy | None) -> pd.DataFrame:
    found = applies(facts, policy)
    asked = [
        pd.DataFrame({"case_id": facts.loc[found[rule.name], "case_id"], "rule": rule.name, "measure": measure})
        for rule in (policy.rules if policy else ())
        for measure in rule.measures
    ]
    return pd.concat(asked) if asked else pd.DataFrame({"case_id": [], "rule": [], "measure": []}, dtype="str")


def _added(partition: Partition, iom_office: str | None, rule: str) -> dict[str, tuple[str, ...]]:
    """What each office that hears of the case adds to a rule."""
    offices, _ = load_offices(arrangements_folder())
    arranged = (in_force(versions, partition.day) for versions in offices.values())
    return {
        one.office: one.measures[rule]
        for one in arranged
        if one and one.covers(partition.host_country, iom_office) and rule in one.measures
    }


def _named(policy: Policy) -> str:
    return f"the policy from {policy.effective_from} (version {version(policy)})"


def in_words(condition: Condition) -> str:
    """Whom a condition means, as one line."""
    words = []
    for field in Condition.model_fields:
        value = getattr(condition, field)
        if value is None:
            continue
        if field in ("all_of", "any_of"):
            joined = (" and " if field == "all_of" else " or ").join(in_words(one) for one in value)
            words.append(f"({joined})" if len(value) > 1 else joined)
        elif field == "not_":
            words.append(f"not ({in_words(value)})")
        elif field == "age":
            words.append(_age_in_words(value))
        elif field == "final":
            words.append("final" if value else "not final")
        else:
            words.append(f"{field.replace('_', ' ')} {' or '.join(value)}")
    return " and ".join(words)


def _age_in_words(age: Age) -> str:
    bounds = [f"at least {age.at_least}"] if age.at_least is not None else []
    bounds += [f"below {age.below}"] if age.below is not None else []
    return f"age {' and '.join(bounds)}{' or unknown' if age.or_unknown else ''}"

"""Are the arrangements sound, each by itself and all together? For the staff who write them, and for the sweep."""

import datetime as dt
from collections.abc import Sequence
from itertools import groupby, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from include.arrangements.calendar import Due, due_lists
from include.arrangements.framework import PARTIES, Framework
from include.arrangements.models import Arrangement, Source
from include.arrangements.reading import (
    Problem,
    in_force,
    load_frameworks,
    load_offices,
    load_policy,
    load_review,
    load_sources,
)
from include.arrangements.rules import Policy

_SHOWN_AHEAD = dt.timedelta(days=400)


def check(folder: Path) -> list[Problem]:
    """Every problem of what stands in `folder` (offices, sources, policy, review), by file and line."""
    offices, problems = load_offices(folder)
    sources, more = load_sources(folder)
    policies, of_policy = load_policy(folder)
    _, of_review = load_review(folder)
    frameworks, of_frameworks = load_frameworks(folder)
    return sorted(
        problems
        + more
        + of_policy
        + of_review
        + of_frameworks
        + _together(offices, sources)
        + _measures(offices, policies)
        + _of_frameworks(frameworks, offices, sources)
    )


def _together(offices: dict[str, list[Arrangement]], sources: Sequence[Source]) -> list[Problem]:
    """What no file can see alone: host countries that nobody tells or pulls, offices that two others succeed."""
    problems = []
    newest = {office: versions[-1] for office, versions in offices.items()}
    told = {host for arrangement in newest.values() for host in arrangement.host_countries}
    pulled = {host: {source.kind for source in sources if source.host_country == host} for host in told}
    for host in sorted({source.host_country for source in sources} - told):
        what = f"no office is told of {host}: the practice is universal, every host country needs one"
        problems.append(Problem(f"sources/{host}.yaml", 1, host, what))
    for office, arrangement in newest.items():
        file = f"offices/{office}.yaml"
        for number, channel in enumerate(arrangement.deliver, start=1):
            if channel.seal == "password" and channel.password_by is None:
                what = "is missing: write by which way the office is told its list password, never one of its mailboxes"
                problems.append(Problem(file, 1, f"deliver.{number}.password_by", what))
        for host in arrangement.host_countries:
            if missing := {"avr_cases", "asylum_procedure"} - pulled[host]:
                what = f"sources/{host}.yaml has no entry for {' and '.join(sorted(missing))}"
                problems.append(Problem(file, 1, "host_countries", what))
    succeeded: dict[str, str] = {}
    for office, arrangement in newest.items():
        for before in arrangement.succeeds:
            if before in succeeded:
                what = f"{before} is succeeded by {succeeded[before]} already"
                problems.append(Problem(f"offices/{office}.yaml", 1, "succeeds", what))
            succeeded[before] = office
    return problems


def _of_frameworks(
    frameworks: dict[str, list[Framework]], offices: dict[str, list[Arrangement]], sources: Sequence[Source]
) -> list[Problem]:
    """What no agreement can see alone: cases that nobody pulls or that come too late, passwords, others' recipients."""
    problems = []
    taken = {channel.key: office for office, versions in offices.items() for channel in versions[-1].deliver}
    for host, versions in frameworks.items():
        newest, file = versions[-1], f"frameworks/afg/{host}.yaml"
        cases = next((one for one in sources if (one.host_country, one.kind) == (host, "avr_cases")), None)
        if cases is None:
            problems.append(Problem(file, 1, "host_country", f"sources/{host}.yaml has no entry for avr_cases"))
        elif cases.timezone == newest.timezone and newest.at <= cases.cut_off:
            what = f"is not after the cut-off of the host country's cases, {cases.cut_off:%H:%M}"
            problems.append(Problem(file, 1, "at", what))
        for party in PARTIES:
            for number, channel in enumerate(newest.party(party).deliver, start=1):
                where = f"parties.{party}.deliver.{number}"
                if channel.seal == "password" and channel.password_by is None:
                    what = "is missing: write by which way the party is told its password, never one of its mailboxes"
                    problems.append(Problem(file, 1, f"{where}.password_by", what))
                if party in ("origin", "host") and channel.key in taken:
                    what = f"is where the lists of {taken[channel.key]} go: they name who applied for asylum"
                    problems.append(Problem(file, 1, where, what))
    return problems


def _measures(offices: dict[str, list[Arrangement]], policies: Sequence[Policy]) -> list[Problem]:
    """Measures of offices for rules that headquarters has not."""
    problems = []
    rules = {rule.name for policy in policies for rule in policy.rules}
    for office, versions in offices.items():
        for rule in versions[-1].measures:
            if rule not in rules and policies:
                what = f"headquarters' policy has no such rule; it has {', '.join(sorted(rules))}"
                problems.append(Problem(f"offices/{office}.yaml", 1, f"measures.{rule}", what))
    return problems


def report(folder: Path, console: Console, of: Sequence[str] = ()) -> int:
    """Print each office (or only those `of`) in a line and every problem; returns the exit code."""
    offices, _ = load_offices(folder)
    if of:
        offices = {office: versions for office, versions in offices.items() if office in of}
    sources, _ = load_sources(folder)
    table = Table(title=f"Arrangements in {folder}", title_justify="left", header_style="bold")
    for heading in ("office", "host countries", "lists", "language", "file", "goes by", "next lists"):
        table.add_column(heading)
    today = dt.datetime.now(dt.UTC)
    for office, versions in offices.items():
        newest = versions[-1]
        coming = islice(due_lists(versions, today, today + dt.timedelta(days=60)), 3)
        table.add_row(
            office,
            " ".join(newest.host_countries),
            f"{' '.join(newest.list.days)} {newest.list.at:%H:%M}",
            newest.language,
            newest.list.format,
            ", ".join(f"{channel.via} ({channel.seal})" for channel in newest.deliver),
            ", ".join(f"{due.moment:%a %d %b}" for due in coming),
        )
    console.print(table)
    hosts = len({source.host_country for source in sources})
    console.print(f"{len(sources)} sources of {hosts} host countries")
    for host, versions_of in load_frameworks(folder)[0].items():
        agreed = versions_of[-1]
        parties = ", ".join(f"{party} {' '.join(agreed.party(party).languages)}" for party in PARTIES)
        until = f" until {agreed.until}" if agreed.until else ""
        console.print(
            f"Afghans from {host}, from {agreed.effective_from}{until}: {parties}", highlight=False, soft_wrap=True
        )
    for policy in load_policy(folder)[0]:
        rules = ", ".join(f"{rule.name} ({' '.join(rule.measures)})" for rule in policy.rules)
        console.print(f"Persons of concern from {policy.effective_from}: {rules}", highlight=False, soft_wrap=True)
    review, _ = load_review(folder)
    goes = f"to {len(review.to)} addresses" if review.to else "to nobody: it is kept in the data folder"
    console.print(f"Review of the cooperation every {review.every}, {goes}", highlight=False)
    problems = check(folder)
    if of:
        problems = [problem for problem in problems if any(office in str(problem) for office in of)]
        problems += [
            Problem(f"offices/{office}.yaml", 1, "", "there is no such file")
            for office in of
            if office not in offices and not any(office in str(problem) for problem in problems)
        ]
    for problem in problems:
        console.print(f"[red]✗[/red] {problem}", highlight=False, soft_wrap=True)
    if problems:
        console.print(f"[red]{len(problems)} to put right.[/red] Everything else is in force.")
        return 1
    console.print("[green]✓[/green] Everything is sound.")
    return 0


def print_schedule(versions: Sequence[Arrangement], start: dt.date, count: int, console: Console) -> None:
    """Print the office's next `count` lists from `start` on, a day of the office, and which days each stands for."""
    zones = list(dict.fromkeys(version.timezone for version in versions))
    beginning = dt.datetime.combine(start, dt.time(), ZoneInfo((in_force(versions, start) or versions[0]).timezone))
    coming = list(islice(due_lists(versions, beginning, beginning + _SHOWN_AHEAD), count))
    table = Table(title=f"Lists of {versions[-1].office}, by the clock of {', '.join(zones)}", title_justify="left")
    for heading in ("due", "at", "moved because"):
        table.add_column(heading, no_wrap=heading != "moved because")
    for number, due in enumerate(coming):
        table.add_row(f"{due.moment:%a %d %b %Y}", f"{due.moment:%H:%M %Z}", _moved(due))
        following = coming[number + 1] if number + 1 < len(coming) else due
        if following.moment.month != due.moment.month:
            table.add_section()
    console.print(table)
    if len(coming) < count:
        console.print(f"None further until {beginning + _SHOWN_AHEAD:%d %b %Y}.")
    for version in versions[1:]:
        if coming and version.effective_from > start:
            console.print(f"From {version.effective_from:%a %d %b %Y} by the version that begins then.")


def _moved(due: Due) -> str:
    """The planned days that the list stands for beside its own, each stretch with why it moved."""
    word = "also for" if len(due.moved) < len(due.planned) else "for"
    stretches = []
    for why, together in groupby(due.moved, key=lambda day: day[1]):
        days = [day for day, _ in together]
        span = f"{days[0]:%a %d %b}" + (f" to {days[-1]:%a %d %b} ({len(days)} lists)" if len(days) > 1 else "")
        stretches.append(f"{word} {span}: {why}")
    return "; ".join(stretches)

"""`python -m include sample`: write a made-up world to a folder.

Reach for `write` to have extracts for some days and the truth beside them, with a word on how far it is.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from include.sample.world import CASES, PROCEDURE, World

TRUTH = "truth"


def write(
    out: Path, seed: int, hosts: Sequence[str], first_day: dt.date, days: int, cases: int, register: int
) -> list[Path]:
    """Write `days` days of the world of `seed` to `{out}/{HOST}/`, and the truth to `{out}/truth/`.

    cases, register: AVR cases and procedure records of each host country on the first day
    returns: every file written
    raises: ValueError if the world is too small, or `days` is less than one
    """
    if days < 1:
        raise ValueError(f"A world has at least one day; {days} were asked for.")
    world = World(seed, hosts, first_day, cases, register)
    console = Console(stderr=True)
    table = Table(title=f"Written to {out}", title_justify="left", header_style="bold")
    for heading in ("day", "host countries", "AVR cases", "procedure records", "rows that break the contract"):
        table.add_column(heading, justify="left" if heading == "day" else "right")
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total}"))
    written: list[Path] = []
    counts: dict[dt.date, Counter[str]] = {}
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        line = progress.add_task("people", total=2 * len(hosts) * days)
        for host in hosts:
            for day in (first_day + dt.timedelta(days=number) for number in range(days)):
                counted = counts.setdefault(day, Counter())
                for kind in (CASES, PROCEDURE):
                    progress.update(line, description=f"{host} {day} {kind}")
                    extract = world.write_extract(out, host, kind, day)
                    written += [extract.file, extract.manifest]
                    counted[kind] += extract.rows
                    progress.advance(line)
                written += world.write_truth(out / TRUTH, day, [host])
                counted["broken"] += len(world.broken(host, day))
            # One host country at a time, so that memory does not grow with their number.
            world.forget(host)
    for day, counted in counts.items():
        numbers = (len(hosts), counted[CASES], counted[PROCEDURE], counted["broken"])
        table.add_row(day.isoformat(), *(f"{number:,}" for number in numbers))
    console.print(table)
    return sorted(set(written))

"""Proving an office's arrangement against its real servers, with a test message and without anybody's data.

Reach for this through `python -m include check --office OFFICE --connect`, before an office's first list and whenever
its recipient, key or host changed.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from include.arrangements.framework import PARTIES, AddressedParty
from include.arrangements.models import Addressee, Arrangement, Channel
from include.arrangements.reading import in_force, load_frameworks, load_offices
from include.connections import admitted, open_sftp, open_smtp, sealing_keys
from include.delivery.keys import SealRefused
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused
from include.lists.compose import sealed_files
from include.lists.trial import render_trial
from include.settings import arrangements_folder

GOOD, WAITS, BAD = "[green]✓[/green]", "[yellow]…[/yellow]", "[red]✗[/red]"


def prove(office: str, console: Console) -> int:
    """Print what of the office's newest arrangement holds; exit code 1 if something is wrong."""
    logging.getLogger("paramiko").setLevel(logging.WARNING)  # the table says it
    arrangement = _newest(office, dt.datetime.now(dt.UTC).date())
    if arrangement is None:
        console.print(f"[red]There is no good arrangement of {office}; python -m include check says more.[/red]")
        return 1
    table = Table(box=SIMPLE_HEAD, title=f"{arrangement.name} ({office})", title_justify="left", header_style="bold")
    for heading in ("", "channel", "what", "found"):
        table.add_column(heading, no_wrap=heading != "found", overflow="fold")
    good = True
    for channel in arrangement.deliver:
        for sign, what, found in _proofs(arrangement, channel):
            table.add_row(sign, channel.via, what, found)
            good = good and sign != BAD
    console.print(table)
    return 0 if good else 1


def _newest(code: str, today: dt.date) -> Addressee | None:
    """The office, or the party of a framework, by its arrangement in force, else by its newest."""
    if offices := load_offices(arrangements_folder())[0].get(code):
        return in_force(offices, today) or offices[-1]
    frameworks, _ = load_frameworks(arrangements_folder())
    parties = [
        AddressedParty(in_force(versions, today) or versions[-1], party)
        for versions in frameworks.values()
        for party in PARTIES
    ]
    return next((one for one in parties if one.code == code), None)


def _proofs(arrangement: Addressee, channel: Channel) -> Iterator[tuple[str, str, str]]:
    def sealed() -> str:
        now = dt.datetime.now(dt.UTC)
        probe, _, _ = render_trial(arrangement, "", now)
        sealed_files([probe], channel, sealing_keys(arrangement)[channel.key], now)
        return f"{channel.seal}: a file can be sealed for the office, and signed"

    def line() -> str:
        if channel.via == "sftp":
            with open_sftp(channel.connection) as client:
                client.listdir(channel.folder)
            return f"host key and login are right, {channel.folder} is there"
        with open_smtp(channel.connection):
            return "certificate and login are right"

    yet = [("seal", sealed), ("line", line)]
    answers = arrangement.answers.folder if isinstance(arrangement, Arrangement) else None
    if answers and channel.via == "sftp":
        yet.append(("answers", lambda: _answers(channel.connection, answers)))
    holds = True
    for what, proof in yet:
        sign, found = _outcome(proof)
        holds = holds and sign == GOOD
        yield sign, what, found
    if not holds:
        yield WAITS, "recipient", "no test message before the rest holds"
        return
    waits = admitted(arrangement, channel)
    if waits is None:
        yield GOOD, "recipient", "the test message was answered: lists may go"
    else:
        yield (WAITS if waits.startswith("waits") else BAD), "recipient", waits


def _answers(connection: str, folder: str) -> str:
    with open_sftp(connection) as client:
        client.listdir(folder)
    return f"{folder} is there"


def _outcome(proof: Callable[[], str]) -> tuple[str, str]:
    try:
        return GOOD, proof()
    except (DeliveryFailed, DeliveryRefused, SealRefused) as problem:
        return BAD, str(problem)
    except FileNotFoundError:
        return BAD, "the folder is not there"
    except PermissionError:
        return BAD, "the folder is closed to us"

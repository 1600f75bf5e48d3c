"""What a person may ask of what is held about them, on the screen of whoever does it for them.

Reach for `write_person` for their own file, `erase` when they ask to be erased, `hold` when something must be kept for
a court or a complaint. Their case id is the one word about them that is printed.
"""

import datetime as dt
import os
import re
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape

from include.extracts.contract import CASES
from include.ledger import caseload, retention
from include.ledger.engine import reading, writing
from include.lists.texts import LANGUAGES
from include.retention import person, run
from include.settings import data_folder, hashing_key


def write_person(
    case_id: str, host_country: str | None, folder: Path, language: str, now: dt.datetime, console: Console
) -> Path:
    """Write the person's own file into `folder`, for its owner alone, and print where it is.

    raises: LookupError if nothing is known of the case, or the case id is known in several host countries
    """
    if language not in LANGUAGES:
        raise ValueError(f"a language is one of {', '.join(LANGUAGES)}")
    key = hashing_key()
    with reading() as session:
        hosts = caseload.hosts_of(session, case_id)
        host = _one_host(hosts, host_country) or host_country or ""
        life = retention.life_of(session, host, case_id) if host in hosts else None
        erasures = retention.erasures_of(session, key, host, case_id)
        days = _days_of_sources(host, case_id)
        if life is None and not erasures and not days:
            where = f" in {host}" if host else "; of one that was erased, say the host country with --host"
            raise LookupError(f"nothing is held of a case of this id{where}")
        parts = person.gather(life, erasures, days, language)
    content = person.page(parts, host, case_id, language, now.date())
    name = re.sub(r"[^\w.-]+", "_", f"{host}_{case_id}_{now:%Y%m%d}_{language}.pdf")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    console.print(f"Written for the person alone: {escape(str(path))}", highlight=False, soft_wrap=True)
    return path


def erase(case_id: str, host_country: str | None, *, by: str, reason: str, now: dt.datetime, console: Console) -> None:
    """Take down that the person asks to be erased, and do it as soon as every office that was told has heard.

    raises: LookupError; retention.NotErasable, storage.StillInUse (the wish is taken down, and carried out when it can
        be); run.StillThere
    """
    with writing() as session:
        host = _known(caseload.hosts_of(session, case_id), host_country)
        retention.order(session, host, case_id, by=by, reason=reason, now=now)
        waiting = retention.offices_to_hear(session, host, case_id, now)
    if waiting:
        console.print(
            f"Taken down. Told of this case: {', '.join(waiting)}. An urgent list asks each to erase its entry; the "
            f"sweep starts that within the hour. Once they have it, retain_records erases the case by itself, the same "
            "night; or run this again.",
            highlight=False,
        )
        return
    run.erase_one(host, case_id, by=by, now=now)
    console.print("Erased, and searched for everywhere: nothing was found.", highlight=False)
    console.print(
        f"While the source in {host} still sends this registration, nothing of it is kept or told; what the source "
        "itself has is for its data owner to erase.",
        highlight=False,
    )


def hold(
    case_id: str,
    host_country: str | None,
    *,
    by: str,
    reason: str,
    lift: bool,
    now: dt.datetime,
    console: Console,
) -> None:
    """Let nothing of the case be erased, or let it be again. raises: LookupError, retention.NotErasable"""
    with writing() as session:
        host = _known(caseload.hosts_of(session, case_id), host_country)
        if lift:
            retention.lift_hold(session, host, case_id, by=by, now=now)
        else:
            retention.place_hold(session, host, case_id, by=by, reason=reason, now=now)
    console.print("No longer held." if lift else "Held: nothing of this case is erased before --lift.")


def _known(hosts: list[str], host_country: str | None) -> str:
    host = _one_host(hosts, host_country)
    if host is None:
        raise LookupError("no case has this id" + (f" in {host_country}" if host_country else ""))
    return host


def _one_host(hosts: list[str], host_country: str | None) -> str | None:
    if host_country is None and len(hosts) > 1:
        raise LookupError(f"the case id is known in {', '.join(hosts)}; say which with --host")
    found = [host for host in hosts if host_country in (None, host)]
    return found[0] if found else None


def _days_of_sources(host_country: str, case_id: str) -> list[tuple[dt.date, str]]:
    """The days whose extract of cases is kept and holds the case, a row that was set aside among them not."""
    found = []
    for path in sorted((data_folder() / "good_rows" / host_country).glob(f"*/{CASES}/*.parquet")):
        if case_id in set(pd.read_parquet(path, columns=["case_id"])["case_id"]):
            found.append((dt.date.fromisoformat(path.parts[-3]), CASES))
    return list(dict.fromkeys(found))

"""Making a party's view: from the AVR cases of a day to what is numbered, sealed and waits to be sent.

Reach for `view_due` to know whether there is one to make, and for `make_view` to make it. Of the ledger this reads the
accepted extracts of AVR cases and the series' own papers, nothing else: not a standing, a match or a reconciliation.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from zoneinfo import ZoneInfo

import pandas as pd

from include.arrangements.framework import AddressedParty, CountingParty, Framework, NamingParty, PartyName
from include.arrangements.framework_days import DueView, agreement_on, due_views, next_view
from include.arrangements.models import Channel
from include.arrangements.reading import load_frameworks, version
from include.casework import afghan_framework as rules
from include.delivery.keys import SealingKey
from include.delivery.send import BeingSent, give_up
from include.extracts.contract import CASES
from include.extracts.partition import good_rows, rows_judged_by
from include.ledger import intake, papers
from include.ledger.engine import reading, writing
from include.ledger.intake import Partition
from include.ledger.models import Extract, Paper
from include.ledger.outbox import NotVoidable
from include.ledger.sending import Parcel
from include.lists.compose import sealed_files
from include.lists.document import Contact
from include.reports.framework.document import View, render
from include.reports.framework.texts import email_for
from include.settings import arrangements_folder

KIND = "afghan_framework"
FRESH = dt.timedelta(days=3)
"""How old the cases may be that a view tells of. Older ones would name who has long changed their mind."""


class NothingToSend(LookupError):
    """No view is to be made; the message says why, and names nobody."""


class NoCases(LookupError):
    """The cases that a view would tell of are not in, or too old."""


def agreements_with(host_country: str) -> list[Framework]:
    """The versions of the agreement on Afghans from a host country, oldest first.

    raises: NothingToSend if there is none that loads
    """
    versions = load_frameworks(arrangements_folder())[0].get(host_country)
    if not versions:
        raise NothingToSend(
            f"there is no good agreement on Afghans from {host_country}, see python -m include check: nothing is sent"
        )
    return versions


def view_due(versions: Sequence[Framework], due_at: dt.datetime) -> tuple[Framework, DueView]:
    """The agreement in force at a due moment, and the days that its views then tell of.

    versions: of one host country, oldest first
    raises: NothingToSend if no agreement is in force, or the view is overtaken by the next one already
    """
    host = versions[-1].host_country
    day = due_at.astimezone(ZoneInfo(versions[-1].timezone)).date()
    agreement = agreement_on(versions, day)
    if agreement is None:
        raise NothingToSend(f"no agreement on Afghans from {host} is in force on {day}: nothing is sent to any party")
    due = next(iter(due_views(versions, due_at, due_at + dt.timedelta(microseconds=1))), None)
    if due is None:
        raise NothingToSend(f"by the agreement on Afghans from {host} no view is due on {day}: nothing is sent")
    following = next_view(versions, due_at)
    with reading() as session:
        newest = intake.newest_extract(session, host, CASES, dt.date.max)
    if following and newest and newest.day >= following.astimezone(ZoneInfo(agreement.timezone)).date():
        raise NothingToSend(f"the view of {day} is overtaken: the cases of the next one are in; nothing is sent")
    return agreement, due


def cases_are_in(host_country: str, day: dt.date) -> bool:
    """Whether the AVR cases of the host country's `day` are in."""
    with reading() as session:
        return intake.extract_in_force(session, Partition(host_country, day), CASES) is not None


def make_view(
    agreement: Framework, party: PartyName, due: DueView, keys: Mapping[str, SealingKey], now: dt.datetime
) -> str:
    """The number of the party's view that is due; made once, whatever comes of the day's cases afterwards.

    A view before it that nobody has yet is given up: it may name who objects since.
    keys: what seals and signs for each channel of the party, by channel key
    raises: NoCases; SealRefused if a channel's key is not what the agreement recorded. Then nothing is numbered or
        stored.
    """
    to = AddressedParty(agreement, party)
    with reading() as session:
        made = papers.paper_of(session, to.series, due.first, due.last)
        extract = intake.newest_extract(session, agreement.host_country, CASES, due.first)
    if made is None:
        if extract is None or extract.day < due.first - FRESH:
            raise NoCases(f"no AVR cases of {agreement.host_country} of {due.first} or the three days before are in")
        number = _make(to, due, extract, keys, now)
    else:
        number = made.number_text
    with reading() as session:
        unsent = papers.unsent(session, to.series)
    for older in unsent:
        if older != number:
            # Being sent at this moment, or just arrived: then the new one follows it.
            with suppress(BeingSent, NotVoidable):
                give_up(older, "replaced by the next view", now)
    return number


def _make(to: AddressedParty, due: DueView, extract: Extract, keys: Mapping[str, SealingKey], now: dt.datetime) -> str:
    agreement = to.framework
    cases = rows_judged_by(Partition(extract.host_country, extract.day), extract, rules.COLUMNS)
    figures, rows, named = _told(to, due, cases, extract)
    with writing() as session:
        papers.lock_series(session, to.series)
        if (made := papers.paper_of(session, to.series, due.first, due.last)) is not None:
            return made.number_text
        year = max(due.first.year, papers.newest_year(session, to.series))
        number, number_text = papers.next_number(session, to.series, year)
        view = View(
            number=number_text,
            party=to.party,
            party_name=to.name,
            host_country=agreement.host_country,
            agreement=agreement.agreement,
            language=to.languages[0],
            made_on=due.first,
            first=due.first,
            last=due.last,
            as_of=extract.day,
            contact=Contact(**agreement.contact.model_dump()),
            figures=figures,
            rows=rows,
        )
        sealed = Paper(
            series=to.series,
            addressee=to.code,
            year=year,
            number=number,
            number_text=number_text,
            kind=KIND,
            state="sealed",
            period_from=due.first,
            period_to=due.last,
            content={"as_of": extract.day.isoformat()},
            arrangement_version=version(agreement),
            sealed_at=now,
        )
        parcels = [_parcel(view, to, channel, keys[channel.key], now) for channel in to.deliver]
        papers.store_paper(session, sealed, parcels, [(agreement.host_country, case) for case in named])
        return number_text


def _told(
    to: AddressedParty, due: DueView, cases: pd.DataFrame, extract: Extract
) -> tuple[dict[str, int], pd.DataFrame, list[str]]:
    """What the party is told: figures by name, rows, and the case ids of those whom it names."""
    arranged = to.arranged
    told = rules.told_by_name(cases, due.first, due.last)
    if isinstance(arranged, NamingParty):
        rows = rules.people_named(told, [column.column for column in arranged.columns])
        return {"people": len(rows)}, rows, list(told["case_id"])
    if isinstance(arranged, CountingParty):
        arrivals = rules.arrivals(cases, extract.day, arranged.places_of_at_least)
        return {"arrivals": int(arrivals["arrivals"].sum()), "expected": len(told)}, arrivals, []
    whole = good_rows(Partition(extract.host_country, extract.day), extract, ["case_id", "vulnerabilities"])
    rows = rules.operations(cases, whole.set_index("case_id")["vulnerabilities"], due.first, due.last)
    return {"people": len(rows)}, rows, list(rows["case_id"])


def _parcel(view: View, to: AddressedParty, channel: Channel, key: SealingKey, now: dt.datetime) -> Parcel:
    """A file in each language of the party, that of its first language last: its arrival is the view's."""
    rendered = [file for language in to.languages for file in render(view.in_language(language), to.file_format)]
    files = sealed_files(rendered, channel, key, now)
    subject, body = email_for(view)
    return Parcel(
        channel=channel.key,
        cover={"subject": subject, "body": body} if channel.via == "email" else {},
        files=tuple((file.name, file.content, file.sha256) for file in files),
    )

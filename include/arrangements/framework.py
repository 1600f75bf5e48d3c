"""The shape of an agreement on Afghans who return from one host country outside the region.

Reach for this to see which settings `frameworks/afg/{HOST}.yaml` has. When views go is in `framework_days`, and what
each party is told is decided in `include.casework.afghan_framework`. The texts of the fields are what staff read in
their editor.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from include.arrangements.models import (
    WEEKDAYS,
    Channel,
    Clock,
    Contact,
    CountryCode,
    Days,
    InDays,
    InMinutes,
    Model,
    Timezone,
    Weekday,
    check_recipients_differ,
    passwords_go_another_way,
)

ORIGIN = "AFG"
ALWAYS_IN_THE_REGION = frozenset({"IRN", "PAK"})
PartyName = Literal["origin", "host", "unhcr", "iom"]
PARTIES: tuple[PartyName, ...] = ("origin", "host", "unhcr", "iom")
Language = Literal["en", "fr", "es", "ar", "ru", "el", "de", "prs", "ps"]


class NamedColumn(Model):
    """A column beyond name and expected departure, with what allows it.

    Parents are not among them: a child's row would name a father or mother who objects to being named.
    """

    column: Literal["name_original_script", "date_of_birth", "sex", "destination_place"]
    legal_basis: str = Field(min_length=10, description="The article or law that allows it, so that others can look")


class Party(Model):
    """Who gets a view, in which languages and form, and where it goes."""

    name: str = Field(min_length=3, description="As its views say it")
    languages: tuple[Language, ...] = Field(
        min_length=1, description="A file in each: en, fr, es, ar, ru, el, de, prs (Dari), ps (Pashto)"
    )
    format: Literal["xlsx", "csv", "pdf"] = "xlsx"
    deliver: tuple[Channel, ...] = Field(min_length=1, description="Where its views go; each is a queue of its own")

    @model_validator(mode="after")
    def _recipients_are_sound(self) -> "Party":
        passwords_go_another_way(self.deliver)
        check_recipients_differ(self.deliver)
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("languages names one twice")
        return self


class NamingParty(Party):
    """A party that is told names and expected departures of those who are booked."""

    columns: tuple[NamedColumn, ...] = Field((), description="Beyond name and expected departure")


class CountingParty(Party):
    """UNHCR, that is told numbers alone."""

    places_of_at_least: int = Field(
        5, ge=1, description="A place with fewer arrivals than this is counted among the other places"
    )


class Parties(Model):
    """The four of the framework."""

    origin: NamingParty = Field(description="Afghanistan")
    host: NamingParty = Field(description="The host country")
    unhcr: CountingParty
    iom: Party


class Periods(Model):
    """Views on days of the week, each of the days ahead."""

    days: tuple[Weekday, ...] = Field(min_length=1, description="Days of the week on which views go")
    ahead: InDays = Field(Days(days=14), description="How many days ahead a view tells of")


class Flights(Model):
    """Views before each flight, each of everybody who leaves until that flight."""

    dates: tuple[dt.date, ...] = Field(min_length=1, description="Days on which they leave")
    days_before: tuple[Annotated[int, Field(ge=0, le=60)], ...] = Field(
        (7, 1), min_length=1, description="How many days before each flight a view goes"
    )


class Framework(Model):
    """What Afghanistan, one host country, UNHCR and IOM have agreed: one file, `frameworks/afg/{HOST}.yaml`.

    A file may hold several versions with `---` between them; the newest whose `effective_from` has come is in force,
    until its last day.
    """

    host_country: CountryCode = Field(description="Where the people return from")
    agreement: str = Field(min_length=10, description="The agreement's name and day, as its views say it")
    region: tuple[CountryCode, ...] = Field(
        description="The countries of the region: the framework is for Afghans from outside of it"
    )
    timezone: Timezone
    periods: Periods | None = Field(None, description="Views on days of the week; or, instead, flights")
    flights: Flights | None = Field(None, description="Views before each flight; or, instead, periods")
    at: Clock = Field(description='Time of day at which views go, in quotes: "14:00"; after the cut-off of the cases')
    wait: InMinutes = Field(
        dt.timedelta(minutes=60), description="How long a view waits for the day's cases before it goes without them"
    )
    parties: Parties
    contact: Contact = Field(description="Whom the parties call at IOM")
    effective_from: dt.date = Field(description="The first day on which this version is in force")
    until: dt.date | None = Field(None, description="The last day on which it is in force; empty: no end is agreed")

    @model_validator(mode="after")
    def _from_outside_the_region(self) -> "Framework":
        if missing := sorted(ALWAYS_IN_THE_REGION - set(self.region)):
            raise ValueError(
                f"region lacks {' and '.join(missing)}: Iran and Pakistan are the region; write [IRN, PAK]"
            )
        if self.host_country in {*self.region, ORIGIN}:
            raise ValueError(f"{self.host_country} is no host country outside the region: the framework is not for it")
        return self

    @model_validator(mode="after")
    def _is_due_some_day(self) -> "Framework":
        if (self.periods is None) == (self.flights is None):
            raise ValueError("write either periods or flights")
        if self.until and self.until < self.effective_from:
            raise ValueError("until lies before effective_from")
        return self

    @model_validator(mode="after")
    def _parties_do_not_share_a_recipient(self) -> "Framework":
        keys = [key for party in PARTIES for key in {channel.key for channel in self.party(party).deliver}]
        if len(set(keys)) != len(keys):
            raise ValueError("two parties have the same recipient: each gets what is its own, where it alone reads it")
        return self

    @property
    def code(self) -> str:
        """What its parties' codes and numbers begin with."""
        return f"{ORIGIN}-{self.host_country}"

    def party(self, name: str) -> Party:
        """One of the four, by a name of PARTIES."""
        found: Party = getattr(self.parties, name)
        return found

    def covers_until(self, day: dt.date) -> dt.date | None:
        """The last day that a view due on `day` tells of; None where none is due."""
        if self.periods:
            due = WEEKDAYS[day.weekday()] in self.periods.days
            return day + dt.timedelta(days=self.periods.ahead.days) if due else None
        assert self.flights is not None  # noqa: S101  (for the type checker: checked above)
        told = [date for date in self.flights.dates if (date - day).days in self.flights.days_before]
        return max(told, default=None)


@dataclass(frozen=True)
class AddressedParty:
    """A party as an `Addressee`: `AFG-GRC-origin`. Its views are numbered by themselves, in `series`."""

    framework: Framework
    party: PartyName

    @property
    def arranged(self) -> Party:
        return self.framework.party(self.party)

    @property
    def code(self) -> str:
        return f"{self.framework.code}-{self.party}"

    @property
    def series(self) -> str:
        return f"{self.framework.code}/{self.party}"

    @property
    def name(self) -> str:
        return self.arranged.name

    @property
    def languages(self) -> tuple[Language, ...]:
        """Of its views."""
        return self.arranged.languages

    @property
    def language(self) -> str:
        """Of its test message, for which there are no words in Dari and Pashto."""
        return next((one for one in self.arranged.languages if one not in ("prs", "ps")), "en")

    @property
    def deliver(self) -> tuple[Channel, ...]:
        return self.arranged.deliver

    @property
    def whom_to_call(self) -> Contact:
        return self.framework.contact

    @property
    def file_format(self) -> str:
        return self.arranged.format

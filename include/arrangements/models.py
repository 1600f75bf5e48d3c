"""The shape of an office's arrangement and of a source's entry. Everything an editor or `check` tells comes from here.

Reach for this to see which settings there are and what each allows. Reading them is in `reading`, their days in
`calendar`. The texts of the fields are what staff read in their editor.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal, Protocol
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    WithJsonSchema,
    model_validator,
)

from include.extracts.countries import ISO_3166, KOSOVO

EXTRA_COLUMNS = (
    "case_id",
    "asylum_reference",
    "unhcr_reference",
    "date_of_birth",
    "sex",
    "nationality",
    "destination_country",
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Model(BaseModel):
    """What people write in a file: nothing that is not a setting, and nothing that changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class WorkingDays(Model):
    """A number of working days of the office."""

    days: int


class Days(Model):
    """A number of calendar days."""

    days: int


class Closure(Model):
    """Days on which the office is closed, both included."""

    first: dt.date
    last: dt.date


def _parsed(pattern: str, build: Any, allowed: str) -> BeforeValidator:
    def parse(value: Any) -> Any:
        if isinstance(value, (BaseModel, dt.timedelta, dt.time)):
            return value
        # YAML reads a single day as a date by itself.
        found = re.fullmatch(pattern, str(value).strip()) if isinstance(value, (str, dt.date)) else None
        if not found:
            raise ValueError(allowed)
        return build(*found.groups())

    return BeforeValidator(parse)


def _text(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": [example]})


def _closure(first: str, last: str | None) -> Closure:
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
    if end < start:
        raise ValueError("a closure ends before it begins; write FIRST..LAST")
    return Closure(first=start, last=end)


# Each call walks the folders of all timezones; a file of sources asks for each of its entries.
_known_timezones = cache(available_timezones)


def _timezone(name: str) -> str:
    if name not in _known_timezones():
        raise ValueError("not a timezone; write a name such as Europe/Athens")
    return name


def _country_with_holidays(code: str) -> str:
    # An unknown one would stop the timetable, and with it the DAGs of every office.
    if code not in ISO_3166 and code != KOSOVO:
        raise ValueError("not a country; write its three letters, such as GRC")
    return code


_WORKING_DAYS = r"(\d+) working days?"
InWorkingDays = Annotated[
    WorkingDays,
    _parsed(_WORKING_DAYS, lambda days: WorkingDays(days=int(days)), "write a number of working days: 5 working days"),
    _text(_WORKING_DAYS, "5 working days"),
]
_DAYS = r"(\d+) days(?: after last news)?"
InDays = Annotated[
    Days,
    _parsed(_DAYS, lambda days: Days(days=int(days)), "write a number of days: 90 days"),
    _text(_DAYS, "90 days"),
]
_MINUTES = r"(\d+) minutes?"
InMinutes = Annotated[
    dt.timedelta,
    _parsed(_MINUTES, lambda number: dt.timedelta(minutes=int(number)), "write a number of minutes: 30 minutes"),
    _text(_MINUTES, "30 minutes"),
]
_CLOSURE = r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?"
InClosure = Annotated[
    Closure,
    _parsed(_CLOSURE, _closure, "write a day, or the first and last day: 2026-12-24..2027-01-02"),
    _text(_CLOSURE, "2026-12-24..2027-01-02"),
]
_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
Clock = Annotated[
    dt.time,
    # Without its quotes YAML reads 09:00 as the number 540.
    _parsed(_CLOCK, lambda h, m: dt.time(int(h), int(m)), 'write a time of day in quotes: "09:00"'),
    _text(_CLOCK, "09:00"),
]
Timezone = Annotated[str, AfterValidator(_timezone), Field(examples=["Europe/Athens"])]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 3166-1 alpha-3", examples=["GRC"])]
HolidayCountry = Annotated[CountryCode, AfterValidator(_country_with_holidays)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", examples=["protection.athens@unhcr.example"])]
ConnectionId = Annotated[
    str, Field(pattern=r"^[a-z0-9_]+$", description="An Airflow connection", examples=["sftp_grc_ath"])
]


class ExtraColumn(Model):
    """A column beyond names and dates. The letter asks for no more, so more needs a legal basis."""

    column: Literal[
        "case_id",
        "asylum_reference",
        "unhcr_reference",
        "date_of_birth",
        "sex",
        "nationality",
        "destination_country",
    ]
    legal_basis: str = Field(min_length=10, description="The law or agreement that allows it, so that others can look")


class ListSettings(Model):
    """When the office's lists are due and what they hold."""

    days: tuple[Weekday, ...] = Field(min_length=1, description="Days of the week on which a list is due")
    at: Clock = Field(description='Time of day in the office\'s timezone, in quotes: "09:00"')
    holidays: HolidayCountry | None = Field(
        None, description="Public holidays of this country: a list due on one moves to the working day before"
    )
    workweek: tuple[Weekday, ...] | None = Field(
        None, min_length=1, description="Working days of the week where they are not those of the country of `holidays`"
    )
    urgent_within: InWorkingDays = Field(
        WorkingDays(days=5), description="A departure nearer than this is told by an urgent list"
    )
    no_show_grace: InWorkingDays = Field(
        WorkingDays(days=2), description="How long a no-show may take to be booked again before it is cancelled"
    )
    review_within: InWorkingDays = Field(
        WorkingDays(days=3),
        description="How long the first notice of a case waits for a person where a rule says `review`; then it goes, "
        "marked, and earlier where the departure would be told too late",
    )
    wait: InMinutes = Field(
        dt.timedelta(minutes=30),
        description="How long a list that is due waits for the day's reconciliation before it goes with what is known",
    )
    when_empty: Literal["skip", "send"] = Field("skip", description="Whether a list without entries is sent")
    undated: bool = Field(False, description="Whether intentions without a departure date are told")
    closures: tuple[InClosure, ...] = Field((), description="Days on which the office is closed")
    format: Literal["xlsx", "csv", "pdf"] = Field(
        "xlsx", description="xlsx, csv, or pdf for an office that answers by phone or letter: no machine reads it back"
    )
    columns: tuple[ExtraColumn, ...] = Field((), description="Columns beyond the default, each with its legal basis")


class RejectedSettings(Model):
    """When the office gets the summary of rejected asylum seekers: volumes, no names."""

    every: Literal["month", "quarter", "never"] = Field(
        default="month",
        description="Offices that hear of the same cases get the same one: quarterly where one of them says so",
    )
    working_day: int = Field(
        default=3,
        ge=1,
        le=20,
        description="The office's working day, counted from the period's end, on which it is due",
    )
    at: Clock = Field(default=dt.time(11), description='Time of day in the office\'s timezone, in quotes: "11:00"')
    threshold: int = Field(default=5, ge=5, description="No smaller figure is told; headquarters' minimum is 5")
    formats: tuple[Literal["xlsx", "pdf"], ...] = Field(default=("xlsx", "pdf"), min_length=1, description="Its files")


class Proportion(Model):
    """Beyond which a list waits for a person's approval. So does an office's first list."""

    at_least: int = Field(default=10, ge=0, description="No more entries, or CANCELLED, are never too many")
    cancelled_share: float = Field(default=0.2, gt=0, le=1, description="Share of open entries that a list may cancel")
    times_largest: float = Field(default=3, ge=1, description="How many times its largest list of 90 days it may be")
    missing_share: float = Field(default=0.1, gt=0, le=1, description="Share of a country's open cases that may vanish")
    answer_within: InMinutes = Field(
        default=dt.timedelta(hours=4),
        description="How long a scheduled list waits before IOM's focal point is asked again",
    )
    answer_urgent_within: InMinutes = Field(
        default=dt.timedelta(minutes=30),
        description="How long an urgent list waits before IOM's focal point is asked again",
    )


def _fingerprint(value: str) -> str:
    compact = re.sub(r"\s", "", value).upper()
    if not re.fullmatch(r"[0-9A-F]{40}", compact):
        raise ValueError("a fingerprint has 40 hexadecimal digits; spaces do not matter")
    return compact


Fingerprint = Annotated[str, AfterValidator(_fingerprint), Field(description="Of the office's OpenPGP key")]
_NEEDED_BY_SEAL = {
    "pgp": ("fingerprint", "the fingerprint of the office's key"),
    "age": ("recipient", "the office's recipient: age1…"),
    "password": ("password_by", "the other way by which the office is told the password"),
}


class _Channel(Model):
    connection: ConnectionId
    fingerprint: Fingerprint | None = None
    recipient: str | None = Field(
        None, pattern=r"^age1[02-9ac-hj-np-z]{58}$", description="The office's age recipient, for seal: age"
    )
    password_by: str | None = Field(
        None,
        min_length=8,
        description="By which way the office is told its list password; never a mailbox that gets the lists",
        examples=["telephone, +30 210 000 0000, the head of protection"],
    )
    rotate_after: InDays = Field(Days(days=180), description="How old a list password may get before it seals no more")

    @model_validator(mode="after")
    def _has_what_its_seal_needs(self) -> "_Channel":
        given = {seal for seal, (setting, _) in _NEEDED_BY_SEAL.items() if getattr(self, setting) is not None}
        needed: set[str] = {getattr(self, "seal", "none")} & set(_NEEDED_BY_SEAL)
        # An arrangement without `password_by` loads, so that its office is told; `check` and *watch* ask for it.
        for seal in sorted(needed - given - {"password"}):
            setting, what = _NEEDED_BY_SEAL[seal]
            raise ValueError(f"seal: {seal} needs {what}; write `{setting}`")
        for seal in sorted(given - needed):
            raise ValueError(f"`{_NEEDED_BY_SEAL[seal][0]}` goes with seal: {seal} alone")
        return self


class SftpChannel(_Channel):
    """The office's folder on an SFTP server."""

    via: Literal["sftp"]
    folder: str = Field(pattern=r"^/", description="Folder on the server, from its root", examples=["/lists"])
    seal: Literal["none", "pgp", "password", "age"] = Field(description="none, pgp, password or age")

    @property
    def key(self) -> str:
        """A name for this queue that says nothing of a person."""
        return f"sftp:{self.connection}:{self.folder}"


class EmailChannel(_Channel):
    """A mailbox of the office. Personal data never leaves by email unsealed."""

    via: Literal["email"]
    to: tuple[Email, ...] = Field(min_length=1)
    seal: Literal["pgp", "password", "age"] = Field(
        description="pgp, password or age: personal data never leaves by email unsealed"
    )

    @property
    def key(self) -> str:
        """A name for this queue; recipients are told apart without being named."""
        recipients = hashlib.sha256("\n".join(sorted(self.to)).lower().encode()).hexdigest()[:8]
        return f"email:{self.connection}:{recipients}"


Channel = Annotated[SftpChannel | EmailChannel, Discriminator("via")]


class Answers(Model):
    """Where the office's answers come from, and who is reminded."""

    folder: str | None = Field(None, pattern=r"^/", description="Folder on the server of its SFTP channel")
    mailbox: ConnectionId | None = Field(
        None, description="IOM's mailbox, an IMAP connection, that its replies come to"
    )
    senders: tuple[Email, ...] = Field(
        (), description="Who may answer by email; empty: the addresses that get its lists or its reminders"
    )
    sealed: Literal["never", "email", "always"] = Field(
        "email", description="By which door an answer must be sealed; one that is not is read all the same, and told"
    )
    within: InWorkingDays = Field(
        WorkingDays(days=3), description="How long it may take to say that it has a list; then it is reminded"
    )
    close_within: InDays = Field(
        Days(days=30), description="How long after a departure was told its record may stay open; then it is reminded"
    )
    remind: tuple[Email, ...] = Field((), description="Whom at the office reminders go to; empty: none go, IOM is told")
    escalate: tuple[Email, ...] = Field(min_length=1, description="IOM's focal point")


class Contact(Model):
    """Whom the office calls at IOM."""

    name: str
    email: Email
    phone: str = ""


class Retention(Model):
    """When personal data is erased."""

    after_departure: InDays = Days(days=90)
    without_departure: InDays = Days(days=365)
    registers: InDays = Days(days=7)


def _mailbox(address: str) -> str:
    """The mailbox behind an address: mail to `name+anything` arrives with `name`."""
    name, _, domain = address.lower().strip(".").rpartition("@")
    return f"{name.partition('+')[0]}@{domain}"


def passwords_go_another_way(channels: Sequence[SftpChannel | EmailChannel]) -> None:
    """raises: ValueError if a channel's password goes to a mailbox that gets what it opens"""
    mailboxes = {_mailbox(to) for channel in channels if channel.via == "email" for to in channel.to}
    for channel in channels:
        named = re.findall(r"[^\s,;:<>()]+@[^\s,;:<>()]+", channel.password_by or "")
        if mailboxes & {_mailbox(address) for address in named}:
            raise ValueError(
                "password_by names a mailbox that gets the lists: who opens it would have list and password; "
                "write another way, such as a telephone number"
            )


def check_recipients_differ(channels: Sequence[SftpChannel | EmailChannel]) -> None:
    """raises: ValueError if two channels lead to one recipient"""
    keys = [channel.key for channel in channels]
    if len(set(keys)) != len(keys):
        raise ValueError("deliver names the same recipient twice")


class Addressee(Protocol):
    """Who is sent something: an office by its arrangement, or whoever else has a code, a language and channels."""

    @property
    def code(self) -> str:
        """Under which its addresses are known, its keys are found, and its numbers begin."""

    @property
    def name(self) -> str: ...

    @property
    def language(self) -> str: ...

    @property
    def deliver(self) -> tuple[Channel, ...]: ...

    @property
    def whom_to_call(self) -> Contact: ...

    @property
    def file_format(self) -> str:
        """The format that it is used to open: its test message is a workbook for xlsx, else a text."""


class Arrangement(Model):
    """What one UNHCR office has arranged with IOM: one file, `offices/{OFFICE}.yaml`.

    A file may hold several versions with `---` between them; the newest whose `effective_from` has come is in force.
    """

    office: str = Field(pattern=r"^[A-Z]{3}-[A-Z0-9]{2,8}$", description="The office's code", examples=["GRC-ATH"])
    name: str = Field(min_length=3, description="The office's name, as its lists say it")
    host_countries: tuple[CountryCode, ...] = Field(
        min_length=1, description="The host countries whose cases it hears of"
    )
    iom_offices: tuple[str, ...] = Field((), description="Only cases of these IOM offices; empty: all of them")
    timezone: Timezone
    language: Literal["en", "fr", "es", "ar", "ru", "el", "de"] = Field(description="Language of its lists")
    list: ListSettings
    rejected: RejectedSettings = RejectedSettings()
    consent: Literal["recorded", "required"] = Field(
        description="required: nobody is listed who has not agreed that UNHCR is told"
    )
    deliver: tuple[Channel, ...] = Field(min_length=1, description="Where its lists go; each is a queue of its own")
    answers: Answers
    contact: Contact | None = None
    retention: Retention = Retention()
    proportion: Proportion = Proportion()
    measures: dict[str, tuple[Literal["flag", "urgent", "review"], ...]] = Field(
        {},
        description="For rules of headquarters' policy, by name: measures beyond its own. It takes none away",
    )
    succeeds: tuple[str, ...] = Field((), description="Offices whose told state this one takes over")
    effective_from: dt.date = Field(description="The first day on which this version is in force")

    @model_validator(mode="after")
    def _channels_are_sound(self) -> "Arrangement":
        passwords_go_another_way(self.deliver)
        check_recipients_differ(self.deliver)
        return self

    @model_validator(mode="after")
    def _folder_is_somewhere(self) -> "Arrangement":
        if self.answers.folder and not any(channel.via == "sftp" for channel in self.deliver):
            raise ValueError("answers.folder is on the server of an SFTP channel, and deliver has none; use a mailbox")
        return self

    def covers(self, host_country: str, iom_office: str | None) -> bool:
        """Whether the office hears of a case of this host country and IOM office."""
        return host_country in self.host_countries and (not self.iom_offices or iom_office in self.iom_offices)

    @property
    def senders(self) -> frozenset[str]:
        """The addresses, in small letters, whose emails are this office's answers."""
        mailboxes = [to for channel in self.deliver if channel.via == "email" for to in channel.to]
        return frozenset(one.lower() for one in self.answers.senders or (*mailboxes, *self.answers.remind))

    @property
    def answers_server(self) -> str | None:
        """The SFTP connection on whose server its answers' folder is; None where it has none."""
        servers = [channel.connection for channel in self.deliver if channel.via == "sftp"]
        return servers[0] if servers and self.answers.folder else None

    @property
    def whom_to_call(self) -> Contact:
        """The contact that its lists name."""
        return self.contact or Contact(name="IOM", email=self.answers.escalate[0])

    @property
    def code(self) -> str:
        """As an `Addressee` has it."""
        return self.office

    @property
    def file_format(self) -> str:
        """As an `Addressee` has it."""
        return self.list.format


class Source(Model):
    """Where the extract of one host country and kind comes from."""

    host_country: CountryCode
    kind: Literal["avr_cases", "asylum_procedure"]
    url: str = Field(
        description="What Airflow's ObjectStoragePath opens; {HOST} and {YYYYMMDD} are filled in",
        examples=["sftp:///extracts/{HOST}/avr_cases_{HOST}_{YYYYMMDD}.csv"],
    )
    connection: ConnectionId | None = Field(None, description="The Airflow connection; none for file://")
    at: Clock = Field(description='When the pull begins, in quotes: "06:00"')
    cut_off: Clock = Field(description="When it gives up, later on the same day")
    timezone: Timezone
    manifest: Literal["required", "none"] = Field(
        "required", description="none: a file that lost more than may_lose waits for a person"
    )
    may_lose: float = Field(0.1, ge=0, lt=1, description="Share of rows a day may lose where there is no manifest")
    data_owner: Email
    iom_focal_point: Email

    @model_validator(mode="after")
    def _sound(self) -> "Source":
        unknown = set(re.findall(r"\{([^}]*)\}", self.url)) - {"HOST", "YYYYMMDD"}
        if unknown:
            raise ValueError(f"url has unknown placeholders {sorted(unknown)}; allowed: {{HOST}}, {{YYYYMMDD}}")
        if "{YYYYMMDD}" not in self.url:
            raise ValueError("url does not name the day; put {YYYYMMDD} into it")
        if self.cut_off <= self.at:
            raise ValueError("cut_off is not after at")
        if self.url.startswith("sftp://") and not self.url.startswith("sftp:///"):
            raise ValueError("an SFTP url names no host: it is the connection's; write sftp:///folder/file")
        if not self.url.startswith("file://") and self.connection is None:
            raise ValueError("a url that is not file:// needs a connection")
        return self

    def url_for(self, day: dt.date) -> str:
        """The address of the file of `day`."""
        return self.url.replace("{HOST}", self.host_country).replace("{YYYYMMDD}", f"{day:%Y%m%d}")


class CooperationReview(Model):
    """To whom the review of the cooperation goes, and how often: `review.yaml`. It names nobody who is on a list."""

    every: Literal["month", "quarter", "year"] = Field(
        default="quarter", description="Which periods it is made of, each in the first days of the next"
    )
    to: tuple[Email, ...] = Field(
        default=(), description="At both headquarters; empty: it is kept in the data folder alone"
    )
    connection: ConnectionId = Field(default="smtp_avr", description="The Airflow connection of its mail server")

"""What the ledger holds. The constraints guard in the database what must never happen, whatever the code does.

Two lists with one number, an entry twice on a list, the same notice of an entry on two lists, two open matches of one
case, two decisions in force on one pair, a told notice without a list, two papers of one series for one period: each
is refused by the database itself.
"""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

STANDINGS = (
    "pending",
    "rejected",
    "recognised",
    "withdrawn_claim",
    "not_in_procedure",
    "review",
    "awaiting_consent",
    "unusable",
)
NOTICES = ("NEW", "CHANGED", "CANCELLED", "DEPARTED")
REASONS = (
    "",
    "date_moved",
    "name_corrected",
    "stays",
    "closed",
    "no_show",
    "notified_in_error",
    "other_office",
    "consent_withdrawn",
    "departure_corrected",
)
CASE_STATUSES = ("registered", "booked", "departed", "withdrawn", "no_show", "closed")
OPEN_STATUSES = ("registered", "booked", "no_show")
"""The statuses of a case whose person has not left and has not stayed."""
KINDS = ("avr_cases", "asylum_procedure")
ERASED_FOR = ("retention", "request")
REVIEW_DECISIONS = ("accept", "reject", "reopen")
LIST_KINDS = ("scheduled", "urgent")
RESPONSE_OUTCOMES = ("read", "partly", "refused", "unsettled", "receipt", "letter", "stranger")


def _one_of(column: str, allowed: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in allowed)})"


def _unique_where(name: str, *columns: str, where: str) -> Index:
    """Within a host country, unique among the rows that satisfy `where`."""
    condition = text(where)
    return Index(name, "host_country", *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


class Moment(TypeDecorator[dt.datetime]):
    """A moment in UTC. SQLite keeps no offset, so it is put back on the way out; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment in the ledger needs its offset")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own form)
        dt.datetime: Moment,
        dt.date: Date,
        str: Text,
        dict[str, Any]: JSON,
        list[str]: JSON,
    }


class Extract(Base):
    """One accepted file of one source and day. `turn` rises with each acceptance; the highest of a day is in force."""

    __tablename__ = "extract"

    id: Mapped[int] = mapped_column(primary_key=True)
    host_country: Mapped[str] = mapped_column(String(3))
    day: Mapped[dt.date]
    kind: Mapped[str] = mapped_column(String(20))
    sha256: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str]
    row_count: Mapped[int]
    good_count: Mapped[int]
    quarantined_count: Mapped[int]
    turn: Mapped[int]
    accepted_at: Mapped[dt.datetime]

    __table_args__ = (
        # The same bytes twice are one extract.
        UniqueConstraint("host_country", "day", "kind", "sha256"),
        UniqueConstraint("host_country", "day", "kind", "turn"),
        CheckConstraint(_one_of("kind", KINDS), name="kind"),
        CheckConstraint("row_count = good_count + quarantined_count", name="adds_up"),
    )


class Reconciliation(Base):
    """One host country and day, reconciled from these two extracts. `added_up_at` is set when the day added up."""

    __tablename__ = "reconciliation"

    host_country: Mapped[str] = mapped_column(String(3), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    cases_extract_id: Mapped[int] = mapped_column(ForeignKey("extract.id"))
    procedure_extract_id: Mapped[int] = mapped_column(ForeignKey("extract.id"))
    model_version: Mapped[str]
    counts: Mapped[dict[str, Any]]
    """Rows by standing, `unusable` and `erased` included; they add up to the extract's rows."""
    missing_count: Mapped[int]
    """Followed cases that the extract does not hold any more. Missing is not cancelled."""
    without_office_count: Mapped[int]
    """Cases to be told that no office covers: an alert, since the practice is universal."""
    policy_version: Mapped[str | None]
    """Headquarters' policy on persons of concern that the day was decided by; none where none was in force."""
    reconciled_at: Mapped[dt.datetime]
    added_up_at: Mapped[dt.datetime | None]


class Case(Base):
    """The last good state of an AVR case, unchanged since extract day `since`.

    Truth only moves forward: a backfill of a day before the newest reconciled one changes nothing here.
    """

    __tablename__ = "case"

    host_country: Mapped[str] = mapped_column(String(3), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[dt.date]
    iom_office: Mapped[str | None]
    family_name: Mapped[str | None]
    given_names: Mapped[str | None]
    date_of_birth: Mapped[str | None]
    sex: Mapped[str | None]
    nationality: Mapped[str]
    typed_asylum_reference: Mapped[str | None]
    unhcr_reference: Mapped[str | None]
    destination_country: Mapped[str | None]
    registered_on: Mapped[dt.date]
    expected_departure_on: Mapped[dt.date | None]
    departed_on: Mapped[dt.date | None]
    status: Mapped[str] = mapped_column(String(12))
    status_since: Mapped[dt.date]
    sharing_consent: Mapped[bool | None]
    standing: Mapped[str] = mapped_column(String(20))
    to_tell: Mapped[bool]
    """Whether an office is to be told of this case when it was not yet told."""
    marked: Mapped[str]
    """What every office's list marks it with: by its standing, and by headquarters' rules that flag."""
    concerns: Mapped[str] = mapped_column(server_default="")
    """Headquarters' rules that mean it, by name, `;` between them: all that is kept of what they looked at."""
    urgent: Mapped[bool] = mapped_column(server_default=false())
    """Whether one of them says that it is told at once."""
    review: Mapped[str] = mapped_column(server_default="")
    """Those of them for which a person looks before an office is first told, by name, `;` between them."""
    missing_since: Mapped[dt.date | None]
    erased_on: Mapped[dt.date | None]
    """When its personal data was erased. Its id is a random one since then, and what is left only counts."""

    __table_args__ = (
        CheckConstraint(_one_of("status", CASE_STATUSES), name="status"),
        CheckConstraint(_one_of("standing", STANDINGS), name="standing"),
        CheckConstraint("status <> 'departed' OR departed_on IS NOT NULL", name="departed_with_date"),
    )


class Standing(Base):
    """A case's standing from `since` until its next row. One standing a day: the newest not after that day."""

    __tablename__ = "standing"

    host_country: Mapped[str] = mapped_column(String(3), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[dt.date] = mapped_column(primary_key=True)
    standing: Mapped[str] = mapped_column(String(20))

    __table_args__ = (
        ForeignKeyConstraint(["host_country", "case_id"], ["case.host_country", "case.case_id"]),
        CheckConstraint(_one_of("standing", STANDINGS), name="standing"),
    )


class ProcedureRecord(Base):
    """What a standing needs of a record that a case was matched to. Other people's records are never kept here."""

    __tablename__ = "procedure_record"

    host_country: Mapped[str] = mapped_column(String(3), primary_key=True)
    asylum_reference: Mapped[str] = mapped_column(primary_key=True)
    applied_on: Mapped[dt.date]
    stage: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(20))
    outcome_on: Mapped[dt.date | None]
    final: Mapped[bool]


class Match(Base):
    """A case and a record that are, or may be, of one person. Open until `ended_on`."""

    __tablename__ = "match"

    id: Mapped[int] = mapped_column(primary_key=True)
    host_country: Mapped[str] = mapped_column(String(3))
    case_id: Mapped[str] = mapped_column(String(64))
    asylum_reference: Mapped[str]
    probability: Mapped[float]
    decision: Mapped[str] = mapped_column(String(6))
    method: Mapped[str] = mapped_column(String(9))
    model_version: Mapped[str]
    since: Mapped[dt.date]
    ended_on: Mapped[dt.date | None]

    __table_args__ = (
        ForeignKeyConstraint(["host_country", "case_id"], ["case.host_country", "case.case_id"]),
        ForeignKeyConstraint(
            ["host_country", "asylum_reference"],
            ["procedure_record.host_country", "procedure_record.asylum_reference"],
        ),
        CheckConstraint(_one_of("decision", ("accept", "review")), name="decision"),
        CheckConstraint(_one_of("method", ("reference", "linkage")), name="method"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability"),
        _unique_where("uq_match_one_open_accept_a_case", "case_id", where="ended_on IS NULL AND decision = 'accept'"),
        Index("ix_match_host_country_case_id", "host_country", "case_id"),
        _unique_where("uq_match_open_pair", "case_id", "asylum_reference", where="ended_on IS NULL"),
    )


class Review(Base):
    """What a person decided of a case and a record. In force until `superseded_at`; kept as history after that.

    `accept`: they are one person. `reject`: they are two. `reopen`: it cannot be told, or an earlier decision is taken
    back; the machine's word counts again.
    """

    __tablename__ = "review"

    id: Mapped[int] = mapped_column(primary_key=True)
    host_country: Mapped[str] = mapped_column(String(3))
    case_id: Mapped[str] = mapped_column(String(64))
    asylum_reference: Mapped[str]
    decision: Mapped[str] = mapped_column(String(6))
    decided_by: Mapped[str]
    decided_at: Mapped[dt.datetime]
    reason: Mapped[str]
    evidence: Mapped[str | None] = mapped_column(String(64))
    """`matching.fingerprint` of what the person saw; none where the case or the record was not in its extract."""
    shares_case: Mapped[bool]
    """Accepted beside another record of the case: who decided says that both records are of one person."""
    shares_record: Mapped[bool]
    """Accepted beside another case of the record: who decided says that both cases are of one person."""
    superseded_at: Mapped[dt.datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["host_country", "case_id"], ["case.host_country", "case.case_id"]),
        ForeignKeyConstraint(
            ["host_country", "asylum_reference"],
            ["procedure_record.host_country", "procedure_record.asylum_reference"],
        ),
        CheckConstraint(_one_of("decision", REVIEW_DECISIONS), name="decision"),
        CheckConstraint("trim(decided_by) <> ''", name="decided_by_somebody"),
        CheckConstraint("trim(reason) <> ''", name="with_reason"),
        CheckConstraint("length(evidence) = 64", name="evidence"),
        CheckConstraint("decision = 'accept' OR NOT (shares_case OR shares_record)", name="only_accepted_is_shared"),
        CheckConstraint("superseded_at >= decided_at", name="superseded_later"),
        Index("ix_review_host_country_case_id", "host_country", "case_id"),
        _unique_where("uq_review_one_in_force_a_pair", "case_id", "asylum_reference", where="superseded_at IS NULL"),
        _unique_where(
            "uq_review_one_accept_a_case",
            "case_id",
            where="superseded_at IS NULL AND decision = 'accept' AND NOT shares_case",
        ),
        _unique_where(
            "uq_review_one_accept_a_record",
            "asylum_reference",
            where="superseded_at IS NULL AND decision = 'accept' AND NOT shares_record",
        ),
    )


class Office(Base):
    """An office that has lists. A writer locks its row, so that numbers have no gaps and nothing is told twice."""

    __tablename__ = "office"

    office: Mapped[str] = mapped_column(String(20), primary_key=True)
    composed_for: Mapped[dt.datetime | None]
    """The newest due moment for which a list was made, or nothing was found to tell."""


class Entry(Base):
    """The reference under which one office hears of one case. It says nothing about the person."""

    __tablename__ = "entry"

    entry: Mapped[str] = mapped_column(String(12), primary_key=True)
    office: Mapped[str] = mapped_column(ForeignKey("office.office"))
    host_country: Mapped[str] = mapped_column(String(3))
    case_id: Mapped[str] = mapped_column(String(64))
    asylum_reference: Mapped[str | None]
    """The accepted record by which the case was told under this entry: a person who rejects it takes the entry back."""
    opened_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]
    """Set when the match was found wrong, or the case erased: if it comes again, it comes under a fresh entry."""
    reminded_at: Mapped[dt.datetime | None]
    """When the office was reminded to close its record of somebody who has left."""
    asked_at: Mapped[dt.datetime | None]
    """When IOM's focal point was asked what became of an expected departure that has passed."""

    __table_args__ = (
        ForeignKeyConstraint(["host_country", "case_id"], ["case.host_country", "case.case_id"]),
        Index("ix_entry_host_country_case_id", "host_country", "case_id"),
        Index(
            "uq_entry_one_open_a_case_and_office",
            "office",
            "host_country",
            "case_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )


class Clearance(Base):
    """A rule on persons of concern wants a person to look at a case before its office is first told of it.

    Open until somebody has; the notice waits no longer than the arrangement and the departure allow.
    """

    __tablename__ = "clearance"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry: Mapped[str] = mapped_column(ForeignKey("entry.entry"))
    rules: Mapped[str]
    """The rules that want it, by name, `;` between them."""
    asked_on: Mapped[dt.date]
    """The day, on the office's calendar, from which the arrangement's time counts."""
    mailed_at: Mapped[dt.datetime | None]
    """When IOM's focal point was last asked."""
    cleared_at: Mapped[dt.datetime | None]
    cleared_by: Mapped[str | None]
    note: Mapped[str]

    __table_args__ = (
        CheckConstraint("(cleared_at IS NULL) = (cleared_by IS NULL)", name="cleared_by_somebody"),
        CheckConstraint("trim(cleared_by) <> ''", name="cleared_by_somebody_named"),
        Index(
            "uq_clearance_one_open_an_entry",
            "entry",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )


class List(Base):
    """A list as it was sealed. `sealed` is in flight, `told` is with the office, `void` never reached it."""

    __tablename__ = "list"

    id: Mapped[int] = mapped_column(primary_key=True)
    office: Mapped[str] = mapped_column(ForeignKey("office.office"))
    year: Mapped[int]
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(9))
    state: Mapped[str] = mapped_column(String(6))
    due_at: Mapped[dt.datetime]
    period_from: Mapped[dt.date]
    period_to: Mapped[dt.date]
    as_of: Mapped[dict[str, Any]]
    """For each host country the extract day that the list knows (ISO date), or null."""
    arrangement_version: Mapped[str]
    policy_version: Mapped[str | None]
    """The policy that the days it knows were decided by; `;` between several, none where none was in force."""
    columns: Mapped[list[str]]
    """The columns beyond the default that the list shares."""
    sealed_at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime | None]
    voided_at: Mapped[dt.datetime | None]
    void_reason: Mapped[str | None]
    void_named_on: Mapped[int | None] = mapped_column(ForeignKey("list.id"))
    reminded_at: Mapped[dt.datetime | None]
    """When the office was reminded that it has not said whether it has the list."""
    escalated_at: Mapped[dt.datetime | None]
    """When IOM's focal point was told that it has not said so."""

    __table_args__ = (
        UniqueConstraint("office", "year", "number"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint(_one_of("kind", LIST_KINDS), name="kind"),
        CheckConstraint(_one_of("state", ("sealed", "told", "void")), name="state"),
        CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name="told_with_moment"),
        CheckConstraint("(state = 'void') = (voided_at IS NOT NULL)", name="void_with_moment"),
        # An office's newest list, and what lists of a time told, are found without a look at all the years.
        Index("ix_list_office_id", "office", "id"),
        Index("ix_list_period_to_state_told_at", "period_to", "state", "told_at"),
        Index(
            "ix_list_chased",
            "office",
            sqlite_where=text("reminded_at IS NOT NULL OR escalated_at IS NOT NULL"),
            postgresql_where=text("reminded_at IS NOT NULL OR escalated_at IS NOT NULL"),
        ),
    )

    @property
    def list_number(self) -> str:
        return f"{self.office}_{self.year}-{self.number:04d}"

    @property
    def number_text(self) -> str:
        """As a paper has it."""
        return self.list_number


class Notice(Base):
    """An entry on a list. `sequence` counts an entry's notices, so that no two lists can tell the same one."""

    __tablename__ = "notice"

    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"), primary_key=True)
    entry: Mapped[str] = mapped_column(ForeignKey("entry.entry"), primary_key=True)
    sequence: Mapped[int]
    notice: Mapped[str] = mapped_column(String(9))
    reason: Mapped[str] = mapped_column(String(20))
    name: Mapped[str]
    expected_departure_on: Mapped[dt.date | None]
    previous_expected_departure_on: Mapped[dt.date | None]
    departed_on: Mapped[dt.date | None]
    marked: Mapped[str]
    shared: Mapped[dict[str, Any]]
    """Further fields that this list's arrangement shared, by column name."""

    __table_args__ = (
        UniqueConstraint("entry", "sequence"),
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint(_one_of("notice", NOTICES), name="notice"),
        CheckConstraint(_one_of("reason", REASONS), name="reason"),
    )


class Sending:
    """The columns of something numbered and sealed on its way to one recipient: a list, or a paper."""

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    state: Mapped[str] = mapped_column(String(9))
    attempts: Mapped[int] = mapped_column(default=0)
    last_attempt_at: Mapped[dt.datetime | None]
    last_error: Mapped[str | None]
    delivered_at: Mapped[dt.datetime | None]
    cover: Mapped[dict[str, Any]]
    """Subject and body of the email that carries it; empty where none is needed. Nothing personal."""
    proof: Mapped[dict[str, Any] | None]
    bounced_at: Mapped[dt.datetime | None]
    """When a mail server that had taken it said, later, that it could not be delivered."""


_SENDING_CHECKS = {
    "state": _one_of("state", ("queued", "unknown", "refused", "delivered", "void")),
    "delivered_with_moment": "(state = 'delivered') = (delivered_at IS NOT NULL)",
}


class FileAsSent:
    """The columns of a file exactly as it is sent, made in the transaction that numbered what it belongs to."""

    position: Mapped[int] = mapped_column(primary_key=True)
    """Files go in this order; the list or paper itself is last."""
    name: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """Empty once somebody on the list was erased: nobody can take one name out of what is sealed."""
    sha256: Mapped[str] = mapped_column(String(64))


class Delivery(Sending, Base):
    """One list on its way to one recipient. Channels are queues of their own, in number order."""

    __tablename__ = "delivery"

    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))

    __table_args__ = (
        UniqueConstraint("list_id", "channel"),
        Index("ix_delivery_state", "state"),
        *(CheckConstraint(check, name=name) for name, check in _SENDING_CHECKS.items()),
    )


class Attempt(Base):
    """One attempt at a delivery: when, and how it ended. `unknown` until that is known, and where it never will be."""

    __tablename__ = "attempt"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """As `Delivery.attempts` counts them."""
    at: Mapped[dt.datetime]
    outcome: Mapped[str] = mapped_column(String(9))
    error: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(_one_of("outcome", ("queued", "unknown", "refused", "delivered")), name="outcome"),
    )


class Resend(Base):
    """A person let a list go once more: who, when, why."""

    __tablename__ = "resend"

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    resent_at: Mapped[dt.datetime]
    resent_by: Mapped[str]
    reason: Mapped[str]

    __table_args__ = (
        CheckConstraint("trim(resent_by) <> ''", name="resent_by_somebody"),
        CheckConstraint("trim(reason) <> ''", name="with_reason"),
        Index("ix_resend_list_id", "list_id"),
    )


class SealedFile(FileAsSent, Base):
    """A file of a list for one recipient."""

    __tablename__ = "sealed_file"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)

    __table_args__ = (UniqueConstraint("delivery_id", "name"),)


class PaperSeries(Base):
    """Papers that are numbered together, such as `GRC-ATH/rejected`. A writer locks its row, as it does an office's."""

    __tablename__ = "paper_series"

    series: Mapped[str] = mapped_column(String(40), primary_key=True)


class Paper(Base):
    """A numbered, sealed document that is no notification list. Its states are those of a list.

    It tells of no entry: whoever reads it answers nothing, and no difference is taken against it.
    """

    __tablename__ = "paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(ForeignKey("paper_series.series"))
    addressee: Mapped[str] = mapped_column(String(20))
    """The code under which the recipients are admitted, an office's for instance."""
    year: Mapped[int]
    number: Mapped[int]
    number_text: Mapped[str]
    """As it is told, and as its files are named: `GRC-ATH_2026-R03`."""
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(6))
    period_from: Mapped[dt.date]
    period_to: Mapped[dt.date]
    content: Mapped[dict[str, Any]]
    """What it publishes, as the next paper of its kind must know it. Nothing personal."""
    arrangement_version: Mapped[str]
    sealed_at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime | None]
    voided_at: Mapped[dt.datetime | None]
    void_reason: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("series", "year", "number"),
        UniqueConstraint("number_text"),
        Index("ix_paper_addressee_id", "addressee", "id"),
        Index(
            "uq_paper_one_a_period",
            "series",
            "period_from",
            "period_to",
            unique=True,
            sqlite_where=text("state <> 'void'"),
            postgresql_where=text("state <> 'void'"),
        ),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("period_from <= period_to", name="period"),
        CheckConstraint(_one_of("state", ("sealed", "told", "void")), name="state"),
        CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name="told_with_moment"),
        CheckConstraint("(state = 'void') = (voided_at IS NOT NULL)", name="void_with_moment"),
    )


class PaperCase(Base):
    """That a paper names this case: for a person who asks what was told of them, and for erasure.

    The case need not be in the ledger yet: a view is made of cases that no reconciliation has seen.
    """

    __tablename__ = "paper_case"

    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"), primary_key=True)
    host_country: Mapped[str] = mapped_column(String(3), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class PaperDelivery(Sending, Base):
    """One paper on its way to one recipient. The channels of a series are queues of their own, in number order."""

    __tablename__ = "paper_delivery"

    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"))

    __table_args__ = (
        UniqueConstraint("paper_id", "channel"),
        Index("ix_paper_delivery_state", "state"),
        *(CheckConstraint(check, name=name) for name, check in _SENDING_CHECKS.items()),
    )


class PaperFile(FileAsSent, Base):
    """A file of a paper for one recipient."""

    __tablename__ = "paper_file"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("paper_delivery.id"), primary_key=True)

    __table_args__ = (UniqueConstraint("delivery_id", "name"),)


class CountedMonth(Base):
    """A month of rejected cases as it was counted, once: to count it anew would show what became of single people."""

    __tablename__ = "counted_month"

    coverage: Mapped[str] = mapped_column(primary_key=True)
    """Whose cases: host countries and their IOM offices, as `reports.rejected.groups` writes them."""
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    counts: Mapped[list[Any]] = mapped_column(JSON)
    """kind, key and count, as `reports.rejected.counting` has them. Nothing of a single person."""
    as_of: Mapped[dict[str, Any]]
    """For each host country the extract day (ISO date) up to which its cases are counted, or null."""
    counted_at: Mapped[dt.datetime]


class Told(Base):
    """A recipient has this notice, unless it came back. It cannot exist without the list that told it."""

    __tablename__ = "told"

    list_id: Mapped[int] = mapped_column(primary_key=True)
    entry: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    told_at: Mapped[dt.datetime]
    lead_days: Mapped[int | None]
    """Days from when it was told to the expected departure, in the office's timezone; negative when it was too late."""
    returned_at: Mapped[dt.datetime | None]
    """When its message came back: then the recipient never had it."""

    __table_args__ = (ForeignKeyConstraint(["list_id", "entry"], ["notice.list_id", "notice.entry"]),)


class Approval(Base):
    """What a person said of a list that was out of proportion. `figures` is what they saw: counts, never names."""

    __tablename__ = "approval"

    id: Mapped[int] = mapped_column(primary_key=True)
    office: Mapped[str] = mapped_column(ForeignKey("office.office"))
    kind: Mapped[str] = mapped_column(String(9))
    due_at: Mapped[dt.datetime]
    figures: Mapped[dict[str, Any]]
    decision: Mapped[str] = mapped_column(String(7))
    decided_by: Mapped[str]
    decided_at: Mapped[dt.datetime]
    list_id: Mapped[int | None] = mapped_column(ForeignKey("list.id"))
    """The list that was made of it; none where the list was held back."""

    __table_args__ = (
        CheckConstraint(_one_of("kind", LIST_KINDS), name="kind"),
        CheckConstraint(_one_of("decision", ("approve", "hold")), name="decision"),
        CheckConstraint("trim(decided_by) <> ''", name="decided_by_somebody"),
        CheckConstraint("(decision = 'hold') = (list_id IS NULL)", name="approved_with_list"),
        Index("ix_approval_list_id", "list_id"),
    )


class Recipient(Base):
    """An address to which a channel goes. No list goes there before its test message was answered or confirmed."""

    __tablename__ = "recipient"

    office: Mapped[str] = mapped_column(String(20), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Keyed hash of host, host key, folder or mailboxes, and sealing key: another one is another address."""
    code: Mapped[str] = mapped_column(String(12))
    """What the test message says; whoever has it has read the message."""
    tested_at: Mapped[dt.datetime]
    proof: Mapped[dict[str, Any] | None]
    """How the test message is known to be there; none while it is not."""
    confirmed_at: Mapped[dt.datetime | None]
    confirmed_by: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by IS NULL)", name="confirmed_by_somebody"),
    )


class Response(Base):
    """A file or message that came back, under the hash of its bytes: the same one is read once.

    `read`: all of it was taken; `partly`: what is good of it; `refused`: none of it; `unsettled`: it does not open,
    and may still be being written; `receipt`: it says only that a list is there; `letter`: a person has to read it;
    `stranger`: it is from nobody known.
    """

    __tablename__ = "response"

    id: Mapped[int] = mapped_column(primary_key=True)
    office: Mapped[str] = mapped_column(String(20))
    """Empty where it is from nobody known."""
    via: Mapped[str] = mapped_column(String(5))
    sha256: Mapped[str] = mapped_column(String(64))
    came_at: Mapped[dt.datetime]
    outcome: Mapped[str] = mapped_column(String(9))
    findings: Mapped[list[Any]] = mapped_column(JSON)
    """What was not understood: code, row, list number, entry, column; never what was written there."""
    reported_at: Mapped[dt.datetime | None]
    """When the office and IOM's focal point were told of the findings; none where there are none."""

    __table_args__ = (
        UniqueConstraint("office", "sha256"),
        CheckConstraint(_one_of("via", ("sftp", "email")), name="via"),
        CheckConstraint(_one_of("outcome", RESPONSE_OUTCOMES), name="outcome"),
        CheckConstraint("(office = '') = (outcome = 'stranger')", name="stranger_without_office"),
    )


class Receipt(Base):
    """An office has said that it has this list, by an answer to it or in a line."""

    __tablename__ = "receipt"

    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"), primary_key=True)
    received_at: Mapped[dt.datetime]
    received_by: Mapped[str]
    """How it said so: `answer`, `receipt`, or who at IOM took its word."""


class Answer(Base):
    """What an office said of an entry of a list that it was sent. The newest of an entry counts."""

    __tablename__ = "answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("response.id"))
    list_id: Mapped[int]
    entry: Mapped[str]
    concern: Mapped[bool | None]
    record_closed_on: Mapped[dt.date | None]
    """When the office closed its record; on an entry that it was asked to erase, when it did."""
    remarks: Mapped[str]
    answered_at: Mapped[dt.datetime]

    __table_args__ = (
        # An office can say something only of what is on a list of its own.
        ForeignKeyConstraint(["list_id", "entry"], ["notice.list_id", "notice.entry"]),
        UniqueConstraint("response_id", "list_id", "entry"),
        CheckConstraint("concern IS NOT NULL OR record_closed_on IS NOT NULL OR remarks <> ''", name="says_something"),
        Index("ix_answer_entry", "entry"),
        Index("ix_answer_list_id_entry", "list_id", "entry"),
    )


class Concern(Base):
    """An office doubts that a return is voluntary. It stands until a person closes it, with a note."""

    __tablename__ = "concern"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry: Mapped[str] = mapped_column(ForeignKey("entry.entry"))
    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id"))
    raised_at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime | None]
    """When IOM's focal point was last told of it."""
    told_days_left: Mapped[int | None]
    """Days to the departure when the focal point was last told; none where no departure was expected."""
    departed_on: Mapped[dt.date | None]
    """When the person left although it stood."""
    closed_at: Mapped[dt.datetime | None]
    closed_by: Mapped[str | None]
    note: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (note IS NULL)",
            name="closed_by_somebody_with_note",
        ),
        CheckConstraint("trim(closed_by) <> ''", name="closed_by_somebody"),
        CheckConstraint("trim(note) <> ''", name="with_note"),
        Index(
            "uq_concern_one_open_an_entry",
            "entry",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )


class Hold(Base):
    """The personal data of this case must not be erased before the hold is lifted: a court, a complaint, an inquiry."""

    __tablename__ = "hold"

    id: Mapped[int] = mapped_column(primary_key=True)
    host_country: Mapped[str] = mapped_column(String(3))
    case_id: Mapped[str] = mapped_column(String(64))
    placed_by: Mapped[str]
    placed_at: Mapped[dt.datetime]
    reason: Mapped[str]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[dt.datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["host_country", "case_id"], ["case.host_country", "case.case_id"]),
        CheckConstraint("trim(placed_by) <> '' AND trim(lifted_by) <> ''", name="by_somebody"),
        CheckConstraint("trim(reason) <> ''", name="with_reason"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_somebody"),
        _unique_where("uq_hold_one_a_case", "case_id", where="lifted_at IS NULL"),
    )


class ErasureOrder(Base):
    """A person asked for erasure. Offices that were told of the case hear it first; then it is erased."""

    __tablename__ = "erasure_order"

    host_country: Mapped[str] = mapped_column(String(3), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    ordered_by: Mapped[str]
    ordered_at: Mapped[dt.datetime]
    reason: Mapped[str]

    __table_args__ = (
        ForeignKeyConstraint(["host_country", "case_id"], ["case.host_country", "case.case_id"]),
        CheckConstraint("trim(ordered_by) <> ''", name="ordered_by_somebody"),
        CheckConstraint("trim(reason) <> ''", name="with_reason"),
    )


class Erasure(Base):
    """That a case was erased. While its source still sends the same registration, nothing of it is kept or told.

    The same line stands in the data folder's `erasures.jsonl`, which a restored backup of the ledger is held against.
    """

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(primary_key=True)
    host_country: Mapped[str] = mapped_column(String(3))
    case_hash: Mapped[str] = mapped_column(String(64))
    """Keyed hash of host country and case id, for whoever comes with the case id and asks."""
    registration_hash: Mapped[str] = mapped_column(String(64))
    """The same with the day of registration: a later registration is another."""
    why: Mapped[str] = mapped_column(String(9))
    erased_by: Mapped[str]
    erased_at: Mapped[dt.datetime]
    counts: Mapped[dict[str, Any]]
    """Rows of each table from which something was erased."""
    proof: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What was searched for what was erased, in counts; none while that is still to be done."""

    __table_args__ = (
        UniqueConstraint("registration_hash"),
        Index("ix_erasure_case_hash", "case_hash"),
        CheckConstraint(_one_of("why", ERASED_FOR), name="why"),
        CheckConstraint("length(case_hash) = 64 AND length(registration_hash) = 64", name="hashes"),
        CheckConstraint("trim(erased_by) <> ''", name="erased_by_somebody"),
    )


class Viewed(Base):
    """Somebody was about to be shown a name: who, when, on which page, and whose. Written before it is shown."""

    __tablename__ = "viewed"

    id: Mapped[int] = mapped_column(primary_key=True)
    viewed_by: Mapped[str]
    viewed_at: Mapped[dt.datetime]
    page: Mapped[str] = mapped_column(String(10))
    host_country: Mapped[str] = mapped_column(String(3))
    case_id: Mapped[str] = mapped_column(String(64))
    entry: Mapped[str | None] = mapped_column(String(12))
    """Where the page was opened by an entry."""

    __table_args__ = (
        CheckConstraint("trim(viewed_by) <> ''", name="viewed_by_somebody"),
        Index("ix_viewed_host_country_case_id", "host_country", "case_id"),
    )

"""Making a list: difference, number, seal and store, in one transaction, before anything is sent.

Reach for this to follow a list from what is true to what waits in the outbox.
"""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy.orm import Session

from include.arrangements.calendar import working_days_between
from include.arrangements.models import Arrangement, Channel
from include.arrangements.reading import version
from include.delivery.keys import SealingKey
from include.delivery.sealing import seal
from include.ledger import intake, outbox
from include.ledger.engine import writing
from include.ledger.models import List
from include.lists.difference import NOTICE_COLUMNS, difference
from include.lists.document import ANSWER_COLUMNS, COLUMNS, Contact, NotificationList, render
from include.lists.texts import email_for
from include.lists.truth import office_truth


def compose_list(
    arrangement: Arrangement, due_at: dt.datetime, keys: Mapping[str, SealingKey], now: dt.datetime
) -> tuple[str | None, dict[str, int]]:
    """The number of the list made for this due moment, with its counts by notice; None when there is nothing to tell.

    keys: what seals and signs for each channel of the arrangement, by channel key
    raises: SealRefused if a channel's key is not what the arrangement recorded; then nothing is numbered or stored
    """
    with writing() as session:
        outbox.lock_office(session, arrangement.office, due_at)
        document, notices = _document(session, arrangement, due_at)
        if not len(notices):
            done = outbox.has_list_for(session, arrangement.office, due_at)
            if done or arrangement.list.when_empty == "skip":
                return None, {}
        notices = outbox.give_entries(session, arrangement.office, notices, now)
        document = _with_entries(document, notices)
        parcels = [_parcel(document, arrangement, channel, keys[channel.key], now) for channel in arrangement.deliver]
        sealed = List(
            office=arrangement.office,
            year=document.year,
            number=document.number,
            kind=document.kind,
            state="sealed",
            due_at=due_at,
            period_from=document.period_from,
            period_to=document.period_to,
            as_of={host: day.isoformat() if day else None for host, day in document.as_of.items()},
            arrangement_version=version(arrangement),
            columns=list(document.extra_columns),
            sealed_at=now,
        )
        outbox.store_list(session, sealed, notices, parcels)
        counts = {str(notice): int(count) for notice, count in notices["notice"].value_counts().items()}
        return sealed.list_number, counts


def _document(session: Session, arrangement: Arrangement, due_at: dt.datetime) -> tuple[NotificationList, pd.DataFrame]:
    """The list without its entry references, and its notices."""
    due_on = due_at.astimezone(ZoneInfo(arrangement.timezone)).date()
    columns: list[str] = [column.column for column in arrangement.list.columns]
    truth = office_truth(
        outbox.cases_of_concern(session, arrangement.office, list(arrangement.host_countries)),
        covers=arrangement.covers,
        consent_required=arrangement.consent == "required",
        undated=arrangement.list.undated,
        no_show_overdue=lambda since: (
            working_days_between(arrangement.list, since, due_on) > arrangement.list.no_show_grace.days
        ),
        owed_from=arrangement.effective_from,
        shared_columns=columns,
    )
    notices = difference(truth, outbox.last_told(session, arrangement.office))
    since = outbox.last_period_end(session, arrangement.office)
    document = NotificationList(
        office=arrangement.office,
        office_name=arrangement.name,
        year=due_on.year,
        number=outbox.next_number(session, arrangement.office, due_on.year),
        kind="scheduled",
        language=arrangement.language,
        made_on=due_on,
        # An office's first list tells what was open when it began; a second one on a day covers that day.
        period_from=min(since + dt.timedelta(days=1), due_on) if since else due_on,
        period_to=due_on,
        as_of=intake.newest_reconciled(session, list(arrangement.host_countries)),
        contact=Contact(**arrangement.whom_to_call.model_dump()),
        extra_columns=tuple(columns),
        voided=tuple(void.list_number for void in outbox.voids_to_name(session, arrangement.office)),
        entries=pd.DataFrame(columns=COLUMNS),
    )
    return document, notices


def _with_entries(document: NotificationList, notices: pd.DataFrame) -> NotificationList:
    shared = pd.DataFrame(list(notices["shared"]), index=notices.index, columns=list(document.extra_columns))
    entries = notices[["entry", *NOTICE_COLUMNS[3:-1]]].join(shared)
    entries.insert(0, "list_number", document.list_number)
    return document.with_entries(entries.assign(**dict.fromkeys(ANSWER_COLUMNS, "")))


def _parcel(
    document: NotificationList, arrangement: Arrangement, channel: Channel, key: SealingKey, now: dt.datetime
) -> outbox.Parcel:
    # What holds no names goes first, and a signature before what it signs: the list itself is last, so that its
    # arrival is the list's arrival.
    rendered = reversed(render(document, arrangement.list.format))
    files = [leaving for file in rendered for leaving in seal(file, channel, key, now)]
    subject, body = email_for(document)
    return outbox.Parcel(
        channel=channel.key,
        cover={"subject": subject, "body": body} if channel.via == "email" else {},
        files=tuple((file.name, file.content, file.sha256) for file in files),
    )

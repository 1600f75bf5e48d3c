"""The figures of the cooperation over a period, for each host country and in all.

Reach for `review`. It asks `ledger.cooperation` for dates and fixed words; here they are counted. What each figure
means is said once, in `figures.yaml`.
"""

import datetime as dt
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from include.arrangements.calendar import pull_window, working_days_between
from include.arrangements.models import Answers, Arrangement, ListSettings, Source
from include.arrangements.reading import in_force_at
from include.ledger import cooperation
from include.ledger.engine import reading
from include.ledger.models import NOTICES
from include.reports.cooperation.definitions import figure_names
from include.reports.overdue import SETTLING

ALL = "ALL"
LATE = 1
"""Days: who is told of a departure with so few to go, or fewer, can meet nobody any more."""
LEAD_BANDS: tuple[tuple[int | None, int | None], ...] = (
    (None, -1),
    (0, 0),
    (1, 1),
    (2, 3),
    (4, 7),
    (8, 14),
    (15, 30),
    (31, 60),
    (61, None),
)
_DAY = dt.timedelta(days=1)
_UNARRANGED = ListSettings.model_validate({"days": ["mon"], "at": "09:00"})
"""The working days of an office whose arrangement is gone: Monday to Friday."""
_UNARRANGED_WITHIN = Answers.model_fields["within"].default.days

Value = int | float | str | None
Row = dict[str, Value]


class NoPeriod(ValueError):
    """A period that ends before it begins, or has not begun."""


@dataclass(frozen=True)
class Period:
    """Days, both included; days and months are those of UTC."""

    first: dt.date
    last: dt.date

    @property
    def since(self) -> dt.datetime:
        return dt.datetime.combine(self.first, dt.time(), dt.UTC)

    @property
    def until(self) -> dt.datetime:
        """The moment with which it is over."""
        return dt.datetime.combine(self.last + _DAY, dt.time(), dt.UTC)

    @property
    def months(self) -> list[str]:
        return [f"{month}" for month in pd.period_range(self.first, self.last, freq="M")]

    def __str__(self) -> str:
        return f"{self.first}_{self.last}"


@dataclass(frozen=True)
class Review:
    """What was counted.

    by_host: one row for each host country, by its code, and last `ALL`; a column for each figure, in their order
    by_month: host_country, month, the notices, lists by their kind, lists made
    lead_times: host_country, days_from, days_to, lead_counted; a row for each of LEAD_BANDS
    """

    period: Period
    by_host: pd.DataFrame
    by_month: pd.DataFrame
    lead_times: pd.DataFrame


@dataclass(frozen=True)
class _Kept:
    """What the ledger keeps, as `ledger.cooperation` gives it, each with `host_country`; of all, or of one of them.

    told: every notice until the end, by entry in the order of being told, with `before` and `reason_before`: what its
    entry was told before it, empty where that was nothing
    lists: of every list, `known`: how its receipt stands, where it was told in the period and tells something
    """

    told: pd.DataFrame
    lists: pd.DataFrame
    deliveries: pd.DataFrame
    answers: pd.DataFrame
    concerns: pd.DataFrame
    decisions: pd.DataFrame
    in_review: pd.DataFrame
    extracts: pd.DataFrame
    reconciled: pd.DataFrame
    expected: pd.DataFrame

    def of(self, host: str) -> "_Kept":
        """Of one host country."""
        tables = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: table[table["host_country"] == host] for name, table in tables.items()})

    def in_all(self) -> "_Kept":
        """Of all together: a list of two host countries is one."""
        return replace(
            self,
            lists=self.lists.drop_duplicates("list_id"),
            deliveries=self.deliveries.drop_duplicates("delivery_id"),
        )

    @property
    def hosts(self) -> set[str]:
        return {host for field in fields(self) for host in getattr(self, field.name)["host_country"] if host}


def review(
    period: Period,
    offices: Mapping[str, Sequence[Arrangement]],
    sources: Sequence[Source],
    begun: dt.date,
    ended: dt.date | None,
    now: dt.datetime,
) -> Review:
    """The figures of the period, as they stood when it ended; or at `now`, where it has not ended.

    offices, sources: as arranged; begun, ended: the first and last day on which the promise is kept here
    raises: NoPeriod
    """
    if period.last < period.first or period.since > now:
        raise NoPeriod("the period ends before it begins, or has not begun")
    at = min(period.until, now)
    kept = _kept(period, at, offices, sources, begun, ended)
    arranged = {host for versions in offices.values() for host in versions[-1].host_countries}
    hosts = sorted(kept.hosts | arranged | {source.host_country for source in sources})
    parts = {**{host: kept.of(host) for host in hosts}, ALL: kept.in_all()}
    rows = [{"host_country": host, **_row(part, period, at)} for host, part in parts.items()]
    months = [row for host, part in parts.items() for row in _months(host, part, period)]
    bands = [row for host, part in parts.items() for row in _bands(host, part, period)]
    return Review(
        period=period,
        by_host=pd.DataFrame(rows, columns=["host_country", *figure_names()], dtype=object).set_index("host_country"),
        by_month=pd.DataFrame(months),
        lead_times=pd.DataFrame(bands, dtype=object),
    )


# What the ledger keeps ---------------------------------------------------------------------------------------------


def _kept(
    period: Period,
    at: dt.datetime,
    offices: Mapping[str, Sequence[Arrangement]],
    sources: Sequence[Source],
    begun: dt.date,
    ended: dt.date | None,
) -> _Kept:
    with reading() as session:
        told = cooperation.told_notices(session, at)
        lists = cooperation.lists(session, at)
        hosts = cooperation.hosts_of_lists(session, at)
        deliveries = cooperation.deliveries(session, period.since, at)
        answers = cooperation.answers(session, at)
        concerns = cooperation.concerns(session, at)
        decisions = cooperation.decisions(session, period.since, at)
        in_review = cooperation.cases_in_review(session, period.last, at)
        extracts = cooperation.extracts(session, period.first, period.last)
        days = cooperation.extract_days(session)
        reconciled = cooperation.reconciled_days(session, period.first, period.last)
    tells = lists["list_id"].isin(hosts["list_id"])
    lists["known"] = [
        _known(one, offices.get(one["office"], ()), period, at) if something else None
        for one, something in zip(lists.to_dict("records"), tells, strict=True)
    ]
    cut_offs: dict[tuple[Any, Any], Source] = {(source.host_country, source.kind): source for source in sources}
    extracts["late"] = [
        source is not None and pull_window(source, one["day"].date())[1] < one["first_at"]
        for one in extracts.to_dict("records")
        for source in [cut_offs.get((one["host_country"], one["kind"]))]
    ]
    told = told.sort_values(["entry", "sequence"])
    before = told.groupby("entry")[["notice", "reason"]].shift().fillna("")
    return _Kept(
        told=told.assign(before=before["notice"], reason_before=before["reason"]),
        lists=lists.merge(hosts, on="list_id", how="left").fillna({"host_country": ""}),
        deliveries=deliveries.merge(hosts, on="list_id", how="left").fillna({"host_country": ""}),
        answers=answers,
        concerns=_with_outcome(concerns, _last(told), at),
        decisions=decisions,
        in_review=in_review,
        extracts=extracts,
        reconciled=reconciled,
        expected=_expected(period, at, sources, days, begun, ended),
    )


def _known(one: Mapping[Hashable, Any], versions: Sequence[Arrangement], period: Period, at: dt.datetime) -> str | None:
    """How the receipt of a list stood that was told in the period: the name of its figure."""
    told_at: dt.datetime = one["told_at"]
    if one["state"] != "told" or not period.since <= told_at < at:
        return None
    arrangement = (in_force_at(versions, told_at) or versions[-1]) if versions else None
    zone = ZoneInfo(arrangement.timezone) if arrangement else dt.UTC
    settings = arrangement.list if arrangement else _UNARRANGED
    within = arrangement.answers.within.days if arrangement else _UNARRANGED_WITHIN
    received = None if pd.isna(one["received_at"]) else one["received_at"]
    days = working_days_between(
        settings,
        told_at.astimezone(zone).date(),
        (received or at - dt.timedelta.resolution).astimezone(zone).date(),
    )
    if received is None:
        return "lists_not_received" if days > within else "lists_not_due"
    return "lists_received_in_time" if days <= within else "lists_received_late"


def _last(told: pd.DataFrame) -> pd.DataFrame:
    """What was told last of each entry, by entry. told: in the order of being told"""
    return told.drop_duplicates("entry", keep="last").set_index("entry")


def _with_outcome(concerns: pd.DataFrame, last: pd.DataFrame, at: dt.datetime) -> pd.DataFrame:
    """Concerns with `closed` (the moment, none where it stood at the end), `left_on` and `outcome`."""
    told = last[["notice", "reason", "departed_on"]].rename(columns={"departed_on": "departed_on_told"})
    known = concerns.join(told, on="entry")
    # What was noted when it was told to the focal point may be of a departure that was none.
    noted = known["departed_on"].where(known["departed_on"] < pd.Timestamp(at.date() + _DAY))
    left_on = known["departed_on_told"].fillna(noted.mask(known["reason"].eq("departure_corrected")))
    closed = known["closed_at"].where(known["closed_at"] < at)
    unseen = left_on.notna() & (left_on >= _days(known["raised_at"])) & (closed.isna() | (left_on < _days(closed)))
    outcome = pd.Series("outcome_expected", index=known.index)
    outcome[known["notice"].eq("CANCELLED")] = "outcome_cancelled"
    outcome[known["notice"].eq("CANCELLED") & known["reason"].eq("stays")] = "outcome_stays"
    outcome[left_on.notna()] = "outcome_left"
    outcome[unseen] = "outcome_left_unseen"
    return known.assign(closed=closed, left_on=left_on, unseen=unseen, outcome=outcome)


def _days(moments: pd.Series) -> pd.Series:
    """The days of moments, without a timezone, as dates of the ledger are."""
    return moments.dt.tz_convert(None).dt.normalize()


def _expected(
    period: Period,
    at: dt.datetime,
    sources: Sequence[Source],
    days: pd.DataFrame,
    begun: dt.date,
    ended: dt.date | None,
) -> pd.DataFrame:
    """The days that should be reconciled: host_country, day."""
    had = {one["host_country"]: (one["first"].date(), one["last"].date()) for one in days.to_dict("records")}
    by_host: dict[str, list[Source]] = {host: [] for host in had}
    for source in sources:
        by_host.setdefault(source.host_country, []).append(source)
    rows = []
    for host, of_host in sorted(by_host.items()):
        first = max(period.first, begun, had[host][0] if host in had else dt.date.min)
        last = min(period.last, ended or dt.date.max, dt.date.max if of_host else had[host][1])
        for day in (first + _DAY * number for number in range((last - first).days + 1)):
            if all(pull_window(source, day)[1] + SETTLING < at for source in of_host):
                rows.append((host, pd.Timestamp(day)))
    return pd.DataFrame(rows, columns=["host_country", "day"]).astype({"day": "datetime64[s]"})


# What is counted ---------------------------------------------------------------------------------------------------


def _row(kept: _Kept, period: Period, at: dt.datetime) -> Row:
    counted: Row = {
        **_volumes(kept, period),
        **_leads(kept, period),
        **_answers(kept, period),
        **_concerns(kept.concerns, period),
        **_changes_of_mind(_told_in(kept, period)),
        **_matches(kept, period, at),
        **_records(kept, period),
        **_faults(kept, period),
    }
    return {**_promise(counted), **counted}


_PROMISED = (
    "told_late",
    "departures_told_late",
    "left_while_concern_stood",
    "lists_not_received",
    "cases_without_office",
    "days_behind",
)


def missing(row: Mapping[str, Value]) -> dict[str, int]:
    """What a row of figures says that the promise lacks: the figures that are not 0."""
    return {name: int(row[name] or 0) for name in _PROMISED if row[name]}


def _promise(row: Row) -> Row:
    dated, late, after = (int(row[name] or 0) for name in ("lead_counted", "told_late", "departures_told_late"))
    in_time = _percent(dated - late, dated + after)
    promise = "not_wholly" if missing(row) else "nobody_told" if in_time is None else "kept"
    return {"promise": promise, "told_in_time_percent": in_time}


def _told_in(kept: _Kept, period: Period) -> pd.DataFrame:
    return kept.told[kept.told["told_at"] >= period.since]


def _volumes(kept: _Kept, period: Period) -> Row:
    told = _told_in(kept, period)
    before = _last(kept.told[kept.told["told_at"] < period.since])
    stood = before[before["notice"].isin(["NEW", "CHANGED"]) & before["departed_on"].isna()]
    case = ["host_country", "case_id"]
    return {
        "cases_followed": len(pd.concat([told[case], stood[case]]).drop_duplicates()),
        **{f"told_{notice.lower()}": int(told["notice"].eq(notice).sum()) for notice in NOTICES},
        "told_on_scheduled": int(told["kind"].eq("scheduled").sum()),
        "told_on_urgent": int(told["kind"].eq("urgent").sum()),
        "lists_made": int((kept.lists["sealed_at"] >= period.since).sum()),
    }


def _leads(kept: _Kept, period: Period) -> Row:
    told = _told_in(kept, period)
    new = told[told["notice"].eq("NEW")]
    days = new["lead_days"].dropna()
    late = int((days <= LATE).sum())
    return {
        "lead_counted": len(days),
        "new_without_date": len(new) - len(days),
        "lead_days_median": _quantile(days, 0.5),
        "lead_days_p10": _quantile(days, 0.1),
        "lead_days_p90": _quantile(days, 0.9),
        "told_late": late,
        "told_late_percent": _percent(late, len(days)),
        "departures_told_late": int((told["notice"].eq("DEPARTED") & told["before"].isin(["", "CANCELLED"])).sum()),
    }


def _answers(kept: _Kept, period: Period) -> Row:
    told = kept.lists[kept.lists["known"].notna()]
    known = told["known"].value_counts()
    answered = told[told["answered_at"].notna()]
    hours = (answered["answered_at"] - answered["told_at"]).dt.total_seconds().clip(lower=0) // 3600
    return {
        "lists_told": len(told),
        **{
            name: int(known.get(name, 0))
            for name in ("lists_received_in_time", "lists_received_late", "lists_not_received", "lists_not_due")
        },
        "answers": int((kept.answers["answered_at"] >= period.since).sum()),
        "lists_answered": len(answered),
        "answer_hours_median": _quantile(hours, 0.5),
        "answer_hours_p90": _quantile(hours, 0.9),
    }


def _concerns(concerns: pd.DataFrame, period: Period) -> Row:
    raised = concerns[concerns["raised_at"] >= period.since]
    closed = concerns[concerns["closed"] >= period.since]
    days = (closed["closed"] - closed["raised_at"]).dt.total_seconds() // 86400
    left_in = concerns["left_on"].between(pd.Timestamp(period.first), pd.Timestamp(period.last))
    outcomes = raised["outcome"].value_counts()
    return {
        "concerns_raised": len(raised),
        "concerns_closed": len(closed),
        "concerns_open": int(concerns["closed"].isna().sum()),
        "left_while_concern_stood": int((concerns["unseen"] & left_in).sum()),
        "concern_days_median": _quantile(days, 0.5),
        "concern_days_p90": _quantile(days, 0.9),
        **{
            name: int(outcomes.get(name, 0))
            for name in (
                "outcome_left_unseen",
                "outcome_left",
                "outcome_stays",
                "outcome_cancelled",
                "outcome_expected",
            )
        },
    }


def _changes_of_mind(told: pd.DataFrame) -> Row:
    stays = told[told["notice"].eq("CANCELLED") & told["reason"].eq("stays")]
    again = told["notice"].eq("NEW") & told["before"].eq("CANCELLED") & told["reason_before"].eq("stays")
    return {
        "changes_of_mind": _times(stays),
        "changed_on_the_day": _times(stays[stays["expected_departure_on"] <= stays["period_to"]]),
        "came_back": _times(told[again]),
    }


def _times(notices: pd.DataFrame) -> int:
    """How often these happened to cases: what two offices were told of one case happened once."""
    case = ["host_country", "case_id"]
    return int(notices.groupby([*case, "office"]).size().groupby(case).max().sum())


def _matches(kept: _Kept, period: Period, at: dt.datetime) -> Row:
    taken = kept.decisions["decision"].value_counts()
    last = min(period.last, (at - dt.timedelta.resolution).date())
    days = (pd.Timestamp(last) - kept.in_review["since"]).dt.days.clip(lower=0)
    return {
        "matches_accepted": int(taken.get("accept", 0)),
        "matches_rejected": int(taken.get("reject", 0)),
        "matches_reopened": int(taken.get("reopen", 0)),
        "cases_in_review": len(days),
        "review_days_median": _quantile(days, 0.5),
        "review_days_longest": _quantile(days, 1),
    }


def _records(kept: _Kept, period: Period) -> Row:
    last = _last(kept.told)
    left = last[last["departed_on"].notna() & last["notice"].isin(["DEPARTED", "CHANGED"])]
    said = kept.answers[kept.answers["record_closed_on"].notna()]
    of_them = left[["list_id", "departed_on", "told_at"]].rename(columns={"list_id": "list_id_told"})
    said = said.join(of_them, on="entry", how="inner")
    # As in `responses.still_open`: on an earlier notice it counts where it names the day of the departure, or a later.
    said = said[(said["list_id"] == said["list_id_told"]) | (said["record_closed_on"] >= said["departed_on"])]
    first = said.sort_values("answered_at", kind="stable").drop_duplicates("entry")
    now = first[first["answered_at"] >= period.since]
    days = (now["record_closed_on"] - _days(now["told_at"])).dt.days.clip(lower=0)
    return {
        "records_closed": len(now),
        "records_open": len(left) - len(first),
        "close_days_median": _quantile(days, 0.5),
        "close_days_p90": _quantile(days, 0.9),
    }


def _faults(kept: _Kept, period: Period) -> Row:
    key = ["host_country", "day"]
    there = kept.extracts.merge(kept.expected, on=key)
    newest = kept.reconciled.groupby("host_country")["day"].max().rename("newest")
    expected = kept.expected.merge(newest, on="host_country", how="left")
    without_office = kept.reconciled.drop_duplicates("host_country", keep="last")["without_office"]
    voided = kept.lists[kept.lists["voided_at"] >= period.since]
    told = _told_in(kept, period)
    return {
        "days_expected": len(kept.expected),
        "days_not_reconciled": len(kept.expected) - len(kept.reconciled.merge(kept.expected, on=key)),
        "days_behind": int((expected["newest"].isna() | (expected["day"] > expected["newest"])).sum()),
        "cases_without_office": int(without_office.sum()),
        "extracts_missing": 2 * len(kept.expected) - len(there),
        "extracts_late": int(kept.extracts["late"].sum()),
        "extracts_corrected": int((kept.extracts["turns"] > 1).sum()),
        "rows_pulled": int(kept.extracts["row_count"].sum()),
        "rows_quarantined": int(kept.extracts["quarantined_count"].sum()),
        "deliveries": len(kept.deliveries),
        "deliveries_repeated": int((kept.deliveries["attempts"] > 1).sum()),
        "deliveries_refused": int(kept.deliveries["state"].eq("refused").sum()),
        "deliveries_came_back": int(kept.deliveries["bounced_at"].notna().sum()),
        "lists_voided_scheduled": int(voided["kind"].eq("scheduled").sum()),
        "lists_voided_urgent": int(voided["kind"].eq("urgent").sum()),
        "told_in_error": int((told["notice"].eq("CANCELLED") & told["reason"].eq("notified_in_error")).sum()),
        "departures_corrected": int(told["reason"].eq("departure_corrected").sum()),
    }


def _months(host: str, kept: _Kept, period: Period) -> Iterable[Row]:
    told, made = _told_in(kept, period), kept.lists[kept.lists["sealed_at"] >= period.since]
    told_in, made_in = told["told_at"].dt.strftime("%Y-%m"), made["sealed_at"].dt.strftime("%Y-%m")
    for month in period.months:
        here = told[told_in == month]
        yield {
            "host_country": host,
            "month": month,
            **{f"told_{notice.lower()}": int(here["notice"].eq(notice).sum()) for notice in NOTICES},
            "told_on_scheduled": int(here["kind"].eq("scheduled").sum()),
            "told_on_urgent": int(here["kind"].eq("urgent").sum()),
            "lists_made": int((made_in == month).sum()),
        }


def _bands(host: str, kept: _Kept, period: Period) -> Iterable[Row]:
    told = _told_in(kept, period)
    days = told.loc[told["notice"].eq("NEW"), "lead_days"].dropna()
    for low, high in LEAD_BANDS:
        inside = (days >= (-np.inf if low is None else low)) & (days <= (np.inf if high is None else high))
        yield {"host_country": host, "days_from": low, "days_to": high, "lead_counted": int(inside.sum())}


def _quantile(values: pd.Series, share: float) -> int | None:
    """The smallest value that at least this share of the values does not exceed: always one that occurred."""
    if values.empty:
        return None
    return int(np.quantile(values.to_numpy(dtype="float64"), share, method="inverted_cdf"))


def _percent(part: int, of: int) -> float | None:
    return round(100 * part / of, 1) if of else None

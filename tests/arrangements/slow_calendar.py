"""What an office expects of its lists, worked out the long way: nothing of `include.arrangements.calendar` is in here.

Public holidays come from the library that the project trusts with them; weekends, the roll to the working day before
and the clocks are written out once more, day by day, as a person with a wall calendar would do it.
"""

import datetime as dt
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST, LAST = dt.date(2014, 1, 1), dt.date(2037, 1, 1)
ONE = dt.timedelta(days=1)

PLACES = {
    # three letters: two letters, timezone, weekend
    "AFG": ("AF", "Asia/Kabul", {FRI, SAT}),
    "ARE": ("AE", "Asia/Dubai", {SAT, SUN}),  # since 2022
    "ARG": ("AR", "America/Argentina/Buenos_Aires", {SAT, SUN}),
    "ARM": ("AM", "Asia/Yerevan", {SAT, SUN}),
    "AUS": ("AU", "Australia/Lord_Howe", {SAT, SUN}),
    "AUT": ("AT", "Europe/Vienna", {SAT, SUN}),
    "AZE": ("AZ", "Asia/Baku", {SAT, SUN}),
    "BGD": ("BD", "Asia/Dhaka", {FRI, SAT}),
    "BGR": ("BG", "Europe/Sofia", {SAT, SUN}),
    "BHR": ("BH", "Asia/Bahrain", {FRI, SAT}),
    "BRA": ("BR", "America/Sao_Paulo", {SAT, SUN}),
    "BRN": ("BN", "Asia/Brunei", {FRI, SUN}),
    "CHL": ("CL", "America/Santiago", {SAT, SUN}),
    "CHN": ("CN", "Asia/Shanghai", {SAT, SUN}),
    "CMR": ("CM", "Africa/Douala", {SAT, SUN}),
    "COL": ("CO", "America/Bogota", {SAT, SUN}),
    "CYP": ("CY", "Asia/Nicosia", {SAT, SUN}),
    "DEU": ("DE", "Europe/Berlin", {SAT, SUN}),
    "DJI": ("DJ", "Africa/Djibouti", {FRI, SAT}),
    "DZA": ("DZ", "Africa/Algiers", {FRI, SAT}),
    "EGY": ("EG", "Africa/Cairo", {FRI, SAT}),
    "ESP": ("ES", "Atlantic/Canary", {SAT, SUN}),
    "ETH": ("ET", "Africa/Addis_Ababa", {SAT, SUN}),
    "GBR": ("GB", "Europe/London", {SAT, SUN}),
    "GRC": ("GR", "Europe/Athens", {SAT, SUN}),
    "GTM": ("GT", "America/Guatemala", {SAT, SUN}),
    "HUN": ("HU", "Europe/Budapest", {SAT, SUN}),
    "IDN": ("ID", "Asia/Jakarta", {SAT, SUN}),
    "IND": ("IN", "Asia/Kolkata", {SAT, SUN}),
    "IRN": ("IR", "Asia/Tehran", {FRI}),
    "IRQ": ("IQ", "Asia/Baghdad", {FRI, SAT}),
    "ISR": ("IL", "Asia/Jerusalem", {FRI, SAT}),
    "ITA": ("IT", "Europe/Rome", {SAT, SUN}),
    "JOR": ("JO", "Asia/Amman", {FRI, SAT}),
    "KAZ": ("KZ", "Asia/Almaty", {SAT, SUN}),
    "KEN": ("KE", "Africa/Nairobi", {SAT, SUN}),
    "KIR": ("KI", "Pacific/Kiritimati", {SAT, SUN}),
    "LBN": ("LB", "Asia/Beirut", {SAT, SUN}),
    "LBY": ("LY", "Africa/Tripoli", {FRI, SAT}),
    "MAR": ("MA", "Africa/Casablanca", {SAT, SUN}),
    "MDA": ("MD", "Europe/Chisinau", {SAT, SUN}),
    "MEX": ("MX", "America/Mexico_City", {SAT, SUN}),
    "MYS": ("MY", "Asia/Kuala_Lumpur", {SAT, SUN}),
    "NER": ("NE", "Africa/Niamey", {SUN}),
    "NOR": ("NO", "Antarctica/Troll", {SAT, SUN}),
    "NPL": ("NP", "Asia/Kathmandu", {SAT, SUN}),
    "NZL": ("NZ", "Pacific/Chatham", {SAT, SUN}),
    "PAK": ("PK", "Asia/Karachi", {SAT, SUN}),
    "PRY": ("PY", "America/Asuncion", {SUN}),
    "PSE": ("PS", "Asia/Gaza", {FRI, SAT}),
    "SAU": ("SA", "Asia/Riyadh", {FRI, SAT}),
    "SDN": ("SD", "Africa/Khartoum", {FRI, SAT}),
    "SWZ": ("SZ", "Africa/Mbabane", {SAT, SUN}),
    "SYR": ("SY", "Asia/Damascus", {FRI, SAT}),
    "TUR": ("TR", "Europe/Istanbul", {SAT, SUN}),
    "UKR": ("UA", "Europe/Kyiv", {SAT, SUN}),
    "USA": ("US", "America/Adak", {SAT, SUN}),
    "VUT": ("VU", "Pacific/Efate", {SAT, SUN}),
    "WSM": ("WS", "Pacific/Apia", {SAT, SUN}),
    "XKX": ("XK", "Europe/Belgrade", {SAT, SUN}),
    "YEM": ("YE", "Asia/Aden", {FRI, SAT}),
}


@lru_cache
def public_holidays(country: str) -> tuple[frozenset[dt.date], frozenset[dt.date]]:
    """The public holidays, and the Saturdays and Sundays that are working days in exchange for another."""
    known = holidays.country_holidays(PLACES[country][0], years=range(FIRST.year, LAST.year + 1))
    return frozenset(known), frozenset(known.weekend_workdays)


def is_weekend(country: str, day: dt.date) -> bool:
    if country == "ARE" and day.year < 2022:
        return day.weekday() in {FRI, SAT}
    return day.weekday() in PLACES[country][2]


def works(version, day: dt.date) -> bool:
    """Whether an office with this arrangement works on this day."""
    free, exchanged = public_holidays(version.list.holidays)
    if any(closure.first <= day <= closure.last for closure in version.list.closures):
        return False
    if version.list.workweek is not None:
        return DAYS[day.weekday()] in version.list.workweek and day not in free
    return day in exchanged if is_weekend(version.list.holidays, day) else day not in free


@lru_cache
def offsets(timezone: str) -> list[tuple[dt.datetime, dt.timedelta]]:
    """When, in UTC, each offset of the timezone begins: found by looking at its clock every six hours."""
    zone, step = ZoneInfo(timezone), dt.timedelta(hours=6)

    def offset(at: dt.datetime) -> dt.timedelta:
        return at.replace(tzinfo=dt.UTC).astimezone(zone).utcoffset()

    at, end = dt.datetime.combine(FIRST, dt.time()), dt.datetime.combine(LAST, dt.time())
    found = [(at, offset(at))]
    while at < end:
        if offset(at + step) != found[-1][1]:
            before, after = at, at + step
            while after - before > dt.timedelta(seconds=1):
                middle = before + (after - before) / 2
                middle = middle.replace(microsecond=0)
                before, after = (middle, after) if offset(middle) == found[-1][1] else (before, middle)
            found.append((after, offset(after)))
        at += step
    return found


def when_the_clock_shows(day: dt.date, at: dt.time, timezone: str) -> dt.datetime:
    """The first moment, in UTC, at which the clock shows this; if it skips it, when the clock before would have."""
    wall = dt.datetime.combine(day, at)
    stretches = [*offsets(timezone), (dt.datetime(9999, 1, 1), dt.timedelta())]
    for (begins, offset), (ends, _) in pairwise(stretches):
        if begins <= wall - offset < ends:
            return (wall - offset).replace(tzinfo=dt.UTC)
    skipped_by = next(
        offset for (_, offset), (ends, later) in pairwise(stretches) if ends + offset <= wall < ends + later
    )
    return (wall - skipped_by).replace(tzinfo=dt.UTC)


def expected_lists(versions) -> dict[dt.datetime, list[dt.date]]:
    """Every list of an office from its first day to 2036: when it is due, and the planned days that it stands for."""
    lists: dict[dt.datetime, list[dt.date]] = {}
    day, beginning = versions[0].effective_from, versions[0].effective_from

    def in_force(on: dt.date):
        return [version for version in versions if version.effective_from <= on][-1]

    while day < LAST:
        if DAYS[day.weekday()] in in_force(day).list.days:
            sent = day
            while sent >= beginning and not works(in_force(sent), sent):
                sent -= ONE
            if sent < beginning:
                sent = beginning
                while not works(in_force(sent), sent):
                    sent += ONE
            if (day - sent).days < 366:
                version = in_force(sent)
                moment = when_the_clock_shows(sent, version.list.at, version.timezone)
                lists.setdefault(moment, []).append(day)
        day += ONE
    return dict(sorted(lists.items()))

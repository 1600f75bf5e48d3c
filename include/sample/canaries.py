"""People who occur nowhere else: if one of their names turns up in a log, it was leaked.

Reach for `make_canaries` to have those of a host country. Their names, places, birth dates and references are made of
letters that no other name of the world has together, so that a search for them needs no exceptions.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from include.sample.hosts import Host
from include.sample.lives import CASE_COLUMNS, Case, Cells
from include.sample.spelling import PERSON_COLUMNS

PROCEDURE_COLUMNS = (
    "asylum_reference",
    "host_country",
    *PERSON_COLUMNS,
    "unhcr_reference",
    "applied_on",
    "stage",
    "outcome",
    "outcome_on",
    "final",
    "updated_at",
)

ROLES = ("changed", "cancelled", "departed")
"""For each IOM office: told as NEW on the first day; what their names say on the second."""
OTHERS = ("never_applied", "rejected", "quarantined", "register_only", "objects")
"""For each host country: none of them is ever on a list. The last one, an Afghan, is in no view but IOM's either."""

# Sixteen beginnings, middles and ends; no language of the world has them, in either script.
_LATIN = (
    ("Zqua", "Vyx", "Qorj", "Xhwi", "Jzub", "Kvyq", "Wroj", "Yxom",
     "Fjuz", "Gzwe", "Qhib", "Vjak", "Zwyp", "Xqel", "Bvux", "Hjyz"),
    ("qzimb", "wvogj", "xjurk", "zqanv", "jxepw", "vkyzb", "gqowx", "pzuvj"),
    ("axq", "uvz", "ojx", "iqw", "ezj", "yvq", "uxk", "owz"),
)  # fmt: skip
_ARABIC = (
    ("ظقذ", "ڤكژ", "ثطغ", "ضخذ", "ژظب", "غڤق", "ذثژ", "ظضخ", "ڤذط", "ثژق", "خظث", "طڤغ", "قضذ", "ژخط", "بظڤ", "ضژث"),
    ("غظو", "ضڤي", "ذطو", "ثخو", "ظژي", "طذو", "قثي", "ڤضو"),
    ("ژظ", "ثڤ", "ضغ", "ذق", "طخ", "ظث", "ڤذ", "خض"),
)


@dataclass(frozen=True)
class Canary:
    """One of them: their case, if any, and their record, if any, and every value that must not be found."""

    name: str
    case: Case | None
    record: Cells | None
    values: tuple[tuple[str, str], ...]
    """Kind (`family_name`, `birth_date`, …) and value."""


def make_canaries(host: Host, number: int, first_day: dt.date) -> list[Canary]:
    """The canaries of the host country that is `number` in its world; the same for the same arguments."""
    offices: list[str | None] = [*host.offices] or [None]
    wanted = [(f"{role}_{office or host.code}", role, office) for office in offices for role in ROLES]
    wanted += [(role, role, offices[0]) for role in OTHERS]
    return [
        _make(host, name, role, office, number * 16 + position, first_day)
        for position, (name, role, office) in enumerate(wanted)
    ]


def _make(host: Host, name: str, role: str, office: str | None, number: int, first_day: dt.date) -> Canary:
    latin, arabic = (list(_words(syllables, number)) for syllables in (_LATIN, _ARABIC))
    born = dt.date(1903, 1, 2) + dt.timedelta(days=(number * 37) % 3280)
    # A day that the calendar does not have, and no other row either.
    birth = f"{born.year}-02-3{number % 2}" if role == "quarantined" else born.isoformat()
    reference = f"ZQJ{host.code}{number:05d}X"
    case_id = f"ZQV{host.code}{number:05d}W"
    unhcr = f"ZQU{host.code}{number:05d}K"
    person: Cells = {
        "family_name": latin[0],
        "given_names": latin[1],
        "name_original_script": f"{arabic[1]} {arabic[0]}",
        "father_name": latin[2],
        "mother_name": latin[3],
        "place_of_birth": latin[4],
        "date_of_birth": birth,
        "sex": "FM"[number % 2],
        "nationality": "AFG" if role == "objects" else host.nationality_codes[0],
        "unhcr_reference": unhcr,
    }
    has_record = role not in ("never_applied", "objects")
    said_by_many = ("sex", "nationality", "name_original_script")
    values = [
        *((column, str(text)) for column, text in person.items() if column not in said_by_many),
        ("family_name", arabic[0]),
        ("given_names", arabic[1]),
        ("destination_place", latin[5]),
        ("case_id", case_id),
        ("asylum_reference", reference),
    ]  # fmt: skip
    case = None
    if role != "register_only":
        case = Case(number=-1 - number, person=f"{host.code}-Z{number:05d}", position=None, party=-1 - number)
        case.references = (reference,) if has_record else ()
        came = first_day - dt.timedelta(days=9)
        case.now = dict.fromkeys(CASE_COLUMNS)
        expected = first_day + dt.timedelta(days=1 if role == "departed" else 11)
        case.enter(
            came,
            {
                **person,
                "case_id": case_id,
                "host_country": host.code,
                "asylum_reference": reference if has_record else None,
                "iom_office": office,
                "destination_country": person["nationality"],
                "destination_place": latin[5],
                "registered_on": came.isoformat(),
                "expected_departure_on": expected.isoformat(),
                "status": "booked",
                "sharing_consent": "true",
                "origin_objection": "true" if role == "objects" else None,
            },
        )
        _second_day(case, role, first_day + dt.timedelta(days=1), expected)
    record: Cells | None = None
    if has_record:
        # A quarantined case's record is in order, and it is not the case that would bring it on a list.
        record = {
            "asylum_reference": reference,
            "host_country": host.code,
            **person,
            "date_of_birth": born.isoformat(),
            "applied_on": (first_day - dt.timedelta(days=400)).isoformat(),
            "stage": "closed" if role == "rejected" else "first_instance",
            "outcome": "rejected" if role == "rejected" else "pending",
            "outcome_on": (first_day - dt.timedelta(days=40)).isoformat() if role == "rejected" else None,
            "final": "true" if role == "rejected" else "false",
            "updated_at": f"{(first_day - dt.timedelta(days=40)).isoformat()}T09:00:00Z",
        }
        if role == "quarantined":
            values.append(("date_of_birth", born.isoformat()))
    return Canary(name, case, record, tuple(values))


def _second_day(case: Case, role: str, day: dt.date, expected: dt.date) -> None:
    match role:
        case "changed":
            moved = expected + dt.timedelta(days=6)
            case.change(day, {"expected_departure_on": moved.isoformat()}, "date_moved")
        case "cancelled":
            case.change(day, {"status": "withdrawn"}, "withdrawn")
        case "departed":
            case.change(day, {"status": "departed", "departed_on": day.isoformat()}, "departed")


def _words(syllables: tuple[tuple[str, ...], ...], number: int) -> Iterator[str]:
    """Six words that no other canary has."""
    first, middle, last = syllables
    for word in range(6):
        # Counted up in mixed base: 16 x 8 x 8 words of three syllables, and then of four, five, …
        count = number * 6 + word
        # Scattered, so that words beside each other do not look alike; odd, so that none comes twice.
        count = (count * 677 + 7) % 1024 + 1024 * (count // 1024)
        text = first[count % 16] + middle[count // 16 % 8] + last[count // 128 % 8]
        rest = count // 1024
        while rest:
            text += middle[rest % 8]
            rest //= 8
        yield text

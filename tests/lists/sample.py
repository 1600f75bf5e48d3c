"""A list with every notice, several scripts and cells that a spreadsheet could run. Invented names only."""

import datetime as dt

import pandas as pd

from include.lists.document import ANSWER_COLUMNS, COLUMNS, Contact, NotificationList

ROWS = [
    ("7K3M-9QXT", "NEW", "", "RAHIMI, Ahmad Zaher", "2026-11-20", None, None, ""),
    ("P2WD-04JN", "NEW", "", "الحسن, محمد عبد الرحمن", "2026-11-24", None, None, "recognised"),
    ("QX8R-51TC", "NEW", "", "GHEBREMESKEL", None, None, None, ""),
    ("A7YB-6HVE", "CHANGED", "date_moved", "KVARATSKHELIA, Nino", "2026-12-04", "2026-11-19", None, ""),
    ("4MNS-ZK92", "CHANGED", "name_corrected", "OKONKWO, Chukwuemeka Emmanuel Oluwaseun", "2026-11-27", None, None, ""),
    ("J5DE-W8P1", "CANCELLED", "stays", "=SUM(1), Test", "2026-11-18", None, None, ""),
    ("T6GC-3RQA", "CANCELLED", "notified_in_error", "+49 NAME", "2026-11-30", None, None, "claim_withdrawn"),
    ("9VHF-X2B7", "DEPARTED", "", "მამულაშვილი, გიორგი", "2026-11-09", None, "2026-11-10", "late;recognised"),
]


def sample(language="en", form="xlsx", rows=ROWS, extra=(), number=7, **more) -> NotificationList:
    document = NotificationList(
        office="GRC-ATH",
        office_name="UNHCR Greece, Athens",
        year=2026,
        number=number,
        kind="scheduled",
        language=language,
        made_on=dt.date(2026, 11, 12),
        period_from=dt.date(2026, 11, 10),
        period_to=dt.date(2026, 11, 12),
        as_of={"GRC": dt.date(2026, 11, 12), "AUT": None},
        contact=Contact("IOM Athens, assisted voluntary return", "avr.athens@iom.example", "+30 210 000 0000"),
        extra_columns=tuple(extra),
        voided=("GRC-ATH_2026-0005",),
        entries=pd.DataFrame(),
        **more,
    )
    table = pd.DataFrame(list(rows), columns=list(COLUMNS[1:]))
    table.insert(0, "list_number", document.list_number)
    for column in ("expected_departure_on", "previous_expected_departure_on", "departed_on"):
        table[column] = pd.to_datetime(table[column])
    return document.with_entries(table.assign(**dict.fromkeys([*extra, *ANSWER_COLUMNS], "")))

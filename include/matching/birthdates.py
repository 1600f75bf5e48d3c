"""How two birth dates agree, when many are guesses, some are partial and some were read in another calendar.

Reach for `define` to have `birth_level(a, b)` in DuckDB; the register is too long for one date at a time.
"""

from include.matching.database import Database

NOT_KNOWN, DIFFERS, NEAR, YEAR, SLIP, GUESSED, SAME = -1, 0, 1, 2, 3, 4, 5
"""Levels of agreement. NEAR is a guess that is a year or two, or another calendar, away; YEAR the same year where one
side knows no more or guessed; SLIP a known day with day and month swapped, a digit off, or read in another calendar;
GUESSED the same 1 January."""

IS_DATE = r"\d{4}(-\d{2}(-\d{2})?)?"

# 621 or 622 years between the Hijri and the Gregorian year, 7 or 8 between the Ethiopian and the Gregorian.
_MACROS = f"""
CREATE MACRO known_day(date) AS length(date) = 10 AND NOT ends_with(date, '-01-01');
CREATE MACRO years_apart(a, b) AS abs(CAST(substr(a, 1, 4) AS INTEGER) - CAST(substr(b, 1, 4) AS INTEGER));
CREATE MACRO other_calendar(a, b) AS years_apart(a, b) IN (7, 8, 621, 622);
CREATE MACRO is_slip(a, b) AS
    (substr(a, 1, 4) = substr(b, 1, 4) AND substr(a, 6, 2) = substr(b, 9, 2) AND substr(a, 9, 2) = substr(b, 6, 2))
    OR (other_calendar(a, b) AND substr(a, 6) = substr(b, 6))
    -- Two signs that differ are the most that one slip touches, and those that differ are cheap to count.
    OR CASE WHEN length(a) <> length(b) THEN false WHEN hamming(a, b) > 2 THEN false
        ELSE damerau_levenshtein(replace(a, '-', ''), replace(b, '-', '')) = 1 END
    -- Calendars are turned into one another by tables that are a day off.
    OR abs(date_diff('day', TRY_CAST(a AS DATE), TRY_CAST(b AS DATE))) IN (1, 364, 365, 366);
CREATE MACRO birth_level(a, b) AS CASE
    WHEN a IS NULL OR b IS NULL THEN {NOT_KNOWN}
    WHEN a = b THEN CASE WHEN known_day(a) THEN {SAME} WHEN length(a) = 10 THEN {GUESSED} ELSE {YEAR} END
    WHEN known_day(a) AND known_day(b) THEN CASE WHEN is_slip(a, b) THEN {SLIP} ELSE {DIFFERS} END
    WHEN years_apart(a, b) = 0 THEN {YEAR}
    WHEN years_apart(a, b) <= 2 OR other_calendar(a, b) THEN {NEAR}
    ELSE {DIFFERS} END;
"""


def define(connection: Database) -> None:
    """Give the connection `birth_level(a, b)`, a level of agreement of two dates, and `known_day(date)`.

    Dates are text of the form YYYY, YYYY-MM or YYYY-MM-DD, or NULL. A day is known unless the date is partial or the
    1 January that somebody writes who does not know; where a date is a guess, so is its year.
    """
    connection.execute(_MACROS)

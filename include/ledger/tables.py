"""From rows of the ledger to tables and back."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from sqlalchemy import CTE, Date, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from include.ledger.models import Moment


def table(session: Session, statement: Select[*tuple[Any, ...]]) -> pd.DataFrame:
    """What `statement` selects, one column each; dates as datetime64[s], empty ones as NaT, missing text as None."""
    result = session.execute(statement)
    columns = list(statement.selected_columns)
    frame = pd.DataFrame(result.fetchall(), columns=[column.key for column in columns], dtype=object)
    for column in columns:
        if isinstance(column.type, Date):
            frame[column.key] = pd.to_datetime(frame[column.key]).astype("datetime64[s]")
        elif isinstance(column.type, Moment):
            frame[column.key] = pd.to_datetime(frame[column.key], utc=True)
    return frame


def distinct(column: InstrumentedAttribute[Any]) -> CTE:
    """The different values (`value`) of the first column of an index, by a step of it for each, not a look at all."""
    found = select(func.min(column).label("value")).cte(f"every_{column.class_.__tablename__}", recursive=True)
    following = select(func.min(column)).where(column > found.c.value).correlate(found).scalar_subquery()
    return found.union_all(select(following).where(found.c.value.is_not(None)))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of `frame` as a database takes them: Python's own dates and numbers, None where a value is missing."""
    columns: dict[str, Iterable[Any]] = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_datetime64_dtype(column):
            columns[name] = [None if pd.isna(value) else value.date() for value in column]
        else:
            values = column.astype(object)
            columns[name] = [None if value is pd.NA or value != value else value for value in values]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

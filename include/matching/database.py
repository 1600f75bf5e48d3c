"""What linking asks of a database: DuckDB's connection has it, and so has Spark (`spark.SparkDatabase`).

Reach for `Database` where a function of this room takes either.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as arrow


class Rows(Protocol):
    """The rows of a query."""

    def fetchall(self) -> list[tuple[Any, ...]]: ...
    def fetchmany(self, size: int) -> list[tuple[Any, ...]]: ...
    def to_arrow_table(self) -> "arrow.Table": ...
    def df(self) -> "pd.DataFrame": ...


class Database(Protocol):
    """Queries in DuckDB's SQL, with functions of Python's; only what both can be called with in one way is typed."""

    @property
    def execute(self) -> Callable[..., Rows]: ...
    @property
    def sql(self) -> Callable[..., Rows]: ...
    @property
    def register(self) -> "Callable[[str, arrow.Table], object]": ...
    @property
    def unregister(self) -> Callable[[str], object]: ...
    @property
    def create_function(self) -> Callable[..., object]: ...

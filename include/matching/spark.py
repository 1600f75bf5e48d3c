"""Linking on Spark: what this room asks of DuckDB's connection, on a Spark session.

Reach for `database` where a register outgrows one machine; `linkage.link` does, given a master. The queries are those
of DuckDB, translated as they run; what runs where, and why, is in docs/decisions/linking-on-spark.md.
"""

import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import pandas as pd
import pyarrow as arrow
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import arrow_udf, monotonically_increasing_id
from rapidfuzz.distance import JaroWinkler
from splink.internals.spark.database_api import SparkAPI
from splink.internals.spark.jar_location import similarity_jar_location
from sqlglot import exp

from include.matching.dialect import Translation, name_in_spark, statements, type_in_spark
from include.settings import ROOT

_SETTINGS = {
    # Names would stand in what these write, and anybody on the network could read the UI.
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    "spark.log.level": "OFF",
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.io.encryption.enabled": "true",
    "spark.executorEnv.PYTHONPATH": str(ROOT),
}

# Python's side of Spark would write the values of what went wrong, and in DEBUG all that it sends.
for _talker in ("SQLQueryContextLogger", "py4j"):
    logging.getLogger(_talker).setLevel(logging.CRITICAL + 1)


_OF_FILES_ALONE = (exp.Attach, exp.Transaction, exp.Commit)
"""Statements that have no meaning where nothing is kept in a file."""


@contextmanager
def database(master: str) -> Iterator["SparkDatabase"]:
    """An empty database on the Spark of `master` (`local[4]`, `spark://host:7077`), gone at the end.

    Executors need this project and its environment at the same path as here.
    """
    with tempfile.TemporaryDirectory() as folder:
        builder = SparkSession.builder.master(master).appName("linking").config(map=_SETTINGS)
        builder = builder.config("spark.local.dir", folder).config("spark.jars", similarity_jar_location())
        session = builder.getOrCreate()
        session.sparkContext.pythonExec = sys.executable
        try:
            yield SparkDatabase(session)
        except AnalysisException:
            raise
        except (PySparkException, Py4JJavaError) as error:
            # Its text may quote a value.
            condition = error.getCondition() if isinstance(error, PySparkException) else None
            raise LinkingOnSparkFailed(condition or type(error).__name__) from None
        finally:
            session.stop()


class LinkingOnSparkFailed(RuntimeError):
    """The work broke off; the message is Spark's name for what was wrong, without the values."""


class Rows:
    """The rows of a query, which runs when they are asked for."""

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame
        self._rest: Iterator[tuple] | None = None

    def fetchall(self) -> list[tuple]:
        return [tuple(row) for row in self._frame.collect()]

    def fetchmany(self, size: int) -> list[tuple]:
        """The next `size` rows, or those that are left."""
        if self._rest is None:
            self._rest = map(tuple, self._frame.toLocalIterator(prefetchPartitions=True))
        return list(islice(self._rest, size))

    def to_arrow_table(self) -> arrow.Table:
        return self._frame.toArrow()

    def df(self) -> pd.DataFrame:
        return self._frame.toArrow().to_pandas()


class SparkDatabase:
    """The methods of a DuckDB connection that linking calls, with DuckDB's SQL, on Spark."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session
        self._translation = Translation()
        # Brings damerau_levenshtein with it.
        SparkAPI(spark_session=session)
        self.create_function("jarowinkler_similarity", _alike, ["VARCHAR", "VARCHAR"], "DOUBLE")
        # Asked only before damerau_levenshtein is, which refuses what this lets through beside it.
        self.execute("CREATE MACRO hamming(a, b) AS levenshtein(a, b)")

    def execute(self, sql: str) -> Rows:
        """Run the statements; the rows of the last one that has any."""
        rows = self._session.range(0)
        for statement in statements(sql):
            if isinstance(statement, exp.Drop):
                for table in statement.args["tables"]:
                    self.unregister(table.name)
            elif isinstance(statement, exp.Insert):
                table = statement.this.name
                self._keep(table, f"TABLE {table} UNION ALL {self._translation.in_spark(statement.expression)}")
            elif isinstance(statement, exp.Create):
                self._create(statement)
            elif not isinstance(statement, _OF_FILES_ALONE):
                rows = self._session.sql(self._translation.in_spark(statement))
        return Rows(rows)

    sql = execute

    def _create(self, statement: exp.Create) -> None:
        if statement.kind == "MACRO":
            self._translation.define(statement)
        elif isinstance(statement.this, exp.Schema):
            columns = ", ".join(
                f"{one.name} {type_in_spark(one.kind.sql('duckdb'))}" for one in statement.this.expressions
            )
            self._session.createDataFrame([], columns).createOrReplaceTempView(name_in_spark(statement.this.this))
        elif statement.kind == "VIEW":
            rows = self._session.sql(self._translation.in_spark(statement.expression))
            rows.createOrReplaceTempView(statement.this.name)
        else:
            self._keep(statement.this.name, self._translation.in_spark(statement.expression))

    def _keep(self, table: str, query: str) -> None:
        rows = self._session.sql(query)
        if table.endswith("_read"):
            # DuckDB's tables all have one, and it is asked of these.
            rows = rows.withColumn("rowid", monotonically_increasing_id())
        # A checkpoint, not a cache: numbers given to rows must not be given anew where an executor is lost.
        rows.localCheckpoint().createOrReplaceTempView(table)

    def register(self, name: str, table: arrow.Table) -> None:
        """Hand the rows of `table` out to the executors as the table `name`."""
        self._session.createDataFrame(table).createOrReplaceTempView(name)

    def unregister(self, name: str) -> None:
        self._session.catalog.dropTempView(name)

    def create_function(
        self,
        name: str,
        function: Callable,
        parameters: list[str],
        returns: str,
        *,
        type: str = "native",  # noqa: A002 (DuckDB's word)
    ) -> None:
        """Let queries call `function`, of values, none of them NULL, or (`type` "arrow") of whole columns."""
        columns = function if type == "arrow" else _of_each_row(function)
        self._session.udf.register(name, arrow_udf(columns, type_in_spark(returns)))


def _of_each_row(function: Callable) -> Callable[..., arrow.Array]:
    def on_columns(*columns: arrow.Array) -> arrow.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return arrow.array([None if None in row else function(*row) for row in rows])

    return on_columns


def _alike(one: str, other: str) -> float:
    """Jaro-Winkler similarity as DuckDB has it: of bytes, and 0 for two empty words."""
    return JaroWinkler.similarity(one.encode(), other.encode()) if one else 0.0

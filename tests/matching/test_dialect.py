"""This room's SQL in Spark's words, as far as it can be told without a Spark."""

import pytest

from include.matching.dialect import Translation, statements


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("SELECT row_number() OVER () FROM t", "SELECT ROW_NUMBER() OVER (ORDER BY NULL) FROM t"),
        ("SELECT rowid AS id FROM t", "SELECT MONOTONICALLY_INCREASING_ID() AS id FROM t"),
        ("SELECT t.* REPLACE (a + 1 AS a) FROM t", "SELECT t.* EXCEPT (a), a + 1 AS a FROM t"),
        (
            "SELECT 1 FROM t WHERE (a, b) IN (SELECT (c, d) FROM u)",
            "SELECT 1 FROM t WHERE (a, b) IN (SELECT c, d FROM u)",
        ),
        (r"SELECT regexp_full_match(a, '\d|x')", r"SELECT a RLIKE '\\A(?:\\d|x)\\z'"),
        ("SELECT log10(a)", "SELECT LOG10(a)"),
    ],
)
def test_what_the_two_say_differently_is_translated(duckdb, spark):
    (query,) = statements(duckdb)
    assert Translation().in_spark(query) == spark


def test_a_macro_is_written_out_where_it_is_called_and_within_another():
    translation = Translation()
    *macros, query = statements(
        "CREATE MACRO half(a) AS a / 2; CREATE MACRO fourth(b) AS half(half(b)); SELECT fourth(a + t.b), half(c) FROM t"
    )
    for macro in macros:
        translation.define(macro)
    assert translation.in_spark(query) == "SELECT ((((((a + t.b)) / 2)) / 2)), ((c) / 2) FROM t"

"""This room's SQL in Spark's words, as far as it can be told without a Spark."""

import pytest

from include.matching.dialect import Translation, statements


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("SELECT row_number() OVER () FROM t", "SELECT ROW_NUMBER() OVER (ORDER BY NULL) FROM t"),
        ("SELECT hash(a, b) FROM t", "SELECT XXHASH64(a, b) FROM t"),
        (
            "SELECT list_min(max(a, 8)) FROM t",
            "SELECT ARRAY_MIN(SLICE(SORT_ARRAY(COLLECT_LIST(a), FALSE), 1, 8)) FROM t",
        ),
        ("WITH u AS MATERIALIZED (FROM t) FROM u", "WITH u AS (SELECT * FROM t) SELECT * FROM u"),
        (
            "SELECT p.a FROM kept.pair p JOIN kept.level USING (a)",
            "SELECT p.a FROM kept_pair AS p JOIN kept_level USING (a)",
        ),
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


def test_a_macro_of_a_table_is_written_out_with_the_table_that_it_is_given():
    translation = Translation()
    macro, query = statements(
        "CREATE MACRO some(of_these) AS TABLE FROM query_table(of_these); SELECT a FROM some('t')"
    )
    translation.define(macro)
    assert translation.in_spark(query) == "SELECT a FROM (SELECT * FROM t)"

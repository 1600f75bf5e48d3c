"""The queries of this room, which are written for DuckDB, in Spark's SQL.

Reach for `Translation` to see what Spark is asked. sqlglot, on which Splink stands too, knows most of what the two
dialects say differently; here is the rest of what these queries use.
"""

from collections.abc import Callable

import sqlglot
from sqlglot import exp

Macro = tuple[list[str], exp.Expr]
"""The names of a macro's parameters, and what it stands for."""


def statements(sql: str) -> list[exp.Expr]:
    """The statements of DuckDB's SQL, parsed."""
    return [statement for statement in sqlglot.parse(sql, read="duckdb") if statement]


def type_in_spark(name: str) -> str:
    """`VARCHAR[]`, a type of DuckDB's, as Spark calls it."""
    # Spark has no unsigned integers; 64 bits are as many, and of a hash no more is asked.
    return exp.DataType.build(name.replace("UBIGINT", "BIGINT"), dialect="duckdb").sql("spark")


def name_in_spark(table: exp.Table) -> str:
    """What a table is called in Spark, that of a schema too."""
    return f"{table.db}_{table.name}" if table.db else table.name


class Translation:
    """From DuckDB to Spark, with the macros that were defined so far: Spark has none, so each call is written out."""

    def __init__(self) -> None:
        self._macros: dict[str, Macro] = {}

    def define(self, macro: exp.Create) -> None:
        """Know the macro from here on; `macro`: a statement of the form CREATE MACRO."""
        signature = macro.this
        parameters = [parameter.name for parameter in signature.expressions]
        self._macros[signature.this.name] = parameters, self._written_out(macro.expression)

    def in_spark(self, query: exp.Expr) -> str:
        """A query of DuckDB's in Spark's SQL."""
        found = self._written_out(query)
        for kind, say in _SAID_OTHERWISE.items():
            for node in list(found.find_all(kind)):
                say(node)
        return found.sql("spark")

    def _written_out(self, tree: exp.Expr) -> exp.Expr:
        return tree.transform(self._body_of_call)

    def _body_of_call(self, node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Anonymous) or node.name not in self._macros:
            return node
        parameters, body = self._macros[node.name]
        arguments = [exp.paren(self._written_out(one), copy=False) for one in node.expressions]
        given: dict[str, exp.Expr] = dict(zip(parameters, arguments, strict=True))
        return exp.paren(
            body.transform(lambda part: given[part.name].copy() if _is_parameter(part, given) else part), copy=False
        )


def _is_parameter(node: exp.Expr, given: dict[str, exp.Expr]) -> bool:
    return isinstance(node, exp.Column) and not node.table and node.name in given


def _in_any_order(window: exp.Window) -> None:
    """Spark numbers rows only in an order; any will do where none is asked for."""
    if isinstance(window.this, exp.RowNumber) and not window.args.get("order"):
        window.set("order", exp.Order(expressions=[exp.null()]))


def _star_but_for(star: exp.Star) -> None:
    """`* REPLACE (level AS name)` is all but `name`, and that beside it."""
    replaced = star.args.get("replace")
    select = star.find_ancestor(exp.Select)
    if replaced and select:
        star.set("replace", None)
        star.set("except_", [exp.to_identifier(column.alias) for column in replaced])
        select.select(*replaced, copy=False)


def _pair_in(found: exp.In) -> None:
    """`(a, b) IN (SELECT (one, other) …)`: Spark takes columns for a pair."""
    query = found.args.get("query")
    select = query.this if isinstance(query, exp.Subquery) else query
    if isinstance(select, exp.Select) and isinstance(select.expressions[0], exp.Tuple):
        select.set("expressions", select.expressions[0].expressions)


def _whole_match(match: exp.RegexpFullMatch) -> None:
    match.replace(exp.RegexpLike(this=match.this, expression=exp.Literal.string(rf"\A(?:{match.expression.name})\z")))


def _call(function: exp.Anonymous) -> None:
    if function.name == "hash":
        # 64 bits, as DuckDB's has.
        function.replace(exp.Anonymous(this="xxhash64", expressions=function.expressions))
    elif function.name == "query_table":
        function.replace(exp.to_identifier(function.expressions[0].unnest().name))


def _least_of_most(least: exp.ArrayMin) -> None:
    """`list_min(max(weight, 8))`, the eighth of the heaviest."""
    most = least.this
    if isinstance(most, exp.Max) and most.args.get("count"):
        every = sqlglot.parse_one("array_min(slice(sort_array(collect_list(every), false), 1, count))", read="spark")
        given = {"every": most.this, "count": most.args["count"]}
        least.replace(every.transform(lambda part: given[part.name].copy() if _is_parameter(part, given) else part))


def _not_kept(table: exp.CTE) -> None:
    table.set("materialized", None)


def _without_schema(table: exp.Table) -> None:
    """`kept.pair`: views that last as long as a session have no schema."""
    if table.db:
        table.replace(exp.to_table(name_in_spark(table), alias=table.alias or None))


def _log10(log: exp.Log) -> None:
    """LOG(10, 1000) is a hair less than 3 in Spark, and a rarity is compared with whole numbers."""
    if log.expression and log.this.name == "10":
        # Under its own name sqlglot would make it LOG(10, …) again.
        log.replace(exp.Anonymous(this="LOG10", expressions=[log.expression]))


_SAID_OTHERWISE: dict[type[exp.Expr], Callable] = {
    exp.Window: _in_any_order,
    exp.Anonymous: _call,
    exp.ArrayMin: _least_of_most,
    exp.CTE: _not_kept,
    exp.Table: _without_schema,
    exp.Star: _star_but_for,
    exp.In: _pair_in,
    exp.RegexpFullMatch: _whole_match,
    exp.Log: _log10,
}

"""Operators, casts and calls of a Databricks tree, turned one by one into DuckDB with the same meaning."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.casts import cast_to
from mlflow_genie_plugin.sql_engine.errors import routine_not_found, syntax_error
from mlflow_genie_plugin.sql_engine.expression_types import argument_types
from mlflow_genie_plugin.sql_engine.function_table import DIVIDE, INTEGER_DIVIDE
from mlflow_genie_plugin.sql_engine.functions.aggregates import (
    around_aggregate,
    ignoring_nulls,
    percentile_disc,
    settle_types,
    skipping_nulls,
)
from mlflow_genie_plugin.sql_engine.functions.calls import convert_call
from mlflow_genie_plugin.sql_engine.functions.dates import extract_part
from mlflow_genie_plugin.sql_engine.functions.generators import GENERATORS, generator_query
from mlflow_genie_plugin.sql_engine.intervals import interval_written, shifted
from mlflow_genie_plugin.sql_engine.operators import array_field, typed_arithmetic, typed_comparison, typed_division
from mlflow_genie_plugin.sql_engine.templates import fill

# What the grammar itself makes: operators, special forms, literals of collections.
_LANGUAGE = (
    exp.Anonymous, exp.And, exp.Or, exp.Xor, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Extract, exp.Trim, exp.Exists,
    exp.Array, exp.Map, exp.VarMap, exp.Struct, exp.Concat, exp.RegexpLike, exp.JSONExtract, exp.GroupConcat,
    exp.PercentileCont, exp.PercentileDisc, exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentUser, exp.StrPosition,
    exp.Substring, exp.Overlay,
)  # fmt: skip


def convert_expressions(root: exp.Expr) -> None:
    """Convert every expression below ``root``, in place; ``root`` itself stays.

    Raises:
        SqlFailedError: A function does not exist or has no counterpart.
    """
    _refuse_foreign_functions(root)
    # Children before parents, and each once: what a conversion makes is DuckDB already and must not be read again.
    for node in reversed(list(root.walk(bfs=False))):
        if node is root or node.parent is None:
            continue
        new = _converted(node)
        if new is not None and new is not node:
            node.replace(new)
    settle_types(root)


def _refuse_foreign_functions(root: exp.Expr) -> None:
    """Raise for functions that only sqlglot and DuckDB know; every other call is untyped and looked up by name."""
    for function in root.find_all(exp.Func):
        if not isinstance(function, _LANGUAGE):
            raise routine_not_found([function.sql_name().lower()])


def _converted(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Anonymous):
        return _call(node)
    return next((convert(node) for kind, convert in _CONVERSIONS.items() if isinstance(node, kind)), None)


def _call(node: exp.Anonymous) -> exp.Expr | None:
    if node.name.lower() in GENERATORS and (isinstance(node.parent, exp.Table | exp.Lateral) or _is_projection(node)):
        return None
    new = convert_call(node)
    return (
        skipping_nulls(new.this, windowed=isinstance(node.parent, exp.Window))
        if isinstance(new, exp.IgnoreNulls)
        else new
    )


def _is_projection(node: exp.Expr) -> bool:
    holder = node.parent if isinstance(node.parent, exp.Alias | exp.Aliases) else node
    return isinstance(holder.parent, exp.Select) and holder.arg_key == "expressions"


def _cast(node: exp.Expr) -> exp.Expr | None:
    kinds = argument_types(node)
    source = kinds[0] if kinds else None
    return cast_to(node.this, node.args["to"], lenient=isinstance(node, exp.TryCast), source=source)


def _divide(node: exp.Expr) -> exp.Expr | None:
    exact = typed_division(node)
    if exact is not None:
        return exact
    divisor = node.expression
    if isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.name) != 0:
        return None
    return fill(DIVIDE, node.this, divisor)


def _divide_whole(node: exp.Expr) -> exp.Expr | None:
    return fill(INTEGER_DIVIDE, node.this, node.expression)


def _extract(node: exp.Expr) -> exp.Expr | None:
    return extract_part(node.name, node.expression)


def _json_path(node: exp.Expr) -> exp.Expr | None:
    path = node.expression.sql(dialect="duckdb").strip("'")
    return exp.Anonymous(this="json_extract_string", expressions=[node.this, exp.Literal.string(path)])


def _bracket(node: exp.Expr) -> exp.Expr | None:
    kinds = argument_types(node)
    if not kinds or kinds[0] is None or kinds[0].kind != "ARRAY" or len(node.expressions) != 1:
        return None
    return fill("spark_item(_1, _2)", node.this, node.expressions[0])


def _joined_text(node: exp.Expr) -> exp.Expr | None:
    """Keep the type of text that is joined with an untyped NULL."""
    if any(kind is not None and kind.kind == "VOID" for kind in argument_types(node)):
        return exp.cast(exp.paren(node.copy()), "TEXT")
    return None


def _like(node: exp.Expr) -> exp.Expr | None:
    pattern = node.expression
    escaped = isinstance(pattern, exp.Literal) and "\\" in pattern.name and not isinstance(node.parent, exp.Escape)
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\")) if escaped else None


def _values(node: exp.Expr) -> exp.Expr | None:
    """Name the columns of VALUES as the warehouse does: col1, col2 and so on."""
    alias = node.args.get("alias")
    if (alias is None or not alias.columns) and isinstance(node.parent, exp.From | exp.Join):
        first = node.expressions[0]
        width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
        label = alias.this if alias is not None and alias.this else exp.to_identifier("_values")
        columns = [exp.to_identifier(f"col{number + 1}") for number in range(width)]
        node.set("alias", exp.TableAlias(this=label, columns=columns))
    return None


def _distinct_on(node: exp.Expr) -> exp.Expr | None:
    if node.args.get("on"):
        raise syntax_error("DISTINCT ON is not Databricks SQL")
    return None


def _group(node: exp.Expr) -> exp.Expr | None:
    """Write ``GROUP BY a, b WITH ROLLUP`` as ``GROUP BY ROLLUP (a, b)``."""
    for key in ("rollup", "cube"):
        for grouping in node.args.get(key) or []:
            if isinstance(grouping, exp.Rollup | exp.Cube) and not grouping.expressions:
                grouping.set("expressions", node.expressions)
                node.set("expressions", [])
    return None


def _table_function(node: exp.Expr) -> exp.Expr | None:
    if not isinstance(node.this, exp.Anonymous):
        return None
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.this.name, quoted=True))
    names = [column.name for column in alias.columns]
    alias.set("columns", None)
    return exp.Subquery(this=generator_query(node.this, names), alias=alias)


_CONVERSIONS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr | None]] = {
    exp.TryCast: _cast,
    exp.Cast: _cast,
    exp.IntDiv: _divide_whole,
    exp.Div: _divide,
    exp.Add: shifted,
    exp.Mul: typed_arithmetic,
    exp.Mod: typed_arithmetic,
    exp.Dot: array_field,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ), typed_comparison),
    exp.Sub: shifted,
    exp.Interval: interval_written,
    exp.Extract: _extract,
    exp.JSONExtract: _json_path,
    exp.Bracket: _bracket,
    exp.DPipe: _joined_text,
    exp.StrPosition: lambda node: exp.cast(node.copy(), "INT"),
    exp.Like: _like,
    exp.ILike: _like,
    exp.IgnoreNulls: ignoring_nulls,
    exp.Filter: around_aggregate,
    exp.Window: around_aggregate,
    exp.Values: _values,
    exp.PercentileDisc: percentile_disc,
    exp.Group: _group,
    exp.Distinct: _distinct_on,
    exp.Table: _table_function,
    exp.CurrentDate: lambda _: fill("CAST(timezone('UTC', now()) AS DATE)"),
    exp.CurrentTimestamp: lambda _: fill("timezone('UTC', now())"),
    exp.CurrentUser: lambda _: exp.Literal.string("local"),
}

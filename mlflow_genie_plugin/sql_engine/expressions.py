"""Operators, casts and calls of a Databricks tree, turned one by one into DuckDB with the same meaning."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.casts import cast_to
from mlflow_genie_plugin.sql_engine.date_functions import extract_part
from mlflow_genie_plugin.sql_engine.errors import routine_not_found, syntax_error, unsupported
from mlflow_genie_plugin.sql_engine.expression_types import argument_types
from mlflow_genie_plugin.sql_engine.function_table import DIVIDE, INTEGER_DIVIDE
from mlflow_genie_plugin.sql_engine.functions import convert_call
from mlflow_genie_plugin.sql_engine.generators import GENERATORS, generator_query
from mlflow_genie_plugin.sql_engine.operators import array_field, typed_arithmetic, typed_comparison, typed_division
from mlflow_genie_plugin.sql_engine.templates import fill
from mlflow_genie_plugin.sql_engine.typed_functions import SETTLED

# What the grammar itself makes: operators, special forms, literals of collections.
_LANGUAGE = (
    exp.Anonymous, exp.And, exp.Or, exp.Xor, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Extract, exp.Trim, exp.Exists,
    exp.Array, exp.Map, exp.VarMap, exp.Struct, exp.Concat, exp.RegexpLike, exp.JSONExtract, exp.GroupConcat,
    exp.PercentileCont, exp.PercentileDisc, exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentUser, exp.StrPosition,
    exp.Substring, exp.Overlay,
)  # fmt: skip
_CLOCK_UNITS = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
_NULL_SKIPPING = {"first_value": exp.FirstValue, "first": exp.FirstValue, "last_value": exp.LastValue,
                  "last": exp.LastValue, "lag": exp.Lag, "lead": exp.Lead, "nth_value": exp.NthValue}  # fmt: skip


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
    _settle_types(root)


def _settle_types(root: exp.Expr) -> None:
    """Cast what an aggregate or window function gives to the type Spark gives, around its FILTER and OVER."""
    for call in [node for node in root.find_all(exp.Anonymous, exp.PercentileDisc) if SETTLED in node.meta]:
        whole: exp.Expr = call
        while (
            isinstance(whole.parent, exp.Filter | exp.Window | exp.IgnoreNulls | exp.WithinGroup)
            and whole.arg_key == "this"
        ):
            whole = whole.parent
        target = exp.DataType.build(call.meta.pop(SETTLED), dialect="duckdb")
        whole.replace(exp.Cast(this=whole.copy(), to=target))


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
        _skipping_nulls(new.this, windowed=isinstance(node.parent, exp.Window))
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


def _shift(node: exp.Expr) -> exp.Expr | None:
    """Add or subtract an interval: a date stays a date unless the interval has hours."""
    left, right = node.this, node.expression
    if isinstance(node, exp.Add) and _is_interval(left) and not _is_interval(right):
        left, right = right, left
    kinds = argument_types(node)
    names = [kind.kind if kind is not None else "" for kind in kinds]
    if names[:1] != ["INTERVAL"] and names[1:] == ["INTERVAL"] and names[0] and not _is_interval(right):
        return fill("spark_plus(_1, _2)" if isinstance(node, exp.Add) else "spark_minus(_1, _2)", left, right)
    if not _is_interval(right) or _is_interval(left):
        return typed_arithmetic(node)
    if any(_unit(interval) in _CLOCK_UNITS for interval in right.find_all(exp.Interval)):
        left = fill("CAST(_1 AS TIMESTAMP)", left)
    return fill("spark_plus(_1, _2)" if isinstance(node, exp.Add) else "spark_minus(_1, _2)", left, right)


def _is_interval(node: exp.Expr) -> bool:
    if isinstance(node, exp.Paren | exp.Neg):
        return _is_interval(node.this)
    if isinstance(node, exp.Mul | exp.Add | exp.Sub):
        return _is_interval(node.this) or _is_interval(node.expression)
    return isinstance(node, exp.Interval)


def _unit(interval: exp.Expr) -> str:
    unit = interval.args.get("unit")
    return unit.name.upper().removesuffix("S") if unit is not None else ""


def _interval(node: exp.Expr) -> exp.Expr | None:
    unit = node.args.get("unit")
    if not isinstance(unit, exp.IntervalSpan):
        return None
    text, span = node.this.name, f"{unit.this.name} TO {unit.expression.name}".upper()
    sign, _, rest = text.rpartition("-") if text.startswith("-") and text.count("-") == 1 else ("", "", text)
    if span == "YEAR TO MONTH" and not sign:
        negative, rest = rest.startswith("-"), rest.lstrip("-+")
        years, _, months = rest.partition("-")
        total = (int(years) * 12 + int(months)) * (-1 if negative else 1)
        return exp.Interval(this=exp.Literal.string(str(total)), unit=exp.var("MONTH"))
    if span == "DAY TO SECOND" and (parts := re.fullmatch(r"([+-]?)(\d+) (\d+):(\d+):(\d+(?:\.\d+)?)", text)):
        days, clock = f"{parts[1]}{parts[2]} days", f"{parts[1]}{parts[3]}:{parts[4]}:{parts[5]}"
        return exp.cast(exp.Literal.string(f"{days} {clock}"), "INTERVAL")
    raise unsupported(f"INTERVAL … {span}")


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


def _ignore_nulls(node: exp.Expr) -> exp.Expr | None:
    return _skipping_nulls(node.this, windowed=isinstance(node.parent, exp.Window))


def _skipping_nulls(call: exp.Expr, *, windowed: bool) -> exp.Expr:
    name = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    if name not in _NULL_SKIPPING:
        raise unsupported("IGNORE NULLS with this function")
    if not windowed:
        value = call.expressions[0]
        if name.startswith("first"):
            return exp.Anonymous(this="any_value", expressions=[value])
        present = exp.Where(this=fill("_1 IS NOT NULL", value))
        return exp.Filter(this=exp.Anonymous(this="last", expressions=[value]), expression=present)
    keys = ("this", "offset", "default")
    typed = _NULL_SKIPPING[name](**dict(zip(keys, call.expressions, strict=False)))
    return exp.IgnoreNulls(this=typed)


def _around_aggregate(node: exp.Expr) -> exp.Expr | None:
    """Move FILTER and OVER inside when the aggregate became more than one call (``collect_list``)."""
    inner = node.this
    if isinstance(inner, exp.Anonymous) and inner.name == "coalesce" and isinstance(inner.expressions[0], exp.Filter):
        aggregate = inner.expressions[0]
        if isinstance(node, exp.Filter):
            condition = exp.and_(aggregate.expression.this, node.expression.this)
            aggregate.set("expression", exp.Where(this=condition))
        else:
            window = node.copy()
            window.set("this", aggregate.copy())
            aggregate.replace(window)
        return inner.copy()
    if isinstance(inner, exp.Case | exp.Paren | exp.Binary | exp.Coalesce):
        raise unsupported("FILTER or OVER with this function")
    return None


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


def _percentile_disc(node: exp.Expr) -> exp.Expr | None:
    node.meta[SETTLED] = "DOUBLE"
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
    exp.Add: _shift,
    exp.Mul: typed_arithmetic,
    exp.Mod: typed_arithmetic,
    exp.Dot: array_field,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ), typed_comparison),
    exp.Sub: _shift,
    exp.Interval: _interval,
    exp.Extract: _extract,
    exp.JSONExtract: _json_path,
    exp.Bracket: _bracket,
    exp.DPipe: _joined_text,
    exp.StrPosition: lambda node: exp.cast(node.copy(), "INT"),
    exp.Like: _like,
    exp.ILike: _like,
    exp.IgnoreNulls: _ignore_nulls,
    exp.Filter: _around_aggregate,
    exp.Window: _around_aggregate,
    exp.Values: _values,
    exp.PercentileDisc: _percentile_disc,
    exp.Group: _group,
    exp.Distinct: _distinct_on,
    exp.Table: _table_function,
    exp.CurrentDate: lambda _: fill("CAST(timezone('UTC', now()) AS DATE)"),
    exp.CurrentTimestamp: lambda _: fill("timezone('UTC', now())"),
    exp.CurrentUser: lambda _: exp.Literal.string("local"),
}

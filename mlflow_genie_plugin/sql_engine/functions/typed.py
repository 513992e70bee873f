"""Functions whose form or result type depends on the types of their arguments; other calls need no types."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.expression_types import argument_types, type_of
from mlflow_genie_plugin.sql_engine.function_table import RENAMED
from mlflow_genie_plugin.sql_engine.functions.dates import DATE_BUILDERS
from mlflow_genie_plugin.sql_engine.operators import cast_decimal, decimal_division
from mlflow_genie_plugin.sql_engine.spark_types import SparkType
from mlflow_genie_plugin.sql_engine.templates import fill, from_table

# The type to cast an aggregate's or window function's result to; it stands around FILTER and OVER, so it comes last.
SETTLED = "duckdb_type"


def _duckdb_decimal(kind: SparkType) -> str:
    return f"DECIMAL({kind.precision}, {kind.scale})"


def _aggregate(call: exp.Anonymous) -> exp.Expr | None:
    kind = type_of(call)
    if kind is None or not kind.is_decimal:
        return None
    name = {"try_sum": "sum", "try_avg": "avg", "mean": "avg"}.get(call.name.lower(), call.name.lower())
    new = exp.Anonymous(this=name, expressions=call.expressions)
    new.meta[SETTLED] = _duckdb_decimal(kind)
    return new


def _settled(target: str) -> Callable[[exp.Anonymous], exp.Expr | None]:
    def build(call: exp.Anonymous) -> exp.Expr:
        new = exp.Anonymous(this=RENAMED[call.name.lower()], expressions=call.expressions)
        new.meta[SETTLED] = target
        return new

    return build


def _rounded(call: exp.Anonymous) -> exp.Expr | None:
    kind = type_of(call)
    if kind is None or not kind.is_decimal:
        return None
    return cast_decimal(from_table(call.name.lower(), call.expressions), kind)


def _whole(call: exp.Anonymous) -> exp.Expr | None:
    """Convert ceil and floor: without digits a decimal stays one."""
    kind = type_of(call)
    if kind is None or not kind.is_decimal:
        return None
    name = "floor" if call.name.lower() == "floor" else "ceil"
    value = fill(f"{name}(_1)", *call.expressions) if len(call.expressions) == 1 else from_table(name, call.expressions)
    return cast_decimal(value, kind)


def _try_divide(call: exp.Anonymous) -> exp.Expr | None:
    kind = type_of(call)
    if kind is None or not kind.is_decimal:
        return None
    left, right = call.expressions
    return decimal_division(left, right, argument_types(call), kind, on_zero="NULL")


def _typeof(call: exp.Anonymous) -> exp.Expr | None:
    kinds = argument_types(call)
    known = kinds[0] if len(kinds) == 1 else None
    return exp.Literal.string(known.text()) if known is not None and known.is_known else None


def _arrays(form: str) -> Callable[[exp.Anonymous], exp.Expr | None]:
    def build(call: exp.Anonymous) -> exp.Expr | None:
        kinds = argument_types(call)
        if not kinds or kinds[0] is None or kinds[0].kind != "ARRAY":
            return None
        result: exp.Expr = call.expressions[0]
        if len(call.expressions) == 1:
            return fill(form, result)
        for argument in call.expressions[1:]:
            result = fill(form, result, argument)
        return result

    return build


def _median(call: exp.Anonymous) -> exp.Expr | None:
    return fill("median(CAST(_1 AS DOUBLE))", *call.expressions) if len(call.expressions) == 1 else None


def _element(call: exp.Anonymous) -> exp.Expr | None:
    kinds = argument_types(call)
    if len(kinds) != 2 or kinds[0] is None or kinds[0].kind not in ("ARRAY", "MAP"):
        return None
    return fill("spark_element(_1, _2)" if kinds[0].kind == "ARRAY" else "map_extract_value(_1, _2)", *call.expressions)


def _date_text(call: exp.Anonymous) -> exp.Expr | None:
    kinds = argument_types(call)
    if len(kinds) != 2 or kinds[0] is None or kinds[0].kind not in ("DATE", "TIMESTAMP"):
        return None
    return DATE_BUILDERS["date_format"]("date_format", call.expressions)


def _sequence(call: exp.Anonymous) -> exp.Expr | None:
    """Keep INT for whole numbers that are INT, and count months from the start, not from the date before."""
    kinds, arguments = argument_types(call), call.expressions
    if all(kind is not None and kind.kind == "INT" for kind in kinds):
        return fill("CAST(_1 AS INTEGER[])", DATE_BUILDERS["sequence"]("sequence", arguments))
    step = arguments[2] if len(arguments) == 3 else None
    if isinstance(step, exp.Interval) and isinstance(step.this, exp.Literal) and step.this.name.isdigit():
        first, last = kinds[:2]
        if first is not None and last is not None and first.kind == last.kind and first.kind in ("DATE", "TIMESTAMP"):
            count = "len(generate_series(CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP), _3)) + 1"
            step_of = f"CAST(CAST(_1 AS TIMESTAMP) + i * _3 AS {first.kind})"
            form = f"list_filter(list_transform(range({count}), lambda i: {step_of}), lambda d: d <= _2)"
            return fill(form, *arguments)
    return None


TYPED: dict[str, Callable[[exp.Anonymous], exp.Expr | None]] = {
    **dict.fromkeys(("sum", "try_sum", "avg", "mean", "try_avg"), _aggregate),
    **dict.fromkeys(("row_number", "rank", "dense_rank", "ntile"), _settled("INTEGER")),
    "grouping": _settled("TINYINT"),
    **dict.fromkeys(("round", "bround", "mod", "try_add", "try_subtract", "try_multiply", "try_mod"), _rounded),
    **dict.fromkeys(("ceil", "ceiling", "floor"), _whole),
    "try_divide": _try_divide,
    "typeof": _typeof,
    "concat": _arrays("list_concat(_1, _2)"),
    "reverse": _arrays("list_reverse(_1)"),
    "median": _median,
    "element_at": _element,
    "sequence": _sequence,
    **dict.fromkeys(("to_char", "to_varchar"), _date_text),
}

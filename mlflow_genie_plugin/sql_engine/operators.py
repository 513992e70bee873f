"""Operators whose result depends on the types of their sides: decimals, dates, text that stands for a number."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.sql_engine import spark_types as types
from mlflow_genie_plugin.sql_engine.casts import full_date
from mlflow_genie_plugin.sql_engine.expression_types import argument_types, type_of
from mlflow_genie_plugin.sql_engine.function_table import DIVIDE_BY_ZERO
from mlflow_genie_plugin.sql_engine.spark_types import SparkType
from mlflow_genie_plugin.sql_engine.templates import fill

_LARGEST = 2**127 - 1
_TIMES = ("DATE", "TIMESTAMP")


def cast_decimal(value: exp.Expr, kind: SparkType) -> exp.Expr:
    """Give a value the precision and scale that Spark's has."""
    return exp.Cast(this=value, to=exp.DataType.build(f"DECIMAL({kind.precision}, {kind.scale})", dialect="duckdb"))


def typed_arithmetic(node: exp.Expr) -> exp.Expr | None:
    """Convert ``+ - * %`` where the types of the sides change what comes out; None leaves the operator alone."""
    kinds = argument_types(node)
    kind = type_of(node)
    if kind is not None and kind.is_decimal:
        left = kinds[0]
        if left is not None:  # 38 digits to work in: DuckDB's own result of short decimals may overflow
            scale = left.scale if left.is_decimal else 0
            node.set("this", cast_decimal(node.this, types.decimal(types.MAX_PRECISION, scale)))
        return cast_decimal(exp.paren(node.copy()), kind)
    if len(kinds) != 2 or kinds[0] is None or kinds[1] is None:
        return None
    if isinstance(node, exp.Sub) and kinds[0].kind == kinds[1].kind == "DATE":
        return fill("to_days(CAST(CAST(_1 AS DATE) - CAST(_2 AS DATE) AS INTEGER))", node.this, node.expression)
    return _with_numbers(node)


def typed_division(node: exp.Expr) -> exp.Expr | None:
    """Convert the division of decimals, which is exact to the last digit that Spark keeps; None for other types."""
    kind = type_of(node)
    if kind is None or not kind.is_decimal:
        return _with_numbers(node)
    return decimal_division(node.this, node.expression, argument_types(node), kind, on_zero=DIVIDE_BY_ZERO)


def decimal_division(
    left: exp.Expr, right: exp.Expr, kinds: tuple[SparkType | None, ...], kind: SparkType, *, on_zero: str
) -> exp.Expr:
    """Divide decimals or integers by way of whole numbers, rounding half away from zero.

    DuckDB's own quotient is a DOUBLE. It is taken only where the numerator, shifted to the wanted scale, does not fit
    into 128 bits.
    """
    scales = [each.scale if each is not None else 0 for each in kinds]
    shift = kind.scale + scales[1] - scales[0]
    about = f"CAST(CAST(_1 AS DOUBLE) / CAST(_2 AS DOUBLE) AS DECIMAL({kind.precision}, {kind.scale}))"
    chosen = about
    if shift >= 0 and 10**shift * 2 < _LARGEST:
        whole = [
            f"CAST(CAST(_{n} AS DECIMAL(38, {scale})) * {10**scale} AS HUGEINT)" for n, scale in enumerate(scales, 1)
        ]
        unit = "0." + "0" * (kind.scale - 1) + "1" if kind.scale else "1"
        quotient = (
            f"((abs({whole[0]}) * {2 * 10**shift} + abs({whole[1]})) // (2 * abs({whole[1]})))"
            f" * CAST(sign({whole[0]}) * sign({whole[1]}) AS HUGEINT)"
        )
        exact = f"CAST(CAST({quotient} AS DECIMAL(38, 0)) * {unit} AS DECIMAL({kind.precision}, {kind.scale}))"
        largest = _LARGEST // (2 * 10**shift) // 2
        chosen = f"CASE WHEN abs({whole[0]}) < CAST('{largest}' AS HUGEINT) THEN {exact} ELSE {about} END"
    return fill(f"CASE WHEN _2 = 0 THEN CASE WHEN _1 IS NOT NULL THEN {on_zero} END ELSE {chosen} END", left, right)


def typed_comparison(node: exp.Expr) -> exp.Expr | None:
    """Convert the sides of a comparison of a date with text, or of a number with text."""
    kinds = argument_types(node)
    if len(kinds) != 2 or kinds[0] is None or kinds[1] is None:
        return None
    for side, mine, other in ((node.this, kinds[0], kinds[1]), (node.expression, kinds[1], kinds[0])):
        if mine.kind == "STRING" and other.kind in _TIMES and (whole := full_date(side)) is not side:
            side.replace(whole)
            return None
    return _with_numbers(node)


def _with_numbers(node: exp.Expr) -> exp.Expr | None:
    """Read text as a number where the other side is one: BIGINT beside a whole number, else DOUBLE."""
    kinds = argument_types(node)
    if len(kinds) != 2 or kinds[0] is None or kinds[1] is None:
        return None
    for key, mine, other in (("this", kinds[0], kinds[1]), ("expression", kinds[1], kinds[0])):
        if mine.kind == "STRING" and other.is_number:
            wanted = (
                "spark_to_bigint(_1)" if other.is_integer and not isinstance(node, exp.Div) else "CAST(_1 AS DOUBLE)"
            )
            node.set(key, fill(wanted, node.args[key]))
    return None


def array_field(node: exp.Expr) -> exp.Expr | None:
    """Convert ``structs.name``, which takes the field out of every element of an array."""
    kinds = argument_types(node)
    if not kinds or kinds[0] is None or kinds[0].kind != "ARRAY":
        return None
    key = node.expression.name.replace('"', '""')
    return fill(f'list_transform(_1, lambda e: e."{key}")', node.this)

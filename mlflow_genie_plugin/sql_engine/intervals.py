"""Intervals: how they are written, and what adding one to a date or a timestamp gives."""

from __future__ import annotations

import re

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.errors import unsupported
from mlflow_genie_plugin.sql_engine.expression_types import argument_types
from mlflow_genie_plugin.sql_engine.operators import typed_arithmetic
from mlflow_genie_plugin.sql_engine.templates import fill

_CLOCK_UNITS = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")


def shifted(node: exp.Expr) -> exp.Expr | None:
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


def interval_written(node: exp.Expr) -> exp.Expr | None:
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

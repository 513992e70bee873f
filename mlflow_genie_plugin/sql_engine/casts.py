"""Casts with the warehouse's rules: fractions are cut, not rounded; '2024-03' is a date; timestamps are UTC."""

from __future__ import annotations

import re

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.spark_types import SparkType
from mlflow_genie_plugin.sql_engine.templates import fill


def full_date(value: exp.Expr) -> exp.Expr:
    """Complete a literal like '2024' or '2024-03', which the warehouse reads as the first day."""
    if isinstance(value, exp.Literal) and value.is_string:
        text = value.name.strip()
        if re.fullmatch(r"\d{4}", text):
            return exp.Literal.string(f"{text}-01-01")
        if re.fullmatch(r"\d{4}-\d{1,2}", text):
            return exp.Literal.string(f"{text}-01")
    return value


def cast_to(value: exp.Expr, to: exp.DataType, *, lenient: bool, source: SparkType | None = None) -> exp.Expr:
    """Build ``CAST(value AS to)`` (or TRY_CAST) as the warehouse reads it; ``source`` is the value's type, if known."""
    kind = to.this
    if kind in _INTEGER_TYPES:
        if isinstance(value, exp.Literal) and not value.is_string and value.name.isdigit():
            return exp.TryCast(this=value, to=to) if lenient else exp.Cast(this=value, to=to)
        whole = fill("spark_try_bigint(_1)" if lenient else "spark_to_bigint(_1)", value)
        if kind == exp.DataType.Type.BIGINT:
            return whole
        return exp.TryCast(this=whole, to=to) if lenient else exp.Cast(this=whole, to=to)
    if kind in _TIMESTAMP_TYPES:
        if source is not None and source.kind == "STRING" and kind != exp.DataType.Type.TIMESTAMPNTZ:
            # Text may name a zone; without one it is in the session's, which is UTC.
            form = (
                "timezone('UTC', TRY_CAST(_1 AS TIMESTAMPTZ))"
                if lenient
                else "timezone('UTC', CAST(_1 AS TIMESTAMPTZ))"
            )
            return fill(form, full_date(value))
        to = exp.DataType.build("TIMESTAMP", dialect="duckdb")
    if kind == exp.DataType.Type.DECIMAL and not to.expressions:
        to = exp.DataType.build("DECIMAL(10, 0)", dialect="duckdb")
    if kind == exp.DataType.Type.DECIMAL and source is not None and source.kind in ("DOUBLE", "FLOAT"):
        value = fill("CAST(_1 AS VARCHAR)", value)  # by its shortest text: 1.005 rounds up
    if kind in (exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR, exp.DataType.Type.CHAR, exp.DataType.Type.NCHAR):
        to = exp.DataType.build("TEXT", dialect="duckdb")
        if source is not None and source.kind in ("DOUBLE", "FLOAT"):
            return fill("spark_double_text(_1)", value)
    if kind in _TIMESTAMP_TYPES or kind == exp.DataType.Type.DATE:
        value = full_date(value)
    return exp.TryCast(this=value, to=to) if lenient else exp.Cast(this=value, to=to)


_INTEGER_TYPES = (
    exp.DataType.Type.TINYINT, exp.DataType.Type.SMALLINT, exp.DataType.Type.INT, exp.DataType.Type.BIGINT,
)  # fmt: skip
_TIMESTAMP_TYPES = (
    exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ,
    exp.DataType.Type.TIMESTAMPNTZ,
)  # fmt: skip

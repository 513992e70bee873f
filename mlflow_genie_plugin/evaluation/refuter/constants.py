"""Constants of a query as Python values: literals directly, whole constant expressions by asking the engine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.errors import SqlFailedError
from mlflow_genie_plugin.sql_engine.scratch import scratch
from mlflow_genie_plugin.sql_engine.scratch_names import ScratchNames, translate_scratch

_DATE_NAMES = frozenset({"date", "to_date"})
_LONGEST_EXPRESSION = 200


def constant(node: exp.Expr | None) -> Any:
    """Return the value of an expression without columns; None when it has columns, fails, or is NULL."""
    if node is None:
        return None
    if isinstance(node, exp.Paren):
        return constant(node.this)
    if isinstance(node, exp.Literal):
        return node.name if node.is_string else number(node.name)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Neg):
        value = constant(node.this)
        return -value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        kind = node.to.sql("databricks").lower()
        if kind == "date":
            return as_date(node.this.name)
        if kind.startswith("timestamp"):
            return as_timestamp(node.this.name)
    if isinstance(node, exp.Column | exp.Query | exp.Null | exp.Star | exp.Tuple | exp.Interval):
        return None
    if node.find(exp.Column, exp.Query, exp.Star, exp.Placeholder, exp.Window, exp.Parameter) is not None:
        return None
    if any(not isinstance(word.parent, exp.Interval) for word in node.find_all(exp.Var)):
        return None
    return _computed(node.sql("databricks", normalize_functions=False))


@lru_cache(maxsize=4096)
def _computed(sql: str) -> Any:
    if len(sql) > _LONGEST_EXPRESSION:
        return None
    try:
        translated = translate_scratch(f"SELECT {sql}", ScratchNames())
        with scratch(()) as database, database.within(1.0):
            rows = database.run(translated, row_limit=1).rows
    except SqlFailedError:
        # The constant only helps to choose values; the query itself is run as it was written.
        return None
    value = rows[0][0] if rows else None
    return value if isinstance(value, str | bool | int | float | Decimal | dt.date) else None


def number(text: str) -> Any:
    """Return the number that SQL text writes: int, or Decimal with its own scale; None for other text."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = Decimal(text.rstrip("LlSsYyDdFfBb") if not text[-1:].isdigit() else text)
    except ArithmeticError:
        return None
    return value if value.is_finite() else None


def as_date(text: str) -> dt.date | None:
    """Return the date that text begins with, written in full; None for other text."""
    try:
        return dt.date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def as_timestamp(text: str) -> dt.datetime | None:
    """Return the moment that text writes, without zone; None for other text."""
    try:
        value = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value


def coerce(value: Any, kind: str, scale: int = 0, digits: int = 38) -> Any:
    """Return a value as one of a column's kind; None when it has no counterpart there."""
    if value is None:
        return None
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if kind in ("int", "float", "decimal"):
        if isinstance(value, bool | dt.date):
            return None
        plain = number(value.strip()) if isinstance(value, str) and value.strip() else value
        if isinstance(plain, str) or plain is None:
            return None
        if kind == "int":
            return int(plain) if abs(plain) < 2**31 - 2 else None
        if kind == "float":
            return float(plain)
        rounded = round(Decimal(str(plain)), scale)
        return rounded if abs(rounded) < Decimal(10) ** (digits - scale) else None
    if kind == "text":
        if isinstance(value, dt.datetime):
            return value.isoformat(sep=" ")
        return value.isoformat() if isinstance(value, dt.date) else str(value)
    if isinstance(value, str):
        value = as_timestamp(value) or as_date(value)
    if not isinstance(value, dt.date):
        return None
    if kind == "date":
        return value.date() if isinstance(value, dt.datetime) else value
    return value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())


def neighbours(value: Any) -> list[Any]:
    """Return values next to a constant, the constant itself first: where an off-by-one or a wrong case shows."""
    if isinstance(value, bool):
        return [value, not value]
    if isinstance(value, int):
        return [value, value + 1, value - 1]
    if isinstance(value, float | Decimal):
        step = Decimal(10) ** Decimal(str(value)).as_tuple().exponent  # type: ignore[operator]
        plain = Decimal(str(value))
        return [plain, plain + step, plain - step, plain + 1]
    if isinstance(value, dt.datetime):
        return [value, *_shifted(value, (0, 1), (0, -1), (1, 0), (-1, 0), (31, 0), (-365, 0))]
    if isinstance(value, dt.date):
        return [value, *_shifted(value, (1, 0), (-1, 0), (31, 0), (-31, 0), (365, 0), (-365, 0))]
    if isinstance(value, str):
        day = as_date(value)
        if day is not None and len(value.strip()) == 10:
            return [value, *(each.isoformat() for each in neighbours(day)[1:])]
        if value.isdigit() and len(value) < 10:
            width = len(value)
            return [value, *(str(int(value) + step).zfill(width) for step in (1, -1) if int(value) + step >= 0)]
        return list(dict.fromkeys([value, value.swapcase(), value.lower(), value.upper(), value + "x"]))
    return [value]


def _shifted(value: Any, *steps: tuple[int, int]) -> list[Any]:
    found = []
    for days, seconds in steps:
        try:
            found.append(value + dt.timedelta(days=days, seconds=seconds))
        except OverflowError:
            continue
    return found

"""Which value a column needs for an expression over it to have a value: ``year(d) = 2020`` needs a date of 2020."""

from __future__ import annotations

import datetime as dt
import random
import re
from decimal import Decimal
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import function_name
from mlflow_genie_plugin.evaluation.refuter.constants import as_date, as_timestamp, coerce, constant, number
from mlflow_genie_plugin.evaluation.refuter.days import Days

_TRANSPARENT_WORDS = """bigint coalesce date decimal double float ifnull initcap int lower nvl smallint string timestamp
    to_date to_timestamp tinyint try_to_timestamp try_cast upper lcase ucase nullif to_number"""
_TRANSPARENT = frozenset(_TRANSPARENT_WORDS.split())
_PARTS_WORDS = """year month quarter day dayofmonth dayofweek weekday hour minute second dayofyear week
    weekofyear"""
_PARTS = frozenset(_PARTS_WORDS.split())
# What a call makes the same of, besides the value itself: steps for numbers, blanks for text.
_NUMBER_STEPS = {"round": ("0", "0.4", "-0.4"), "floor": ("0", "0.5"), "ceil": ("0", "-0.5"), "ceiling": ("0", "-0.5")}
_BLANKS = {"trim": ("{}", " {}", "{} "), "ltrim": ("{}", " {}"), "rtrim": ("{}", "{} ")}
_DIFFERENCES = frozenset({"datediff", "date_diff", "timestampdiff"})
_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
_SUBSTRINGS = frozenset({"substr", "substring", "left", "mid"})


class Solver:
    """Turns the value of an expression into the value of its column; choices are drawn from ``rng``."""

    def __init__(self, rng: random.Random, years: tuple[int, ...] = ()) -> None:
        self._rng = rng
        self._days = Days(rng, years)

    def solve(self, node: exp.Expr, value: Any) -> tuple[exp.Column, Any] | None:
        """Return the column under ``node`` and a value for it; None when there is no way back."""
        if isinstance(node, exp.Column):
            return node, value
        if isinstance(node, exp.Paren | exp.Cast | exp.TryCast):
            return self.solve(node.this, value)
        if isinstance(node, exp.Trim):
            return self.solve(node.this, self._before("trim", value))
        if isinstance(node, exp.Extract):
            return self._part(str(node.this.name).lower(), node.expression, value)
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
            return self._arithmetic(node, value)
        name = function_name(node)
        arguments = list(node.expressions) if isinstance(node, exp.Anonymous) else []
        if not arguments:
            return None
        if name in _TRANSPARENT:
            return self.solve(arguments[0], value)
        if name == "abs" or name in _NUMBER_STEPS or name in _BLANKS:
            return self.solve(arguments[0], self._before(name, value))
        if name in _PARTS:
            return self._part(name, arguments[0], value)
        if name in ("date_part", "extract") and len(arguments) == 2:
            return self._part(str(constant(arguments[0])).lower(), arguments[1], value)
        if name in ("date_trunc", "trunc") and len(arguments) == 2:
            unit, inner = (arguments[0], arguments[1]) if name == "date_trunc" else (arguments[1], arguments[0])
            return self.solve(inner, self._days.inside(constant(unit), value))
        if name in ("date_format", "to_char") and len(arguments) == 2:
            return self.solve(arguments[0], self._days.written(constant(arguments[1]), value))
        if name in _SUBSTRINGS and isinstance(value, str | int):
            return self._substring(name, arguments, str(value))
        if name in ("length", "len", "char_length") and isinstance(value, int) and 0 <= value <= 60:
            return self.solve(arguments[0], "abcdefghij"[: value % 10] + "k" * (value - value % 10))
        if name in ("date_add", "date_sub", "add_months") and len(arguments) == 2:
            return self._moved(name, arguments, value)
        if name in _DIFFERENCES and len(arguments) in (2, 3):
            return self._difference(arguments, value)
        return None

    def _before(self, name: str, value: Any) -> Any:
        """Return a value that a call turns into ``value``, mostly another one than ``value`` itself."""
        if isinstance(value, str):
            return self._rng.choice(_BLANKS.get(name, ("{}",))).format(value)
        if not _numeric(value):
            return value
        exact = Decimal(str(value))
        if name == "abs":
            return self._rng.choice((exact, -exact)) if exact >= 0 else exact
        return exact + Decimal(self._rng.choice(_NUMBER_STEPS.get(name, ("0",))))

    def _difference(self, arguments: list[exp.Expr], value: Any) -> tuple[exp.Column, Any] | None:
        """Return the day that lies as far from a constant one as wanted."""
        if len(arguments) == 2:
            unit, end, start = "day", *arguments
        else:
            unit, start, end = arguments[0].name.lower(), arguments[1], arguments[2]
        wanted = number(value) if isinstance(value, str) else value
        if not _numeric(wanted) or unit not in _DAYS:
            return None
        first, last = (coerce(constant(each), "date") for each in (start, end))
        if (first is None) == (last is None):
            return None
        try:
            step = dt.timedelta(days=int(wanted) * _DAYS[unit])
            return self.solve(end, first + step) if first is not None else self.solve(start, last - step)
        except OverflowError:
            return None

    def _arithmetic(self, node: exp.Binary, value: Any) -> tuple[exp.Column, Any] | None:
        left, right = constant(node.left), constant(node.right)
        given = right if right is not None else left
        wanted = number(value) if isinstance(value, str) else value
        if not _numeric(given) or not _numeric(wanted) or (left is None) == (right is None):
            return None
        exact_given, exact = Decimal(str(given)), Decimal(str(wanted))
        inner = node.left if right is not None else node.right
        if isinstance(node, exp.Add):
            return self.solve(inner, exact - exact_given)
        if isinstance(node, exp.Sub):
            return self.solve(inner, exact + exact_given if right is not None else exact_given - exact)
        if exact_given == 0 or (left is not None and exact == 0):
            return None
        if isinstance(node, exp.Mul):
            return self.solve(inner, exact / exact_given)
        return self.solve(inner, exact * exact_given if right is not None else exact_given / exact)

    def _part(self, part: str, inner: exp.Expr, value: Any) -> tuple[exp.Column, Any] | None:
        wanted = number(value) if isinstance(value, str) and value else value
        if not _numeric(wanted):
            return None
        day = self._days.with_part(part, int(wanted))
        return None if day is None else self.solve(inner, day)

    def _substring(self, name: str, arguments: list[exp.Expr], value: str) -> tuple[exp.Column, Any] | None:
        start = 1 if name == "left" else constant(arguments[1]) if len(arguments) > 1 else 1
        if not isinstance(start, int):
            return None
        if start < 0:
            return self.solve(arguments[0], ("zzzzzzzz" + value)[-max(-start, len(value)) :])
        return self.solve(arguments[0], self._days.completed(value, max(start, 1)))

    def _moved(self, name: str, arguments: list[exp.Expr], value: Any) -> tuple[exp.Column, Any] | None:
        day, steps = coerce(value, "date"), constant(arguments[1])
        if day is None or not isinstance(steps, int):
            return None
        days = steps * (30 if name == "add_months" else 1) * (1 if name == "date_sub" else -1)
        try:
            return self.solve(arguments[0], day + dt.timedelta(days=days))
        except OverflowError:
            return None


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def instance_of_pattern(pattern: str, rng: random.Random) -> str:
    """Return text that a LIKE pattern matches."""
    filled = re.sub(r"(?<!\\)_", "q", pattern)
    filled = re.sub(r"(?<!\\)%", lambda _: rng.choice(("", "q", "zz")), filled)
    return filled.replace("\\%", "%").replace("\\_", "_")


def looks_like_date(value: Any) -> bool:
    """Return whether a constant is a date, or text that writes one."""
    return isinstance(value, dt.date) or (
        isinstance(value, str) and len(value) >= 8 and (as_date(value) or as_timestamp(value)) is not None
    )

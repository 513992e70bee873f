"""Result columns in a form in which equal means equal: kinds told apart, numbers to four significant digits.

Integral numbers are compared exactly whatever their type. When one of two numbers has a fraction, they are equal if
they round to the same four significant digits (what Genie's own benchmarks accept) or differ by at most half a unit of
the fourth digit (so that two numbers on both sides of a rounding edge are not told apart by noise). Decimals of the
same scale are exact: their arithmetic has no noise that could excuse a difference.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any

# Below this, two doubles differ only because sums were formed in another order around zero.
_NOISE = 1e-15
_NUMBERS = frozenset({int, float, Decimal})
_MIDNIGHT = time()
_PLAIN_KINDS: dict[type, str] = {str: "text", bool: "boolean", bytes: "binary", int: "number", date: "date"}


class _NotANumber:
    """NaN as a value that equals itself."""

    def __repr__(self) -> str:
        return "NaN"


NAN = _NotANumber()


@dataclass(frozen=True, eq=False)
class ComparedColumn:
    """One column: ``cells`` are hashable and equal exactly when the values are equal."""

    kind: str
    cells: tuple[Any, ...]

    @cached_property
    def hashes(self) -> list[int]:
        return list(map(hash, self.cells))

    @cached_property
    def signature(self) -> tuple[str, int]:
        """Equal for columns that hold the same values in any order (the reverse is checked later)."""
        return self.kind, sum(map(hash, self.cells))

    @cached_property
    def is_fuzzy(self) -> bool:
        """Whether a value has a fraction, so that exact equality is too strict."""
        if self.kind not in ("number", "nested", "mixed"):
            return False
        return any(map(_has_fraction, self.cells))

    @cached_property
    def scale(self) -> int | None:
        """The common number of decimals when all values are decimals, else None."""
        scales = {
            cell.as_tuple().exponent if type(cell) is Decimal else None for cell in self.cells if cell is not None
        }
        return scales.pop() if len(scales) == 1 else None  # type: ignore[return-value]

    @cached_property
    def in_order(self) -> list[Any]:
        """The numbers, ascending, without NULL and NaN."""
        return sorted(cell for cell in self.cells if cell is not None and cell is not NAN)

    @cached_property
    def holes(self) -> tuple[int, int]:
        return self.cells.count(None), self.cells.count(NAN)


def compared_columns(rows: Sequence[Sequence[Any]], width: int) -> list[ComparedColumn]:
    """Return the columns of ``rows``; without rows, ``width`` empty columns.

    Raises:
        TypeError: A cell is of a type that no query result holds.
    """
    if not rows:
        return [ComparedColumn("null", ())] * width
    return [compared_column(column) for column in zip(*rows, strict=True)]


def compared_column(values: tuple[Any, ...]) -> ComparedColumn:
    """Return one column; see :class:`ComparedColumn`."""
    types = set(map(type, values)) - {type(None)}
    if not types:
        return ComparedColumn("null", values)
    if len(types) == 1 and (kind := _PLAIN_KINDS.get(next(iter(types)))):
        return ComparedColumn(kind, values)
    if types <= _NUMBERS:
        if _may_hold_nan(values, types):
            values = tuple(NAN if value != value else value for value in values)
        return ComparedColumn("number", values)
    if types <= {date, datetime}:
        return _times(values)
    kind = "nested" if types <= {list, tuple, dict} else "mixed"
    return ComparedColumn(kind, tuple(None if value is None else _frozen(value) for value in values))


def _may_hold_nan(values: tuple[Any, ...], types: set[type]) -> bool:
    if types == {float}:
        # A sum is many times faster than looking at each; infinities of both signs give NaN too, which costs a look.
        return math.isnan(sum(values) if None not in values else sum(value for value in values if value is not None))
    return any(value != value for value in values)


def _times(values: tuple[Any, ...]) -> ComparedColumn:
    moments = [_moment(value) for value in values]
    if all(moment is None or moment.time() == _MIDNIGHT for moment in moments):
        # date_trunc gives timestamps where trunc gives dates; both name the same day.
        return ComparedColumn("date", tuple(None if moment is None else moment.date() for moment in moments))
    return ComparedColumn("timestamp", tuple(moments))


def _moment(value: date | datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime.combine(value, _MIDNIGHT)
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _frozen(value: Any) -> Hashable:
    """Return a nested value as tuples that begin with their kind, so that True is not 1 and a list is not a map."""
    kind = type(value)
    if kind in (list, tuple):
        return ("list", *map(_frozen, value))
    if kind is dict:
        items = [(_frozen(key), _frozen(item)) for key, item in value.items()]
        return ("map", *sorted(items, key=lambda pair: repr(pair[0])))
    if value is None or kind in _NUMBERS:
        return ("number", NAN) if value is not None and value != value else ("number", value)
    if kind in (date, datetime):
        return ("time", _moment(value))
    if kind in (str, bool, bytes):
        return (kind.__name__, value)
    raise TypeError(f"a query result cannot hold a {kind.__name__}")


def _has_fraction(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_has_fraction, value))
    if type(value) is float:
        return math.isfinite(value) and not value.is_integer()
    return type(value) is Decimal and value.is_finite() and value != value.to_integral_value()


def close(one: Any, other: Any) -> bool:
    """Return whether two cells are equal, numbers with a fraction to four significant digits; see the module."""
    if one == other:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(close, one, other))
    if type(one) not in _NUMBERS or type(other) not in _NUMBERS:
        return False
    if not (_has_fraction(one) or _has_fraction(other)):
        return False
    if type(one) is Decimal and type(other) is Decimal and one.as_tuple().exponent == other.as_tuple().exponent:
        return False
    first, second = float(one), float(other)
    difference, largest = abs(first - second), max(abs(first), abs(second))
    if not math.isfinite(largest) or difference > largest * 1e-3:
        return difference <= _NOISE
    half_unit = 0.5 * 10.0 ** (math.floor(math.log10(largest)) - 3)
    return difference <= half_unit or f"{first:.3e}" == f"{second:.3e}"


def may_correspond(one: ComparedColumn, other: ComparedColumn) -> bool:
    """Return whether the values of two columns, in some order, are equal within the tolerance."""
    if one.kind != other.kind:
        return False
    if one.signature == other.signature:
        return True
    if not (one.is_fuzzy or other.is_fuzzy) or one.holes != other.holes:
        return False
    if one.kind != "number":
        return True  # nested values have no order to pair them by; the rows decide
    if one.scale is not None and one.scale == other.scale:
        return False
    return all(map(close, one.in_order, other.in_order))


def loosened(column: ComparedColumn) -> ComparedColumn:
    """Return the column as text that forgets the type: 1, 1.0, '1' and '1.00' become the same."""
    return ComparedColumn("text", tuple(None if cell is None else _loose(cell) for cell in column.cells))


def _loose(cell: Any) -> str:
    number: Any = _as_number(cell) if isinstance(cell, str) else cell
    if type(number) in _NUMBERS and math.isfinite(number):
        return f"{number:.3e}" if _has_fraction(number) else str(int(number))
    return str(cell).strip().lower().removesuffix(" 00:00:00")


def _as_number(text: str) -> Decimal | str:
    try:
        number = Decimal(text.strip())
    except ArithmeticError:
        return text
    return number if number.is_finite() else text

"""Columns of Python values in the form that is compared.

Timestamps are compared as moments (those without zone as UTC), and a column of timestamps that are all midnight holds
the same as one of dates. Text is compared code point by code point, as SQL does. Lists are compared in their order,
maps and structs by key.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any

from mlflow_genie_plugin.evaluation.columns import ComparedColumn, Parts, parts_of
from mlflow_genie_plugin.evaluation.hashing import Hashes, keys_of_hashables, row_hashes
from mlflow_genie_plugin.evaluation.number_cells import EXACT, of_cells
from mlflow_genie_plugin.evaluation.numbers import LARGEST_EXACT

NUMBER_TYPES = frozenset({int, float, Decimal})
_MIDNIGHT = time()
_PLAIN_KINDS: dict[type, str] = {str: "text", bool: "boolean", bytes: "binary", date: "date"}


class CellColumn(ComparedColumn):
    """A column of Python values; see :func:`compared_column`."""

    def __init__(self, kind: str, cells: tuple[Any, ...]) -> None:
        self.kind, self.cells, self.height = kind, cells, len(cells)

    @cached_property
    def keys(self) -> Hashes:
        if self.kind == "number":
            return self.parts.numbers[0].keys
        # repr, because hash() of a tuple with -1 is that of one with -2.
        values: Iterable[Any] = self.cells
        if self.kind in ("nested", "mixed"):
            values = (None if cell is None else repr(cell) for cell in self.cells)
        return keys_of_hashables(values, self.height)

    @cached_property
    def parts(self) -> Parts:
        if self.kind == "number":
            return parts_of(of_cells(self.cells))
        shapes, leaves = [], []
        for cell in self.cells:
            numbers: list[Any] = []
            shapes.append(repr(_shape(cell, numbers)))
            leaves.append(numbers)
        exact = keys_of_hashables(shapes, self.height)
        width = max(map(len, leaves), default=0)
        filled = [numbers + [0] * (width - len(numbers)) for numbers in leaves]
        columns = tuple(of_cells([numbers[place] for numbers in filled]) for place in range(width))
        holes = (parts_of(column).exact for column in columns)
        return Parts(row_hashes((exact, *holes), self.height), columns)

    def python_cells(self) -> tuple[Any, ...]:
        return self.cells


def compared_columns(rows: Sequence[Sequence[Any]], width: int) -> list[ComparedColumn]:
    """Return the columns of ``rows``; without rows, ``width`` empty columns.

    Raises:
        TypeError: A cell is of a type that no query result holds.
    """
    if not rows:
        return [CellColumn("null", ())] * width
    return [compared_column(column) for column in zip(*rows, strict=True)]


def compared_column(values: tuple[Any, ...]) -> CellColumn:
    """Return one column of Python values.

    Raises:
        TypeError: A cell is of a type that no query result holds.
    """
    types = set(map(type, values)) - {type(None)}
    if not types:
        return CellColumn("null", values)
    if len(types) == 1 and (kind := _PLAIN_KINDS.get(next(iter(types)))):
        return CellColumn(kind, values)
    if types <= NUMBER_TYPES:
        return CellColumn("number", values)
    if types <= {date, datetime}:
        return _times(values)
    kind = "nested" if types <= {list, tuple, dict} else "mixed"
    return CellColumn(kind, tuple(None if value is None else _frozen(value) for value in values))


def _times(values: tuple[Any, ...]) -> CellColumn:
    moments = [_moment(value) for value in values]
    if all(moment is None or moment.time() == _MIDNIGHT for moment in moments):
        # date_trunc gives timestamps where trunc gives dates; both name the same day.
        return CellColumn("date", tuple(None if moment is None else moment.date() for moment in moments))
    return CellColumn("timestamp", tuple(moments))


def _moment(value: date | datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime.combine(value, _MIDNIGHT)
    if value.tzinfo is None:
        return value
    try:
        return value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # less than a day from the first or last day that Python has
        return value


def _frozen(value: Any) -> tuple[Any, ...]:
    """Return a value as tuples that begin with their kind, numbers as they are; equal values give the same ``repr``."""
    kind = type(value)
    if kind in (list, tuple):
        return ("list", *map(_frozen, value))
    if kind is dict:
        items = [(_frozen(key), _frozen(item)) for key, item in value.items()]
        return ("map", *sorted(items, key=lambda pair: _sort_key(pair[0])))
    if value is None:
        return ("null",)
    if kind in NUMBER_TYPES:
        return ("number", _plain_number(value))
    if kind in (date, datetime):
        return ("time", _moment(value))
    if kind in (str, bool, bytes):
        return (kind.__name__, value)
    raise TypeError(f"a query result cannot hold a {kind.__name__}")


def _plain_number(value: Any) -> Any:
    """Return whole numbers as int, decimals without zeros at the end: 1, 1.0 and 1.00 are the same number."""
    if value != value or abs(value) == math.inf:
        return float(value)
    if value == int(value) and not (type(value) is float and abs(value) >= LARGEST_EXACT):
        return int(value)
    return value.normalize(EXACT) if type(value) is Decimal else value


def _sort_key(frozen: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what orders the keys of a map the same way whatever type their numbers have."""
    kind, *content = frozen
    if kind == "list":
        return (kind, *map(_sort_key, content))
    if kind == "map":
        return (kind, *((_sort_key(key), _sort_key(item)) for key, item in content))
    if kind == "number":
        return (kind, *content) if content[0] == content[0] else (kind, math.inf)
    return (kind, repr(content))


def _shape(frozen: Any, numbers: list[Any]) -> Any:
    """Return a frozen value without its numbers, which are added to ``numbers`` in their order."""
    if not isinstance(frozen, tuple):
        return frozen
    if frozen and frozen[0] == "number":
        numbers.append(frozen[1])
        return "number"
    return tuple(_shape(item, numbers) for item in frozen)


def loosened(column: ComparedColumn) -> ComparedColumn:
    """Return the column as text that forgets the type: 1, 1.0, '1' and '1.00' become the same."""
    return CellColumn("text", tuple(None if cell is None else _loose(cell) for cell in column.python_cells()))


def _loose(cell: Any) -> str:
    number: Any = _as_number(cell) if isinstance(cell, str) else cell
    if type(number) in NUMBER_TYPES and abs(number) < float("inf"):
        return f"{number:.3e}" if number != int(number) else str(int(number))
    return str(cell).strip().lower().removesuffix(" 00:00:00")


def _as_number(text: str) -> Decimal | str:
    try:
        number = Decimal(text.strip())
    except ArithmeticError:
        return text
    return number if number.is_finite() else text

"""Whether two results are the same bag of rows, tightly: one rounding step apart is another value."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

Rows = Sequence[tuple[Any, ...]]

_DIGITS = 10
# AVG of a decimal has six digits after the point, a quotient more; ROUND to fewer is another value.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-6
_MOST_CHECKS = 200
_MOST_UNSURE = 400


class Matcher:
    """Compares results of the same two queries, one database after the other, under one permutation of the columns.

    A permutation has to hold for all databases seen so far, so that columns that happen to agree once prove nothing.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]] = []
        self._map: tuple[int, ...] | None = None
        self.extra_columns = 0

    def agree(self, left: Rows, right: Rows, widths: tuple[int, int]) -> bool:
        """Return whether this pair of results, and all before it, are equal; a wider right one may hold the left."""
        if widths[1] < widths[0] or len(left) != len(right):
            return False
        plain = ([tuple(map(plain_cell, row)) for row in left], [tuple(map(plain_cell, row)) for row in right])
        found = self._map if self._map is not None else tuple(range(widths[0]))
        if not _equal(plain[0], plain[1], found):
            # Only an agreement narrows what the columns may be: a differing pair is not kept.
            other = _find_map([*self._seen, plain], widths)
            if other is None:
                return False
            found = other
        self._seen.append(plain)
        self._map = found
        self.extra_columns = widths[1] - widths[0]
        return True


def _find_map(pairs: list[tuple[list[Any], list[Any]]], widths: tuple[int, int]) -> tuple[int, ...] | None:
    left = [_signature([pair[0] for pair in pairs], i) for i in range(widths[0])]
    right = [_signature([pair[1] for pair in pairs], j) for j in range(widths[1])]
    options = [[j for j in range(widths[1]) if left[i] == right[j]] for i in range(widths[0])]
    checks = 0

    def search(chosen: tuple[int, ...]) -> tuple[int, ...] | None:
        nonlocal checks
        if len(chosen) == len(options):
            checks += 1
            return chosen if all(_equal(pair[0], pair[1], chosen) for pair in pairs) else None
        for j in options[len(chosen)]:
            if j not in chosen and checks < _MOST_CHECKS and (found := search((*chosen, j))) is not None:
                return found
        return None

    return search(()) if all(options) else None


def _signature(results: list[list[tuple[Any, ...]]], column: int) -> list[Counter[Any]]:
    return [Counter(_coarse(row[column]) for row in rows) for rows in results]


def _coarse(value: Any) -> Any:
    return f"{value:.3e}" if isinstance(value, float) else quantised(value)


def _equal(left: Rows, right: Rows, columns: tuple[int, ...]) -> bool:
    projected = [tuple(row[j] for j in columns) for row in right]
    one, other = _by_form(left), _by_form(projected)
    missing = [row for form, rows in one.items() for row in rows[len(other.get(form, ())) :]]
    extra = [row for form, rows in other.items() for row in rows[len(one.get(form, ())) :]]
    if len(missing) != len(extra) or len(missing) > _MOST_UNSURE:
        return not missing and not extra
    # Two close numbers can fall on both sides of a rounding step, or come with more digits on one side.
    for row in missing:
        partner = next((i for i, each in enumerate(extra) if all(map(_close, row, each))), None)
        if partner is None:
            return False
        del extra[partner]
    return True


def _by_form(rows: Rows) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    grouped: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        grouped.setdefault(tuple(map(quantised, row)), []).append(row)
    return grouped


def plain_cell(value: Any) -> Any:
    """Return a cell without what does not count: how a number is stored, midnight at the end of a date."""
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.date() if moment.time() == dt.time() else moment
    if isinstance(value, list | tuple):
        return tuple(map(plain_cell, value))
    if isinstance(value, dict):
        return tuple((str(key), plain_cell(item)) for key, item in value.items())
    return value


def quantised(value: Any) -> Any:
    """Return a hashable stand-in that equal cells share; True is not 1."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.{_DIGITS}e}"
    return (type(value).__name__, value) if isinstance(value, bool | str) else value


def _close(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return bool(type(one) is type(other) and one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def says_something(rows: Rows) -> bool:
    """Return whether a result proves anything: not empty, not NULL everywhere, not one row of NULL and 0."""
    if not rows:
        return False
    nothing = (None, 0, 0.0) if len(rows) == 1 else (None,)
    return any(
        not any(cell is value or cell == value for value in nothing if cell is not False)
        for row in rows
        for cell in row
    )

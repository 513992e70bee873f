"""Whether two bags of rows are the same when some columns are compared with a tolerance."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from mlflow_genie_plugin.evaluation.columns import NAN, ComparedColumn, close

# Pairs of rows that one comparison looks at before it gives up.
_PAIR_BUDGET = 400_000


class UndeterminedError(Exception):
    """Raised when deciding would take too long; the caller must not take it for equal or different."""


def rows_match(expected: Sequence[ComparedColumn], actual: Sequence[ComparedColumn]) -> bool:
    """Return whether the rows pair up one to one, column by column equal within the tolerance.

    Raises:
        UndeterminedError: The rows are too many and too alike to pair them up in reasonable time.
    """
    # Decided per pair of columns, so that both sides are grouped alike.
    fuzzy = [one.is_fuzzy or other.is_fuzzy for one, other in zip(expected, actual, strict=True)]
    left, right = _groups(expected, fuzzy), _groups(actual, fuzzy)
    if left.keys() != right.keys():
        return False
    return all(_pair_up(rows, right[key]) for key, rows in left.items())


def _groups(columns: Sequence[ComparedColumn], fuzzy: Sequence[bool]) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Group the rows by their exact cells (and where NULL and NaN stand); the values are the other cells."""
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    height = len(columns[0].cells)
    keys = _rows([column.cells for column, is_fuzzy in zip(columns, fuzzy, strict=True) if not is_fuzzy], height)
    values = _rows([column.cells for column, is_fuzzy in zip(columns, fuzzy, strict=True) if is_fuzzy], height)
    for key, cells in zip(keys, values, strict=True):
        holes = tuple(map(_hole, cells))
        groups[(*key, *holes)].append(
            tuple(cell if hole == _VALUE else 0 for cell, hole in zip(cells, holes, strict=True))
        )
    return groups


def _rows(cells: list[tuple[Any, ...]], height: int) -> Iterable[tuple[Any, ...]]:
    return zip(*cells, strict=True) if cells else [()] * height


_VALUE = "value"


def _hole(cell: Any) -> Any:
    """Return the cell when it is compared exactly after all (NULL, NaN, infinite), else that it is a value."""
    if cell is None or cell is NAN or cell in (math.inf, -math.inf):
        return cell
    return _VALUE


def _pair_up(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> bool:
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return close(left[0], right[0])
    left, right = sorted(left, key=_sort_key), sorted(right, key=_sort_key)
    return all(map(close, left, right)) or _matching(left, right)


def _sort_key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(repr(cell) if isinstance(cell, tuple) else cell for cell in row)


def _matching(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> bool:
    """Find a perfect matching by augmenting paths; neighbours are looked for near the row in the sorted order."""
    neighbours = _neighbours(left, right)
    if not all(neighbours):
        return False
    owner: dict[int, int] = {}
    steps = _PAIR_BUDGET

    for start in range(len(left)):
        # Breadth first with parents, because a path through thousands of rows would exceed Python's recursion limit.
        parents: dict[int, tuple[int, int | None]] = {}
        queue: list[tuple[int, int | None]] = [(start, None)]
        end: int | None = None
        while queue and end is None:
            row, came_from = queue.pop()
            for candidate in neighbours[row]:
                steps -= 1
                if steps < 0:
                    raise UndeterminedError
                if candidate in parents:
                    continue
                parents[candidate] = (row, came_from)
                if candidate not in owner:
                    end = candidate
                    break
                queue.append((owner[candidate], candidate))
        if end is None:
            return False
        while end is not None:
            row, came_from = parents[end]
            owner[end] = row
            end = came_from
    return True


def _neighbours(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> list[list[int]]:
    if isinstance(left[0][0], tuple):
        if len(left) * len(right) > _PAIR_BUDGET:
            raise UndeterminedError
        return [[j for j, other in enumerate(right) if close(row, other)] for row in left]
    firsts = [float(row[0]) for row in right]
    found = []
    looked_at = 0
    for row in left:
        # Four significant digits never reach further than one part in a thousand (and the noise around zero).
        first = float(row[0])
        reach = abs(first) / 500 + 1e-14
        low, high = bisect_left(firsts, first - reach), bisect_right(firsts, first + reach)
        looked_at += high - low
        if looked_at > _PAIR_BUDGET:
            raise UndeterminedError
        found.append([j for j in range(low, high) if close(row, right[j])])
    return found

"""Whether two bags of rows are the same when some of their numbers are compared with a tolerance.

"The same" is no equivalence for numbers (1.0004 is 1.0008's neighbour's neighbour), so rows are paired up: first in
sorted order, which nearly always succeeds; where it does not, rows are split into clusters that cannot reach each
other, and what is left is decided by a perfect matching.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlflow_genie_plugin.evaluation.hashing import Hashes
from mlflow_genie_plugin.evaluation.numbers import Flags, Indices, Numbers, reach, same

# Pairs of rows that one comparison looks at before it gives up.
_PAIR_BUDGET = 5_000_000

Groups = npt.NDArray[np.int64]


class UndeterminedError(Exception):
    """Raised when deciding would take too long; the caller must not take it for equal or different."""


@dataclass(frozen=True, slots=True)
class FuzzyRows:
    """Rows as a hash of all that is compared exactly, and their numbers, column by column."""

    exact: Hashes
    numbers: tuple[Numbers, ...]

    def take(self, places: Indices | Flags) -> FuzzyRows:
        return FuzzyRows(self.exact[places], tuple(column.take(places) for column in self.numbers))


def rows_match(left: FuzzyRows, right: FuzzyRows) -> bool:
    """Return whether the rows pair up one to one, exact parts equal and numbers the same within the tolerance.

    Raises:
        UndeterminedError: The rows are too many and too alike to pair them up in reasonable time.
    """
    left, right = left.take(_sorted(left)), right.take(_sorted(right))
    if not np.array_equal(left.exact, right.exact):
        return False
    fits = _fit(left, right)
    if fits.all():
        return True
    open_ = np.isin(left.exact, np.unique(left.exact[~fits]))
    return _paired_up(left.take(open_), right.take(open_))


def _fit(left: FuzzyRows, right: FuzzyRows) -> Flags:
    fits = np.ones(len(left.exact), np.bool_)
    for one, other in zip(left.numbers, right.numbers, strict=True):
        fits &= same(one, other)
    return fits


def _sorted(rows: FuzzyRows) -> Indices:
    order = np.argsort(rows.exact)
    exact = rows.exact[order]
    again = exact[1:] == exact[:-1]
    if again.any():
        # Only rows that share their exact part need the numbers to be put in order.
        shared = np.concatenate((again, [False])) | np.concatenate(([False], again))
        places = order[shared]
        columns = [column.values[places] for column in reversed(rows.numbers)]
        order[shared] = places[np.lexsort((*columns, rows.exact[places]))]
    return order


def _paired_up(left: FuzzyRows, right: FuzzyRows) -> bool:
    height = len(left.exact)
    groups = _clusters(np.concatenate((left.exact, right.exact)), left, right)
    ours, theirs = groups[:height], groups[height:]
    if not np.array_equal(np.sort(ours), np.sort(theirs)):
        return False
    row, candidate = _neighbours(ours, theirs, left, right)
    keep = np.ones(len(row), np.bool_)
    for one, other in zip(left.numbers, right.numbers, strict=True):
        keep &= same(one.take(row), other.take(candidate))
    row, candidate = row[keep], candidate[keep]
    if len(np.unique(row)) < height or len(np.unique(candidate)) < height:
        return False
    return _has_perfect_matching(row, candidate, height)


def _clusters(exact: Hashes, left: FuzzyRows, right: FuzzyRows) -> Groups:
    """Number the rows of both sides such that rows with different numbers can never be the same."""
    groups: Groups = np.unique(exact, return_inverse=True)[1].astype(np.int64)
    count = -1
    while count != (count := int(groups.max(initial=0))):
        for one, other in zip(left.numbers, right.numbers, strict=True):
            values = np.concatenate((one.values, other.values))
            order = np.lexsort((values, groups))
            ordered, distance = values[order], reach(values[order])
            far = np.diff(ordered) > np.maximum(distance[1:], distance[:-1])
            begins = far | (np.diff(groups[order]) != 0)
            groups = groups.copy()
            groups[order] = np.concatenate(([0], np.cumsum(begins)))
    return groups


def _neighbours(ours: Groups, theirs: Groups, left: FuzzyRows, right: FuzzyRows) -> tuple[Indices, Indices]:
    """Return the pairs of rows that may be the same, looking along the column that leaves the fewest."""
    best: tuple[int, Indices, Indices, Indices] | None = None
    for one, other in zip(left.numbers, right.numbers, strict=True):
        distance = reach(one.values)
        low, high = one.values - distance, one.values + distance
        ranks = np.unique(np.concatenate((low, high, other.values)))
        span = len(ranks) + 1
        order = np.lexsort((other.values, theirs))
        places = theirs[order] * span + np.searchsorted(ranks, other.values[order])
        begin = np.searchsorted(places, ours * span + np.searchsorted(ranks, low), side="left")
        end = np.searchsorted(places, ours * span + np.searchsorted(ranks, high), side="right")
        total = int((end - begin).sum())
        if best is None or total < best[0]:
            best = (total, begin, end, order)
    if best is None or best[0] > _PAIR_BUDGET:
        raise UndeterminedError
    total, begin, end, order = best
    counts = end - begin
    row = np.repeat(np.arange(len(ours)), counts)
    offset = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, order[np.repeat(begin, counts) + offset]


def _has_perfect_matching(row: Indices, candidate: Indices, height: int) -> bool:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    graph = csr_matrix((np.ones(len(row), np.int8), (row, candidate)), shape=(height, height))
    return bool((maximum_bipartite_matching(graph, perm_type="column") >= 0).all())

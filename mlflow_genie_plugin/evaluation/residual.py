"""Which rows of two results find no partner, as evidence for people; the verdict does not depend on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from mlflow_genie_plugin.evaluation.columns import ComparedColumn
from mlflow_genie_plugin.evaluation.hashing import NULL_KEY, Hashes, mixed, row_hashes
from mlflow_genie_plugin.evaluation.numbers import Flags, Floats, Indices
from mlflow_genie_plugin.evaluation.side_by_side import side_by_side

# Results with more rows are put into buckets, by which most rows are set aside before anything is sorted.
_MANY, _LARGE = 2_000, 65_536
_FEW_BITS, _BUCKET_BITS = 12, 16
# Rows put into buckets at once, so that what is made on the way stays small; more than there are buckets.
_SPAN = 1 << 17

Buckets = npt.NDArray[np.uint16]


def differing_rows(left: Sequence[ComparedColumn], right: Sequence[ComparedColumn]) -> tuple[Indices, Indices]:
    """Return the positions of the rows of each side that find no partner, in their order.

    Rows are partners when they are equal; then, of those left over, when their numbers round to the same four digits.
    When only the finer points of the tolerance tell the results apart, the rows that are not equal are returned.
    """
    everywhere = slice(None)
    ours, theirs = _unmatched(*_hashes(left, right, (everywhere, everywhere), tolerant=False))
    if any(one.is_fuzzy or other.is_fuzzy for one, other in zip(left, right, strict=True)):
        open_ours, open_theirs = _unmatched(*_hashes(left, right, (ours, theirs), tolerant=True))
        if len(open_ours):
            return ours[open_ours], theirs[open_theirs]
    return ours, theirs


def _hashes(
    left: Sequence[ComparedColumn],
    right: Sequence[ComparedColumn],
    places: tuple[Indices | slice, Indices | slice],
    *,
    tolerant: bool,
) -> tuple[Hashes, Hashes]:
    pairs = list(zip(left, right, strict=True))

    def hashes(side: int) -> Hashes:
        found = []
        for one, other in pairs:
            column = (one, other)[side]
            if tolerant and one.kind == other.kind and (one.is_fuzzy or other.is_fuzzy):
                found.append(column.rounded_at(places[side]))
            else:
                keys = column.keys[places[side]]
                found.append(keys if one.kind == other.kind or not side else _unlike(keys))
        return row_hashes(found, len(found[0]))

    ours, theirs = side_by_side(hashes, (0, 1), left[0].height)
    return ours, theirs


def _unlike(keys: Hashes) -> Hashes:
    """Return keys that differ from any of another kind (those of False and '' are the same), except for NULL."""
    return np.where(keys == NULL_KEY, NULL_KEY, mixed(keys, 9))


def _unmatched(left: Hashes, right: Hashes) -> tuple[Indices, Indices]:
    ours, theirs = np.arange(len(left)), np.arange(len(right))
    height = max(len(left), len(right))
    if height > _MANY:
        # A bucket with the same sum of hashes on both sides holds the same rows.
        bucketed = partial(_bucketed, bits=_BUCKET_BITS if height > _LARGE else _FEW_BITS)
        (our_buckets, our_sums), (their_buckets, their_sums) = side_by_side(bucketed, (left, right), height)
        suspect = our_sums != their_sums
        ours, theirs = side_by_side(lambda buckets: _within(suspect, buckets), (our_buckets, their_buckets), height)
        left, right = left[ours], right[theirs]
    our_order, their_order = np.argsort(left, kind="stable"), np.argsort(right, kind="stable")
    left, right = left[our_order], right[their_order]
    return np.sort(ours[our_order[_surplus(left, right)]]), np.sort(theirs[their_order[_surplus(right, left)]])


def _bucketed(hashes: Hashes, *, bits: int) -> tuple[Buckets, Floats]:
    """Return the bucket of each hash, and the sum of each bucket."""
    buckets, sums = np.empty(len(hashes), np.uint16), np.zeros(1 << bits)
    for first in range(0, len(hashes), _SPAN):
        block = hashes[first : first + _SPAN]
        places = (block >> np.uint64(64 - bits)).astype(np.intp)
        buckets[first : first + _SPAN] = places
        # 32 bits at a time: their sums are exact as doubles, whatever the order.
        low = (mixed(block, 1) >> np.uint64(32)).astype(np.float64)
        sums += np.bincount(places, low, minlength=1 << bits)
    return buckets, sums


def _within(suspect: Flags, buckets: Buckets) -> Indices:
    """Return the places whose buckets are suspect."""
    spans = range(0, len(buckets), _SPAN)
    found = [first + np.flatnonzero(np.take(suspect, buckets[first : first + _SPAN])) for first in spans]
    return np.concatenate(found) if found else np.empty(0, np.intp)


def _surplus(hashes: Hashes, there: Hashes) -> Flags:
    """Return which of the hashes occur here more often than there, both in their order: of equal ones, the last."""
    occurrence = np.arange(len(hashes)) - np.searchsorted(hashes, hashes, side="left")
    available = np.searchsorted(there, hashes, side="right") - np.searchsorted(there, hashes, side="left")
    found: Flags = occurrence >= available
    return found

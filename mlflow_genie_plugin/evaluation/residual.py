"""Which rows of two results find no partner, as evidence for people; the verdict does not depend on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlflow_genie_plugin.evaluation.columns import ComparedColumn
from mlflow_genie_plugin.evaluation.hashing import NULL_KEY, Hashes, mixed, row_hashes
from mlflow_genie_plugin.evaluation.numbers import Flags, Indices

# Buckets by which most rows of large results are set aside before anything is sorted.
_BUCKET_BITS = 16
_LARGE = 1 << _BUCKET_BITS


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
    ours, theirs = [], []
    for one, other in zip(left, right, strict=True):
        if tolerant and one.kind == other.kind and (one.is_fuzzy or other.is_fuzzy):
            ours.append(one.rounded_at(places[0]))
            theirs.append(other.rounded_at(places[1]))
        else:
            ours.append(one.keys[places[0]])
            keys = other.keys[places[1]]
            theirs.append(keys if one.kind == other.kind else _unlike(keys))
    return row_hashes(ours, len(ours[0])), row_hashes(theirs, len(theirs[0]))


def _unlike(keys: Hashes) -> Hashes:
    """Return keys that differ from any of another kind (those of False and '' are the same), except for NULL."""
    return np.where(keys == NULL_KEY, NULL_KEY, mixed(keys, 9))


def _unmatched(left: Hashes, right: Hashes) -> tuple[Indices, Indices]:
    ours, theirs = np.arange(len(left)), np.arange(len(right))
    if max(len(left), len(right)) > _LARGE:
        # A bucket with the same number and sum of hashes on both sides holds the same rows.
        suspect = _suspect_buckets(left, right)
        ours, theirs = (np.flatnonzero(suspect[_bucket(side)]) for side in (left, right))
        left, right = left[ours], right[theirs]
    return ours[_surplus(left, right)], theirs[_surplus(right, left)]


def _bucket(hashes: Hashes) -> Indices:
    return (hashes >> np.uint64(64 - _BUCKET_BITS)).astype(np.intp)


def _suspect_buckets(left: Hashes, right: Hashes) -> Flags:
    sums = []
    for side in (left, right):
        # 32 bits at a time: their sums are exact as doubles, whatever the order.
        low = (mixed(side, 1) >> np.uint64(32)).astype(np.float64)
        sums.append(np.bincount(_bucket(side), low, minlength=1 << _BUCKET_BITS))
    found: Flags = sums[0] != sums[1]
    return found


def _surplus(hashes: Hashes, other: Hashes) -> Indices:
    """Return the positions of the hashes that occur here more often than there: of equal ones, the last."""
    order = np.argsort(hashes, kind="stable")
    ordered, there = hashes[order], np.sort(other)
    occurrence = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, side="left")
    available = np.searchsorted(there, ordered, side="right") - np.searchsorted(there, ordered, side="left")
    return np.sort(order[occurrence >= available])

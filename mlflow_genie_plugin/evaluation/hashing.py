"""Hashes of cells and rows, 64 bits each: equal values give equal hashes, others differ but for a chance of 2⁻⁶⁴.

The finaliser is the usual one of multiply and shift; the constants are odd numbers without structure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_FIRST, _SECOND = np.uint64(0x9FB21C651E98DF25), np.uint64(0xD6E8FEB86659FD93)
_HALF, _SHIFT = np.uint64(32), np.uint64(28)
# Rows handled at once, so that the arrays in between stay in the processor's cache.
BLOCK = 32_768


def mixed(words: Hashes, seed: int = 0) -> Hashes:
    """Return a hash of each word; different seeds give unrelated hashes."""
    found = np.empty_like(words)
    start = np.uint64((seed * 0x9E3779B97F4A7C15 + seed) & 0xFFFFFFFFFFFFFFFF)
    shifted = np.empty(min(BLOCK, len(words)), np.uint64)
    for low in range(0, len(words), BLOCK):
        block = found[low : low + BLOCK]
        scratch = shifted[: len(block)]
        np.bitwise_xor(words[low : low + BLOCK], start, out=block)
        for factor, shift in ((_FIRST, _HALF), (_SECOND, _SHIFT)):
            np.right_shift(block, shift, out=scratch)
            np.bitwise_xor(block, scratch, out=block)
            np.multiply(block, factor, out=block)
        np.right_shift(block, _HALF, out=scratch)
        np.bitwise_xor(block, scratch, out=block)
    return found


def _place_factor(place: int) -> np.uint64:
    """Return the odd number that stands for the ``place``-th column of a row."""
    return np.uint64((int(mixed(np.array([place + 1], np.uint64), 7)[0]) | 1) & 0xFFFFFFFFFFFFFFFF)


def row_hashes(columns: Iterable[Hashes], height: int) -> Hashes:
    """Return a hash of each row from the hashes of its cells, column by column."""
    found = np.zeros(height, np.uint64)
    add_columns(found, list(enumerate(columns)))
    return found


def add_columns(rows: Hashes, columns: Sequence[tuple[int, Hashes]]) -> None:
    """Extend row hashes, in place, by more columns, each with its place in the row."""
    factors = [_place_factor(place) for place, _ in columns]
    scratch = np.empty(min(BLOCK, len(rows)), np.uint64)
    for low in range(0, len(rows), BLOCK):
        block = rows[low : low + BLOCK]
        part = scratch[: len(block)]
        for factor, (_, cells) in zip(factors, columns, strict=True):
            np.multiply(cells[low : low + BLOCK], factor, out=part)
            np.add(block, part, out=block)


def bag(hashes: Hashes) -> int:
    """Return a value that is equal for the same hashes in any order, each as often, and else but for a chance."""
    return int(mixed(hashes, 1).sum())


def keys_of_hashables(values: Iterable[Any], height: int) -> Hashes:
    """Return keys of Python values from their own hashes, which are strong for text, bytes, dates and times."""
    return mixed(np.fromiter(map(hash, values), np.int64, height).view(np.uint64), 31)


# NULL has one key whatever the column's kind, so that rows that differ elsewhere are counted right.
NULL_KEY: np.uint64 = keys_of_hashables([None], 1)[0]

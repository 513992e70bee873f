"""Hashes of cells and rows, 64 bits each: equal values give equal hashes, others differ but for a chance of 2⁻⁶⁴.

The finaliser is the usual one of multiply and shift; the constants are odd numbers without structure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_FIRST, _SECOND = np.uint64(0x9FB21C651E98DF25), np.uint64(0xD6E8FEB86659FD93)
_HALF, _SHIFT = np.uint64(32), np.uint64(28)
# Rows handled at once, so that the arrays in between stay in the processor's cache.
BLOCK = 32_768
_LARGE = 200_000


def new_hashes(height: int) -> Hashes:
    """Return an array whose content does not matter yet.

    Arrow's memory is used for large ones: it is kept for the next column, where numpy's is given back, and cleared by
    the system page by page each time, which takes longer than hashing.
    """
    if height < _LARGE:
        return np.empty(height, np.uint64)
    import pyarrow as pa

    return np.frombuffer(pa.allocate_buffer(8 * height), np.uint64)


def mixed(words: Hashes, seed: int = 0) -> Hashes:
    """Return a hash of each word; different seeds give unrelated hashes."""
    found = new_hashes(len(words))
    for low, block, scratch in _blocks(found):
        _mix(words[low : low + BLOCK], _start(seed), block, scratch)
    return found


def _blocks(found: Hashes) -> Iterator[tuple[int, Hashes, Hashes]]:
    """Yield where each block of ``found`` begins, the block, and a scratch array of its size."""
    scratch = np.empty(min(BLOCK, len(found)), np.uint64)
    for low in range(0, len(found), BLOCK):
        block = found[low : low + BLOCK]
        yield low, block, scratch[: len(block)]


def _start(seed: int) -> np.uint64:
    return np.uint64((seed * 0x9E3779B97F4A7C15 + seed) & 0xFFFFFFFFFFFFFFFF)


def _mix(words: Hashes, start: np.uint64, found: Hashes, scratch: Hashes) -> None:
    np.bitwise_xor(words, start, out=found)
    for factor, shift in ((_FIRST, _HALF), (_SECOND, _SHIFT)):
        np.right_shift(found, shift, out=scratch)
        np.bitwise_xor(found, scratch, out=found)
        np.multiply(found, factor, out=found)
    np.right_shift(found, _HALF, out=scratch)
    np.bitwise_xor(found, scratch, out=found)


@cache
def _place_factor(place: int) -> np.uint64:
    """Return the odd number that stands for the ``place``-th column of a row."""
    return np.uint64((int(mixed(np.array([place + 1], np.uint64), 7)[0]) | 1) & 0xFFFFFFFFFFFFFFFF)


def row_hashes(columns: Iterable[Hashes], height: int) -> Hashes:
    """Return a hash of each row from the hashes of its cells, column by column."""
    return extended(None, list(enumerate(columns)), height)


def extended(rows: Hashes | None, columns: Sequence[tuple[int, Hashes]], height: int) -> Hashes:
    """Return row hashes extended by more columns.

    Args:
        rows: The hashes so far; None for rows without columns yet.
        columns: The place of each column in the row, and its cells.
        height: How many rows there are.
    """
    found = new_hashes(height)
    factors = [_place_factor(place) for place, _ in columns]
    for low, block, scratch in _blocks(found):
        block[:] = 0 if rows is None else rows[low : low + BLOCK]
        for factor, (_, cells) in zip(factors, columns, strict=True):
            np.multiply(cells[low : low + BLOCK], factor, out=scratch)
            np.add(block, scratch, out=block)
    return found


def bag(hashes: Hashes, seed: int = 1) -> int:
    """Return a value that is equal for the same hashes in any order, each as often, and else but for a chance.

    It is the sum of :func:`mixed`, made without an array as long as the column.
    """
    found, total = np.empty(min(BLOCK, len(hashes)), np.uint64), 0
    scratch = np.empty_like(found)
    for low in range(0, len(hashes), BLOCK):
        words = hashes[low : low + BLOCK]
        block = found[: len(words)]
        _mix(words, _start(seed), block, scratch[: len(words)])
        total += int(block.sum())
    return total & 0xFFFFFFFFFFFFFFFF


def place_keys(height: int) -> Hashes:
    """Return a key for each place in a column."""
    return mixed(np.arange(height, dtype=np.uint64), 5)


def keys_of_hashables(values: Iterable[Any], height: int) -> Hashes:
    """Return keys of Python values from their own hashes, which are strong for text, bytes, dates and times."""
    return mixed(np.fromiter(map(hash, values), np.int64, height).view(np.uint64), 31)


# NULL has one key whatever the column's kind, so that rows that differ elsewhere are counted right.
NULL_KEY: np.uint64 = keys_of_hashables([None], 1)[0]

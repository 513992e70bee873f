"""Work on several large columns at once: numpy and Arrow let other threads run while they go over one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

# Below so many rows, handing a column to another thread costs more than it saves.
_WORTH_THREADS = 200_000
_MOST_THREADS = 4


def side_by_side(function: Callable[[Item], Found], items: Sequence[Item], height: int) -> list[Found]:
    """Return what ``function`` makes of each item; of columns that are so many rows high, more than one at a time."""
    if height < _WORTH_THREADS or len(items) < 2:
        return list(map(function, items))
    with ThreadPoolExecutor(min(len(items), _MOST_THREADS, os.cpu_count() or 1)) as pool:
        return list(pool.map(function, items))

"""Ids as the workspace makes them: 32 hex digits, ordered by time; the same ones again after seeding."""

from __future__ import annotations

import random
import threading
import time

_TICKS_PER_SECOND = 10_000_000
# Version-6 style ids start with the count of 100 ns since 1582; this offset makes ours look and sort like the cloud's.
_GREGORIAN_OFFSET = 0x01B21DD213814000


class IdSource:
    """Makes ids; thread-safe. With a seed the n-th id is always the same, whatever the time."""

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - names, not secrets
        self._seeded = seed is not None
        self._last = 0x1F0_0000_0000_0000 if seed is not None else 0

    def hex32(self) -> str:
        """Return the next id, greater than all before it."""
        with self._lock:
            ticks = self._last + 1 if self._seeded else max(self._last + 1, self._now())
            self._last = ticks
            return f"{ticks:016x}{self._random.getrandbits(64):016x}"

    def uuid(self) -> str:
        """Return the next id with hyphens, as statement ids have them."""
        text = self.hex32()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    @staticmethod
    def _now() -> int:
        # The high bits of a time-based id: 01f… for our years.
        return (int(time.time() * _TICKS_PER_SECOND) + _GREGORIAN_OFFSET) & 0x0FFF_FFFF_FFFF_FFFF

"""What each generated database is like; the first few are small, because they refute most and shrink fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mood:
    """What a database is like: random rows per table, made rows per SELECT, NULL rate, width of domains, repeats.

    Without ``constants`` no CASE of the queries is met but by chance: sums of nothing are NULL or 0.
    """

    size: int
    made: int
    nulls: float
    width: int
    repeats: float
    shared: bool = True
    copies: int = 60
    constants: bool = True


# Small ones first: they refute most, and a small witness needs less shrinking.
MOODS = (
    Mood(3, 3, 0.0, 3, 0.2),
    Mood(6, 4, 0.2, 4, 0.2),
    Mood(2, 8, 0.05, 30, 0.0),
    Mood(2, 1, 1.0, 3, 0.0, constants=False),
    # Groups of an exact size, undisturbed by other rows.
    Mood(0, 10, 0.0, 40, 0.0, copies=1200),
    Mood(20, 6, 0.1, 6, 0.1, shared=False),
    Mood(40, 8, 0.4, 12, 0.1),
    Mood(5, 14, 0.3, 50, 0.1),
)

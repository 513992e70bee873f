"""What a gate says, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate says.

    Attributes:
        gate: The gate's id, for example ``threshold[result_correctness]``.
        reason: One sentence: why not, or what was established.
        measured: What was measured, for people; ``required`` likewise.
        value: The share measured (0 to 1), None for gates that measure none; ``interval`` is its 95 % Wilson interval.
        questions: Ids of the questions behind the result, those that count against it.
    """

    gate: str
    outcome: Outcome
    reason: str
    measured: str = ""
    required: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    questions: tuple[str, ...] = ()


def overall(results: Iterable[GateResult]) -> Outcome:
    """Return failed if any gate failed, passed only if there are gates and every one passed, else undecided."""
    outcomes = [result.outcome for result in results]
    if Outcome.FAILED in outcomes:
        return Outcome.FAILED
    return Outcome.PASSED if outcomes and all(outcome is Outcome.PASSED for outcome in outcomes) else Outcome.UNDECIDED


def percent(value: float) -> str:
    """Return a fraction as ``95.0 %``, cut and not rounded: 94.96 % must not read as the 95.0 % it does not reach."""
    return f"{math.floor(value * 1000 + 1e-9) / 10:.1f} %"


def count(number: int, noun: str) -> str:
    """Return ``1 question`` or ``3 questions``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(ids: Sequence[str], limit: int = 5) -> str:
    """Return the first few ids, and how many more there are."""
    shown = ", ".join(ids[:limit])
    return shown if len(ids) <= limit else f"{shown} and {len(ids) - limit} more"


def short(digest: str | None) -> str:
    """Return the first 12 digits of a digest."""
    return digest[:12] if digest else "unknown"

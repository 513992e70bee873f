"""What a gate says, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlflow_genie_plugin.evaluation.percent import percent as percent


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


NOT_ASSESSED = "not assessed"


@dataclass(frozen=True, slots=True)
class Part:
    """One of several things that a gate looks at: a slice, or a judge against a baseline.

    Attributes:
        outcome: ``passed``, ``failed``, ``undecided``, or ``not assessed``: too small to say anything, and shown.
        value: What was measured; ``interval`` is its 95 % interval.
        questions: Ids of the questions that count against it.
    """

    name: str
    outcome: str
    reason: str
    measured: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waived:
    """On whose word a gate that did not pass is accepted; ``until`` is the last day (ISO) of that."""

    until: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate says.

    Attributes:
        gate: The gate's id, for example ``threshold[result_correctness]``.
        reason: One sentence: why not, or what was established.
        measured: What was measured, for people; ``required`` likewise.
        value: The share measured (0 to 1), None for gates that measure none; ``interval`` is its 95 % Wilson interval.
        questions: Ids of the questions behind the result, those that count against it.
        parts: What the gate is made of, where it looks at several things; all of them, also those not assessed.
        waived: Who accepts that the gate did not pass; never on a gate that passed.
        warning: What every report has to say about a gate although it passed.
    """

    gate: str
    outcome: Outcome
    reason: str
    measured: str = ""
    required: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    questions: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    waived: Waived | None = None
    warning: str = ""

    @property
    def blocks(self) -> bool:
        """Whether this gate keeps the verdict from being a pass."""
        return self.outcome is not Outcome.PASSED and self.waived is None

    @property
    def said(self) -> str:
        """The outcome in words: ``failed, waived until 2026-12-01 by ana@example.com``."""
        if self.waived is None:
            return self.outcome.value
        return f"{self.outcome.value}, waived until {self.waived.until} by {self.waived.owner}"

    @property
    def told(self) -> str:
        """The reason with what has to be said besides: who waived it and why, or a warning."""
        if self.waived is not None:
            return f"{self.said}: {self.waived.reason}; {self.reason}"
        return f"warning: {self.warning}" if self.warning else self.reason

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> GateResult:
        """Return the result whose fields are in ``document``, as :func:`dataclasses.asdict` wrote them."""
        parts = tuple(Part(**_typed(part)) for part in document.get("parts", ()))
        waived = Waived(**document["waived"]) if document.get("waived") else None
        typed = {**_typed(document), "outcome": Outcome(document["outcome"]), "parts": parts, "waived": waived}
        return cls(**typed)


def overall(results: Iterable[GateResult]) -> Outcome:
    """Return failed if any gate failed, passed only if there are gates and every one passed, else undecided.

    A gate that is waived stands in nobody's way; that alone makes nothing pass.
    """
    found = list(results)
    blocking = {result.outcome for result in found if result.blocks}
    if Outcome.FAILED in blocking:
        return Outcome.FAILED
    passed = any(result.outcome is Outcome.PASSED for result in found)
    return Outcome.PASSED if passed and not blocking else Outcome.UNDECIDED


def of_parts(parts: Iterable[Part]) -> Outcome:
    """Return failed if any part failed, passed only if at least one was assessed and all those passed."""
    assessed = [Outcome(part.outcome) for part in parts if part.outcome != NOT_ASSESSED]
    if Outcome.FAILED in assessed:
        return Outcome.FAILED
    return Outcome.PASSED if assessed and set(assessed) == {Outcome.PASSED} else Outcome.UNDECIDED


def points(difference: float) -> str:
    """Return the difference of two shares in percentage points: ``-2.0 points``."""
    return f"{difference * 100:+.1f} points"


def count(number: int, noun: str) -> str:
    """Return ``1 question`` or ``5,000 questions``."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(ids: Sequence[str], limit: int = 5) -> str:
    """Return the first few ids, and how many more there are."""
    shown = ", ".join(ids[:limit])
    return shown if len(ids) <= limit else f"{shown} and {len(ids) - limit:,} more"


def short(digest: str | None) -> str:
    """Return the first 12 digits of a digest."""
    return digest[:12] if digest else "unknown"


def _typed(document: Mapping[str, Any]) -> dict[str, Any]:
    interval = document.get("interval")
    return {
        **document,
        "interval": None if interval is None else tuple(interval),
        "questions": tuple(document.get("questions", ())),
    }

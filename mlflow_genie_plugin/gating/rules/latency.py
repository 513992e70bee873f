"""Answers come fast enough: percentiles over all planned questions, and the pace of asking."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.moments import minutes_between
from mlflow_genie_plugin.gating.observed import EvaluationObserved
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, some
from mlflow_genie_plugin.gating.rules.outcomes import planned_count
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    gate_id,
    limit,
    off_of,
    stem_and_part,
)

PERCENTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}
PACE = "questions_per_minute"


@dataclass(frozen=True)
class Latency(Rule):
    """One gate per limit: ``latency[p90]`` (seconds, at most), ``latency[questions_per_minute]`` (at least)."""

    limits: Mapping[str, float]
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("latency",)
    HELP: ClassVar[Mapping[str, str]] = {
        "latency": "write latency: {p50: 60, p90: 120} (seconds) or latency: {off: the reason}"
    }
    STEMS: ClassVar[tuple[str, ...]] = ("latency",)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out"})

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        if isinstance(line := section.get("latency"), dict):
            for name in line:
                yield from limit(line, name, [*path, "latency"])

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["latency"]
        if (off := off_of(line)) is not None:
            return cls({}, off)
        return cls({name: float(line[name]) for name in (*PERCENTILES, PACE) if name in line})

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return tuple(gate_id("latency", name) for name in self.limits)

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"latency": self.off}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        name = stem_and_part(gate)[1]
        if name == PACE:
            return _pace(gate, self.limits[name], subject.evaluation)
        return _percentile(gate, PERCENTILES[name], self.limits[name], subject.evaluation)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the smallest of sorted values that at least ``share`` of them do not exceed (nearest rank)."""
    return seconds[max(1, math.ceil(share * len(seconds) - 1e-9)) - 1]


def _percentile(gate: str, share: float, limit_: float, evaluation: EvaluationObserved) -> GateResult:
    required = f"<= {limit_:g} s"
    measured, seconds = _measured(evaluation)
    planned = planned_count(evaluation)
    if not measured or planned == 0:
        reason = "no answer says how long it took; evaluate with the conversation runner"
        return GateResult(gate, Outcome.UNDECIDED, reason, "-", required)
    unknown = planned - len(measured)
    slowest = percentile([*seconds, *[math.inf] * unknown], share)
    fastest = percentile([*[0.0] * unknown, *seconds], share)
    slow = tuple(name for name, took in measured.items() if took > limit_) if seconds[-1] > limit_ else ()
    shown = f"{slowest:.1f} s" if math.isfinite(slowest) else "unknown"
    counted = f"{len(slow):,} of {planned:,} answers took more than {limit_:g} s"
    if slow:
        counted += f": {some(slow)}"
    if slowest <= limit_:
        return GateResult(gate, Outcome.PASSED, counted, shown, required)
    if fastest > limit_:
        return GateResult(gate, Outcome.FAILED, counted, shown, required, questions=slow)
    reason = f"{counted}; how long {unknown} took is not known, which would decide it"
    return GateResult(gate, Outcome.UNDECIDED, reason, shown, required, questions=slow)


def _measured(evaluation: EvaluationObserved) -> tuple[dict[str, float], list[float]]:
    """Return how long each answer took, and the same times sorted; measured once for every limit."""
    if "latency" not in evaluation.tallies:
        times = zip(evaluation.rows.ids, evaluation.rows.latencies, strict=True)
        measured = {name: took for name, took in times if took is not None and 0 < took < math.inf}
        evaluation.tallies["latency"] = (measured, sorted(measured.values()))
    found: tuple[dict[str, float], list[float]] = evaluation.tallies["latency"]
    return found


def _pace(gate: str, limit_: float, evaluation: EvaluationObserved) -> GateResult:
    required = f">= {limit_:g} a minute"
    minutes = minutes_between(evaluation.started_at, evaluation.finished_at)
    answered = sum(evaluation.rows.answered)
    if minutes is None or minutes <= 0:
        reason = "the result does not say when the asking began and ended"
        return GateResult(gate, Outcome.UNDECIDED, reason, "-", required)
    pace = answered / minutes
    outcome = Outcome.PASSED if pace >= limit_ else Outcome.FAILED
    return GateResult(gate, outcome, f"{answered} answers in {minutes:.1f} minutes", f"{pace:.1f} a minute", required)

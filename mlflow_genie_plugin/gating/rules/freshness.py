"""The evaluation is young enough to say something about the version as it answers today."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.moments import minutes_between
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.rules.rule import Path, Rule, ScopeCriteria, Subject, limit, off_of

_DAY = 24 * 60
# Clocks of two machines may differ by this much; an evaluation from further in the future is not believed.
_SKEW_MINUTES = 10


@dataclass(frozen=True)
class Freshness(Rule):
    """``fresh_evaluation``: the last answer came at most ``days`` ago. Data and Genie itself change meanwhile."""

    days: float = 0.0
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("freshness",)
    HELP: ClassVar[Mapping[str, str]] = {"freshness": "write freshness: {days: 30} or freshness: {off: the reason}"}
    STEMS: ClassVar[tuple[str, ...]] = ("fresh_evaluation",)
    WAIVABLE: ClassVar[bool] = False

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        if isinstance(line := section.get("freshness"), dict):
            yield from limit(line, "days", [*path, "freshness"])

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["freshness"]
        return cls(float(line.get("days", 0)), off_of(line))

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return self.STEMS if self.off is None else ()

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"freshness": self.off}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        required, finished = f"<= {self.days:g} days", subject.evaluation.finished_at
        age = minutes_between(finished, subject.evidence.observed_at)
        if age is None:
            reason = "the result does not say when the last answer came"
            return GateResult(gate, Outcome.UNDECIDED, reason, "-", required)
        # Rounded up: what is a minute over 30 days must not read as the 30.0 days that would do.
        shown = f"{max(0.0, math.ceil(10 * age / _DAY) / 10):.1f} days"
        if age < -_SKEW_MINUTES:
            reason = f"the last answer came at {finished}, which is in the future: one of the clocks is wrong"
            return GateResult(gate, Outcome.UNDECIDED, reason, "-", required)
        if age > self.days * _DAY:
            reason = (
                f"the last answer came at {finished}, {shown} ago; evaluate again: "
                f"mlflow-genie evaluate --model-id {subject.evidence.model_id} --benchmarks FILE"
            )
            return GateResult(gate, Outcome.FAILED, reason, shown, required)
        return GateResult(gate, Outcome.PASSED, f"the last answer came at {finished}", shown, required)

"""No priority question may be wrong: a count over all of them, no statistics, nothing left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.observed import FAILED, MISSING, PASSED
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, some
from mlflow_genie_plugin.gating.rules.outcomes import believed_outcome
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    judge_names,
    off_of,
    violation,
)


@dataclass(frozen=True)
class P0(Rule):
    """No P0 question may fail any of ``judges``, and there are at least ``minimum``; ``off`` with the reason."""

    judges: tuple[str, ...] = ()
    minimum: int = 1
    settled_passes: bool = False
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("p0",)
    HELP: ClassVar[Mapping[str, str]] = {"p0": "write p0: {judges: […], minimum: 1} or p0: {off: the reason}"}
    STEMS: ClassVar[tuple[str, ...]] = (manifest.P0_GATE,)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "p0"})
    WAIVABLE: ClassVar[bool] = False

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        here, line = [*path, "p0"], section.get("p0")
        if not isinstance(line, dict):
            return
        if "off" not in line:
            yield from judge_names(line.get("judges"), section, [*here, "judges"])
        elif path[-1] == "p0":
            yield violation(here, "no-judge", "p0 is all that this scope measures; it cannot be off")

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["p0"]
        return cls(
            judges=tuple(line.get("judges", ())),
            minimum=line.get("minimum", 1),
            settled_passes=line.get("settled_passes", "not") == "count",
            off=off_of(line),
        )

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return (manifest.P0_GATE,) if self.off is None else ()

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"p0": self.off}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        evaluation = subject.evaluation
        if evaluation.p0 is None:
            return GateResult(gate, Outcome.UNDECIDED, "which questions are P0 is not known", required="all")
        rows = evaluation.rows.of(evaluation.p0)
        failed, open_ = [], []
        for name in evaluation.p0:
            outcomes = [
                believed_outcome(rows[name], judge, settled_counts=self.settled_passes) if name in rows else MISSING
                for judge in self.judges
            ]
            if FAILED in outcomes:
                failed.append(name)
            elif any(outcome != PASSED for outcome in outcomes):
                open_.append(name)
        total, right = len(evaluation.p0), len(evaluation.p0) - len(failed) - len(open_)
        measured, against = f"{right}/{total}", (*failed, *open_)
        if failed:
            reason = f"{count(len(failed), 'P0 question')} of {total:,} failed: {some(tuple(failed))}"
            return GateResult(gate, Outcome.FAILED, reason, measured, "all", questions=against)
        if open_:
            reason = f"no finding for {count(len(open_), 'P0 question')} of {total:,}: {some(tuple(open_))}"
            settled = [name for name in open_ if name in rows and self._is_settled(rows[name].findings)]
            if settled:
                reason += f"; a language model's word is none here ({some(settled)})"
            return GateResult(gate, Outcome.UNDECIDED, reason, measured, "all", questions=against)
        if total < self.minimum:
            reason = f"the benchmark set has {count(total, 'P0 question')}, at least {self.minimum} must be there"
            return GateResult(gate, Outcome.UNDECIDED, reason, measured, "all")
        return GateResult(gate, Outcome.PASSED, f"all {total} P0 questions are right", measured, "all")

    def _is_settled(self, findings: Mapping[str, Any]) -> bool:
        return any(judge in findings and findings[judge].settled for judge in self.judges)

"""Metrics of MLflow, also of other scorers: at or above a limit, with the rows behind them where that can be known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.observed import Evidence, MetricObserved
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, percent
from mlflow_genie_plugin.gating.rules.coverage import Coverage
from mlflow_genie_plugin.gating.rules.rule import (
    Needs,
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    gate_id,
    off_of,
    stem_and_part,
    violation,
)


@dataclass(frozen=True, slots=True)
class MetricCriterion:
    """``threshold`` is included; ``aliases`` are other names under which the same metric may be logged."""

    threshold: float
    greater_is_better: bool = True
    aliases: tuple[str, ...] = ()

    @property
    def required(self) -> str:
        return f"{'>=' if self.greater_is_better else '<='} {self.threshold:g}"


@dataclass(frozen=True)
class Metrics(Rule):
    """One gate per metric: ``metric[relevance/mean]``."""

    criteria: Mapping[str, MetricCriterion]
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("metrics",)
    HELP: ClassVar[Mapping[str, str]] = {
        "metrics": "write metrics: {relevance/mean: {threshold: 0.7, greater_is_better: true, "
        "aliases: [relevance_to_query/mean]}} or metrics: {off: the reason}"
    }
    STEMS: ClassVar[tuple[str, ...]] = ("metric",)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out"})
    WITHOUT_EVALUATION: ClassVar[frozenset[str]] = frozenset({"metric"})

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        line = section.get("metrics")
        if not isinstance(line, dict) or "off" in line:
            return
        taken: dict[str, str] = {}
        for name, criterion in line.items():
            if not isinstance(criterion, dict):
                continue
            here = [*path, "metrics", name]
            value = criterion.get("threshold")
            if isinstance(value, float) and not math.isfinite(value):
                yield violation([*here, "threshold"], "no-limit", f"{value} is no limit", "write a number")
            aliases = criterion.get("aliases")
            for other in [name, *(aliases if isinstance(aliases, list) else [])]:
                if taken.setdefault(str(other), name) != name:
                    message = f"{other!r} is named for {taken[str(other)]} as well"
                    yield violation(here, "name-twice", message, "one name can stand for one metric only")

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["metrics"]
        if (off := off_of(line)) is not None:
            return cls({}, off)
        return cls(
            {
                name: MetricCriterion(float(entry["threshold"]), entry["greater_is_better"], tuple(entry["aliases"]))
                for name, entry in line.items()
            }
        )

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return tuple(gate_id("metric", name) for name in self.criteria)

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"metrics": self.off}

    def needs(self) -> Needs:
        return Needs(metrics=tuple(name for key, entry in self.criteria.items() for name in (key, *entry.aliases)))

    def decide(self, gate: str, subject: Subject) -> GateResult:
        name = stem_and_part(gate)[1]
        criterion = self.criteria[name]
        names = (name, *criterion.aliases)
        found = {key: subject.evidence.metrics[key] for key in names if key in subject.evidence.metrics}
        required = criterion.required
        if not found:
            return GateResult(gate, Outcome.UNDECIDED, _not_found(names, subject.evidence), "missing", required)
        values = {metric.value for metric in found.values()}
        if len(values) > 1:
            said = ", ".join(f"{key} is {metric.value:g} ({metric.source})" for key, metric in found.items())
            reason = f"two metrics of this name say different things: {said}; keep one of the names in the criteria"
            return GateResult(gate, Outcome.UNDECIDED, reason, "-", required)
        key, metric = next(iter(found.items()))
        return _held_against(gate, key, metric, criterion, subject)


def _not_found(names: tuple[str, ...], evidence: Evidence) -> str:
    run = f"evaluation run {evidence.evaluation.run_id}" if evidence.evaluation else "any evaluation"
    return (
        f"not logged: looked for {' and '.join(names)} on {run} and on model {evidence.model_id}; log it there with "
        f"mlflow.genai.evaluate(…, model_id={evidence.model_id!r})"
    )


def _held_against(
    gate: str, name: str, metric: MetricObserved, criterion: MetricCriterion, subject: Subject
) -> GateResult:
    shown, required = f"{metric.value:g}", criterion.required
    if not math.isfinite(metric.value):
        reason = f"{name} is {metric.value} ({metric.source}), which measures nothing"
        return GateResult(gate, Outcome.FAILED, reason, shown, required)
    better = metric.value >= criterion.threshold if criterion.greater_is_better else metric.value <= criterion.threshold
    reason = f"{name} is {metric.value:g} ({metric.source})"
    if not better:
        off = abs(metric.value - criterion.threshold)
        return GateResult(
            gate, Outcome.FAILED, f"{reason}, {off:.3g} away from {criterion.threshold:g}", shown, required
        )
    coverage = subject.section.find(Coverage)
    minimum = coverage.minimum_judged if coverage is not None else 1.0
    if metric.rows is None or metric.assessed is None:
        return GateResult(gate, Outcome.PASSED, f"{reason}; how many rows are behind it is not known", shown, required)
    if metric.rows == 0 or metric.assessed / metric.rows < minimum:
        reason += (
            f", but only {metric.assessed:,} of {metric.rows:,} rows are behind it: MLflow leaves errors out of a "
            f"mean. At least {percent(minimum)} are needed"
        )
        return GateResult(gate, Outcome.UNDECIDED, reason, shown, required)
    return GateResult(
        gate, Outcome.PASSED, f"{reason}, {metric.assessed:,} of {metric.rows:,} rows behind it", shown, required
    )

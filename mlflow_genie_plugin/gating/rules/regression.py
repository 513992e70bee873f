"""The version is not worse than an earlier one, judge by judge, on the questions that both were asked alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.observed import PASSED, BaselineObserved, EvaluationObserved
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, of_parts, percent, points, some
from mlflow_genie_plugin.gating.rules.comparison import NON_INFERIOR, Common, Comparison, common_questions, judge_part
from mlflow_genie_plugin.gating.rules.integrity import evaluation_complete, evaluation_intact, same_questions
from mlflow_genie_plugin.gating.rules.rule import (
    Needs,
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    fraction,
    gate_id,
    judge_names,
    off_of,
    stem_and_part,
)
from mlflow_genie_plugin.gating.rules.thresholds import POINT, Thresholds

ALLOWED = "allowed"


@dataclass(frozen=True)
class Regression(Rule):
    """One gate per baseline: ``regression[parent]``, ``regression[champion]``, ``regression[models:/orders/3]``."""

    comparisons: Mapping[str, Comparison]
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("regression",)
    HELP: ClassVar[Mapping[str, str]] = {
        "regression": "write regression: {parent: {rule: point, tolerance: 0.02, minimum_common: 0.8, "
        "no_baseline: allowed}} or regression: {off: the reason}"
    }
    STEMS: ClassVar[tuple[str, ...]] = ("regression",)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out"})

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        line = section.get("regression")
        if not isinstance(line, dict) or "off" in line:
            return
        for reference, comparison in line.items():
            if isinstance(comparison, dict):
                here = [*path, "regression", reference]
                yield from fraction(comparison, "tolerance", here)
                yield from fraction(comparison, "margin", here, above_zero=True)
                yield from fraction(comparison, "minimum_common", here, above_zero=True)
                yield from judge_names(comparison.get("judges"), section, [*here, "judges"])

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["regression"]
        if (off := off_of(line)) is not None:
            return cls({}, off)
        return cls({reference: _comparison(entry) for reference, entry in line.items()})

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return tuple(gate_id("regression", reference) for reference in self.comparisons)

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"regression": self.off}

    def needs(self) -> Needs:
        return Needs(baselines=tuple(self.comparisons))

    def decide(self, gate: str, subject: Subject) -> GateResult:
        reference = stem_and_part(gate)[1]
        comparison = self.comparisons[reference]
        baseline = subject.evidence.baselines.get(reference)
        required = f">= {points(-comparison.margin)}"
        if baseline is None:
            return GateResult(gate, Outcome.UNDECIDED, f"nobody looked for {reference}", required=required)
        if baseline.absent:
            return _without_baseline(gate, comparison, baseline)
        before, problem = _usable(reference, baseline)
        if before is None:
            return GateResult(gate, Outcome.UNDECIDED, problem, required=required)
        now = subject.evaluation
        common = common_questions(before, now)
        if common.share < comparison.minimum_common:
            reason = (
                f"only {percent(common.share)} of the questions can be compared with {reference}, at least "
                f"{percent(comparison.minimum_common)} are needed; not in both, or with another text or expected SQL: "
                f"{some(common.apart)}; evaluate it on the same benchmark set: "
                f"mlflow-genie evaluate --model-id {baseline.model_id} --benchmarks FILE"
            )
            return GateResult(gate, Outcome.UNDECIDED, reason, required=required, questions=common.apart)
        return _compared(gate, comparison, subject, common, baseline, before)


def _comparison(entry: Mapping[str, Any]) -> Comparison:
    return Comparison(
        rule=entry["rule"],
        margin=float(entry["tolerance"] if entry["rule"] == POINT else entry["margin"]),
        minimum_common=float(entry["minimum_common"]),
        no_baseline_is_allowed=entry["no_baseline"] == ALLOWED,
        judges=tuple(entry.get("judges", ())),
    )


def _without_baseline(gate: str, comparison: Comparison, baseline: BaselineObserved) -> GateResult:
    if comparison.no_baseline_is_allowed:
        reason = f"{baseline.absent}, so there is nothing to compare with; the criteria allow that"
        return GateResult(gate, Outcome.PASSED, reason, "no baseline")
    reason = f"{baseline.absent}, and the criteria do not allow a version without a baseline (no_baseline: refused)"
    return GateResult(gate, Outcome.UNDECIDED, reason, "no baseline")


def _usable(reference: str, baseline: BaselineObserved) -> tuple[EvaluationObserved | None, str]:
    """Return the baseline's evaluation, or why nothing can be held against it."""
    name = f"{reference} ({baseline.model_id})" if reference != baseline.model_id else reference
    if baseline.problem or baseline.evaluation is None:
        return None, f"{name} cannot be compared with: {baseline.problem or 'it has no evaluation'}"
    before = baseline.evaluation
    if baseline.model_id not in (before.model_id, before.recorded_model_id):
        return None, f"{name} cannot be compared with: its evaluation is of {before.model_id or 'an unknown model'}"
    for check in (evaluation_intact, evaluation_complete, same_questions):
        found = check(before)
        if found.outcome is not Outcome.PASSED:
            return None, f"{name} cannot be compared with: {found.reason}"
    return before, ""


def _compared(
    gate: str,
    comparison: Comparison,
    subject: Subject,
    common: Common,
    baseline: BaselineObserved,
    before: EvaluationObserved,
) -> GateResult:
    thresholds = subject.section.find(Thresholds)
    judges = comparison.judges or (thresholds.judges_asked if thresholds is not None else ())
    settled = thresholds is not None and thresholds.settled_passes
    parts = tuple(
        judge_part(judge, comparison, common, before, subject.evaluation, settled=settled) for judge in judges
    )
    outcome = of_parts(parts)
    not_passed = [part for part in parts if part.outcome != PASSED]
    compared = f"{count(len(common.ids), 'question')} compared with {baseline.model_id}"
    if common.apart:
        compared += f", {len(common.apart)} not comparable ({some(common.apart)})"
    worst = min((part for part in parts if part.value is not None), key=lambda part: part.value or 0.0, default=None)
    against = tuple(dict.fromkeys(name for part in (not_passed or parts) for name in part.questions))
    return GateResult(
        gate,
        outcome,
        f"{'; '.join(part.reason for part in not_passed)}; {compared}" if not_passed else compared,
        worst.measured if worst is not None else "",
        f">= {points(-comparison.margin)}" + (" (95 % bound)" if comparison.rule == NON_INFERIOR else ""),
        questions=against,
        parts=parts,
    )

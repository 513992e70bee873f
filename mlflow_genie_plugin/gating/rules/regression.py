"""The version is not worse than an earlier one, judge by judge, on the questions that both were asked alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating import paired
from mlflow_genie_plugin.gating.observed import FAILED, PASSED, BaselineObserved, EvaluationObserved
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, Part, count, of_parts, percent, points, some
from mlflow_genie_plugin.gating.paired import Paired
from mlflow_genie_plugin.gating.rules.integrity import evaluation_complete, evaluation_intact, same_questions
from mlflow_genie_plugin.gating.rules.outcomes import DECIDED, outcomes_of
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

NON_INFERIOR = "non_inferior"
ALLOWED = "allowed"
# A loss of exactly the tolerance is allowed; 49/50 - 50/50 is not exactly -0.02 in floating point.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one baseline is compared with.

    Attributes:
        rule: ``point``: the share falls by no more than ``margin``. ``non_inferior``: and that is shown with 95 %
            confidence (Tango's bound for paired proportions).
        minimum_common: The smallest share of all questions that has to be comparable.
        no_baseline_is_allowed: Whether a version that has no such baseline passes.
        judges: Which judges are compared; empty for all that the section asks.
    """

    rule: str
    margin: float
    minimum_common: float
    no_baseline_is_allowed: bool
    judges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Common:
    """The questions on which two evaluations can be compared, and the ids of those where they cannot."""

    ids: tuple[str, ...]
    apart: tuple[str, ...]

    @property
    def share(self) -> float:
        total = len(self.ids) + len(self.apart)
        return len(self.ids) / total if total else 0.0


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


def common_questions(before: EvaluationObserved, now: EvaluationObserved) -> Common:
    """Return the questions with the same id, text and expected SQL in both evaluations.

    Questions that only one of the two has count as not comparable, so that taking hard questions out does not make a
    version look as good as before. Where the earlier evaluation has another scope, only the questions of the later
    one count.
    """
    earlier, later = _texts(before), _texts(now)
    wanted = dict.fromkeys(now.planned or later)
    if before.scope == now.scope:
        wanted |= dict.fromkeys(before.planned or earlier)
    alike = tuple(name for name in wanted if name in earlier and earlier[name] == later.get(name))
    known = set(alike)
    return Common(alike, tuple(name for name in wanted if name not in known))


def _texts(evaluation: EvaluationObserved) -> dict[str, tuple[str, str]]:
    """Return question and expected SQL by id, of the rows that are the question of their benchmark."""
    found = dict(zip(evaluation.rows.ids, evaluation.rows.texts, strict=True))
    for name in evaluation.rows.differing:
        del found[name]
    return found


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
        _judge_part(judge, comparison, common, before, subject.evaluation, settled=settled) for judge in judges
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


def _judge_part(
    judge: str,
    comparison: Comparison,
    common: Common,
    before: EvaluationObserved,
    now: EvaluationObserved,
    *,
    settled: bool,
) -> Part:
    versions = [evaluation.judges.get(judge, {}).get("version") for evaluation in (before, now)]
    if None in versions or versions[0] != versions[1]:
        names = [f"version {version}" if version else "did not run" for version in versions]
        reason = f"{judge}: {names[0]} for the baseline, {names[1]} here; evaluate the baseline again"
        return Part(judge, Outcome.UNDECIDED.value, reason)
    was = outcomes_of(judge, before, settled_counts=settled)
    is_now = outcomes_of(judge, now, settled_counts=settled)
    # What the baseline has no finding on says nothing about a loss. Counting it as wrong would hide one.
    ids = [name for name in common.ids if was.get(name) in DECIDED]
    if not ids or len(ids) / len(common.ids) < comparison.minimum_common:
        reason = f"{judge}: the baseline has a finding on {len(ids)} of {len(common.ids)} common questions"
        return Part(judge, Outcome.UNDECIDED.value, reason)
    gained = [name for name in ids if was[name] == FAILED and is_now.get(name) == PASSED]
    lost = [name for name in ids if was[name] == PASSED and is_now.get(name) == FAILED]
    open_ = [name for name in ids if is_now.get(name) not in DECIDED]
    open_before_right = [name for name in open_ if was[name] == PASSED]
    worst = Paired(len(ids), len(gained), len(lost) + len(open_before_right))
    best = Paired(len(ids), len(gained) + len(open_) - len(open_before_right), len(lost))
    outcome = _decided(comparison, worst, best)
    difference = worst.difference or 0.0
    interval = paired.interval(worst)
    reason = f"{judge} {_in_words(worst, interval, lost)}"
    if open_:
        reason += f", no finding on {len(open_)} now"
    if outcome is Outcome.UNDECIDED and comparison.rule == NON_INFERIOR:
        needed = paired.pairs_needed(worst, comparison.margin)
        shown = f"about {needed:,} common questions would show it" if needed else "more questions like these would not"
        reason += f"; that it loses no more than {comparison.margin * 100:g} points is not shown, {shown}"
    against = (*lost, *open_before_right)
    return Part(judge, outcome.value, reason, points(difference), difference, interval, against)


def _decided(comparison: Comparison, worst: Paired, best: Paired) -> Outcome:
    if comparison.rule == POINT:
        if (worst.difference or 0.0) >= -comparison.margin - _EQUAL:
            return Outcome.PASSED
        return Outcome.FAILED if (best.difference or 0.0) < -comparison.margin - _EQUAL else Outcome.UNDECIDED
    if paired.lower_bound(worst) >= -comparison.margin - _EQUAL:
        return Outcome.PASSED
    return Outcome.FAILED if paired.upper_bound(best) < -comparison.margin else Outcome.UNDECIDED


def _in_words(pairs: Paired, interval: tuple[float, float], lost: list[str]) -> str:
    low, high = (end * 100 for end in interval)
    text = (
        f"{points(pairs.difference or 0.0)} (95 % interval {low:+.1f} to {high:+.1f}; {pairs.lost} newly wrong, "
        f"{pairs.gained} newly right, McNemar p = {paired.mcnemar_p_value(pairs):.2g})"
    )
    return f"{text}, newly wrong: {some(tuple(lost))}" if lost else text

"""Every judge's share of right answers reaches its target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating import manifest, statistics
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, percent
from mlflow_genie_plugin.gating.rules.outcomes import planned_count, tally_of, was_asked_once
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    fraction,
    gate_id,
    number,
    stem_and_part,
    violation,
)
from mlflow_genie_plugin.schemas.wording import did_you_mean

POINT = "point"
LOWER_BOUND = "lower_bound"
EXACT = "exact"
COUNT = "count"
ASK_AGAIN = "each question was asked once; mlflow-genie evaluate with --repeats 3 asks it three times"


@dataclass(frozen=True, slots=True)
class JudgeCriterion:
    """What one judge must show: ``target`` and ``floor`` (fractions), or ``off`` with the reason."""

    target: float = 1.0
    floor: float = 1.0
    off: str | None = None


@dataclass(frozen=True)
class Thresholds(Rule):
    """One gate per judge: ``threshold[result_correctness]``.

    ``settled_passes`` says whether a pass that a language model settled counts as one.
    """

    judges: Mapping[str, JudgeCriterion]
    rule: str = POINT
    settled_passes: bool = False

    LINES: ClassVar[tuple[str, ...]] = ("judges", "rule", "settled_passes")
    HELP: ClassVar[Mapping[str, str]] = {
        "judges": "write judges: and below it each judge with {target: …, floor: …} or {off: the reason}",
        "rule": "write rule: point",
        "settled_passes": "write settled_passes: not (or count, to let passes by a language model's word count)",
    }
    STEMS: ClassVar[tuple[str, ...]] = ("threshold",)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out", "slice"})

    @property
    def judges_asked(self) -> tuple[str, ...]:
        """The judges that are not off, in the manifest's order."""
        return tuple(name for name in manifest.JUDGES if self.judges[name].off is None)

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        here, judges = [*path, "judges"], section.get("judges")
        if not isinstance(judges, dict):
            return
        for name in manifest.JUDGES:
            if name not in judges:
                fix = f"write {name}: {{target: …, floor: …}} or {name}: {{off: the reason}}"
                yield violation(here, "missing-judge", f"judge {name} is missing", fix)
        for name, judge in judges.items():
            if name not in manifest.JUDGES:
                fix = did_you_mean(name, manifest.JUDGES)
                yield violation([*here, name], "unknown-judge", f"there is no judge {name!r}", fix)
            if isinstance(judge, dict) and "off" not in judge:
                yield from target_and_floor(judge, [*here, name])
        if judges and all(isinstance(judge, dict) and "off" in judge for judge in judges.values()):
            yield violation(here, "no-judge", "every judge is off, so nothing would be measured")

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        judges = {name: JudgeCriterion(**section["judges"][name]) for name in manifest.JUDGES}
        return cls(judges, section["rule"], section["settled_passes"] == COUNT)

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return tuple(gate_id("threshold", judge) for judge in self.judges_asked)

    def switched_off(self) -> Mapping[str, str]:
        return {name: judge.off for name, judge in self.judges.items() if judge.off is not None}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        judge = stem_and_part(gate)[1]
        criterion, evaluation = self.judges[judge], subject.evaluation
        planned = planned_count(evaluation)
        tally = tally_of(judge, evaluation, settled_counts=self.settled_passes)
        passed = tally.passed
        required = required_of(criterion, self.rule)
        if planned == 0 or passed > planned:
            return GateResult(gate, Outcome.UNDECIDED, f"{judge} measured nothing", "-", required)
        outcome, reason = held_against(criterion, self.rule, passed, tally.failed, planned)
        if outcome is Outcome.UNDECIDED and was_asked_once(judge, evaluation):
            reason = ASK_AGAIN
        share = passed / planned
        return GateResult(
            gate,
            outcome,
            reason,
            percent(share),
            required,
            share,
            interval_of(self.rule, passed, planned),
            tally.not_passed,
        )


def target_and_floor(judge: Mapping[str, Any], path: Path) -> Iterator[Violation]:
    """Yield what is wrong with a target and its floor."""
    yield from fraction(judge, "target", path, above_zero=True)
    yield from fraction(judge, "floor", path)
    target, floor = number(judge.get("target")), number(judge.get("floor"))
    if target is not None and floor is not None and floor > target:
        yield violation([*path, "floor"], "floor-above-target", f"the floor {floor} is above the target {target}")


def required_of(criterion: JudgeCriterion, rule: str) -> str:
    """Return target and rule for people."""
    bound = {POINT: "", LOWER_BOUND: "95 % bound", EXACT: "exact 95 % bound"}[rule]
    required = f">= {percent(criterion.target)}"
    return f"{required}, {bound} >= {percent(criterion.floor)}" if bound else required


def interval_of(rule: str, passed: int, planned: int) -> tuple[float, float]:
    """Return the 95 % interval of a share: Clopper and Pearson's under the exact rule, Wilson's elsewhere."""
    exact = statistics.clopper_pearson_interval if rule == EXACT else statistics.wilson_interval
    return exact(passed, planned)


def held_against(criterion: JudgeCriterion, rule: str, passed: int, failed: int, planned: int) -> tuple[Outcome, str]:
    """Hold ``passed`` of ``planned`` against the target; what has no finding counts against the model.

    Failed when even the best reading of what is missing would not do, undecided when what is missing, or more
    questions, could change the answer.
    """
    counted = f"{passed:,} of {planned:,} right"
    best = planned - failed
    if best / planned < criterion.target:
        stuck = f", below the floor {percent(criterion.floor)}" if best / planned < criterion.floor else ""
        return Outcome.FAILED, f"{counted}, which is less than {percent(criterion.target)}{stuck}"
    if passed / planned < criterion.target:
        return Outcome.UNDECIDED, f"{counted}, no finding on {best - passed}, which would decide it"
    if rule == POINT:
        return Outcome.PASSED, counted
    bound, needed = _proven(rule, passed, planned, criterion.floor)
    if bound < criterion.floor:
        more = f"; about {needed:,} questions at this rate would show it" if needed else ""
        reason = f"{counted}: {planned} questions show at least {percent(bound)}, not {percent(criterion.floor)}{more}"
        return Outcome.UNDECIDED, reason
    return Outcome.PASSED, counted


def _proven(rule: str, passed: int, planned: int, floor: float) -> tuple[float, int | None]:
    if rule == EXACT:
        bound = statistics.clopper_pearson_lower_bound(passed, planned)
        return bound, statistics.questions_needed_exactly(passed / planned, floor) if bound < floor else None
    bound = statistics.wilson_lower_bound(passed, planned)
    return bound, statistics.questions_needed(passed / planned, floor) if bound < floor else None

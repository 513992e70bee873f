"""Two evaluations held against each other: which questions they were asked alike, and what one judge says of both."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow_genie_plugin.gating import paired
from mlflow_genie_plugin.gating.observed import FAILED, PASSED, EvaluationObserved
from mlflow_genie_plugin.gating.outcome import Outcome, Part, points, some
from mlflow_genie_plugin.gating.paired import Paired
from mlflow_genie_plugin.gating.rules.outcomes import DECIDED, outcomes_of
from mlflow_genie_plugin.gating.rules.thresholds import POINT

NON_INFERIOR = "non_inferior"
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


def judge_part(
    judge: str,
    comparison: Comparison,
    common: Common,
    before: EvaluationObserved,
    now: EvaluationObserved,
    *,
    settled: bool,
) -> Part:
    """Return what one judge says of the common questions, before and now."""
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
        reason = f"{judge}: the baseline has a finding on {len(ids):,} of {len(common.ids):,} common questions"
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

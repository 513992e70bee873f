"""Gates on the answers: enough of them, P0 without a failure, every judge's share at its target."""

from __future__ import annotations

import math
from collections import Counter

from mlflow_genie_plugin.gating import manifest, statistics
from mlflow_genie_plugin.gating.criteria import LOWER_BOUND, JudgeCriterion, ScopeCriteria
from mlflow_genie_plugin.gating.observed import (
    ABSTAINED,
    ERRORED,
    FAILED,
    MISSING,
    PASSED,
    EvaluationObserved,
    QuestionObserved,
)
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, percent, some


def enough_questions(section: ScopeCriteria, evaluation: EvaluationObserved) -> GateResult:
    planned = _planned_count(evaluation)
    outcome = Outcome.PASSED if planned >= section.minimum_questions else Outcome.UNDECIDED
    reason = f"{count(planned, 'question')} planned, at least {section.minimum_questions} are needed"
    return GateResult("enough_questions", outcome, reason, str(planned), f">= {section.minimum_questions}")


def error_budget(section: ScopeCriteria, evaluation: EvaluationObserved) -> GateResult:
    planned = _planned_count(evaluation)
    answered = {question.question_id for question in evaluation.questions if question.answered}
    known = evaluation.planned or tuple(question.question_id for question in evaluation.questions)
    silent = tuple(name for name in dict.fromkeys(known) if name not in answered)
    count = max(len(silent), planned - len(answered))
    share = count / planned if planned else 1.0
    # Undecided, not failed: without answers nothing is known about the config.
    outcome = Outcome.PASSED if planned and share <= section.error_budget else Outcome.UNDECIDED
    reason = f"{count} of {planned} questions have no answer" + (f": {some(silent)}" if silent else "")
    return GateResult(
        "error_budget", outcome, reason, percent(share), f"<= {percent(section.error_budget)}", questions=silent
    )


def p0(section: ScopeCriteria, evaluation: EvaluationObserved) -> GateResult:
    gate, rule = "p0", section.p0
    if rule is None or rule.off is not None:
        raise ValueError("the P0 gate is asked only where the criteria have the rule")
    if evaluation.p0 is None:
        return GateResult(gate, Outcome.UNDECIDED, "which questions are P0 is not known", required="all")
    rows = {question.question_id: question for question in evaluation.questions}
    failed, open_ = [], []
    for name in evaluation.p0:
        outcomes = [believed_outcome(rows[name], judge) if name in rows else MISSING for judge in rule.judges]
        if FAILED in outcomes:
            failed.append(name)
        elif any(outcome != PASSED for outcome in outcomes):
            open_.append(name)
    total, right = len(evaluation.p0), len(evaluation.p0) - len(failed) - len(open_)
    measured, against = f"{right}/{total}", (*failed, *open_)
    if failed:
        reason = f"{count(len(failed), 'P0 question')} of {total} failed: {some(tuple(failed))}"
        return GateResult(gate, Outcome.FAILED, reason, measured, "all", questions=against)
    if open_:
        reason = f"no finding for {count(len(open_), 'P0 question')} of {total}: {some(tuple(open_))}"
        return GateResult(gate, Outcome.UNDECIDED, reason, measured, "all", questions=against)
    if total < rule.minimum:
        reason = f"the benchmark set has {count(total, 'P0 question')}, at least {rule.minimum} must be there"
        return GateResult(gate, Outcome.UNDECIDED, reason, measured, "all")
    return GateResult(gate, Outcome.PASSED, f"all {total} P0 questions are right", measured, "all")


def judged(judge: str, section: ScopeCriteria, evaluation: EvaluationObserved) -> GateResult:
    gate = manifest.judge_gate("judged", judge)
    outcomes = _outcomes(judge, evaluation)
    planned = _planned_count(evaluation)
    judged = sum(outcome in {PASSED, FAILED} for outcome in outcomes.values())
    share = judged / planned if planned else 0.0
    without = tuple(name for name, outcome in outcomes.items() if outcome not in {PASSED, FAILED})
    outcome = Outcome.PASSED if planned and share >= section.minimum_judged else Outcome.UNDECIDED
    reason = f"{judge} has a finding on {judged} of {planned} questions" + (
        f"; none on {some(without)}" if without else ""
    )
    required = f">= {percent(section.minimum_judged)}"
    return GateResult(gate, outcome, reason, percent(share), required, share, questions=without)


def threshold(judge: str, section: ScopeCriteria, evaluation: EvaluationObserved) -> GateResult:
    gate, criterion = manifest.judge_gate("threshold", judge), section.judges[judge]
    planned = _planned_count(evaluation)
    outcomes = _outcomes(judge, evaluation)
    passed = sum(outcome == PASSED for outcome in outcomes.values())
    failed = sum(outcome == FAILED for outcome in outcomes.values())
    required = f">= {percent(criterion.target)}"
    if planned == 0 or passed > planned:
        return GateResult(gate, Outcome.UNDECIDED, f"{judge} measured nothing", "-", required)
    share = passed / planned
    against = tuple(name for name, outcome in outcomes.items() if outcome != PASSED)
    outcome, reason = _held_against(criterion, section.rule, passed, failed, planned)
    interval = statistics.wilson_interval(passed, planned)
    if section.rule == LOWER_BOUND:
        required += f", 95 % bound >= {percent(criterion.floor)}"
    return GateResult(gate, outcome, reason, percent(share), required, share, interval, against)


def _held_against(criterion: JudgeCriterion, rule: str, passed: int, failed: int, planned: int) -> tuple[Outcome, str]:
    """Hold ``passed`` of ``planned`` against the target; what has no finding counts against the model."""
    counted = f"{passed} of {planned} right"
    best = planned - failed
    if best / planned < criterion.target:
        stuck = f", below the floor {percent(criterion.floor)}" if best / planned < criterion.floor else ""
        return Outcome.FAILED, f"{counted}, which is less than {percent(criterion.target)}{stuck}"
    if passed / planned < criterion.target:
        return Outcome.UNDECIDED, f"{counted}, no finding on {best - passed}, which would decide it"
    if rule == LOWER_BOUND and (bound := statistics.wilson_lower_bound(passed, planned)) < criterion.floor:
        needed = statistics.questions_needed(passed / planned, criterion.floor)
        more = f"; about {needed:,} questions at this rate would show it" if needed else ""
        return (
            Outcome.UNDECIDED,
            f"{counted}: {planned} questions show at least {percent(bound)}, not {percent(criterion.floor)}{more}",
        )
    return Outcome.PASSED, counted


def believed_outcome(question: QuestionObserved, judge: str) -> str:
    """Return the outcome of ``judge`` on a question; a score or outcome that means nothing is ``errored``."""
    found = question.findings.get(judge)
    if found is None:
        return MISSING
    if found.score is not None and not (math.isfinite(found.score) and 0 <= found.score <= 1):
        return ERRORED
    return found.outcome if found.outcome in {PASSED, FAILED, ABSTAINED} else ERRORED


def _outcomes(judge: str, evaluation: EvaluationObserved) -> dict[str, str]:
    found = {question.question_id: believed_outcome(question, judge) for question in evaluation.questions}
    # Two rows of one question: the gate on the question set fails; here the better one must not win.
    twice = Counter(question.question_id for question in evaluation.questions)
    found.update({name: ERRORED for name, count in twice.items() if count > 1})
    if evaluation.planned is None:
        return found
    return {name: found.get(name, MISSING) for name in evaluation.planned}


def _planned_count(evaluation: EvaluationObserved) -> int:
    # The largest of all counts on record: leaving a number out must never make a share better.
    planned = len(evaluation.planned) if evaluation.planned is not None else 0
    return max(planned, evaluation.planned_count, len({question.question_id for question in evaluation.questions}))

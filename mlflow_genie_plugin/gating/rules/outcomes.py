"""What the findings of an evaluation are worth: read once, in the same way by every rule."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from mlflow_genie_plugin.gating.observed import (
    ABSTAINED,
    ERRORED,
    FAILED,
    MISSING,
    PASSED,
    EvaluationObserved,
    QuestionObserved,
)

DECIDED = frozenset({PASSED, FAILED})


def believed_outcome(question: QuestionObserved, judge: str, *, settled_counts: bool = True) -> str:
    """Return the outcome of ``judge`` on a question; a score or outcome that means nothing is ``errored``.

    Args:
        question: The question's row.
        judge: Whose finding.
        settled_counts: Whether a pass by a language model's word is one; otherwise nothing decided it: ``abstained``.
    """
    found = question.findings.get(judge)
    if found is None:
        return MISSING
    if found.score is not None and not (math.isfinite(found.score) and 0 <= found.score <= 1):
        return ERRORED
    if found.outcome == PASSED and found.settled and not settled_counts:
        return ABSTAINED
    return found.outcome if found.outcome in {PASSED, FAILED, ABSTAINED} else ERRORED


@dataclass(frozen=True, slots=True)
class JudgeTally:
    """What the findings of one judge come to over all planned questions.

    Attributes:
        passed, failed: How many questions.
        not_passed: Ids of the questions without a pass, in their order.
        undecided: Those of them that did not fail either.
    """

    passed: int
    failed: int
    not_passed: tuple[str, ...]
    undecided: tuple[str, ...]


def outcomes_of(judge: str, evaluation: EvaluationObserved, *, settled_counts: bool = True) -> dict[str, str]:
    """Return the outcome of ``judge`` on every planned question; one without a row is ``missing``."""
    found: dict[str, str] = {}
    # Rows of a large evaluation share their findings; what those are worth is worked out once for each kind.
    known: dict[int, str] = {}
    for question in evaluation.questions:
        kind = id(question.findings)
        if kind not in known:
            known[kind] = believed_outcome(question, judge, settled_counts=settled_counts)
        found[question.question_id] = known[kind]
    if len(found) != len(evaluation.questions):
        # Two rows of one question: the gate on the question set fails; here the better one must not win.
        found.update({name: ERRORED for name, count in evaluation.rows_by_id.items() if count > 1})
    if evaluation.planned is None or tuple(found) == evaluation.planned:
        return found
    return {name: found.get(name, MISSING) for name in evaluation.planned}


def tally_of(judge: str, evaluation: EvaluationObserved, *, settled_counts: bool = True) -> JudgeTally:
    """Return what the outcomes of ``judge`` come to; counted once for an evaluation, however many gates ask."""
    asked = (judge, settled_counts)
    if asked not in evaluation.tallies:
        outcomes = outcomes_of(judge, evaluation, settled_counts=settled_counts)
        counts = Counter(outcomes.values())
        not_passed = tuple(name for name, outcome in outcomes.items() if outcome != PASSED)
        undecided = tuple(name for name in not_passed if outcomes[name] != FAILED)
        evaluation.tallies[asked] = JudgeTally(counts[PASSED], counts[FAILED], not_passed, undecided)
    tally: JudgeTally = evaluation.tallies[asked]
    return tally


def planned_count(evaluation: EvaluationObserved) -> int:
    """Return how many questions there are to be right on.

    The largest of all counts on record: leaving a number out must never make a share better.
    """
    planned = len(evaluation.planned) if evaluation.planned is not None else 0
    return max(planned, evaluation.planned_count, len(evaluation.rows_by_id))


def was_asked_once(judge: str, evaluation: EvaluationObserved) -> bool:
    """Return whether the judge has no finding because nobody asked the questions more than once."""
    findings = (question.findings.get(judge) for question in evaluation.questions)
    return bool(evaluation.questions) and all(finding is not None and finding.not_asked for finding in findings)

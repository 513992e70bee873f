"""What the findings of an evaluation are worth: read once, in the same way by every rule."""

from __future__ import annotations

import math
from collections import Counter

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


def outcomes_of(judge: str, evaluation: EvaluationObserved, *, settled_counts: bool = True) -> dict[str, str]:
    """Return the outcome of ``judge`` on every planned question; one without a row is ``missing``."""
    found = {
        question.question_id: believed_outcome(question, judge, settled_counts=settled_counts)
        for question in evaluation.questions
    }
    # Two rows of one question: the gate on the question set fails; here the better one must not win.
    twice = Counter(question.question_id for question in evaluation.questions)
    found.update({name: ERRORED for name, count in twice.items() if count > 1})
    if evaluation.planned is None:
        return found
    return {name: found.get(name, MISSING) for name in evaluation.planned}


def planned_count(evaluation: EvaluationObserved) -> int:
    """Return how many questions there are to be right on.

    The largest of all counts on record: leaving a number out must never make a share better.
    """
    planned = len(evaluation.planned) if evaluation.planned is not None else 0
    return max(planned, evaluation.planned_count, len({question.question_id for question in evaluation.questions}))


def was_asked_once(judge: str, evaluation: EvaluationObserved) -> bool:
    """Return whether the judge has no finding because nobody asked the questions more than once."""
    findings = [question.findings.get(judge) for question in evaluation.questions]
    return bool(findings) and all(finding is not None and finding.not_asked for finding in findings)

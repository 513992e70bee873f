"""What the findings of an evaluation are worth: read once, in the same way by every rule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow_genie_plugin.gating.observed import ABSTAINED, ERRORED, FAILED, MISSING, PASSED, EvaluationObserved
from mlflow_genie_plugin.gating.question_observed import FindingObserved, QuestionObserved

DECIDED = frozenset({PASSED, FAILED})


def believed_outcome(question: QuestionObserved, judge: str, *, settled_counts: bool = True) -> str:
    """Return the outcome of ``judge`` on a question; see :func:`worth`."""
    return worth(question.findings, judge, settled_counts=settled_counts)


def worth(findings: Mapping[str, FindingObserved], judge: str, *, settled_counts: bool = True) -> str:
    """Return the outcome of ``judge`` among the findings on a question; one that means nothing is ``errored``.

    Args:
        findings: By judge.
        judge: Whose finding.
        settled_counts: Whether a pass by a language model's word is one; otherwise nothing decided it: ``abstained``.
    """
    found = findings.get(judge)
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
    rows = evaluation.rows
    worths = _worths(judge, evaluation, settled_counts)
    found = dict(zip(rows.ids, map(worths.__getitem__, rows.kinds.numbers), strict=True))
    if len(found) != len(rows):
        # Two rows of one question: the gate on the question set fails; here the better one must not win.
        found.update({name: ERRORED for name, count in rows.times.items() if count > 1})
    if evaluation.planned is None or rows.ids == evaluation.planned:
        return found
    return {name: found.get(name, MISSING) for name in evaluation.planned}


def tally_of(judge: str, evaluation: EvaluationObserved, *, settled_counts: bool = True) -> JudgeTally:
    """Return what the outcomes of ``judge`` come to; counted once for an evaluation, however many gates ask."""
    asked = (judge, settled_counts)
    if asked not in evaluation.tallies:
        if set(_worths(judge, evaluation, settled_counts)) == {PASSED} and each_planned_once(evaluation):
            evaluation.tallies[asked] = JudgeTally(len(evaluation.rows), 0, (), ())
        else:
            evaluation.tallies[asked] = _tally(outcomes_of(judge, evaluation, settled_counts=settled_counts))
    tally: JudgeTally = evaluation.tallies[asked]
    return tally


def _tally(outcomes: Mapping[str, str]) -> JudgeTally:
    counts = Counter(outcomes.values())
    not_passed = tuple(name for name, outcome in outcomes.items() if outcome != PASSED)
    undecided = tuple(name for name in not_passed if outcomes[name] != FAILED)
    return JudgeTally(counts[PASSED], counts[FAILED], not_passed, undecided)


def _worths(judge: str, evaluation: EvaluationObserved, settled_counts: bool) -> list[str]:
    """Return the outcome of ``judge`` for each kind of row: most rows of a large evaluation are of a few kinds."""
    return [worth(findings, judge, settled_counts=settled_counts) for findings in evaluation.rows.kinds.findings]


def each_planned_once(evaluation: EvaluationObserved) -> bool:
    """Return whether the rows are the planned questions, one each, in their order (others have to be counted)."""
    rows = evaluation.rows
    return rows.ids == evaluation.planned and len(rows.times) == len(rows)


def planned_count(evaluation: EvaluationObserved) -> int:
    """Return how many questions there are to be right on.

    The largest of all counts on record: leaving a number out must never make a share better.
    """
    planned = len(evaluation.planned) if evaluation.planned is not None else 0
    return max(planned, evaluation.planned_count, len(evaluation.rows.times))


def was_asked_once(judge: str, evaluation: EvaluationObserved) -> bool:
    """Return whether the judge has no finding because nobody asked the questions more than once."""
    findings = [findings.get(judge) for findings in evaluation.rows.kinds.findings]
    return bool(findings) and all(finding is not None and finding.not_asked for finding in findings)

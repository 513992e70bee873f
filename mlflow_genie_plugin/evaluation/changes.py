"""What became of each question since an earlier evaluation: newly wrong, newly right, or answered in another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.evaluation.compare import EQUAL, compare
from mlflow_genie_plugin.evaluation.repeatability import normalise_sql
from mlflow_genie_plugin.evaluation.result import OVERALL_JUDGE, EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord

NEWLY_WRONG = "newly_wrong"
NEWLY_RIGHT = "newly_right"
SAME_RESULT = "other_query_same_result"
OTHER_ANSWER = "other_query_other_result"


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """One question that is answered otherwise now.

    Attributes:
        question_id: Which one; ``question`` and ``priority`` as in the later evaluation.
        kind: ``newly_wrong``, ``newly_right``, or, where right stayed right or wrong stayed wrong,
            ``other_query_same_result`` or ``other_query_other_result`` (also when the rows were not kept).
        judges: Judge → outcome before and after, for those whose outcome changed.
        sql_before: The earlier answer's query.
        sql_after: The later answer's query.
    """

    question_id: str
    question: str
    priority: str
    kind: str
    judges: dict[str, tuple[str, str]]
    sql_before: str | None
    sql_after: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "question_id": self.question_id,
            "question": self.question,
            "priority": self.priority,
            "kind": self.kind,
            "judges": {name: {"before": old, "after": new} for name, (old, new) in self.judges.items()},
            "sql_before": self.sql_before,
            "sql_after": self.sql_after,
        }


@dataclass(frozen=True, slots=True)
class EvaluationChanges:
    """What changed from one evaluation to another.

    Attributes:
        judged_by: The judges whose word makes a question right: result_correctness where both evaluations have it,
            else every judge that both have.
        changes: The questions that changed, newly wrong ones first, in the order of the later evaluation.
        unchanged: How many questions have the same query and the same outcome.
        not_compared: Ids of questions that only one of the two asked, or with another text or other expected SQL.
    """

    judged_by: tuple[str, ...]
    changes: tuple[QuestionChange, ...]
    unchanged: int
    not_compared: tuple[str, ...]

    def of_kind(self, kind: str) -> tuple[QuestionChange, ...]:
        return tuple(change for change in self.changes if change.kind == kind)

    def to_json(self) -> dict[str, Any]:
        return {
            "judged_by": list(self.judged_by),
            **{kind: [change.to_json() for change in self.of_kind(kind)] for kind in _ORDER},
            "unchanged": self.unchanged,
            "not_compared": list(self.not_compared),
        }


_ORDER = (NEWLY_WRONG, NEWLY_RIGHT, OTHER_ANSWER, SAME_RESULT)


def changes_between(before: EvaluationResult, after: EvaluationResult) -> EvaluationChanges:
    """Compare two evaluations question by question; only the same question with the same ground truth is compared."""
    shared = tuple(name for name in after.judges_asked if name in before.judges_asked)
    judged_by = (OVERALL_JUDGE,) if OVERALL_JUDGE in shared else shared
    earlier = {question.question_id: question for question in before.questions}
    later = {question.question_id: question for question in after.questions}
    pairs = [(earlier[name], item) for name, item in later.items() if name in earlier and _same(earlier[name], item)]
    compared = {item.question_id for _, item in pairs}
    found = [change for old, new in pairs if (change := _change(old, new, shared, judged_by)) is not None]
    return EvaluationChanges(
        judged_by=judged_by,
        changes=tuple(sorted(found, key=lambda change: _ORDER.index(change.kind))),
        unchanged=len(pairs) - len(found),
        not_compared=tuple(name for name in dict.fromkeys([*later, *earlier]) if name not in compared),
    )


def _same(one: QuestionResult, other: QuestionResult) -> bool:
    return (one.question, one.expected_sql) == (other.question, other.expected_sql)


def _change(
    old: QuestionResult, new: QuestionResult, shared: tuple[str, ...], judged_by: tuple[str, ...]
) -> QuestionChange | None:
    outcomes = {name: (_outcome(old, name), _outcome(new, name)) for name in shared}
    differing = {name: pair for name, pair in outcomes.items() if pair[0] != pair[1]}
    was, is_now = old.is_right(judged_by), new.is_right(judged_by)
    same_text = normalise_sql(old.answer.sql) == normalise_sql(new.answer.sql)
    if was and not is_now:
        kind = NEWLY_WRONG
    elif is_now and not was:
        kind = NEWLY_RIGHT
    elif same_text and not differing:
        return None
    else:
        kind = SAME_RESULT if _same_rows(old.answer, new.answer) else OTHER_ANSWER
    return QuestionChange(new.question_id, new.question, new.priority, kind, differing, old.answer.sql, new.answer.sql)


def _outcome(question: QuestionResult, judge: str) -> str:
    finding = question.findings.get(judge)
    return "missing" if finding is None else finding.outcome.value


def _same_rows(one: AnswerRecord, other: AnswerRecord) -> bool:
    left, right = one.query_result(), other.query_result()
    if left is not None and right is not None:
        return compare(left, right).outcome == EQUAL
    return one.result_sha256 is not None and one.result_sha256 == other.result_sha256

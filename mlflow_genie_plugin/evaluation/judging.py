"""From answers to question results: one pure function over any number of cases, here or in a Spark partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from mlflow_genie_plugin.evaluation.arbiter import arbitrate
from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.judge import Judge, judge_case
from mlflow_genie_plugin.evaluation.result import QuestionResult
from mlflow_genie_plugin.evaluation.stored_result import SAMPLE_ROWS, AnswerRecord, StoredResult

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

STORE_ROWS = ("none", "sample", "all")

# Evidence that holds cell values.
_CELLS = frozenset({"missing_rows", "extra_rows"})

Record = TypeVar("Record", bound=StoredResult)


def judge_questions(
    cases: Iterable[JudgedCase], judges: Sequence[Judge], store_rows: str = "all"
) -> Iterator[QuestionResult]:
    """Yield the result of each case, judged on all rows, with as many rows kept as ``store_rows`` says.

    ``none`` also leaves out what else may repeat cell values: Genie's text and the differing rows in the evidence.
    """
    for case in cases:
        findings = judge_case(case, judges)
        arbitration = arbitrate(case, findings)
        if store_rows == "none":
            findings = {name: _without_cells(finding) for name, finding in findings.items()}
        yield QuestionResult(
            question_id=case.benchmark.id,
            question=case.benchmark.question,
            priority=case.benchmark.priority,
            split=case.benchmark.split,
            category=case.benchmark.category,
            expected_sql=case.benchmark.expected_sql,
            expected_asset=case.benchmark.expected_asset,
            answer=_answer(case.answer, store_rows),
            expected=_fewer_rows(case.expected, store_rows),
            findings=findings,
            repeats=tuple(_answer(answer, store_rows) for answer in case.repeats),
            arbitration=arbitration,
        )


def _answer(answer: AnswerRecord, store_rows: str) -> AnswerRecord:
    kept = _fewer_rows(answer, store_rows)
    return replace(kept, text=None) if store_rows == "none" else kept


def _fewer_rows(record: Record, store_rows: str) -> Record:
    if store_rows == "all" or record.rows is None:
        return record
    return replace(record, rows=record.rows[:SAMPLE_ROWS] if store_rows == "sample" else None)


def _without_cells(finding: Finding) -> Finding:
    return replace(finding, evidence={key: value for key, value in finding.evidence.items() if key not in _CELLS})

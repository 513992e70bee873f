"""The result file: an evaluation result as JSON, and reading it back so that one that contradicts itself is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidEvaluationError
from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.result import FORMAT_VERSION, EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.rows_file import POINTER as ROWS
from mlflow_genie_plugin.evaluation.rows_file import ReadRows, attach_rows, detach_rows
from mlflow_genie_plugin.evaluation.scores_file import POINTER as SCORES
from mlflow_genie_plugin.evaluation.stored_result import expected_from_json, stored_from_json, stored_json
from mlflow_genie_plugin.schemas import require_format_version, violations_of

SCHEMA = "evaluation_result"
_AGAIN = "use the file as mlflow-genie evaluate wrote it, or evaluate again"


def result_bytes(result: EvaluationResult) -> bytes:
    """Return the bytes of the result file with all rows in it; equal results give equal bytes."""
    return orjson.dumps(to_json(result), option=orjson.OPT_APPEND_NEWLINE)


def result_files(result: EvaluationResult, inline_cells: int) -> tuple[bytes, bytes | None]:
    """Return the bytes of the result file, and of the Parquet file that holds its rows when they are many.

    Args:
        result: The result.
        inline_cells: How many cells may stand in the result file itself.
    """
    document = to_json(result)
    rows = detach_rows(document, inline_cells)
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE), rows


def evaluation_sha256(data: bytes) -> str:
    """Return the digest that stands for a result file everywhere."""
    return sha256_of_bytes(data)


def to_json(result: EvaluationResult) -> dict[str, Any]:
    """Return the result as the JSON document of the file."""
    return {
        "format_version": result.format_version,
        "evaluation_id": result.evaluation_id,
        "model_id": result.model_id,
        "space_id": result.space_id,
        "status": result.status,
        "invalid_reason": result.invalid_reason,
        "config": dict(result.config),
        "live": dict(result.live),
        "benchmarks": dict(result.benchmarks),
        "runner": dict(result.runner),
        "catalog": None if result.catalog is None else dict(result.catalog),
        "judges": {name: dict(facts) for name, facts in result.judges.items()},
        "scores": {judge: counts.to_json() for judge, counts in result.scores.items()},
        "questions": [question_json(question) for question in result.questions],
    }


def parse_result(data: bytes, read_rows: ReadRows | None = None) -> EvaluationResult:
    """Return the evaluation result in ``data``.

    Args:
        data: The result file.
        read_rows: Returns the Parquet file beside it; only called when the result file says that its rows are there.

    Raises:
        UnsupportedFormatError: Another ``format_version``.
        InvalidEvaluationError: Not JSON, not this format, questions named twice, findings under another judge's name,
            scores that are not what the findings give, or rows that are missing or not those of this result.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidEvaluationError(f"the evaluation result is not JSON: {error}", next_step=_AGAIN) from error
    _require_format(document)
    document.pop(SCORES, None)
    attach_rows(document, read_rows)
    result = _parse(document)
    _require_consistent(result, document["scores"])
    return result


def parse_head(document: dict[str, Any]) -> EvaluationResult:
    """Return the evaluation in a result document without ``questions``; what it counts is held against nothing here.

    Raises:
        UnsupportedFormatError: Another ``format_version``.
        InvalidEvaluationError: The document breaks the format.
    """
    document = {**document, "questions": []}
    _require_format(document)
    return _parse({key: value for key, value in document.items() if key not in (SCORES, ROWS)})


def _require_format(document: Any) -> None:
    require_format_version(document, FORMAT_VERSION, "the evaluation result")
    if violations := violations_of(document, SCHEMA):
        shown = "; ".join(str(violation) for violation in violations[:5])
        raise InvalidEvaluationError(
            f"the evaluation result breaks its format in {len(violations)} places: {shown}", next_step=_AGAIN
        )


def question_from_json(document: Mapping[str, Any]) -> QuestionResult:
    """Return one question of a result document that is valid against the schema."""
    return QuestionResult(
        **{
            **document,
            "answer": stored_from_json(document["answer"]),
            "expected": expected_from_json(document["expected"]),
            "findings": {name: Finding(**finding) for name, finding in document["findings"].items()},
            "repeats": tuple(stored_from_json(answer) for answer in document.get("repeats", ())),
        }
    )


def question_json(question: QuestionResult) -> dict[str, Any]:
    """Return one question as an entry of the result file."""
    return {
        **{item.name: getattr(question, item.name) for item in fields(question)},
        "answer": stored_json(question.answer),
        "expected": stored_json(question.expected),
        "findings": {
            name: {**{item.name: getattr(finding, item.name) for item in fields(finding)}}
            for name, finding in question.findings.items()
        },
        "repeats": [stored_json(answer) for answer in question.repeats],
    }


def _parse(document: Mapping[str, Any]) -> EvaluationResult:
    content = {key: value for key, value in document.items() if key not in ("questions", "scores")}
    return EvaluationResult(**content, questions=tuple(question_from_json(item) for item in document["questions"]))


def _require_consistent(result: EvaluationResult, written: Mapping[str, Any]) -> None:
    problems = []
    ids = Counter(question.question_id for question in result.questions)
    problems += [f"question {name} stands there {count} times" for name, count in ids.items() if count > 1]
    for question in result.questions:
        for name, finding in question.findings.items():
            if finding.judge != name:
                problems.append(f"the finding {name} of question {question.question_id} is by {finding.judge}")
            if name not in result.judges:
                problems.append(f"question {question.question_id} has a finding of {name}, which did not run")
    if len(result.questions) > result.planned:
        problems.append(f"{len(result.questions)} questions were answered, but only {result.planned} were planned")
    computed = {judge: counts.to_json() for judge, counts in result.scores.items()}
    if computed != dict(written):
        problems.append("its scores are not what its findings give")
    if problems:
        raise InvalidEvaluationError(
            f"the evaluation result contradicts itself: {'; '.join(problems[:5])}", next_step=_AGAIN
        )

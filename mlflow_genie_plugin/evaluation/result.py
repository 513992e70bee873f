"""The evaluation result: every question, answer and finding, and the digests of what was evaluated.

Scores are always computed from the findings: ``passed / planned``, so that what errored, abstained or is missing counts
against the model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import Any

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidEvaluationError
from mlflow_genie_plugin.evaluation.cells import decode_rows, encode_rows, result_sha256
from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.rows_file import POINTER as ROWS
from mlflow_genie_plugin.evaluation.rows_file import ReadRows, attach_rows, detach_rows
from mlflow_genie_plugin.evaluation.scores_file import POINTER as SCORES
from mlflow_genie_plugin.schemas import require_format_version, violations_of
from mlflow_genie_plugin.workspace.port import Column, QueryResult

FORMAT_VERSION = 1
SCHEMA = "evaluation_result"
OVERALL_JUDGE = "result_correctness"
SAMPLE_ROWS = 20
# What Genie calls a query of its own that the warehouse could not run.
QUERY_FAILED = "SQL_EXECUTION_EXCEPTION"
NOT_ASKED = "NOT_REPEATED"


class Outcome(StrEnum):
    """What a judge says about one question. Only PASSED counts for the model."""

    PASSED = "passed"
    FAILED = "failed"
    ABSTAINED = "abstained"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class Finding:
    """One judge's word on one question.

    Attributes:
        judge: Name of the judge.
        outcome: passed, failed, abstained (could not be decided) or errored (could not be judged).
        score: a fraction from 0 to 1 as detail, or None; the outcome decides, not the score.
        failure_type: Stable code of the reason; None when passed.
        rationale: One sentence a person can act on. It holds no cell values (those are in ``evidence``).
        evidence: Facts for people and machines, JSON values only.
        severity: How bad it is (critical, major, minor, info); that of the failure type where the judge gives none.
        confidence: How sure the judge is, a fraction from 0 to 1; None where it is certain or says nothing.
        blame: What in the space is to blame, as paths people recognise: ``table a.b.c``, ``column a.b.c.d``,
            ``join orders_customers``, ``instruction <id>``.
        fix: What to change in the space so that the answer becomes right; None when nothing is known.
        opinion: What a language model said besides, with its prompt's version; None when none was asked.
    """

    judge: str
    outcome: Outcome
    score: float | None = None
    failure_type: str | None = None
    rationale: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    severity: str | None = None
    confidence: float | None = None
    blame: tuple[str, ...] = ()
    fix: str | None = None
    opinion: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))
        object.__setattr__(self, "blame", tuple(self.blame))
        for name in ("score", "confidence"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
                raise ValueError(f"the {name} of a finding is a fraction from 0 to 1, not {value!r}")
        known = FAILURE_TYPES.get(self.failure_type or "")
        if self.severity is None and known is not None:
            object.__setattr__(self, "severity", known.severity)

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    @property
    def settled(self) -> bool:
        """Whether a language model's word decided it, where evidence left it open."""
        return bool(self.opinion and self.opinion.get("settled"))

    @property
    def not_asked(self) -> bool:
        """Whether nobody wanted to know: repeatability of a question that was to be asked once. It is no fault then."""
        return self.outcome is Outcome.ABSTAINED and self.failure_type == NOT_ASKED


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A query result as a result file holds it.

    Attributes:
        columns: Name and type of each column; None when there is no result.
        rows: Encoded rows (see ``cells``); None when there is no result or rows were not to be stored.
        row_count: Rows the query produced; more than ``len(rows)`` when truncated or only sampled.
        truncated: Whether the workspace cut the result off.
        result_sha256: Digest of the result before anything was left out for storage.
        error: Why there is no result; None when there is one, or none was due.
    """

    columns: tuple[Column, ...] | None = None
    rows: tuple[tuple[Any, ...], ...] | None = None
    row_count: int | None = None
    truncated: bool = False
    result_sha256: str | None = None
    error: str | None = None

    @property
    def has_result(self) -> bool:
        return self.columns is not None

    @property
    def has_all_rows(self) -> bool:
        """Whether the rows here are the rows that the workspace returned, not a sample of them."""
        return self.rows is not None and (self.truncated or len(self.rows) == self.row_count)

    def query_result(self) -> QueryResult | None:
        """Return the result with typed cells, or None when not all of its rows are stored.

        Raises:
            ValueError: A cell is not an encoded cell.
        """
        if self.columns is None or self.rows is None or self.row_count is None or not self.has_all_rows:
            return None
        return QueryResult(self.columns, decode_rows(self.rows), self.row_count, self.truncated)


@dataclass(frozen=True, slots=True)
class AnswerRecord(StoredResult):
    """What Genie answered to one question, with its result.

    ``compiles`` is known (True, False) when the answer's SQL produced rows or was explained; ``compile_error`` is the
    engine's message then. ``status`` is one of :class:`~mlflow_genie_plugin.workspace.port.AnswerStatus`. ``native`` is
    what Genie's own evaluation run says of the answer, None when it came from a conversation.
    """

    status: str = "COMPLETED"
    sql: str | None = None
    text: str | None = None
    is_clarification: bool = False
    latency_seconds: float = 0.0
    conversation_id: str | None = None
    message_id: str | None = None
    error_type: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    compiles: bool | None = None
    compile_error: str | None = None
    native: Mapping[str, Any] | None = None

    @property
    def query_failed(self) -> bool:
        """Whether Genie wrote a query and failed only because the warehouse could not run it."""
        return self.status == "FAILED" and self.error_type == QUERY_FAILED and bool(self.sql and self.sql.strip())


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One benchmark question with its answer, the expected result and the findings, keyed by judge.

    ``repeats`` are further answers to the same question, which only repeatability looks at. ``arbitration`` is the
    arbiter's verdict on who is right where the results differ; it changes no finding.
    """

    question_id: str
    question: str
    priority: str
    split: str
    category: str | None
    expected_sql: str
    expected_asset: str | None
    answer: AnswerRecord
    expected: StoredResult
    findings: Mapping[str, Finding] = field(default_factory=dict)
    repeats: tuple[AnswerRecord, ...] = ()
    arbitration: Mapping[str, Any] | None = None

    def passed(self, judge: str) -> bool:
        """Whether the judge passed this question; a missing finding is not a pass."""
        finding = self.findings.get(judge)
        return finding is not None and finding.passed

    def is_right(self, judges: Iterable[str]) -> bool:
        """Whether every one of ``judges`` passed this question, apart from those that were not asked."""
        findings = [self.findings.get(judge) for judge in judges]
        return all(finding is not None and (finding.passed or finding.not_asked) for finding in findings)


@dataclass(frozen=True, slots=True)
class JudgeCounts:
    """How one judge's findings fall over all planned questions; ``missing`` are those without a finding."""

    passed: int
    failed: int
    abstained: int
    errored: int
    missing: int
    planned: int

    @property
    def score(self) -> float:
        """``passed / planned``; 0 when nothing was planned."""
        return self.passed / self.planned if self.planned else 0.0

    def to_json(self) -> dict[str, Any]:
        return {"score": self.score, **{item.name: getattr(self, item.name) for item in fields(self)}}


@dataclass(frozen=True)
class EvaluationResult:
    """Everything one evaluation found; see docs/evaluation-result.md for each field.

    ``status`` is ``complete``, ``invalid`` (never usable as evidence, with ``invalid_reason``) or ``interrupted``.
    ``config``, ``live``, ``benchmarks`` and ``runner`` are the JSON objects of the file; ``catalog`` is a
    :class:`~mlflow_genie_plugin.evaluation.space_schema.SpaceSchema` as JSON.
    """

    evaluation_id: str
    model_id: str
    space_id: str
    status: str
    config: Mapping[str, str]
    live: Mapping[str, str | None]
    benchmarks: Mapping[str, Any]
    runner: Mapping[str, Any]
    judges: Mapping[str, Mapping[str, str]]
    questions: tuple[QuestionResult, ...]
    invalid_reason: str | None = None
    catalog: Mapping[str, Any] | None = None
    format_version: int = FORMAT_VERSION

    @property
    def planned(self) -> int:
        """How many questions were to be asked: the denominator of every score."""
        return int(self.benchmarks["planned"])

    def counts_of(self, judge: str) -> JudgeCounts:
        """Return how the findings of ``judge`` fall; for a judge that did not run, all are missing."""
        seen = Counter(
            question.findings[judge].outcome.value for question in self.questions if judge in question.findings
        )
        planned = max(self.planned, len(self.questions))
        return JudgeCounts(
            passed=seen["passed"],
            failed=seen["failed"],
            abstained=seen["abstained"],
            errored=seen["errored"],
            missing=planned - seen.total(),
            planned=planned,
        )

    def score_of(self, judge: str) -> float:
        """Return ``passed / planned`` of a judge: errored, abstained and missing findings count against the model."""
        return self.counts_of(judge).score

    @cached_property
    def scores(self) -> dict[str, JudgeCounts]:
        """The counts and score of every judge that the evaluation ran."""
        return {judge: self.counts_of(judge) for judge in self.judges}

    @property
    def judges_asked(self) -> tuple[str, ...]:
        """The judges that ran, without one that was not asked about any question."""
        return tuple(
            judge
            for judge in self.judges
            if not self.questions
            or not all(
                (finding := question.findings.get(judge)) is not None and finding.not_asked
                for question in self.questions
            )
        )

    def missing(self) -> list[str]:
        """Return what is not there, in words: unanswered questions and absent findings; empty when all is there."""
        found = []
        if len(self.questions) != self.planned:
            found.append(f"{len(self.questions)} of {self.planned} questions have a result")
        for judge in self.judges:
            without = [question.question_id for question in self.questions if judge not in question.findings]
            if without:
                found.append(f"{judge} has no finding for {', '.join(without[:5])}{' …' if len(without) > 5 else ''}")
        return found


def stored_result(result: QueryResult | None, error: str | None, store_rows: str = "all") -> StoredResult:
    """Return a query result as it is to be stored: ``all`` rows, a ``sample`` of the first 20, or ``none``."""
    if result is None:
        return StoredResult(error=error)
    kept = {"all": result.rows, "sample": result.rows[:SAMPLE_ROWS], "none": None}[store_rows]
    return StoredResult(
        columns=result.columns,
        rows=None if kept is None else encode_rows(kept),
        row_count=result.row_count,
        truncated=result.truncated,
        result_sha256=result_sha256(result),
        error=error,
    )


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


_AGAIN = "use the file as mlflow-genie evaluate wrote it, or evaluate again"


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
            "answer": AnswerRecord(**_stored_fields(document["answer"])),
            "expected": StoredResult(**_stored_fields(document["expected"])),
            "findings": {name: Finding(**finding) for name, finding in document["findings"].items()},
            "repeats": tuple(AnswerRecord(**_stored_fields(answer)) for answer in document.get("repeats", ())),
        }
    )


def stored_json(record: StoredResult) -> dict[str, Any]:
    """Return an answer or a stored result as JSON, fields in their order."""
    document = {item.name: getattr(record, item.name) for item in fields(record)}
    if record.columns is not None:
        document["columns"] = [
            {"name": column.name, "type_name": column.type_name, "type_text": column.type_text}
            for column in record.columns
        ]
    if isinstance(record, AnswerRecord):
        document["parameters"] = dict(record.parameters)
    return document


def stored_from_json(document: Mapping[str, Any]) -> AnswerRecord:
    """Return the answer that :func:`stored_json` wrote."""
    return AnswerRecord(**_stored_fields(document))


def expected_from_json(document: Mapping[str, Any]) -> StoredResult:
    """Return the expected result that :func:`stored_json` wrote."""
    return StoredResult(**_stored_fields(document))


def _stored_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    columns, rows = document.get("columns"), document.get("rows")
    return {
        **document,
        "columns": None if columns is None else tuple(Column(**column) for column in columns),
        "rows": None if rows is None else tuple(tuple(row) for row in rows),
    }


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

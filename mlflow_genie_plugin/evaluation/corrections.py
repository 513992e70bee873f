"""Proposed corrections of ground truth: what evaluations propose, merged, and decided by a person.

Nothing in here writes to a benchmarks file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from dataclasses import field as with_default
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_bytes, sha256_of_json
from mlflow_genie_plugin.clock import Clock, iso_utc
from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult

PROPOSED, ACCEPTED, REJECTED = "proposed", "accepted", "rejected"


@dataclass(frozen=True, slots=True)
class Correction:
    """One proposal: set ``field`` of a question to ``value``.

    Attributes:
        question_id: The question; ``question`` is its text.
        verdict: ``genie_correct`` or ``both_correct``; ``rule``, ``confidence`` and ``rationale`` are the arbiter's.
        field: ``expected_sql``, ``ordered`` or ``notes``.
        value: The new value.
        old_sql: The expected SQL that was judged, with ``variables`` filled in.
        evidence: How the results differ: counts and codes, no cell values.
        confirmations: The answers that led to this proposal, each once, with the evaluation they come from.
        state: ``proposed``, ``accepted`` or ``rejected``; ``by`` whom and ``at`` what time, ISO 8601 UTC.
    """

    question_id: str
    question: str
    verdict: str
    rule: str
    confidence: str
    rationale: str
    field: str
    value: str | bool
    old_sql: str
    variables: Mapping[str, str] = with_default(default_factory=dict, hash=False)
    evidence: Mapping[str, Any] = with_default(default_factory=dict, hash=False)
    confirmations: tuple[Mapping[str, Any], ...] = with_default(default=(), hash=False)
    state: str = PROPOSED
    by: str | None = None
    at: str | None = None

    @property
    def old_sql_sha256(self) -> str:
        return sha256_of_bytes(self.old_sql.encode())

    @property
    def id(self) -> str:
        """The question's id and six hex digits of what is to be changed to what."""
        return f"{self.question_id}.{sha256_of_json([self.old_sql, self.field, self.value])[:6]}"

    def to_json(self) -> dict[str, Any]:
        """Return the correction as an entry of the file."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["confirmations"] = [dict(item) for item in self.confirmations]
        named = {"id": self.id, **values, "variables": dict(self.variables), "evidence": dict(self.evidence)}
        named["old_sql_sha256"] = self.old_sql_sha256
        return named


def proposals_of(result: EvaluationResult, *, run_id: str | None, evaluation_sha256: str) -> list[Correction]:
    """Return what the arbiter proposes in one evaluation.

    P0 and held_out questions are left out, whatever the file says: a correction that follows the model's own answers
    must not reach the questions that decide about the model.
    """
    source = {
        "run_id": run_id,
        "evaluation_id": result.evaluation_id,
        "evaluation_sha256": evaluation_sha256,
        "model_id": result.model_id,
    }
    variables = result.benchmarks.get("variables") or {}
    return [
        _proposal(question, proposal, variables, source)
        for question in result.questions
        if (proposal := (question.arbitration or {}).get("proposal")) is not None and not is_protected(question)
    ]


def is_protected(question: Benchmark | QuestionResult) -> bool:
    """Whether a question (of a result or a benchmarks file) never gets a proposal."""
    return question.priority == "P0" or question.split == "held_out"


def merge(existing: Iterable[Correction], found: Iterable[Correction]) -> list[Correction]:
    """Return all corrections; a proposal that is already there gains confirmations and keeps what was decided."""
    merged = {correction.id: correction for correction in existing}
    for correction in found:
        before = merged.get(correction.id)
        if before is None:
            merged[correction.id] = correction
            continue
        seen = {item["asked"] for item in before.confirmations}
        more = tuple(item for item in correction.confirmations if item["asked"] not in seen)
        merged[correction.id] = replace(before, confirmations=(*before.confirmations, *more))
    return list(merged.values())


def choose(corrections: Sequence[Correction], name: str) -> Correction:
    """Return the open correction with this id, or the only open one of the question with this id.

    Raises:
        UsageError: There is none, or more than one, or it was decided before.
    """
    fitting = [item for item in corrections if name in (item.id, item.question_id)]
    if not fitting:
        known = ", ".join(item.id for item in corrections if item.state == PROPOSED) or "none"
        raise UsageError(f"there is no proposal {name!r}", next_step=f"open proposals: {known}")
    undecided = [item for item in fitting if item.state == PROPOSED]
    if not undecided:
        last = fitting[-1]
        raise UsageError(f"{last.id} was {last.state} by {last.by} at {last.at}", next_step="nothing is left to decide")
    if len(undecided) > 1:
        raise UsageError(
            f"question {name} has {len(undecided)} open proposals",
            next_step=f"name one of {', '.join(item.id for item in undecided)}",
        )
    return undecided[0]


def decided(correction: Correction, state: str, by: str, clock: Clock) -> Correction:
    """Return the correction with a person's decision."""
    return replace(correction, state=state, by=by, at=iso_utc(clock.now()))


def _proposal(
    question: QuestionResult, proposal: Mapping[str, Any], variables: Mapping[str, str], source: Mapping[str, Any]
) -> Correction:
    arbitration = question.arbitration or {}
    answer = question.answer
    asked = answer.message_id or f"{source['evaluation_id']} {question.question_id}"
    return Correction(
        question_id=question.question_id,
        question=question.question,
        verdict=arbitration["verdict"],
        rule=arbitration["rule"],
        confidence=arbitration["confidence"],
        rationale=arbitration["rationale"],
        field=proposal["field"],
        value=proposal["value"],
        old_sql=question.expected_sql,
        variables={key: value for key, value in variables.items() if isinstance(value, str)},
        evidence=_evidence(question),
        confirmations=({"asked": asked, **source},),
    )


def _evidence(question: QuestionResult) -> dict[str, Any]:
    findings = {
        name: {"outcome": finding.outcome.value, "failure_type": finding.failure_type}
        for name, finding in question.findings.items()
    }
    return {
        "expected_rows": question.expected.row_count,
        "answer_rows": question.answer.row_count,
        "answer_sql": question.answer.sql,
        "findings": findings,
    }

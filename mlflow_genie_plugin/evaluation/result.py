"""The evaluation result: every question, answer and finding, and the digests of what was evaluated.

Scores are always computed from the findings: ``passed / planned``, so that what errored, abstained or is missing counts
against the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from mlflow_genie_plugin.evaluation.finding import Finding
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, StoredResult

FORMAT_VERSION = 1
OVERALL_JUDGE = "result_correctness"


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

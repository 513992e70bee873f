"""What Genie's own evaluation runs show of themselves, of their questions and of the answers."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow_genie_plugin.workspace.answer import QueryResult


@dataclass(frozen=True, slots=True)
class NativeRun:
    """One of Genie's own evaluation runs. ``status`` is the raw text (RUNNING, DONE, EVALUATION_FAILED, …)."""

    run_id: str
    status: str
    questions: int
    done: int


@dataclass(frozen=True, slots=True)
class NativeResult:
    """One question of a native run: which benchmark question of the space, and how far it is (raw status)."""

    result_id: str
    question_id: str
    status: str


@dataclass(frozen=True, slots=True)
class NativeAnswer:
    """What a native run keeps of one question.

    Attributes:
        status: Raw status of this question.
        sql: The query that Genie generated; None when it answered with text only.
        text: What it said besides.
        result: The query's rows; None when the API gave none, with ``problem`` saying why.
        problem: Why there are no rows.
        assessment: GOOD, BAD or NEEDS_REVIEW; None while there is none.
        reasons: Genie's reasons (``ScoreReason``).
        is_manual: Whether a person gave the assessment.
        expected_sql: The space's own SQL that the answer was held against.
    """

    status: str
    sql: str | None = None
    text: str | None = None
    result: QueryResult | None = None
    problem: str | None = None
    assessment: str | None = None
    reasons: tuple[str, ...] = ()
    is_manual: bool = False
    expected_sql: str | None = None

"""A native evaluation run with its questions, as it is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

ENDED: Final = frozenset({"DONE", "EVALUATION_FAILED", "EVALUATION_CANCELLED", "EVALUATION_TIMEOUT"})


@dataclass(slots=True)
class EvaluationItem:
    """One benchmark question of a run, with the SQL answer as it was when the run began."""

    result_id: str
    question_id: str
    question: str
    expected_sql: str | None
    status: str = "NOT_STARTED"
    actual_sql: str | None = None
    actual_text: str | None = None
    actual_query: dict[str, Any] | None = None
    actual_statement: str | None = None
    expected_statement: str | None = None
    assessment: str | None = None
    reasons: list[str] = field(default_factory=list)


@dataclass(slots=True)
class EvaluationRun:
    """A run over benchmark questions of one space, on the configuration it had at the start."""

    run_id: str
    space_id: str
    user_id: int
    created: float
    updated: float
    serialized_space: str
    status: str = "NOT_STARTED"
    items: list[EvaluationItem] = field(default_factory=list)


def expected_query(item: EvaluationItem) -> dict[str, Any] | None:
    """Return the benchmark's query as it is run."""
    return {"sql": item.expected_sql, "parameters": []} if item.expected_sql else None


def run_of(record: dict[str, Any]) -> EvaluationRun:
    """Return a run as it was stored."""
    run = EvaluationRun(**record)
    run.items = [EvaluationItem(**item) for item in record["items"]]
    return run

"""What becomes of a question that is asked: the message while it is polled, the answer, and the rows of its query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class AnswerStatus(StrEnum):
    """How a question ended. Everything but COMPLETED is an error of the answer, never a wrong answer by itself."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    QUERY_RESULT_EXPIRED = "QUERY_RESULT_EXPIRED"
    TIMED_OUT = "TIMED_OUT"


@dataclass(frozen=True, slots=True)
class Column:
    """A result column. ``type_name`` is the manifest's (INT, LONG, DECIMAL, STRING, DATE, TIMESTAMP, …)."""

    name: str
    type_name: str
    type_text: str = ""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows as typed Python values (int, float, Decimal, bool, str, date, datetime, bytes, list, dict, None).

    ``row_count`` is the number of rows the query produced, which is more than ``len(rows)`` when ``truncated``.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    row_count: int
    truncated: bool = False
    statement_id: str | None = None


@dataclass(frozen=True, slots=True)
class MessageRef:
    space_id: str
    conversation_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """One poll of a question: the raw status text plus what is attached so far."""

    ref: MessageRef
    status: str
    sql: str | None = None
    text: str | None = None
    is_clarification: bool = False
    attachment_id: str | None = None
    statement_id: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    row_count: int | None = None
    truncated: bool | None = None
    suggested_questions: tuple[str, ...] = ()
    error: str | None = None
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question, after polling and reading the result.

    ``sql`` is None when Genie answered with text or asked back (``is_clarification``). ``error`` is set exactly when
    ``status`` is not COMPLETED or the query's result could not be read.
    """

    question: str
    status: AnswerStatus
    sql: str | None = None
    text: str | None = None
    is_clarification: bool = False
    result: QueryResult | None = None
    error: str | None = None
    error_type: str | None = None
    latency_seconds: float = 0.0
    conversation_id: str | None = None
    message_id: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tries: int = 1  # how often the question was asked: more than once only after the workspace failed it by rate limit

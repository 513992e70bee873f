"""What was observed about one question, and what each judge said of it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FindingObserved:
    """One judge on one question.

    Attributes:
        score: None when the judge gave none.
        settled: A language model's word decided it, not evidence.
        not_asked: Nobody wanted to know (repeatability of a question that was asked once).
        blame, fix: What the judge says is to blame in the space, and what to change; no decision looks at them.
    """

    outcome: str
    score: float | None = None
    reason: str = ""
    settled: bool = False
    not_asked: bool = False
    blame: tuple[str, ...] = ()
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionObserved:
    """One row of the evaluation.

    Attributes:
        answered: Genie finished the question; False when the answer itself ended in an error or timed out.
        differs: How the row differs from the benchmark of that id ("expected SQL"), empty when it is the same question.
        latency_seconds: How long the answer took; 0 or None where nobody measured it.
        entry: The benchmark of that id as the run stored it, with every field a team gave it.
        ruling: What the arbiter says where the result is not the expected one; no decision looks at it.
    """

    question_id: str
    question: str
    priority: str
    answered: bool
    findings: Mapping[str, FindingObserved] = field(hash=False)
    differs: str = ""
    expected_sql: str = ""
    latency_seconds: float | None = None
    entry: Mapping[str, Any] = field(default_factory=dict, hash=False)
    ruling: Mapping[str, Any] | None = field(default=None, hash=False)

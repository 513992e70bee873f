"""What one judge says about one question, and the four ways to say it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES

# The failure type of a question that was to be asked once: nobody wanted to know how repeatable its answer is.
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


def passed(judge: str, rationale: str = "", *, confidence: float | None = None, **evidence: Any) -> Finding:
    return Finding(judge, Outcome.PASSED, 1.0, None, rationale, evidence, confidence=confidence)


def failed(
    judge: str,
    failure_type: str,
    rationale: str,
    *,
    score: float = 0.0,
    confidence: float | None = None,
    blame: Iterable[str] = (),
    fix: str | None = None,
    **evidence: Any,
) -> Finding:
    return Finding(
        judge,
        Outcome.FAILED,
        score,
        failure_type,
        rationale,
        evidence,
        confidence=confidence,
        blame=tuple(blame),
        fix=fix,
    )


def abstained(judge: str, failure_type: str, rationale: str, **evidence: Any) -> Finding:
    return Finding(judge, Outcome.ABSTAINED, None, failure_type, rationale, evidence)


def errored(judge: str, rationale: str, *, failure_type: str, **evidence: Any) -> Finding:
    return Finding(judge, Outcome.ERRORED, None, failure_type, rationale, evidence)

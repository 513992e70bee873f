"""What a language model said about one question, and what its word may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.llm.request import VOCABULARY, Asked, OpinionRequest
from mlflow_genie_plugin.evaluation.ruling import UNDETERMINED, VERDICTS

ERRORED = "errored"
# A scorer of your own has no vocabulary of ours: it may say no without naming a failure type.
JUDGED_WRONG = "JUDGED_WRONG"

# Problems that the same request would meet again: they are the model's answer. Every other one is an outage.
_ANSWERED_BADLY = frozenset({"garbage", "empty", "refused", "cut_off", "too_long"})


@dataclass(frozen=True, slots=True)
class Opinion:
    """A model's word on one request.

    Attributes:
        outcome: passed, failed, undetermined or errored; of the arbiter one of ``VERDICTS`` or errored.
        failure_type: Of a failed one.
        rationale: The model's own words, at most 1,000 characters.
        confidence: The model's own, from 0 to 1.
        answer_sha256: Digest of the answer as it came; None when none came.
        problem: What went wrong: garbage, empty, refused, cut_off, too_long, rejected, timeout, unavailable,
            not_asked, not_recorded or defect; None when nothing did.
        problem_text: The same for people.
    """

    outcome: str
    failure_type: str | None = None
    rationale: str = ""
    confidence: float | None = None
    answer_sha256: str | None = None
    problem: str | None = None
    problem_text: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether asking the same again would be of no use: the model answered, well or badly."""
        return self.outcome != ERRORED or self.problem in _ANSWERED_BADLY

    def to_json(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], judge: str) -> Opinion | None:
        """Return the opinion in a record, or None when it holds none that this judge's model could have given."""
        said = {item.name: document.get(item.name) for item in fields(cls)}
        outcome, digest, problem = said["outcome"], said["answer_sha256"], said["problem"]
        if outcome == ERRORED:
            text = said["problem_text"]
            known = isinstance(problem, str) and isinstance(text, str)
            return errored_opinion(problem, text, digest) if known else None  # type: ignore[arg-type]
        confidence, rationale = said["confidence"], said["rationale"]
        is_fraction = confidence is None or (isinstance(confidence, int | float) and 0 <= confidence <= 1)
        whole = problem is None and isinstance(digest, str) and isinstance(rationale, str) and is_fraction
        is_scorers = judge != "arbiter" and outcome == "failed" and said["failure_type"] == JUDGED_WRONG
        if not (whole and (is_allowed(judge, said) or is_scorers)):
            return None
        return cls(str(outcome), said["failure_type"], str(rationale), confidence, digest)


class Opinionist(Protocol):
    """Whoever gives opinions: a model, or a record of what one said."""

    def asked(self, judge: str) -> Asked | None:
        """Return how the judge's model is asked; None when it is not."""

    def opinion(self, request: OpinionRequest) -> Opinion:
        """Return the opinion; an outage is an errored opinion, not an exception."""


def errored_opinion(problem: str, text: str, answer_sha256: str | None = None) -> Opinion:
    """Return the opinion of a model that gave no usable word."""
    return Opinion(ERRORED, answer_sha256=answer_sha256, problem=problem, problem_text=text)


def is_allowed(judge: str, answer: Mapping[str, Any]) -> bool:
    """Return whether outcome and failure type are ones that this judge's model may give."""
    if judge == "arbiter":
        return answer.get("outcome") in VERDICTS and answer.get("failure_type") is None
    failure_type = answer.get("failure_type")
    if answer.get("outcome") == "failed":
        return failure_type in allowed_types(judge)
    return answer.get("outcome") in ("passed", UNDETERMINED) and failure_type is None


def allowed_types(judge: str) -> tuple[str, ...]:
    """Return the failure types that the judge's model may name."""
    return tuple(name for name in VOCABULARY.get(judge, ()) if name in FAILURE_TYPES)

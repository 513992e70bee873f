"""Opinions that were given before: found again by the digest of the request, never asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.llm.opinion import Opinion, errored_opinion
from mlflow_genie_plugin.evaluation.llm.request import Asked, OpinionRequest

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import EvaluationResult

ARBITER = "arbiter"
# The arbiter is no judge with findings, so how its model was asked stands with the runner's facts.
ARBITER_FACTS = "arbiter_llm"


@dataclass(frozen=True)
class RecordedOpinions:
    """An opinionist that looks up what a model said; pure, and can be sent to other processes.

    Attributes:
        modes: Judge → how its model was asked.
        opinions: Digest of the request → opinion.
    """

    modes: Mapping[str, Asked]
    opinions: Mapping[str, Opinion] = field(default_factory=dict)

    def asked(self, judge: str) -> Asked | None:
        return self.modes.get(judge)

    def opinion(self, request: OpinionRequest) -> Opinion:
        found = self.opinions.get(request.sha256)
        return found or errored_opinion("not_recorded", "no answer to this very request is on record")


def recorded_opinions(result: EvaluationResult) -> RecordedOpinions:
    """Return the opinions in an evaluation result, and how its judges asked for them."""
    modes = {name: asked for name, facts in result.judges.items() if (asked := Asked.of_facts(facts)) is not None}
    facts = result.runner.get(ARBITER_FACTS)
    if isinstance(facts, Mapping) and (asked := Asked.of_facts(facts)) is not None:
        modes[ARBITER] = asked
    opinions: dict[str, Opinion] = {}
    for question in result.questions:
        records: dict[str, Mapping[str, Any] | None] = {
            name: finding.opinion for name, finding in question.findings.items()
        }
        records[ARBITER] = (question.arbitration or {}).get("opinion")
        for judge, record in records.items():
            if record is None or not isinstance(record.get("request_sha256"), str):
                continue
            opinion = Opinion.from_json(record, judge)
            if opinion is not None:
                opinions[record["request_sha256"]] = opinion
    return RecordedOpinions(modes, opinions)

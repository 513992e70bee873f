"""The arbiter's ruling as it is recorded and read; apart from the arbiter, because reading one parses no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import QuestionResult

GENIE = "genie_correct"
GROUND_TRUTH = "ground_truth_correct"
BOTH = "both_correct"
NEITHER = "neither_correct"
UNDETERMINED = "undetermined"
VERDICTS = (GENIE, GROUND_TRUTH, BOTH, NEITHER, UNDETERMINED)
HIGH, LOW = "high", "low"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict, the letter of the rule that decided, how sure that is, one sentence, and a proposal or None.

    A proposal is ``{"field": …, "value": …}``: the field of the benchmark that would change.
    """

    verdict: str
    rule: str
    confidence: str
    rationale: str
    proposal: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the ruling as the result file holds it."""
        return {
            "verdict": self.verdict,
            "rule": self.rule,
            "confidence": self.confidence,
            "rationale": self.rationale,
            "opinion": None,
            "proposal": None if self.proposal is None else dict(self.proposal),
        }


def ruling_line(question: QuestionResult) -> str | None:
    """Return the ruling on a question as a line for people, None when there is none."""
    ruling = question.arbitration
    if ruling is None:
        return None
    verdict = str(ruling["verdict"]).replace("_", " ")
    sure = "" if ruling["verdict"] == UNDETERMINED else f", {ruling['confidence']} confidence"
    return f"{verdict} (rule {ruling['rule']}{sure}): {ruling['rationale']}"

"""The arbiter's ruling as it is recorded and read; apart from the arbiter, because reading one parses no SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import QuestionResult

UNDETERMINED = "undetermined"


def ruling_line(question: QuestionResult) -> str | None:
    """Return the ruling on a question as a line for people, None when there is none."""
    ruling = question.arbitration
    if ruling is None:
        return None
    verdict = str(ruling["verdict"]).replace("_", " ")
    sure = "" if ruling["verdict"] == UNDETERMINED else f", {ruling['confidence']} confidence"
    return f"{verdict} (rule {ruling['rule']}{sure}): {ruling['rationale']}"

"""The one command that comes next, whatever the verdict is shown in."""

from __future__ import annotations

from typing import Protocol

from mlflow_genie_plugin.gating.checklist import ROWS
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.rules.rule import stem_and_part
from mlflow_genie_plugin.gating.verdict import Verdict


class Stored(Protocol):
    """What became of a verdict, as far as the next command depends on it."""

    @property
    def refused(self) -> bool:
        """Whether the tracking server lets this identity read only."""

    @property
    def problem(self) -> str:
        """Why the model does not say what it should; else empty."""


def next_step(verdict: Verdict, published: Stored | None = None, suite_argument: str = "gates/") -> str:
    """Return what to run next.

    Args:
        verdict: What was decided.
        published: What became of it; None where that is not known (on a page that is part of it).
        suite_argument: What to give pytest for the same suite.
    """
    model_id = verdict.model["model_id"]
    again = f"pytest {suite_argument} --model-id={model_id} --genie-stage={verdict.stage}"
    if verdict.outcome is Outcome.PASSED and not (published and published.problem):
        if verdict.dry_run:
            return again
        mark = " --mark" if published is not None and published.refused else ""
        return f"mlflow-genie verify --model-id {model_id} --stage {verdict.stage}{mark}"
    blocking = [result.gate for result in verdict.blocking()]
    rows = [part for stem, part in map(stem_and_part, blocking) if stem == "checklist" and ROWS[part].attestable]
    if verdict.outcome is Outcome.UNDECIDED and rows and len(rows) == len(blocking):
        return f"mlflow-genie attest {rows[0]} --model-id {model_id} --by NAME --evidence URL"
    if verdict.outcome is Outcome.UNDECIDED and blocking:
        return f"mlflow-genie evaluate --model-id {model_id} --benchmarks FILE"
    if verdict.outcome is Outcome.FAILED:
        return f"correct the space, then  mlflow-genie snapshot {verdict.model['space_id'] or 'SPACE_ID'}"
    return again

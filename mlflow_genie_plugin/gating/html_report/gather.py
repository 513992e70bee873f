"""What a page needs besides the verdict, from MLflow: the earlier gate runs of the version."""

from __future__ import annotations

from datetime import UTC, datetime

from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.explanation import Explanation
from mlflow_genie_plugin.gating.html_report.sheet import PastRun, Sheet
from mlflow_genie_plugin.gating.next_step import next_step
from mlflow_genie_plugin.gating.standing import gate_runs
from mlflow_genie_plugin.gating.verdict import Verdict
from mlflow_genie_plugin.registry import RunRecord

_MOST = 50


def gather(
    verdict: Verdict, collected: Collected, explanation: Explanation, *, origin: str = "", without_run: str = ""
) -> Sheet:
    """Return what the page of a verdict says.

    Args:
        verdict: What was decided.
        collected: What it was decided on.
        explanation: Why.
        origin: Where the verdict comes from, when it is not the gate run that makes the page.
        without_run: The gate run that the page is about; it is no history of its own.
    """
    history = tuple(past_run(run) for run in gate_runs(collected.model)[:_MOST] if run.run_id != without_run)
    return Sheet(
        verdict, collected.evidence, explanation, collected.about, history, origin=origin, next_step=next_step(verdict)
    )


def past_run(run: RunRecord) -> PastRun:
    """Return a gate run as its tags tell it."""
    started = None if run.start_time is None else datetime.fromtimestamp(run.start_time / 1000, UTC)
    return PastRun(
        run.run_id,
        "" if started is None else started.strftime("%Y-%m-%d %H:%M"),
        run.tags.get("genie.gate.stage", ""),
        run.tags.get("genie.gate.verdict", "unknown"),
        run.tags.get("genie.gate.evaluation_run_id", ""),
        run.tags.get("mlflow.source.git.commit", ""),
    )

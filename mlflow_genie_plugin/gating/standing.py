"""Which decision stands when several gate runs of one model version end at the same time.

MLflow's tags know no compare-and-set. Two rules make every order of events end well: the later decision about the
newest evaluation wins, and where that cannot be arranged the version ends without a positive mark, never with one that
another decision contradicts. The mark names its verdict and evaluation, so that ``verify`` can tell.
"""

from __future__ import annotations

from mlflow_genie_plugin.gating.evaluation_run import STATUS_TAG
from mlflow_genie_plugin.gating.evidence import evaluation_runs
from mlflow_genie_plugin.gating.mark import REVOKED, read_mark, verdict_key
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.verdict import FULL, RUN_TYPE, Verdict
from mlflow_genie_plugin.registry import ModelRecord, RunRecord, search_runs, set_model_tags

SCOPE_TAG = "genie.evaluation.scope"
DECIDED_TAG = "genie.gate.decided_at"


def later_evaluation(verdict: Verdict, model: ModelRecord) -> str:
    """Return the run of a complete evaluation that is newer than the verdict's; empty when there is none."""
    own = (verdict.evaluation or {}).get("run_id", "")
    runs = evaluation_runs(model)
    if own not in {run.run_id for run in runs}:
        return ""
    for run in runs:
        if run.run_id == own:
            return ""
        if run.tags.get(STATUS_TAG) == "complete" and run.tags.get(SCOPE_TAG, FULL) == FULL:
            return run.run_id
    return ""


def why_not_to_mark(verdict: Verdict, model: ModelRecord) -> str:
    """Return why a verdict must leave the mark of ``model`` as it is now; empty when it may write it."""
    later, current = later_evaluation(verdict, model), read_mark(model.tags, verdict.stage)
    if verdict.outcome is not Outcome.PASSED:
        if later and current is not None and current.is_positive and current.evaluation_run_id == later:
            return f"the mark is about the later evaluation {later} and stays; run the gates on that one"
        return ""
    if later:
        return f"evaluation {later} was completed later; run the gates on that one"
    own = (verdict.evaluation or {}).get("run_id", "")
    if current is None or current.is_positive or current.evaluation_run_id != own:
        return ""
    if current.decided_at >= verdict.decided_at:
        return f"gate run {current.run_id} decided {current.verdict} meanwhile; run the gates again"
    return ""


def withdraw_if_contradicted(verdict: Verdict, model: ModelRecord, gate_run: RunRecord) -> str:
    """Take a positive mark back that was written while another gate run decided otherwise; return why, or nothing.

    A gate run is stored before it marks. Whichever of two wrote last, it sees the other one here. What counts is when
    each decided: who decided first may well be stored last. One that does not say when counts as later.
    """
    # A failure that names no evaluation is about the version itself.
    about = {"", (verdict.evaluation or {}).get("run_id"), later_evaluation(verdict, model)}
    for other in gate_runs(model, verdict.stage):
        decided = other.tags.get(DECIDED_TAG)
        later = other.run_id != gate_run.run_id and (decided is None or decided >= verdict.decided_at)
        same_evidence = other.tags.get("genie.gate.evaluation_run_id", "") in about
        if later and same_evidence and other.tags.get("genie.gate.verdict") == Outcome.FAILED:
            set_model_tags(model.model_id, {verdict_key(verdict.stage): REVOKED})
            return f"gate run {other.run_id} decided failed at the same time, so the mark was taken back; run the gates"
    return ""


def gate_runs(model: ModelRecord, stage: str | None = None, *, deleted: bool = False) -> list[RunRecord]:
    """Return every gate run of the model, for ``stage`` or for all of them, newest first."""
    tags = {"mlflow.runType": RUN_TYPE, "genie.gate.model_id": model.model_id}
    if stage is not None:
        tags["genie.gate.stage"] = stage
    return search_runs(experiment_ids=[model.experiment_id], tags=tags, deleted=deleted)

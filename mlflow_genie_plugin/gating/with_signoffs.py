"""Adding to the evidence what people signed, what the checklist's sources measured, and what a promotion rested on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import GenieError, TrackingUnavailableError
from mlflow_genie_plugin.gating.checklist import RowSource, facts_about
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.history import kept_verdict
from mlflow_genie_plugin.gating.observed import BaselineObserved
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.rules.checklist import Checklist
from mlflow_genie_plugin.gating.rules.post_deploy import PROMOTION, PostDeploy
from mlflow_genie_plugin.gating.standing import gate_runs
from mlflow_genie_plugin.gating.verdict import FULL

if TYPE_CHECKING:
    from mlflow_genie_plugin.gating.rules.rule import StageCriteria
    from mlflow_genie_plugin.gating.signed import SignOffs


def with_signoffs(
    collected: Collected, criteria: StageCriteria, signoffs: SignOffs, sources: Iterable[RowSource] | None = None
) -> Collected:
    """Return the evidence with what is signed, and with what the rules about it need.

    Raises:
        TrackingUnavailableError: MLflow cannot be reached.
        GenieError: A source of the checklist's rows cannot be reached.
    """
    evidence = replace(collected.evidence, signoffs=signoffs)
    section = criteria.section(evidence.evaluation.scope if evidence.evaluation else None)
    checklist, after = section.find(Checklist), section.find(PostDeploy)
    if checklist is not None and checklist.rows:
        evidence = replace(evidence, row_facts=facts_about(collected.model, sources))
    if after is not None and after.comparison is not None:
        promotion, other = _promotion(collected, criteria.stage)
        evidence = replace(evidence, baselines={**evidence.baselines, PROMOTION: promotion})
        if other is not None:
            collected = replace(collected, baselines={**collected.baselines, PROMOTION: other})
    return replace(collected, evidence=evidence)


def _promotion(collected: Collected, stage: str) -> tuple[BaselineObserved, Collected | None]:
    """Return the evaluation of the newest gate run that passed for ``stage`` on a full evaluation.

    The runs are asked and not the mark: a later run that does not pass puts its own evaluation into the mark.
    """
    model = collected.model
    for run in gate_runs(model, stage):
        verdict, problem = kept_verdict(run)
        if verdict is None:
            return BaselineObserved(model.model_id, problem=problem), None
        if verdict.outcome is not Outcome.PASSED or verdict.scope != FULL or verdict.evaluation is None:
            continue
        try:
            other = collect(model, verdict.evaluation["run_id"])
        except TrackingUnavailableError:
            raise
        except GenieError as error:
            return BaselineObserved(model.model_id, problem=error.what), None
        before, problem = other.evidence.evaluation, other.evidence.evaluation_problem
        if before is not None and before.sha256 != verdict.evaluation["sha256"]:
            problem = f"the evaluation is not the one that gate run {run.run_id} decided on"
        return BaselineObserved(model.model_id, before, problem=problem), other
    return BaselineObserved(None, absent=f"no gate run of this version has passed for stage {stage}"), None

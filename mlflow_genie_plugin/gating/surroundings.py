"""Observing what some rules need besides model and evaluation: other versions, metrics, the run, the live space.

Only what the criteria ask for is looked at. What cannot be observed becomes a problem that its rule shows; only a
tracking server that cannot be reached is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError, NotAGenieModelError, UsageError
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.observed import BaselineObserved, LiveObserved, MetricObserved, RunObserved
from mlflow_genie_plugin.registry import (
    assessed_rows,
    get_version_by_alias,
    list_run_artifacts,
    model_metrics,
    resolve_model,
    versions_of_model,
)

if TYPE_CHECKING:
    from mlflow_genie_plugin.gating.rules.rule import StageCriteria
    from mlflow_genie_plugin.registry import ModelRecord, RunRecord

PARENT = "parent"
CHAMPION = "champion"


def with_surroundings(collected: Collected, criteria: StageCriteria, clock: Clock = SYSTEM_CLOCK) -> Collected:
    """Return the evidence with everything that the criteria's rules for this evaluation need.

    Raises:
        TrackingUnavailableError: MLflow cannot be reached.
    """
    evaluation = collected.evidence.evaluation
    needs = criteria.section(evaluation.scope if evaluation else None).needs
    baselines = {reference: _baseline(reference, collected) for reference in needs.baselines}
    evidence = replace(
        collected.evidence,
        observed_at=iso_utc(clock.now()),
        run=_run(collected.run, artifacts=needs.artifacts) if needs.run and collected.run is not None else None,
        metrics=_metrics(collected, needs.metrics) if needs.metrics else {},
        baselines={reference: observed for reference, (observed, _) in baselines.items()},
        live=_live(collected) if needs.live else None,
    )
    found = {reference: other for reference, (_, other) in baselines.items() if other is not None}
    return replace(collected, evidence=evidence, baselines=found)


def _baseline(reference: str, collected: Collected) -> tuple[BaselineObserved, Collected | None]:
    try:
        model, absent = _named(reference, collected)
    except (ModelNotFoundError, UsageError) as error:
        return BaselineObserved(reference, problem=error.what), None
    if model is None:
        return BaselineObserved(None, absent=absent), None
    try:
        other = collect(model)
    except (ModelNotFoundError, NotAGenieModelError) as error:
        return BaselineObserved(model.model_id, problem=error.what), None
    evidence = other.evidence
    problem = evidence.model_problem
    if not problem and evidence.evaluation is None:
        problem = evidence.evaluation_problem or "it was never evaluated"
    return BaselineObserved(model.model_id, evidence.evaluation, problem=problem), other


def _named(reference: str, collected: Collected) -> tuple[ModelRecord | None, str]:
    """Return the version that a reference names, or why there is none."""
    own = collected.model.model_id
    if reference == PARENT:
        if collected.snapshot is None:
            raise ModelNotFoundError("which version is the parent is not known, because this one is not intact")
        parent = collected.snapshot.parent_model_id
        return (resolve_model(parent), "") if parent else (None, "the version has no parent")
    if reference == CHAMPION:
        names = sorted({version.name for version in versions_of_model(own)})
        champions = [champion for name in names if (champion := _champion_of(name)) is not None]
        if not names:
            return None, "the version is not registered, so it has no champion"
        if not champions:
            return None, f"registered model {', '.join(names)} has no alias champion"
        if len(set(champions)) > 1:
            raise UsageError(f"the version is registered as {', '.join(names)}, which have different champions")
        if champions[0] == own:
            return None, "the version is the champion itself"
        return resolve_model(champions[0]), ""
    model = resolve_model(reference)
    return (None, f"{reference} is the version itself") if model.model_id == own else (model, "")


def _champion_of(registered: str) -> str | None:
    try:
        return get_version_by_alias(registered, CHAMPION).model_id
    except ModelNotFoundError:
        return None


def _run(run: RunRecord, *, artifacts: bool) -> RunObserved:
    names = tuple(list_run_artifacts(run.run_id)) if artifacts else None
    return RunObserved(run.params, run.tags, run.metrics, names)


def _metrics(collected: Collected, names: Iterable[str]) -> dict[str, MetricObserved]:
    """Return the metrics by name: those of the evaluation's run first, else the newest that a run put on the model."""
    found: dict[str, tuple[float, str, str]] = {}
    newest: dict[str, int] = {}
    for metric in model_metrics(collected.model.model_id):
        if metric.key in names and metric.timestamp >= newest.get(metric.key, -1):
            newest[metric.key] = metric.timestamp
            found[metric.key] = (metric.value, f"run {metric.run_id or '?'} of the model", metric.run_id)
    run = collected.run
    if run is not None:
        own = {name: value for name, value in run.metrics.items() if name in names}
        found.update({name: (value, f"evaluation run {run.run_id}", run.run_id) for name, value in own.items()})
    rows = {run_id: assessed_rows(run_id) for run_id in {run_id for _, _, run_id in found.values()} if run_id}
    planned = collected.evidence.evaluation.planned_count if collected.evidence.evaluation else 0
    own_run = run.run_id if run is not None else ""
    return {
        name: _with_rows(name, value, source, rows.get(run_id), planned if run_id == own_run else 0)
        for name, (value, source, run_id) in found.items()
    }


def _with_rows(
    name: str, value: float, source: str, rows: tuple[int, Mapping[str, int]] | None, planned: int
) -> MetricObserved:
    scorer = name.rpartition("/")[0]
    if rows is None or scorer not in rows[1]:
        return MetricObserved(value, source)
    return MetricObserved(value, source, max(rows[0], planned), rows[1][scorer])


def _live(collected: Collected) -> LiveObserved:
    if collected.snapshot is None:
        return LiveObserved(problem="the version is not intact, so there is nothing to compare the space with")
    from mlflow_genie_plugin.snapshot.drift import compare_with_live
    from mlflow_genie_plugin.workspace.auth import connect

    try:
        report = compare_with_live(collected.snapshot, connect().spaces)
    except GenieError as error:
        return LiveObserved(
            problem=f"{error.what}; sign in to a workspace that has space {collected.evidence.space_id}"
        )
    return LiveObserved(report.live_content_sha256, report.live_behaviour_sha256, report.reason or "")

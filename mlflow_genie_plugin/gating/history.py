"""What became of a model version: every evaluation and every verdict, kept as runs that no tag can take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.clock import iso_utc
from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError, TrackingUnavailableError
from mlflow_genie_plugin.gating.attempts import all_evaluations
from mlflow_genie_plugin.gating.evaluation_run import STATUS_TAG
from mlflow_genie_plugin.gating.standing import SCOPE_TAG, gate_runs
from mlflow_genie_plugin.gating.verdict import ARTIFACT, Verdict, parse_verdict
from mlflow_genie_plugin.registry import download_run_artifact

if TYPE_CHECKING:
    from mlflow_genie_plugin.registry import ModelRecord, RunRecord

MODEL_TAG = "genie.gate.model_id"
STAGE_TAG = "genie.gate.stage"
VERDICT_TAG = "genie.gate.verdict"
VERDICT_SHA256_TAG = "genie.gate.verdict_sha256"
EVALUATION = "evaluation"
VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Event:
    """One evaluation or one verdict of a version.

    Attributes:
        kind: ``evaluation`` or ``verdict``.
        run_id: The run that keeps it.
        at: When that run began, ISO 8601 in UTC.
        outcome: Of a verdict ``passed``, ``failed`` or ``undecided``; of an evaluation its state (``complete``, …).
        scope: What was evaluated (``full``, ``p0``, …).
        stage: The stage a verdict is for; None for an evaluation.
        attempt: Of an evaluation, which one of this version it is, from 1; of a verdict, which one for its stage.
        evaluation_run_id: The evaluation that a verdict is about.
        by: Who ran it, as MLflow recorded it.
        commit, ci_url: Of the verdict, as it recorded them.
        waived: Gates that did not pass and were waived.
        deleted: The run was deleted; MLflow keeps such a run until it is removed for good.
        problem: Why the record cannot be believed; empty when nothing is known against it.
    """

    kind: str
    run_id: str
    at: str
    outcome: str
    scope: str | None = None
    stage: str | None = None
    attempt: int = 0
    evaluation_run_id: str | None = None
    by: str | None = None
    commit: str | None = None
    ci_url: str | None = None
    waived: tuple[str, ...] = ()
    deleted: bool = False
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class History:
    """All of them, newest first; ``evaluations`` and ``verdicts`` count them also where ``events`` were cut off."""

    model_id: str
    name: str
    events: tuple[Event, ...]
    evaluations: int
    verdicts: Mapping[str, int]


def history(model: ModelRecord, *, limit: int | None = None) -> History:
    """Return every evaluation and every verdict of a version, newest first.

    They are runs of their own, so they stay when a mark is taken off. A verdict is believed only when its bytes have
    the digest that its run recorded.

    Args:
        model: The version.
        limit: The most events to return; all are counted.

    Raises:
        TrackingUnavailableError: MLflow cannot be reached.
    """
    evaluations, verdicts = all_evaluations(model), gate_runs(model, deleted=True)
    stages = [run.tags.get(STAGE_TAG, "") for run in verdicts]
    numbered = [(run, EVALUATION, len(evaluations) - place) for place, run in enumerate(evaluations)]
    numbered += [(run, VERDICT, stages[place:].count(stages[place])) for place, run in enumerate(verdicts)]
    numbered.sort(key=lambda item: (item[0].start_time or 0, item[1] == VERDICT), reverse=True)
    events = tuple(_verdict(run, at) if kind == VERDICT else _evaluation(run, at) for run, kind, at in numbered[:limit])
    counts = {stage: stages.count(stage) for stage in sorted(set(stages))}
    return History(model.model_id, model.name, events, len(evaluations), counts)


def kept_verdict(run: RunRecord) -> tuple[Verdict | None, str]:
    """Return the verdict that a gate run keeps, or why it cannot be believed.

    Raises:
        TrackingUnavailableError: MLflow cannot be reached.
    """
    try:
        data = download_run_artifact(run.run_id, ARTIFACT, ModelNotFoundError)
        if sha256_of_bytes(data) != run.tags.get(VERDICT_SHA256_TAG):
            return None, f"verdict.json of gate run {run.run_id} is not the one it recorded"
        verdict = parse_verdict(data, f"{ARTIFACT} of run {run.run_id}")
    except TrackingUnavailableError:
        raise
    except GenieError as error:
        return None, error.what
    if verdict.model["model_id"] != run.tags.get(MODEL_TAG):
        return None, f"verdict.json of gate run {run.run_id} is of {verdict.model['model_id']}"
    return verdict, ""


def _evaluation(run: RunRecord, attempt: int) -> Event:
    return Event(
        EVALUATION,
        run.run_id,
        _at(run),
        run.tags.get(STATUS_TAG, "unknown"),
        scope=run.tags.get(SCOPE_TAG),
        attempt=attempt,
        by=run.tags.get("mlflow.user"),
        commit=run.tags.get("mlflow.source.git.commit"),
        deleted=run.deleted,
    )


def _verdict(run: RunRecord, attempt: int) -> Event:
    verdict, problem = kept_verdict(run)
    claim = Event(
        VERDICT,
        run.run_id,
        _at(run),
        run.tags.get(VERDICT_TAG, "unknown"),
        stage=run.tags.get(STAGE_TAG),
        attempt=attempt,
        by=run.tags.get("mlflow.user"),
        deleted=run.deleted,
        problem=problem,
    )
    if verdict is None:
        return claim
    return replace(
        claim,
        outcome=verdict.outcome.value,
        scope=verdict.scope,
        evaluation_run_id=verdict.evaluation["run_id"] if verdict.evaluation else None,
        commit=verdict.provenance.get("git_commit"),
        ci_url=verdict.provenance.get("ci_url"),
        waived=tuple(result.gate for result in verdict.results if result.waived is not None),
    )


def _at(run: RunRecord) -> str:
    return iso_utc(datetime.fromtimestamp((run.start_time or 0) / 1000, UTC))

"""Every attempt at a version: evaluations that were begun, also deleted ones, and what later gate runs decided.

Tags can be set by whoever may write, so whether an evaluation was completed is read from its result file; that there
was one stands in params, which are write-once. What was deleted for good leaves no trace in MLflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import EvaluationNotFoundError, GenieError
from mlflow_genie_plugin.gating.checks import Check
from mlflow_genie_plugin.gating.evaluation_run import (
    BEHAVIOUR_PARAM,
    BENCHMARKS_PARAM,
    DIGEST_PARAM,
    MODEL_PARAM,
    MODEL_TAG,
    RESULT_ARTIFACT,
    STATUS_TAG,
)
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.mark import touches_mark
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.standing import gate_runs
from mlflow_genie_plugin.gating.verdict import ARTIFACT, FULL, Verdict, parse_verdict
from mlflow_genie_plugin.registry import ModelRecord, download_run_artifact, run_artifact_file, search_runs

if TYPE_CHECKING:
    from mlflow_genie_plugin.registry import RunRecord

# Clocks of two machines differ; nothing honest starts later than this from now.
_SKEW_SECONDS = 600


def all_evaluations(model: ModelRecord) -> list[RunRecord]:
    """Return every evaluation run of the model in its experiment, newest first, deleted ones included."""
    found: dict[str, RunRecord] = {}
    where = [model.experiment_id]
    for run in (
        *search_runs(experiment_ids=where, params={MODEL_PARAM: model.model_id}, deleted=True),
        *search_runs(experiment_ids=where, tags={MODEL_TAG: model.model_id}, deleted=True),
    ):
        # Other runs may name the model too; an evaluation says which benchmarks it asks.
        if BENCHMARKS_PARAM in run.params or MODEL_TAG in run.tags:
            found.setdefault(run.run_id, run)
    return sorted(found.values(), key=lambda run: run.start_time or 0, reverse=True)


def latest_check(collected: Collected, evaluations: Sequence[RunRecord], clock: Clock) -> Check:
    """Say whether the evaluation is the newest one that was completed on all questions."""
    name, run = "latest evaluation", collected.run
    if run is None:
        return Check(name, Outcome.UNDECIDED, "there is no evaluation run")
    own = next((other for other in evaluations if other.run_id == run.run_id), None)
    if own is None:
        return Check(name, Outcome.FAILED, f"run {run.run_id} is not an evaluation of this model")
    if own.deleted:
        return Check(name, Outcome.FAILED, f"run {run.run_id} was deleted; evaluate again")
    if (own.start_time or 0) / 1000 > clock.now().timestamp() + _SKEW_SECONDS:
        found = f"run {run.run_id} starts in the future, so that no evaluation could ever be later; evaluate again"
        return Check(name, Outcome.FAILED, found)
    for other in evaluations:
        later = other.run_id != own.run_id and (other.start_time or 0) >= (own.start_time or 0)
        if later and (why := _counts(other)):
            return Check(name, Outcome.FAILED, f"run {other.run_id} is {why}; run the gates again")
    return Check(name, Outcome.PASSED, "no later complete evaluation was left out")


def decision_check(model: ModelRecord, verdict: Verdict, evaluations: Sequence[RunRecord], clock: Clock) -> Check:
    """Say whether a verdict is the last one about the newest evaluation: an older one could be brought back as a mark.

    Decisions about an older evaluation than the verdict's say nothing about it, and runs that were not whole neither.
    """
    name, decided = "latest decision", _moment(verdict.decided_at)
    if decided is None or decided > clock.now().timestamp() + _SKEW_SECONDS:
        return Check(name, Outcome.FAILED, f"{verdict.decided_at} is no time at which it can have been decided")
    ages = {run.run_id: run.start_time or 0 for run in evaluations}
    for run in gate_runs(model, verdict.stage, deleted=True):
        if (run.start_time or 0) / 1000 < decided - _SKEW_SECONDS:
            break
        other = _verdict_of(run.run_id)
        if other is None:
            if run.status == "FINISHED":
                return Check(
                    name, Outcome.UNDECIDED, f"what gate run {run.run_id} decided cannot be read; run the gates"
                )
            continue  # It was interrupted before it had decided.
        earlier = (_moment(other.decided_at) or decided) < decided
        if earlier or other.outcome is Outcome.PASSED or not touches_mark(other):
            continue
        if _age(other, ages) >= _age(verdict, ages):
            found = f"gate run {run.run_id} decided {other.outcome} at {other.decided_at}; run the gates again"
            return Check(name, Outcome.FAILED, found)
    return Check(name, Outcome.PASSED, "no later gate run decided otherwise")


def attempt_notes(collected: Collected, evaluations: Sequence[RunRecord]) -> Iterator[str]:
    """Yield how often this version, and its configuration under other ids, was tried."""
    states: dict[str, int] = {}
    for run in evaluations:
        state = "deleted" if run.deleted else run.tags.get(STATUS_TAG, "of unknown state")
        states[state] = states.get(state, 0) + 1
    parts = ", ".join(f"{number} {state}" for state, number in states.items())
    yield f"evaluations of this version that were begun: {parts or 'none'}"
    hashes = collected.evidence.hashes
    if hashes is None or hashes.behaviour is None:
        return
    same = search_runs(
        experiment_ids=[collected.model.experiment_id], params={BEHAVIOUR_PARAM: hashes.behaviour}, deleted=True
    )
    models = {run.params.get(MODEL_PARAM, "") for run in same} - {collected.model.model_id}
    if models:
        yield f"the same configuration was also evaluated as {', '.join(sorted(models)[:5])} ({len(same)} in all)"


def _counts(run: RunRecord) -> str:
    """Return in words what a later run is, empty when it may be left out: it was not completed, or covers a part."""
    if DIGEST_PARAM not in run.params:
        return ""
    try:
        digest, status, scope = _result_of(run)
    except (GenieError, orjson.JSONDecodeError, KeyError, TypeError):
        return "a later evaluation that was finished, but its result is gone"
    if digest != run.params[DIGEST_PARAM]:
        return "a later evaluation, and its result was changed"
    if status != "complete" or scope != FULL:
        return ""
    if run.deleted:
        return "a later complete evaluation that was deleted"
    said = run.tags.get(STATUS_TAG)
    return "a later complete evaluation" + ("" if said == "complete" else f", although its tag says {said}")


def _result_of(run: RunRecord) -> tuple[str, str, str]:
    """Return digest, status and scope of a run's result file; of a large one only the head is parsed."""
    from mlflow_genie_plugin.evaluation.large_result import is_large, read_head

    path = run_artifact_file(run.run_id, RESULT_ARTIFACT, EvaluationNotFoundError).path
    if is_large(path):
        large = read_head(path)
        return large.sha256, large.head.status, str(large.head.benchmarks["scope"])
    data = path.read_bytes()
    document = orjson.loads(data)
    return sha256_of_bytes(data), document["status"], document["benchmarks"]["scope"]


def _verdict_of(run_id: str) -> Verdict | None:
    try:
        return parse_verdict(download_run_artifact(run_id, ARTIFACT, EvaluationNotFoundError), run_id)
    except GenieError:
        return None


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _age(verdict: Verdict, ages: dict[str, int]) -> int:
    return ages.get(str((verdict.evaluation or {}).get("run_id", "")), 0)

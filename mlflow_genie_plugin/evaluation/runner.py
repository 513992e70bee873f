"""Evaluates a model version against the live space: prove, check, ask, judge, store; continue where it stopped."""

from __future__ import annotations

import uuid
from typing import Any

from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import DriftedSpaceError, GenieError
from mlflow_genie_plugin.evaluation import mlflow_logging
from mlflow_genie_plugin.evaluation.asking.ground_truth import check_ground_truth
from mlflow_genie_plugin.evaluation.asking.journal import Journal
from mlflow_genie_plugin.evaluation.asking.native_questioner import NativeQuestioner
from mlflow_genie_plugin.evaluation.asking.native_questions import match_questions
from mlflow_genie_plugin.evaluation.asking.questioner import Questioner
from mlflow_genie_plugin.evaluation.capture_schema import capture_schema
from mlflow_genie_plugin.evaluation.evaluated import Evaluation
from mlflow_genie_plugin.evaluation.interruption import interrupted
from mlflow_genie_plugin.evaluation.journalled_result import journalled_result
from mlflow_genie_plugin.evaluation.llm.opinion import Opinionist
from mlflow_genie_plugin.evaluation.llm.results import OpinionSource, require_reproducible
from mlflow_genie_plugin.evaluation.plan import EvaluationPlan
from mlflow_genie_plugin.evaluation.progress import Progress, Silent
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.settings import Settings, resolve_settings
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.workspace.live_space import LiveSpace
from mlflow_genie_plugin.workspace.port import Workspace
from mlflow_genie_plugin.workspace.throttle import Throttle


def run_evaluation(
    plan: EvaluationPlan,
    workspace: Workspace,
    *,
    settings: Settings | None = None,
    clock: Clock = SYSTEM_CLOCK,
    progress: Progress | None = None,
    in_flight: int | None = None,
    restart: bool = False,
    opinionist: Opinionist | None = None,
) -> Evaluation:
    """Ask, judge and store what is planned; an evaluation that was interrupted is continued, asking nothing twice.

    Args:
        plan: From :func:`~mlflow_genie_plugin.evaluation.plan.plan_evaluation`.
        workspace: Where the space is.
        settings: Default: from the environment.
        clock: Time and sleeping.
        progress: Told about every step.
        in_flight: How many questions may be open at once; default: what the quota can keep busy.
        restart: Forget the answers of an interrupted evaluation and begin again.
        opinionist: A language model that explains findings or settles what evidence leaves open.

    Returns:
        The stored evaluation; its status is ``invalid`` when the live space changed while it was asked.

    Raises:
        DriftedSpaceError: The live space does not behave like the model; nothing was asked.
        InvalidBenchmarksError: Ground truth is broken; nothing was asked.
        ConflictError: Another process runs this evaluation.
        InterruptedEvaluationError: It stopped early; the answers so far are kept.
        EvaluationLoggingError: MLflow did not store everything.
    """
    settings = settings or resolve_settings()
    progress = progress or Silent()
    if opinionist is not None:
        require_reproducible(opinionist, plan.store_rows)
    snapshot = plan.snapshot
    live = workspace.spaces.get_space(plan.space_id)
    before = _behaviour(live.serialized_space)
    if before != snapshot.behaviour_sha256:
        raise DriftedSpaceError(
            f"the live space {plan.space_id} does not behave like {snapshot.model_id}: its behaviour hash is "
            f"{before[:12]}, the model's is {snapshot.behaviour_sha256[:12]}; nothing was asked",
            next_step=f"see what differs with mlflow-genie drift {snapshot.model_id}; "
            "then snapshot the space, or restore the version",
            live_behaviour_sha256=before,
            model_behaviour_sha256=snapshot.behaviour_sha256,
        )
    if plan.runner == "native":
        match_questions(plan.benchmarks, live.serialized_space)
    with Journal(settings.state_dir / "evaluations", _key(plan, workspace.host_digest, before)) as journal:
        if restart:
            journal.forget()
        journal.begin({"evaluation_id": uuid.uuid4().hex, "started_at": iso_utc(clock.now()), **journal.key})
        progress.checking(sum(item.id not in journal.state.expected for item in plan.benchmarks))
        if journal.state.schema is None:
            journal.add_schema(capture_schema(snapshot.config, workspace.catalog, live.warehouse_id))
        assets = SpaceAssets.of(snapshot.config)
        check_ground_truth(
            plan.benchmarks,
            assets,
            workspace.sql,
            live.warehouse_id,
            journal,
            progress,
            settings.statement_timeout_seconds,
        )
        _open_run(plan, journal)
        questioner = _questioner(plan, workspace, live, journal, settings, clock, progress, in_flight)
        try:
            if journal.state.finished is None:
                progress.asking(plan.askings, sum(turn in journal.state.answers for turn in plan.turns))
                questioner.ask_all(plan.benchmarks, plan.times)
                after = _behaviour(workspace.spaces.get_space(plan.space_id).serialized_space)
                journal.add_finished(
                    {
                        "finished_at": iso_utc(clock.now()),
                        "behaviour_sha256_after": after,
                        "continued": journal.state.continued,
                        "questions_per_minute": settings.questions_per_minute,
                    }
                )
            source = (
                None
                if opinionist is None
                else OpinionSource(opinionist, journal.state.opinions, journal.add_opinion, settings.llm_concurrency)
            )
            if source is None:
                progress.storing()
            result = journalled_result(plan, journal.state, assets, before, source, progress)
            run_id = journal.state.run_id or ""
            data = mlflow_logging.store_evaluation(run_id, snapshot.model, result, traces=plan.traces)
        except (KeyboardInterrupt, GenieError) as error:
            raise interrupted(journal, plan, error) from error
        finally:
            progress.done()
        journal.remove()
        return Evaluation(run_id, result, data, continued=journal.state.continued > 0)


def _behaviour(serialized_space: str) -> str:
    return parse_space(serialized_space).behaviour_sha256


def _key(plan: EvaluationPlan, host_digest: str, behaviour_sha256: str) -> dict[str, Any]:
    return {
        "model_id": plan.snapshot.model_id,
        "benchmarks_sha256": plan.benchmark_set.sha256,
        "scope": plan.scope,
        "question_ids": sorted(item.id for item in plan.benchmarks),
        "times": plan.times,
        "runner": plan.runner,
        "space_id": plan.space_id,
        "behaviour_sha256": behaviour_sha256,
        "host_digest": host_digest,
    }


def _questioner(
    plan: EvaluationPlan,
    workspace: Workspace,
    live: LiveSpace,
    journal: Journal,
    settings: Settings,
    clock: Clock,
    progress: Progress,
    in_flight: int | None,
) -> Questioner | NativeQuestioner:
    if plan.runner == "native":
        return NativeQuestioner(workspace, live, clock=clock, settings=settings, journal=journal, progress=progress)
    return Questioner(
        workspace,
        plan.space_id,
        live.warehouse_id,
        throttle=Throttle(workspace.host_digest, settings, clock),
        clock=clock,
        settings=settings,
        journal=journal,
        progress=progress,
        in_flight=in_flight,
    )


def _open_run(plan: EvaluationPlan, journal: Journal) -> None:
    run_id = journal.state.run_id
    if run_id is not None and mlflow_logging.run_still_exists(run_id):
        mlflow_logging.set_status(run_id, "running")
        return
    journal.add_run(
        mlflow_logging.begin_run(
            plan.snapshot, plan.benchmark_set, scope=plan.scope, runner=plan.runner, space_id=plan.space_id
        )
    )

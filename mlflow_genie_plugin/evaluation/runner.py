"""Evaluates a model version against the live space: prove, check, ask, judge, store; continue where it stopped."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

import mlflow_genie_plugin
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import (
    DriftedSpaceError,
    EvaluationLoggingError,
    GenieError,
    InterruptedEvaluationError,
    InvalidEvaluationError,
    TrackingUnavailableError,
    UsageError,
)
from mlflow_genie_plugin.evaluation import mlflow_logging
from mlflow_genie_plugin.evaluation.asking import Questioner
from mlflow_genie_plugin.evaluation.benchmark import Benchmark, BenchmarkSet, select
from mlflow_genie_plugin.evaluation.capture_schema import capture_schema
from mlflow_genie_plugin.evaluation.engines.engine import engine_named
from mlflow_genie_plugin.evaluation.ground_truth import check_ground_truth
from mlflow_genie_plugin.evaluation.journal import Journal, Turn
from mlflow_genie_plugin.evaluation.judge import Judge, JudgedCase, SpaceAssets, judge_versions
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.judging import STORE_ROWS
from mlflow_genie_plugin.evaluation.progress import Progress, Silent
from mlflow_genie_plugin.evaluation.result import EvaluationResult, evaluation_sha256
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.flavor.load import Snapshot, read_snapshot
from mlflow_genie_plugin.settings import Settings, resolve_settings
from mlflow_genie_plugin.space.config import parse_space
from mlflow_genie_plugin.workspace.port import Workspace
from mlflow_genie_plugin.workspace.throttle import Throttle

_log = logging.getLogger(__name__)
_AGAIN = "run the same command again"


@dataclass(frozen=True)
class EvaluationPlan:
    """What is to be evaluated, fixed before anything is asked.

    Attributes:
        snapshot: The verified model version.
        benchmark_set: All questions.
        benchmarks: The questions of the scope.
        scope: ``full``, ``slice``, ``p0`` or ``held_out``; ``patched`` names what a slice is about.
        judges: Who judges.
        space_id: The space that is asked.
        store_rows: ``all``, ``sample`` or ``none`` of the result rows go into the result file.
        traces: Whether every question becomes a trace in MLflow.
        times: How often each question is asked; the first answer is judged, repeatability looks at all.
        engine: Where judging runs, ``local`` or ``spark``; it changes nothing in the result.
    """

    snapshot: Snapshot
    benchmark_set: BenchmarkSet
    benchmarks: tuple[Benchmark, ...]
    scope: str
    patched: tuple[str, ...]
    judges: tuple[Judge, ...]
    space_id: str
    store_rows: str = "all"
    traces: bool = True
    engine: str = "local"
    times: int = 1

    @property
    def askings(self) -> int:
        """How many questions are put to the space in all."""
        return len(self.benchmarks) * self.times

    @property
    def turns(self) -> Iterator[Turn]:
        return (Turn(item.id, number) for number in range(self.times) for item in self.benchmarks)

    def minutes(self, settings: Settings) -> float:
        """Return about how long asking takes by the quota alone."""
        if settings.questions_per_minute == 0:
            return 0.0
        return max(0.0, (self.askings - 1) // max(1, int(settings.questions_per_minute)))


@dataclass(frozen=True)
class Evaluation:
    """A stored evaluation."""

    run_id: str
    result: EvaluationResult
    data: bytes = field(repr=False)
    continued: bool = False

    @property
    def sha256(self) -> str:
        return evaluation_sha256(self.data)

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation for machines: ids, scores, counts and the questions that are not right."""
        result = self.result
        return {
            "run_id": self.run_id,
            "evaluation_id": result.evaluation_id,
            "evaluation_sha256": self.sha256,
            "model_id": result.model_id,
            "space_id": result.space_id,
            "status": result.status,
            "invalid_reason": result.invalid_reason,
            "scope": result.benchmarks["scope"],
            "benchmarks_sha256": result.benchmarks["sha256"],
            "questions": {
                "planned": result.planned,
                "answered": sum(question.answer.status == "COMPLETED" for question in result.questions),
                "p0_wrong": [
                    question.question_id
                    for question in result.questions
                    if question.priority == "P0" and not all(question.passed(judge) for judge in result.judges)
                ],
            },
            "scores": {judge: counts.to_json() for judge, counts in result.scores.items()},
            "not_passed": [
                {"question_id": question.question_id, "judge": judge, "outcome": finding.outcome.value,
                 "failure_type": finding.failure_type, "rationale": finding.rationale}
                for question in result.questions
                for judge, finding in question.findings.items()
                if not finding.passed
            ],
        }  # fmt: skip

    def raise_if_failed(self) -> None:
        """Raise when the result may not be used as evidence.

        Raises:
            InvalidEvaluationError: The live space changed while it was asked.
        """
        if self.result.status != "complete":
            raise InvalidEvaluationError(
                self.result.invalid_reason or "the evaluation is not complete",
                next_step="see what changed with mlflow-genie drift, then evaluate again",
            )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(judge)}</th><td>{counts.score:.1%}</td><td>{counts.passed} of {counts.planned}</td></tr>"
            for judge, counts in self.result.scores.items()
        )
        return f"<table><caption>{escape(self.result.status)} {escape(self.result.model_id)}</caption>{rows}</table>"


def plan_evaluation(
    reference: str,
    benchmark_set: BenchmarkSet,
    *,
    scope: str = "full",
    patched: Iterable[str] = (),
    judges: Iterable[str] | None = None,
    space_id: str | None = None,
    store_rows: str = "all",
    traces: bool = True,
    engine: str = "local",
    times: int = 1,
) -> EvaluationPlan:
    """Fix what is to be evaluated, without contacting the workspace.

    Raises:
        UsageError: Unknown scope or judge, or nothing to ask.
        SparkUnavailableError: ``engine`` is ``spark``, and PySpark or Java is missing.
        ModelNotFoundError, NotAGenieModelError, TamperedModelError: From reading the model version.
    """
    names = tuple(patched)
    chosen = select(benchmark_set, scope, names)
    if store_rows not in STORE_ROWS:
        raise UsageError(f"store_rows is {store_rows!r}", next_step=f"use one of {', '.join(STORE_ROWS)}")
    if times < 1:
        raise UsageError(f"a question cannot be asked {times} times", next_step="ask it once or more often")
    selected_judges = JUDGES.choose(judges)
    engine_named(engine).require_ready(selected_judges)
    snapshot = read_snapshot(reference)
    return EvaluationPlan(
        snapshot,
        benchmark_set,
        chosen,
        scope,
        names,
        selected_judges,
        space_id or snapshot.space_id,
        store_rows,
        traces,
        engine,
        times,
    )


def run_evaluation(
    plan: EvaluationPlan,
    workspace: Workspace,
    *,
    settings: Settings | None = None,
    clock: Clock = SYSTEM_CLOCK,
    progress: Progress | None = None,
    in_flight: int | None = None,
    restart: bool = False,
) -> Evaluation:
    """Ask, judge and store what is planned; an evaluation that was interrupted is continued, asking nothing twice.

    Args:
        plan: From :func:`plan_evaluation`.
        workspace: Where the space is.
        settings: Default: from the environment.
        clock: Time and sleeping.
        progress: Told about every step.
        in_flight: How many questions may be open at once; default: what the quota can keep busy.
        restart: Forget the answers of an interrupted evaluation and begin again.

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
    with Journal(settings.state_dir / "evaluations", _key(plan, workspace.host_digest, before)) as journal:
        if restart:
            journal.forget()
        journal.begin({"evaluation_id": uuid.uuid4().hex, "started_at": iso_utc(clock.now()), **journal.key})
        if journal.state.schema is None:
            journal.add_schema(capture_schema(snapshot.config, workspace.catalog, live.warehouse_id))
        assets = SpaceAssets.of(snapshot.config)
        check_ground_truth(plan.benchmarks, assets, workspace.sql, live.warehouse_id, journal, progress)
        _open_run(plan, journal)
        try:
            if journal.state.finished is None:
                progress.asking(plan.askings, sum(turn in journal.state.answers for turn in plan.turns))
                Questioner(
                    workspace,
                    plan.space_id,
                    live.warehouse_id,
                    throttle=Throttle(workspace.host_digest, settings, clock),
                    clock=clock,
                    settings=settings,
                    journal=journal,
                    progress=progress,
                    in_flight=in_flight,
                ).ask_all(plan.benchmarks, plan.times)
                after = _behaviour(workspace.spaces.get_space(plan.space_id).serialized_space)
                journal.add_finished(
                    {
                        "finished_at": iso_utc(clock.now()),
                        "behaviour_sha256_after": after,
                        "continued": journal.state.continued,
                        "questions_per_minute": settings.questions_per_minute,
                    }
                )
            progress.storing()
            result = _result(plan, journal, assets, before)
            run_id = journal.state.run_id or ""
            data = mlflow_logging.store_evaluation(run_id, snapshot.model, result, traces=plan.traces)
        except (KeyboardInterrupt, GenieError) as error:
            raise _interrupted(journal, plan, error) from error
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
        "space_id": plan.space_id,
        "behaviour_sha256": behaviour_sha256,
        "host_digest": host_digest,
    }


def _open_run(plan: EvaluationPlan, journal: Journal) -> None:
    run_id = journal.state.run_id
    if run_id is not None and mlflow_logging.run_still_exists(run_id):
        mlflow_logging.set_status(run_id, "running")
        return
    journal.add_run(
        mlflow_logging.begin_run(
            plan.snapshot, plan.benchmark_set, scope=plan.scope, runner="conversation", space_id=plan.space_id
        )
    )


def _result(plan: EvaluationPlan, journal: Journal, assets: SpaceAssets, before: str) -> EvaluationResult:
    state = journal.state
    finished = state.finished or {}
    after = finished["behaviour_sha256_after"]
    cases = (
        JudgedCase(
            item,
            state.answers[Turn(item.id)],
            state.expected[item.id],
            assets,
            state.schema,
            plan.snapshot.config,
            repeats=state.repeats_of(item.id, plan.times),
        )
        for item in plan.benchmarks
    )
    changed = None if after == before else (
        f"the live space changed while it was asked: its behaviour hash was {before[:12]} and is {after[:12]} now"
    )  # fmt: skip
    return make_result(
        plan,
        cases,
        schema=state.schema,
        evaluation_id=state.begun["evaluation_id"],
        live={"behaviour_sha256_before": before, "behaviour_sha256_after": after},
        invalid_reason=changed,
        runner={
            "kind": "conversation",
            "version": mlflow_genie_plugin.__version__,
            "started_at": state.begun["started_at"],
            "finished_at": finished["finished_at"],
            "questions_per_minute": finished["questions_per_minute"],
            "continued": finished["continued"],
        },
    )


def make_result(
    plan: EvaluationPlan,
    cases: Iterable[JudgedCase],
    *,
    schema: SpaceSchema | None,
    evaluation_id: str,
    live: dict[str, str | None],
    invalid_reason: str | None,
    runner: dict[str, Any],
) -> EvaluationResult:
    """Judge the cases of a plan and return the evaluation result, with the schema that the cases carry."""
    snapshot = plan.snapshot
    return EvaluationResult(
        evaluation_id=evaluation_id,
        model_id=snapshot.model_id,
        space_id=plan.space_id,
        status="complete" if invalid_reason is None else "invalid",
        invalid_reason=invalid_reason,
        config={
            "content_sha256": snapshot.content_sha256,
            "behaviour_sha256": snapshot.behaviour_sha256,
            "snapshot_sha256": snapshot.snapshot_sha256,
        },
        live=live,
        benchmarks={
            "name": plan.benchmark_set.name,
            "sha256": plan.benchmark_set.sha256,
            "total": len(plan.benchmark_set.benchmarks),
            "planned": len(plan.benchmarks),
            "scope": plan.scope,
            "patched": list(plan.patched),
            "variables": dict(plan.benchmark_set.variables),
        },
        runner={**runner, "store_rows": plan.store_rows, "traces": plan.traces},
        catalog=None if schema is None else schema.to_json(),
        judges=judge_versions(plan.judges),
        questions=engine_named(plan.engine).judge(cases, plan.judges, plan.store_rows),
    )


def _interrupted(journal: Journal, plan: EvaluationPlan, error: BaseException) -> GenieError:
    if not isinstance(error, TrackingUnavailableError):
        _mark_interrupted(journal)
    if isinstance(error, EvaluationLoggingError):
        return error
    saved, planned = len(journal.state.answers), plan.askings
    why = error.what if isinstance(error, GenieError) else "stopped by Ctrl-C"
    return InterruptedEvaluationError(
        f"the evaluation stopped early: {why}. {saved} of {planned} answers are saved",
        next_step=_how_to_continue(error, planned - saved),
        saved=saved,
        planned=planned,
        run_id=journal.state.run_id,
    )


def _how_to_continue(error: BaseException, left: int) -> str:
    asks = f"it asks only the other {left}" if left else "it asks nothing again"
    step = error.next_step if isinstance(error, GenieError) else ""
    # Errors of single steps end in the same advice.
    step = step.removesuffix(_AGAIN).removesuffix("then ").rstrip(", ")
    return f"{step}; then {_AGAIN}: {asks}" if step else f"{_AGAIN}: {asks}"


def _mark_interrupted(journal: Journal) -> None:
    if journal.state.run_id is None:
        return
    try:
        mlflow_logging.set_status(journal.state.run_id, "interrupted")
    except GenieError as error:
        # The status then stays "running", which no gate takes for complete either.
        _log.warning("the run could not be marked as interrupted: %s", error)

"""Judges recorded answers again: for a new judge or a corrected one, without asking anything."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import mlflow_genie_plugin
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.errors import InvalidEvaluationError, UnreadableFileError, UsageError
from mlflow_genie_plugin.evaluation import mlflow_logging
from mlflow_genie_plugin.evaluation.evaluated import Evaluation, make_result
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.judges.native_assessment import JUDGE as NATIVE_JUDGE
from mlflow_genie_plugin.evaluation.llm.opinion import Opinionist
from mlflow_genie_plugin.evaluation.llm.recorded import recorded_opinions
from mlflow_genie_plugin.evaluation.llm.results import OpinionSource, require_reproducible, result_with_opinions
from mlflow_genie_plugin.evaluation.plan import EvaluationPlan
from mlflow_genie_plugin.evaluation.progress import Progress, Silent
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
from mlflow_genie_plugin.evaluation.result_file import evaluation_sha256
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema


def judge_recorded(
    plan: EvaluationPlan,
    answers: str,
    *,
    clock: Clock = SYSTEM_CLOCK,
    progress: Progress | None = None,
    opinionist: Opinionist | None = None,
    at_once: int = 4,
) -> Evaluation:
    """Judge the answers of an earlier evaluation of the same model again and store that as an evaluation of its own.

    Args:
        plan: From :func:`~mlflow_genie_plugin.evaluation.plan.plan_evaluation`; its questions, SQL and space must be
            those that were asked.
        answers: The run id of a complete evaluation, or its result file. A file counts only when its digest is the one
            that an evaluation run of this model recorded: answers that nobody recorded prove nothing.
        clock: For the times in the result.
        progress: Told when storing begins.
        opinionist: A language model for opinions that are not on record for the very same request. Without one, the
            recorded opinions are used as they were given, and no model is asked.
        at_once: How many opinions are asked for at once.

    Raises:
        EvaluationNotFoundError, InvalidEvaluationError: The answers cannot be used.
        UsageError: They are of another model or space, or questions are missing or were asked otherwise.
    """
    progress = progress or Silent()
    started = iso_utc(clock.now())
    source, digest = _load(plan, answers)
    plan = _with_native_judge(plan, source)
    if opinionist is not None:
        require_reproducible(opinionist, plan.store_rows)
    cases = recorded_cases(plan, source)
    result = make_result(
        plan,
        cases,
        schema=recorded_schema(source),
        evaluation_id=uuid.uuid4().hex,
        live=dict(source.live),
        invalid_reason=None,
        runner={
            "kind": "recorded",
            "version": mlflow_genie_plugin.__version__,
            "started_at": started,
            "finished_at": iso_utc(clock.now()),
            "answers_from": digest,
            "asked_at": source.runner["started_at"],
            "times": source.runner.get("times", 1),
        },
    )
    recorded = recorded_opinions(source)
    if opinionist is not None or recorded.modes:
        asking = OpinionSource(opinionist or recorded, recorded.opinions, at_once=at_once)
        result = result_with_opinions(result, cases, asking, progress if opinionist is not None else None)
    progress.storing()
    run_id = mlflow_logging.begin_run(
        plan.snapshot, plan.benchmark_set, scope=plan.scope, runner="recorded", space_id=plan.space_id
    )
    try:
        data = mlflow_logging.store_evaluation(run_id, plan.snapshot.model, result, traces=plan.traces)
    finally:
        progress.done()
    return Evaluation(run_id, result, data)


def recorded_cases(plan: EvaluationPlan, source: EvaluationResult) -> list[JudgedCase]:
    """Return the cases of a plan with the answers of an earlier result.

    Raises:
        UsageError: A question is missing there, or was asked with another text or other expected SQL.
    """
    answers = {question.question_id: question for question in source.questions}
    problems = [f"{item.id} {why}" for item in plan.benchmarks if (why := _differs(item, answers.get(item.id)))]
    if problems:
        raise UsageError(
            f"the recorded answers do not fit the benchmarks: {'; '.join(problems[:5])}"
            + (f" and {len(problems) - 5} more" if len(problems) > 5 else ""),
            next_step="evaluate with --runner conversation, which asks them",
        )
    config, schema = plan.snapshot.config, recorded_schema(source)
    assets = SpaceAssets.of(config)
    return [
        JudgedCase(item, recorded.answer, recorded.expected, assets, schema, config, recorded.repeats)
        for item in plan.benchmarks
        for recorded in (answers[item.id],)
    ]


def _with_native_judge(plan: EvaluationPlan, source: EvaluationResult) -> EvaluationPlan:
    """Return the plan with the judge of native assessments, where the answers have some and no judges were chosen."""
    if NATIVE_JUDGE not in source.judges or plan.judges != JUDGES.choose():
        return plan
    return replace(plan, judges=(*plan.judges, *JUDGES.choose([NATIVE_JUDGE])))


def recorded_schema(source: EvaluationResult) -> SpaceSchema | None:
    """Return the schema as it was when the answers were asked for; None when the result does not hold it."""
    return None if source.catalog is None else SpaceSchema.from_json(source.catalog)


def _load(plan: EvaluationPlan, answers: str) -> tuple[EvaluationResult, str]:
    run_id = _run_of_file(plan, Path(answers)) if Path(answers).is_file() else answers
    data, result = mlflow_logging.load_evaluation(run_id)
    if result.status != "complete":
        raise InvalidEvaluationError(
            f"the evaluation in run {run_id} is {result.status}", next_step="take the answers of a complete one"
        )
    for what, seen, wanted in (
        ("model", result.model_id, plan.snapshot.model_id),
        ("space", result.space_id, plan.space_id),
        ("behaviour hash", result.config["behaviour_sha256"], plan.snapshot.behaviour_sha256),
    ):
        if seen != wanted:
            raise UsageError(
                f"the answers in run {run_id} are of another {what} ({seen}, not {wanted})",
                next_step="take answers of the same model version",
            )
    return result, evaluation_sha256(data)


def _run_of_file(plan: EvaluationPlan, path: Path) -> str:
    try:
        digest = evaluation_sha256(path.read_bytes())
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error
    for run in mlflow_logging.attempts(plan.snapshot.model):
        if run.params.get(mlflow_logging.DIGEST_PARAM) == digest:
            return run.run_id
    raise InvalidEvaluationError(
        f"{path} is not the result of any evaluation run of {plan.snapshot.model_id}",
        next_step="give the run id of the evaluation, or evaluate with --runner conversation",
    )


def _differs(item: Benchmark, recorded: QuestionResult | None) -> str:
    if recorded is None:
        return "was not asked"
    if recorded.question != item.question:
        return "was asked with another text"
    return "has other expected SQL now" if recorded.expected_sql != item.expected_sql else ""

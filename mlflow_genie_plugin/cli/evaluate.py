"""``mlflow-genie evaluate``: ask a model version's space the benchmark questions and judge the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from mlflow_genie_plugin.cli.evaluation_text import announcement, changes_text, summary
from mlflow_genie_plugin.cli.evaluation_text import estimate as estimate_text
from mlflow_genie_plugin.cli.llm_options import LlmChoice, llm_options
from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.cli.variables import assignments
from mlflow_genie_plugin.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.evaluated import Evaluation
    from mlflow_genie_plugin.evaluation.plan import EvaluationPlan
    from mlflow_genie_plugin.settings import Settings


@click.command()
@click.option("--model-id", "reference", required=True, metavar="MODEL", help="The version: m-… or models:/….")
@click.option(
    "--benchmarks",
    "benchmarks_file",
    required=True,
    metavar="FILE",
    help="Questions with their expected SQL (YAML, JSON).",
)
@click.option(
    "--scope",
    default="full",
    show_default=True,
    help="full, p0, held_out, or slice (questions that --patched affects).",
)
@click.option("--patched", multiple=True, help="Name of a changed table, metric view, function or column; repeatable.")
@click.option(
    "--patched-from",
    default=None,
    metavar="MODEL",
    help="For --scope slice: take as patched what differs from this model version.",
)
@click.option(
    "--runner",
    type=click.Choice(["conversation", "native", "recorded"]),
    default="conversation",
    show_default=True,
    help="Ask the space; let Genie run the benchmark questions it holds itself; or judge recorded answers again.",
)
@click.option(
    "--repeats",
    "times",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Ask each question so many times, to judge repeatability.",
)
@click.option(
    "--needs-review",
    type=click.Choice(["fail", "abstain"]),
    default=None,
    help="For --runner native: what NEEDS_REVIEW counts as; both count against the model.  [default: fail]",
)
@click.option("--compare", default=None, metavar="RUN", help="Say what changed since this earlier evaluation run.")
@click.option("--answers", default=None, help="For --runner recorded: run id (or result file) of an evaluation.")
@click.option(
    "--space", "--space-id", "space_id", help="Ask this space instead of the model's own (id or browser address)."
)
@click.option("--judge", "judges", multiple=True, help="Only these judges; repeatable. Default: all.")
@click.option("--variable", "variables", multiple=True, metavar="NAME=VALUE", help="Value of ${NAME} in expected SQL.")
@click.option(
    "--store-rows",
    type=click.Choice(["all", "sample", "none"]),
    default="all",
    show_default=True,
    help="Result rows kept in the result file; they are data of yours.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Where judging runs: in this process, or on Spark (Databricks Connect, a cluster, this machine).",
)
@llm_options
@click.option("--sync-dataset", default=None, metavar="NAME", help="Bring this MLflow dataset in step first.")
@click.option("--no-traces", is_flag=True, help="Do not store each question as an MLflow trace (faster).")
@click.option("--estimate", is_flag=True, help="Say how many questions and minutes it takes; ask nothing.")
@click.option("--restart", is_flag=True, help="Forget the saved answers of an interrupted evaluation.")
@workspace_options
@command
def evaluate(
    reference: str,
    benchmarks_file: str,
    *,
    scope: str,
    patched: tuple[str, ...],
    patched_from: str | None,
    runner: str,
    times: int,
    needs_review: str | None,
    compare: str | None,
    answers: str | None,
    space_id: str | None,
    judges: tuple[str, ...],
    variables: tuple[str, ...],
    store_rows: str,
    engine: str,
    llm: LlmChoice,
    sync_dataset: str | None,
    no_traces: bool,
    estimate: bool,
    restart: bool,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> ExitCode:
    """Ask a model version's space the benchmark questions, judge the answers, and store it all in MLflow.

    The live space must behave like the model version. Stop any time with Ctrl-C: the same command continues where it
    stopped and asks nothing twice. The exit code is 0 when the evaluation is complete, whatever the scores are, and
    10 when the space changed meanwhile. Whether the scores are good enough is for the gates.
    """
    if (runner == "recorded") != (answers is not None):
        raise UsageError("--runner recorded and --answers go together", next_step="give both, or neither")
    if needs_review is not None and runner != "native":
        raise UsageError("--needs-review is about Genie's own assessments", next_step="use it with --runner native")
    if runner == "recorded" and times > 1:
        raise UsageError(
            "recorded answers are not asked again", next_step="leave --repeats out: all recorded answers are judged"
        )
    from mlflow_genie_plugin.evaluation.benchmark import read_benchmarks
    from mlflow_genie_plugin.evaluation.changes import changes_between
    from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation
    from mlflow_genie_plugin.evaluation.plan import plan_evaluation
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.space.location import space_id_of

    settings = resolve_settings()
    benchmark_set = read_benchmarks(benchmarks_file, assignments(variables))
    plan = plan_evaluation(
        reference,
        benchmark_set,
        scope=scope,
        patched=patched,
        judges=judges or None,
        space_id=space_id_of(space_id) if space_id else None,
        store_rows=store_rows,
        traces=not no_traces,
        engine=engine,
        times=times,
        runner="conversation" if runner == "recorded" else runner,
        needs_review=needs_review or "fail",
        patched_from=patched_from,
    )
    say(f"model {plan.snapshot.model_id} ({plan.snapshot.model.name})")
    if estimate:
        return _estimate(plan, settings, as_json=as_json)
    # Before anything is asked: an hour of questions is no time to find out that the run id was mistyped.
    earlier = None if compare is None else load_evaluation(compare)[1]
    if sync_dataset is not None:
        _sync(plan, sync_dataset)
    evaluation = _evaluate(plan, settings, answers, profile, target, llm, restart=restart)
    changes = None if earlier is None else changes_between(earlier, evaluation.result)
    if as_json:
        emit_json({**evaluation.to_json(), "changes": None if changes is None else changes.to_json()})
    else:
        emit(summary(evaluation.result, evaluation.run_id))
        if changes is not None:
            emit(changes_text(changes, compare or ""))
    if evaluation.result.status == "complete":
        return ExitCode.OK
    say(f"invalid: {evaluation.result.invalid_reason}")
    say("It cannot be used by a gate. See what changed with mlflow-genie drift, then evaluate again.")
    return ExitCode.UNDECIDED


def _evaluate(
    plan: EvaluationPlan,
    settings: Settings,
    answers: str | None,
    profile: str | None,
    target: str | None,
    llm: LlmChoice,
    *,
    restart: bool,
) -> Evaluation:
    from mlflow_genie_plugin.cli.evaluation_progress import make_progress

    # Before anything is asked: a model that is not configured is found out now, not after an hour of questions.
    opinionist = llm.opinionist(plan, settings, profile, target)
    progress = make_progress(announcement(plan, settings))
    if answers is not None:
        from mlflow_genie_plugin.evaluation.recorded import judge_recorded

        return judge_recorded(plan, answers, progress=progress, opinionist=opinionist, at_once=settings.llm_concurrency)
    from mlflow_genie_plugin.cli.preflight import require_ready
    from mlflow_genie_plugin.evaluation.runner import run_evaluation
    from mlflow_genie_plugin.workspace.auth import connect

    workspace = connect(profile, target, settings)
    require_ready(workspace, plan.snapshot.model.experiment_id)
    return run_evaluation(plan, workspace, settings=settings, progress=progress, restart=restart, opinionist=opinionist)


def _sync(plan: EvaluationPlan, name: str) -> None:
    from mlflow_genie_plugin.evaluation.dataset_sync import plan_sync, sync

    change = plan_sync(plan.benchmark_set, name)
    dataset = sync(change, plan.snapshot.model.experiment_id)
    say(f"dataset {name} ({dataset.dataset_id}): {'brought in step' if change.changes else 'in step'}")


def _estimate(plan: EvaluationPlan, settings: Settings, *, as_json: bool) -> ExitCode:
    if as_json:
        emit_json(
            {
                "model_id": plan.snapshot.model_id,
                "scope": plan.scope,
                "runner": plan.runner,
                "questions": len(plan.benchmarks),
                "repeats": plan.times,
                "askings": plan.askings,
                "least_queries": plan.askings + len(plan.benchmarks),
                # Genie's own runs have a pace of their own, which nobody documents.
                "minutes": None if plan.runner == "native" else plan.minutes(settings),
                "questions_per_minute": settings.questions_per_minute,
            }
        )
    else:
        emit(estimate_text(plan, settings))
    return ExitCode.OK

"""``mlflow-genie evaluate``: ask a model version's space the benchmark questions and judge the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import EvaluationResult, Finding
    from mlflow_genie_plugin.evaluation.runner import Evaluation, EvaluationPlan
    from mlflow_genie_plugin.settings import Settings

_WRONG_SHOWN = 10


@click.command()
@click.option("--model-id", "reference", required=True, help="Model version: m-…, models:/NAME/3, models:/NAME@ALIAS.")
@click.option("--benchmarks", "benchmarks_file", required=True, help="Questions with their expected SQL (YAML, JSON).")
@click.option(
    "--scope",
    default="full",
    show_default=True,
    help="full, p0, held_out, or slice (questions that --patched affects).",
)
@click.option("--patched", multiple=True, help="Name of a changed table, metric view, function or column; repeatable.")
@click.option(
    "--runner",
    type=click.Choice(["conversation", "recorded"]),
    default="conversation",
    show_default=True,
    help="Ask the space, or judge recorded answers again.",
)
@click.option("--answers", default=None, help="For --runner recorded: run id (or result file) of an evaluation.")
@click.option("--space-id", default=None, help="Ask this space instead of the model's own (id or browser address).")
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
    runner: str,
    answers: str | None,
    space_id: str | None,
    judges: tuple[str, ...],
    variables: tuple[str, ...],
    store_rows: str,
    engine: str,
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
    from mlflow_genie_plugin.evaluation.benchmark import read_benchmarks
    from mlflow_genie_plugin.evaluation.runner import plan_evaluation
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.space.location import space_id_of

    settings = resolve_settings()
    benchmark_set = read_benchmarks(benchmarks_file, _assignments(variables))
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
    )
    say(f"model {plan.snapshot.model_id} ({plan.snapshot.model.name})")
    if estimate:
        return _estimate(plan, settings, as_json=as_json)
    evaluation = _evaluate(plan, settings, answers, profile, target, restart=restart)
    if as_json:
        emit_json(evaluation.to_json())
    else:
        emit(summary(evaluation.result, evaluation.run_id))
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
    *,
    restart: bool,
) -> Evaluation:
    from mlflow_genie_plugin.cli.evaluation_progress import make_progress

    progress = make_progress()
    if answers is not None:
        from mlflow_genie_plugin.evaluation.recorded import judge_recorded

        return judge_recorded(plan, answers, progress=progress)
    from mlflow_genie_plugin.cli.preflight import require_ready
    from mlflow_genie_plugin.evaluation.runner import run_evaluation
    from mlflow_genie_plugin.workspace.auth import connect

    workspace = connect(profile, target, settings)
    require_ready(workspace, plan.snapshot.model.experiment_id)
    say(f"Asking {_plural(len(plan.benchmarks), 'question')}{_duration(plan, settings)}.")
    return run_evaluation(plan, workspace, settings=settings, progress=progress, restart=restart)


def _estimate(plan: EvaluationPlan, settings: Settings, *, as_json: bool) -> ExitCode:
    minutes = plan.minutes(settings)
    if as_json:
        emit_json(
            {
                "model_id": plan.snapshot.model_id,
                "scope": plan.scope,
                "questions": len(plan.benchmarks),
                "minutes": minutes,
                "questions_per_minute": settings.questions_per_minute,
            }
        )
        return ExitCode.OK
    emit(f"{_plural(len(plan.benchmarks), 'question')}{_duration(plan, settings)}.")
    emit("Each is one Genie conversation and at least one query on the space's warehouse; the expected SQL runs once")
    emit("more per question. Databricks bills Genie questions that a service principal asks. Nothing was asked.")
    return ExitCode.OK


def summary(result: EvaluationResult, run_id: str) -> str:
    """Return what a person wants to know of an evaluation: scores by judge, then the questions that are not right."""
    lines = [
        f"evaluation {run_id}  {result.status}  {_plural(result.planned, 'question')} ({result.benchmarks['scope']})"
    ]
    width = max(len(name) for name in result.judges)
    lines.append(f"  {'judge':<{width}}  score    right  wrong  undecided  error")
    for name, counts in result.scores.items():
        lines.append(
            f"  {name:<{width}}  {100 * counts.score:5.1f} %  {counts.passed:5}  {counts.failed:5}  "
            f"{counts.abstained:9}  {counts.errored + counts.missing:5}"
        )
    wrong = [
        question
        for question in sorted(result.questions, key=lambda item: (item.priority, item.question_id))
        if not all(question.passed(judge) for judge in result.judges)
    ]
    lines.append("not right:" if wrong else "every answer passes every judge")
    for question in wrong[:_WRONG_SHOWN]:
        lines.append(f"  {question.question_id} {question.priority}  {_cut(question.question, 70)}")
        lines += [
            f"      {judge}: {_cut(finding.rationale + _values(finding), 300)}"
            for judge, finding in question.findings.items()
            if not finding.passed
        ]
    if len(wrong) > _WRONG_SHOWN:
        lines.append(f"  and {len(wrong) - _WRONG_SHOWN} more (--json lists them all)")
    if result.status == "complete":
        lines.append(f"Gate it:  pytest gates/ --model-id={result.model_id}")
    return "\n".join(lines)


def _values(finding: Finding) -> str:
    """Return the two values of an answer that is a single cell; the rationale itself never holds cell values."""
    if finding.failure_type != "SINGLE_CELL_DIFFERENCE":
        return ""
    from mlflow_genie_plugin.evaluation.cells import decode_cell

    cells = [finding.evidence.get(key) for key in ("missing_rows", "extra_rows")]
    if not all(isinstance(rows, list) and len(rows) == 1 for rows in cells):
        return ""
    wanted, got = (str(decode_cell(rows[0][0])) for rows in cells if rows)
    return f": expected {_cut(wanted, 60)}, got {_cut(got, 60)}"


def _assignments(texts: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"--variable {text!r} is not NAME=VALUE", next_step="for example --variable catalog=main")
        values[name] = value
    return values


def _duration(plan: EvaluationPlan, settings: Settings) -> str:
    quota = settings.questions_per_minute
    if quota == 0:
        return ", without a quota"
    return f", about {max(1, round(plan.minutes(settings)))} min (the quota is {quota:g} per minute)"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 2]} …"

"""``mlflow-genie benchmarks …``: look at benchmark questions, check them, import them, keep a dataset in step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.benchmarks_import import import_questions
from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.cli.sources import load_config, read_file
from mlflow_genie_plugin.cli.variables import assignments, variable_option
from mlflow_genie_plugin.cli.violations import count_of, report_lines, result_json
from mlflow_genie_plugin.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.benchmark_lint.lint import Lint

_FILE = click.Path(path_type=Path, dir_okay=False)
_SHOWN = 20


@click.group()
def benchmarks() -> None:
    """Benchmark questions: show, check and import them; keep an MLflow dataset in step."""


@benchmarks.command()
@click.argument("file", type=_FILE)
@variable_option
@command
def show(file: Path, variables: tuple[str, ...], *, as_json: bool) -> None:
    """Show what a benchmarks file holds: how many questions of which kind, and its digest."""
    from collections import Counter

    from mlflow_genie_plugin.evaluation.benchmark import read_benchmarks

    found = read_benchmarks(file, assignments(variables))
    counts = {
        name: dict(sorted(Counter(str(getattr(item, name) or "none") for item in found.benchmarks).items()))
        for name in ("priority", "split", "category", "expected_asset", "source")
    }
    if as_json:
        emit_json(
            {
                "name": found.name,
                "sha256": found.sha256,
                "variables": dict(found.variables),
                "counts": counts,
                "questions": [item.to_json() for item in found.benchmarks],
            }
        )
        return
    emit(f"{found.name}: {count_of(len(found.benchmarks), 'question')}, digest {found.sha256}")
    for name, values in counts.items():
        listed = ", ".join(f"{value} {number}" for value, number in values.items())
        emit(f"  {name.replace('_', ' '):<15} {listed}")
    for name, value in found.variables.items():
        emit(f"  ${{{name}}} is {value}")


@benchmarks.command()
@click.argument("file", type=_FILE)
@variable_option
@click.option("--space", "location", metavar="LOCATION", help="The space: a file, genie:/ID or its address.")
@click.option("--model", metavar="MODEL", help="The space as this model version has it.")
@click.option("--execute", is_flag=True, help="Run every expected SQL on the space's warehouse (it only reads).")
@click.option("--warehouse", "warehouse_id", metavar="ID", help="Run every expected SQL on this warehouse.")
@workspace_options
@command
def lint(
    file: Path,
    variables: tuple[str, ...],
    *,
    location: str | None,
    model: str | None,
    execute: bool,
    warehouse_id: str | None,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> ExitCode:
    """Check benchmark questions: what is invalid, stale, repeated, too easy, or known to the space already.

    Leakage and the coverage of assets need --space or --model. SQL is run only with --execute or --warehouse.
    Exits with 1 when there is an error; warnings alone are fine.
    """
    from mlflow_genie_plugin.evaluation.benchmark_lint.lint import lint_benchmarks

    if location and model:
        raise UsageError("--space and --model both name the space", next_step="give one of them")
    where = location or model
    data = read_file(file)
    values = assignments(variables)
    config = load_config(where, profile, target) if where else None
    sql = None
    if execute or warehouse_id:
        from mlflow_genie_plugin.workspace.auth import connect

        workspace = connect(profile, target)
        warehouse_id = warehouse_id or (config.envelope.warehouse_id if config else None)
        sql = workspace.sql
    found = lint_benchmarks(data, str(file), variables=values, config=config, sql=sql, warehouse_id=warehouse_id)
    if as_json:
        emit_json({**result_json(str(file), found.findings), **found.to_json()})
    else:
        emit("\n".join(report_lines(str(file), found.findings)))
        say(_looked_at(found, has_space=config is not None))
    return ExitCode.NO if found.has_errors else ExitCode.OK


def _looked_at(found: Lint, *, has_space: bool) -> str:
    text = f"Looked at {count_of(found.checked, 'question')}"
    missing = [] if has_space else ["leakage from the space (--space LOCATION)"]
    missing += [] if found.executed else ["the results of the expected SQL (--execute)"]
    return f"{text}. Not looked at: {', '.join(missing)}." if missing else f"{text} and ran their SQL."


@benchmarks.command()
@click.argument("file", type=_FILE)
@click.option("--dataset", required=True, metavar="NAME", help="MLflow evaluation dataset.")
@variable_option
@click.option("--dry-run", is_flag=True, help="Print the plan; write nothing.")
@command
def sync(file: Path, dataset: str, variables: tuple[str, ...], *, dry_run: bool, as_json: bool) -> None:
    """Bring an MLflow evaluation dataset in step with a benchmarks file, and prove it by reading back.

    Rows that the file does not have are removed from the dataset. The digest of the questions is the dataset's tag
    genie.benchmarks_sha256, written last.
    """
    from mlflow_genie_plugin.evaluation.benchmark import read_benchmarks
    from mlflow_genie_plugin.evaluation.dataset_sync import names_of, plan_sync
    from mlflow_genie_plugin.evaluation.dataset_sync import sync as carry_out

    plan = plan_sync(read_benchmarks(file, assignments(variables)), dataset)
    document: dict[str, Any] = plan.to_json()
    if not dry_run:
        document["dataset_id"] = carry_out(plan).dataset_id
    if as_json:
        emit_json({**document, "written": plan.changes and not dry_run})
        return
    state = "would change" if dry_run else "changed"
    emit(
        f"dataset {dataset} ({document['dataset_id'] or 'new'}): "
        + (f"{state}, digest {plan.sha256[:12]}" if plan.changes else f"in step, digest {plan.sha256[:12]}")
    )
    for sign, rows in (("+", plan.added), ("~", plan.updated), ("-", plan.removed)):
        names = names_of(rows)
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            emit(f"  {sign} {len(names):>4}  {', '.join(names[:_SHOWN])}{more}")
    emit(f"  = {plan.unchanged:>4}  unchanged")


benchmarks.add_command(import_questions)

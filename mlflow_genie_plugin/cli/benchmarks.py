"""``mlflow-genie benchmarks …``: look at benchmark questions, check them, import them, keep a dataset in step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.cli.sources import load_config, read_file
from mlflow_genie_plugin.cli.variables import assignments, variable_option
from mlflow_genie_plugin.cli.violations import count_of, report_lines, result_json
from mlflow_genie_plugin.errors import ExitCode, GenieError, UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate
    from mlflow_genie_plugin.evaluation.benchmark_import.plan import ImportPlan
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


@benchmarks.command("import")
@click.argument("source")
@click.option("-o", "--output", type=_FILE, required=True, help="Benchmarks file to write, or to add to.")
@click.option("--domain", "domains", multiple=True, help="Only this domain of a golden-queries file; repeatable.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=HEADER", help="Column of a CSV file; repeatable.")
@click.option("--name", default=None, help="Name of a new set; default: the file's name.")
@variable_option
@click.option("--force", is_flag=True, help="Replace the expected SQL of questions that the file has already.")
@click.option("--dry-run", is_flag=True, help="Print the plan; write nothing.")
@workspace_options
@command
def import_(
    source: str,
    *,
    output: Path,
    domains: tuple[str, ...],
    columns: tuple[str, ...],
    name: str | None,
    variables: tuple[str, ...],
    force: bool,
    dry_run: bool,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Import questions from SOURCE: a space, a golden-queries file (YAML, JSON) or a CSV file.

    A file that exists is added to: its comments and questions stay, and what it has already is skipped. Ids of the
    source are kept where they can be, others are made from the question's text, so that importing twice adds nothing.
    """
    from mlflow_genie_plugin.atomic_files import write_bytes_atomically
    from mlflow_genie_plugin.evaluation.benchmark_import.plan import plan_import

    candidates = _candidates(source, domains, assignments(columns, "--column", "question=Frage"), profile, target)
    before = read_file(output) if output.exists() else None
    plan = plan_import(
        candidates, before, name=name or output.stem, what=str(output), variables=assignments(variables), force=force
    )
    writes = bool(plan.taken) and not dry_run
    if writes:
        if (read_file(output) if output.exists() else None) != before:
            from mlflow_genie_plugin.errors import ConflictError

            raise ConflictError(f"{output} changed meanwhile; nothing was written", next_step="import again")
        write_bytes_atomically(output, plan.data)
    if as_json:
        emit_json({"output": str(output), "written": writes, **plan.to_json()})
        return
    emit("\n".join(_plan_lines(plan, output, dry_run=dry_run)))
    if writes:
        say(f"Check it:  mlflow-genie benchmarks lint {output}")


def _candidates(
    source: str, domains: tuple[str, ...], columns: dict[str, str], profile: str | None, target: str | None
) -> list[Candidate]:
    path = Path(source)
    if path.suffix.lower() in (".csv", ".tsv"):
        from mlflow_genie_plugin.evaluation.benchmark_import.csv_source import candidates_of_csv

        return candidates_of_csv(read_file(path), source, columns)
    if columns:
        raise UsageError("--column is for CSV files", next_step="leave it out")
    if path.is_file() and not _is_space(path):
        from mlflow_genie_plugin.evaluation.benchmark_import.golden_source import candidates_of_golden

        return candidates_of_golden(read_file(path), source, domains)
    from mlflow_genie_plugin.evaluation.benchmark_import.space_source import candidates_of_space

    return candidates_of_space(load_config(source, profile, target))


def _is_space(path: Path) -> bool:
    from mlflow_genie_plugin.space.config import read_space_file

    if path.suffix.lower() in (".yaml", ".yml"):
        return False
    try:
        config = read_space_file(path)
    except GenieError:
        return False
    return "data_sources" in config.document or "config" in config.document


def _plan_lines(plan: ImportPlan, output: Path, *, dry_run: bool) -> list[str]:
    new = [item for item in plan.taken if item.replaces is None]
    replaced = [item for item in plan.taken if item.replaces is not None]
    verb = "would take" if dry_run else "took"
    lines = [
        f"{output}: {verb} {count_of(len(new), 'new question')}, replaced {len(replaced)}, skipped {len(plan.skipped)}"
    ]
    lines += [f"  + {item.entry['id']}  {_cut(str(item.entry['question']))}" for item in new[:_SHOWN]]
    lines += [f"  and {len(new) - _SHOWN} more"] if len(new) > _SHOWN else []
    lines += [f"  ~ {item.entry['id']}  {_cut(str(item.entry['question']))}" for item in replaced]
    lines += [f"  - {item.place}  {_cut(item.question)}: {item.reason}" for item in plan.skipped]
    for name, count in plan.unknown_fields.items():
        lines.append(f"  ! the field {name!r} of {count_of(count, 'question')} was not taken: the format has none such")
    if plan.unfilled:
        names = " ".join(f"--variable {name}=VALUE" for name in plan.unfilled)
        lines.append(f"  ! no value yet for the variables: add {names} here, or at every evaluation")
    return lines


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


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:68]} …"

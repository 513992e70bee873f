"""``mlflow-genie benchmarks import``: questions out of a space, a golden-queries file or a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.cli.sources import load_config, read_file
from mlflow_genie_plugin.cli.variables import assignments, variable_option
from mlflow_genie_plugin.cli.violations import count_of
from mlflow_genie_plugin.errors import ConflictError, GenieError, UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.benchmark_import.candidate import Candidate
    from mlflow_genie_plugin.evaluation.benchmark_import.plan import ImportPlan

_FILE = click.Path(path_type=Path, dir_okay=False)
_SHOWN = 20


@click.command("import")
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
def import_questions(
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
    from mlflow_genie_plugin.space.parse import read_space_file

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


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:68]} …"

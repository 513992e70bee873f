"""``mlflow-genie init``: gates, criteria, benchmarks and a CI pipeline in the user's own repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.init_text import by_hand, closing_lines, next_steps, plan_lines
from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.cli.violations import count_of
from mlflow_genie_plugin.errors import ExitCode, GenieError, InvalidDocumentError, UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.scaffold.plan import InitPlan
    from mlflow_genie_plugin.scaffold.record import Record
    from mlflow_genie_plugin.scaffold.wanted import Wanted


@click.command()
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "azure", "databricks-job"]),
    default=None,
    help="Also a pipeline for this CI system; default: the one of the last init, else none.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The repository; default: this folder.",
)
@click.option("--branch", default=None, help="The protected branch.  [default: main]")
@click.option("--owners", multiple=True, metavar="OWNER", help="Code owner of the gates, @org/team; repeatable.")
@click.option(
    "--space", "--space-id", "space_id", help="Import the benchmark questions of this space (id or browser address)."
)
@click.option("--upgrade", is_flag=True, help="Refresh what an earlier version wrote and nobody has changed.")
@click.option("--force", is_flag=True, help="Also replace what was changed; never criteria, benchmarks or the version.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@workspace_options
@command
def init(
    ci: str | None,
    directory: Path,
    *,
    branch: str | None,
    owners: tuple[str, ...],
    space_id: str | None,
    upgrade: bool,
    force: bool,
    dry_run: bool,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> ExitCode:
    """Put the gate suite into a repository of yours: gates/, criteria, benchmarks, and a CI pipeline.

    Nothing that is there is overwritten: with a file in the way nothing is written at all (exit 2). Safe to run again:
    it says what is there, what you changed, and what is older than this version.
    """
    from mlflow_genie_plugin.scaffold.plan import carry_out, plan_init
    from mlflow_genie_plugin.scaffold.record import read_record
    from mlflow_genie_plugin.scaffold.repository import require_branch, require_root

    directory = directory.expanduser().resolve()
    record = read_record(directory)
    ci, branch = ci or record.ci, require_branch(branch or record.branch or "main")
    if ci is not None:
        require_root(directory, ci)
    wanted = _wanted(directory, ci, branch, owners, record)
    if space_id is not None:
        wanted = _with_questions(wanted, directory, space_id, profile, target)
    plan = plan_init(directory, wanted, record, ci=ci, branch=branch, upgrade=upgrade, force=force)
    conflicts = plan.having("conflict")
    todo, steps = by_hand(plan, owners, _criteria_problems(directory)), next_steps(plan)
    if as_json and (dry_run or not conflicts):
        emit_json(_as_json(plan, todo, steps, dry_run=dry_run))
    elif not as_json:
        emit("\n".join(plan_lines(plan)))
    if conflicts:
        say("Nothing was written.")
        raise UsageError(
            f"in the way: {', '.join(step.path for step in conflicts)}",
            next_step="move them away, or replace with --force what is a file",
            conflicts=[step.path for step in conflicts],
        )
    if dry_run:
        say("Nothing was written.")
        return ExitCode.OK
    carry_out(plan)
    if not as_json:
        emit("\n".join(closing_lines(plan, todo, steps)))
    return ExitCode.OK


def _wanted(directory: Path, ci: str | None, branch: str, owners: tuple[str, ...], record: Record) -> list[Wanted]:
    """Return what this repository should have, without the questions of a space."""
    from mlflow_genie_plugin.scaffold.owners import PLACES, codeowners, unowned
    from mlflow_genie_plugin.scaffold.repository import has_pytest_settings
    from mlflow_genie_plugin.scaffold.wanted import pytest_ini, wanted_files

    wanted = wanted_files(ci, branch)
    own = pytest_ini()
    if own.path in record.files or not has_pytest_settings(directory):
        wanted.append(own)
    if owners and ci not in PLACES:
        raise UsageError(
            f"--owners is for github and gitlab; {ci or 'no CI system'} has no CODEOWNERS",
            next_step="leave it out" if ci else "give --ci too",
        )
    if ci in PLACES and owners and unowned(directory, ci)[0] is None:
        wanted.append(codeowners(ci, owners))
    return wanted


def _with_questions(
    wanted: list[Wanted], directory: Path, space_id: str, profile: str | None, target: str | None
) -> list[Wanted]:
    """Put the questions of a space into the benchmarks file, where there is none yet."""
    from mlflow_genie_plugin.cli.sources import load_config
    from mlflow_genie_plugin.evaluation.benchmark_import.plan import plan_import
    from mlflow_genie_plugin.evaluation.benchmark_import.space_source import candidates_of_space
    from mlflow_genie_plugin.scaffold.wanted import BENCHMARKS

    if (directory / BENCHMARKS).exists():
        say(f"{BENCHMARKS} is there; to add to it: mlflow-genie benchmarks import {space_id} -o {BENCHMARKS}")
        return wanted
    config = load_config(space_id, profile, target)
    plan = plan_import(candidates_of_space(config), name=config.envelope.title or "benchmarks", what=BENCHMARKS)
    taken, skipped = len(plan.taken), len(plan.skipped)
    say(f"{BENCHMARKS}: {count_of(taken, 'question')} of space {space_id} taken, {skipped} skipped")
    for item in plan.skipped:
        say(f"  - {item.place}: {item.reason}")
    if not plan.taken:
        return wanted
    return [replace(item, data=plan.data) if item.path == BENCHMARKS else item for item in wanted]


def _criteria_problems(directory: Path) -> list[str]:
    """Return what this version misses or refuses in the criteria that are there."""
    from mlflow_genie_plugin.gating.criteria import read_criteria
    from mlflow_genie_plugin.gating.manifest import STAGES
    from mlflow_genie_plugin.scaffold.wanted import CRITERIA

    if not (directory / CRITERIA).is_file():
        return []
    problems: dict[str, None] = {}
    for stage in STAGES:
        try:
            read_criteria(directory / CRITERIA, stage)
        except InvalidDocumentError as error:
            problems.update(dict.fromkeys(str(violation) for violation in error.violations))
        except GenieError as error:
            problems[str(error)] = None
    return list(problems)


def _as_json(plan: InitPlan, todo: list[str], steps: list[str], *, dry_run: bool) -> dict[str, Any]:
    return {
        "directory": str(plan.directory),
        "ci": plan.ci,
        "branch": plan.branch,
        "written": not dry_run and not plan.having("conflict"),
        "files": [{"path": step.path, "state": step.state.value, "action": step.action} for step in plan.steps],
        "by_hand": todo,
        "next_steps": steps,
    }

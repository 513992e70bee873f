"""What ``restore``, ``rollback`` and ``apply`` share: showing the plan, asking, writing, telling."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from mlflow_genie_plugin.cli.output import confirm_write, emit, emit_json, say, workspace_options

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.settings import Settings
    from mlflow_genie_plugin.snapshot.restore_plan import RestorePlan
    from mlflow_genie_plugin.workspace.auth import DatabricksWorkspace

Command = TypeVar("Command", bound=Callable[..., Any])


def write_options(function: Command) -> Command:
    """Add the options of a command that writes to a space."""
    for option in (
        workspace_options,
        click.option("-y", "--yes", is_flag=True, help="Do not ask."),
        click.option("--break-glass", metavar="REASON", help="Write to a production space unverified; recorded."),
        click.option("--skip-validation", is_flag=True, help="Let the server judge the configuration."),
    ):
        function = option(function)
    return function


def plan_options(function: Command) -> Command:
    """Add the options that make and keep a plan."""
    for option in (
        click.option("--with-benchmarks", is_flag=True, help="Also put back the model's benchmark questions."),
        click.option("--include", default="", help="Deployment fields too: title,description,warehouse,folder."),
        click.option("--dry-run", is_flag=True, help="Show the plan and stop."),
        click.option(
            "--plan", "plan_file", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan and stop."
        ),
    ):
        function = option(function)
    return function


def plan_or_write(
    snapshot: Snapshot,
    space_id: str,
    workspace: DatabricksWorkspace,
    settings: Settings,
    *,
    with_benchmarks: bool,
    include: str,
    dry_run: bool,
    plan_file: Path | None,
    yes: bool,
    break_glass: str | None,
    skip_validation: bool,
    as_json: bool,
) -> None:
    """Make the plan; then show it, save it, or carry it out."""
    from mlflow_genie_plugin.snapshot.plan_restore import plan_restore

    names = [name for name in include.split(",") if name.strip()]
    live = workspace.spaces.get_space(space_id)
    plan = plan_restore(snapshot, live, keep_benchmarks=not with_benchmarks, include=names)
    if plan_file is not None:
        from mlflow_genie_plugin.atomic_files import write_json_atomically

        write_json_atomically(plan_file, plan.to_json())
    if dry_run or plan_file is not None:
        if as_json:
            emit_json(plan.to_json())
        else:
            emit(plan.render())
            say("Nothing was written." if plan_file is None else f"Saved. Run: mlflow-genie apply {plan_file}")
        return
    carry_out(
        plan, snapshot, workspace, settings, yes=yes, break_glass=break_glass, skip_validation=skip_validation,
        as_json=as_json,
    )  # fmt: skip


def carry_out(
    plan: RestorePlan,
    snapshot: Snapshot,
    workspace: DatabricksWorkspace,
    settings: Settings,
    *,
    yes: bool,
    break_glass: str | None,
    skip_validation: bool,
    as_json: bool,
) -> None:
    """Ask, write, and say what was done."""
    from mlflow_genie_plugin.cli.preflight import require_ready
    from mlflow_genie_plugin.snapshot.restore import apply_restore

    if not plan.nothing_to_do:
        require_ready(workspace, snapshot.model.experiment_id)
        say(plan.render())
        _confirm(plan, settings, yes=yes)
    result = apply_restore(
        plan,
        workspace,
        guard=guard_of(settings, break_glass),
        settings=settings,
        snapshot=snapshot,
        validate=not skip_validation,
        break_glass_reason=break_glass,
        progress=lambda text: say(f"  {text}"),
    )
    if as_json:
        emit_json(result.to_json())
    elif result.outcome == "unchanged":
        say(f'Nothing to do: "{plan.space_title}" already is model {plan.model_id}.')
    else:
        say(f"Restored. Undo: mlflow-genie restore {result.safety_model_id} --with-benchmarks")


def guard_of(settings: Settings, break_glass: str | None) -> Callable[[Snapshot, str], None]:
    """Return the guard that lets only verified versions into a production space."""

    def guard(snapshot: Snapshot, space_id: str) -> None:
        from mlflow_genie_plugin.gating.guard import require_verified

        require_verified(snapshot, space_id, settings=settings, break_glass_reason=break_glass)

    return guard


def _confirm(plan: RestorePlan, settings: Settings, *, yes: bool) -> None:
    from mlflow_genie_plugin.errors import UsageError

    question = f'Change space "{plan.space_title}" as planned?'
    if yes or plan.space_id not in settings.production_spaces or not sys.stdin.isatty():
        confirm_write(question, assume_yes=yes)
        return
    typed = click.prompt(
        f"{question} It is a production space: type its title", err=True, default="", show_default=False
    )
    if typed.strip() != plan.space_title:
        raise UsageError("that is not the space's title; nothing was written")

"""``mlflow-genie apply``: carry out a saved plan, if nothing it depends on has changed."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlflow_genie_plugin.cli.output import command, say
from mlflow_genie_plugin.cli.restoring import carry_out, write_options


@click.command()
@click.argument("plan_file", metavar="PLAN", type=click.Path(dir_okay=False, path_type=Path))
@write_options
@command
def apply(
    plan_file: Path,
    yes: bool,
    break_glass: str | None,
    skip_validation: bool,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Carry out PLAN, a file saved by --plan. Refused when the space or the model changed since."""
    import json

    from mlflow_genie_plugin.errors import UnreadableFileError
    from mlflow_genie_plugin.flavor.load import read_snapshot
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.snapshot.restore import plan_again
    from mlflow_genie_plugin.snapshot.restore_plan import read_plan
    from mlflow_genie_plugin.workspace.auth import connect

    try:
        document = json.loads(plan_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(
            f"cannot read {plan_file}: {error.strerror or error}", next_step="check the path"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(
            f"{plan_file} is not JSON", next_step="make the plan again: mlflow-genie restore MODEL --plan FILE"
        ) from error
    plan = read_plan(document, str(plan_file))
    settings = resolve_settings()
    snapshot = read_snapshot(plan.model_id)
    say(f"model {snapshot.model_id}")
    workspace = connect(profile=profile, target=target, settings=settings)
    # Before anything is shown or asked; it is checked again before the write.
    fresh = plan_again(plan, snapshot, workspace.spaces.get_space(plan.space_id))
    carry_out(
        fresh,
        snapshot,
        workspace,
        settings,
        yes=yes,
        break_glass=break_glass,
        skip_validation=skip_validation,
        as_json=as_json,
    )

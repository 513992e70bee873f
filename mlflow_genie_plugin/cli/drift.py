"""``mlflow-genie drift``: whether the live space still is what a model version recorded."""

from __future__ import annotations

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.errors import ExitCode


@click.command()
@click.argument("model")
@click.option("--space", help="Space to compare; default: the one the model is of.")
@click.option("--exit-code", is_flag=True, help="Exit 1 when it drifted.")
@workspace_options
@command
def drift(
    model: str, space: str | None, exit_code: bool, profile: str | None, target: str | None, as_json: bool
) -> ExitCode:
    """Compare the live space with MODEL: same, DRIFTED with the difference, or UNKNOWN with the reason.

    Exits 10 when it is UNKNOWN: a comparison that could not be made is never a pass.
    """
    from mlflow_genie_plugin.errors import GenieError
    from mlflow_genie_plugin.flavor.load import read_snapshot
    from mlflow_genie_plugin.snapshot.drift import DRIFTED, UNKNOWN, DriftReport, compare_with_live
    from mlflow_genie_plugin.space.location import space_id_of
    from mlflow_genie_plugin.workspace.auth import connect

    space_id = space_id_of(space) if space else None
    snapshot = read_snapshot(model)
    try:
        workspace = connect(profile=profile, target=target)
    except GenieError as error:
        if error.exit_code != ExitCode.UNAVAILABLE:
            raise
        report = DriftReport(UNKNOWN, space_id or snapshot.space_id, snapshot.model_id, reason=str(error))
    else:
        report = compare_with_live(snapshot, workspace.spaces, space_id)
    if as_json:
        emit_json(report.to_json())
    else:
        emit(report.render())
        if report.state == DRIFTED:
            say(f"To put the model back: mlflow-genie restore {snapshot.model_id}")
    if report.state == UNKNOWN:
        return ExitCode.UNDECIDED
    return ExitCode.NO if exit_code and report.state == DRIFTED else ExitCode.OK

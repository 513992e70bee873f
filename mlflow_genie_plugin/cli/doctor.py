"""``mlflow-genie doctor``: look at everything a command needs, change nothing, and say what to fix."""

from __future__ import annotations

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, workspace_options
from mlflow_genie_plugin.errors import ExitCode


@click.command()
@click.option("--space", help="Also check this space: its id, genie:/ID or browser address.")
@workspace_options
@command
def doctor(space: str | None, profile: str | None, target: str | None, *, as_json: bool) -> ExitCode:
    """Check versions, tracking, sign-in, spaces and the warehouse.

    Nothing is changed and no question is asked. Exit code 0 when all is in order, 3 when something has to be fixed.
    """
    import os

    from mlflow_genie_plugin.cli.check import FAIL, as_document
    from mlflow_genie_plugin.cli.preflight import check_entry_points, check_settings, check_versions
    from mlflow_genie_plugin.cli.store_checks import (
        check_artifacts,
        check_registry,
        check_tracking,
        check_tracking_suits,
    )
    from mlflow_genie_plugin.cli.workspace_checks import check_space, check_workspace
    from mlflow_genie_plugin.space.location import space_id_of
    from mlflow_genie_plugin.workspace.scrub import process_scrubber

    space_id = space_id_of(space) if space else None
    checks = [
        check_versions(),
        check_entry_points(),
        check_settings(),
        check_tracking(),
        check_registry(),
        check_artifacts(),
    ]
    found, workspace = check_workspace(profile, target)
    checks += found
    if workspace is not None:
        checks.append(check_tracking_suits(workspace))
    checks += check_space(workspace, space_id, os.environ.get("DATABRICKS_WAREHOUSE_ID", "").strip() or None)
    document = as_document(checks)
    scrubber = process_scrubber()
    if as_json:
        for item in document["checks"]:
            item["message"] = scrubber.text(item["message"])
        emit_json(document)
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            emit(f"  {check.status:4}  {check.name:{width}}  {scrubber.text(check.message)}")
            if check.status == FAIL and check.next_step:
                emit(f"        {'':{width}}  do: {check.next_step}")
        problems = document["problems"]
        emit("No problems." if not problems else f"{problems} problem{'s' if problems > 1 else ''}.")
    return ExitCode.UNAVAILABLE if document["problems"] else ExitCode.OK

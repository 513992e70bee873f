"""Whether the workspace can be used: profile, sign-in, spaces, the space and its warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlflow_genie_plugin.cli.check import FAIL, OK, Check, failed, guarded, skipped
from mlflow_genie_plugin.errors import GenieError

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.auth import DatabricksWorkspace


_GONE = ("DELETED", "DELETING")


def check_workspace(profile: str | None, target: str | None) -> tuple[list[Check], DatabricksWorkspace | None]:
    """Profile, sign-in, and how many spaces there are; the workspace when it can be used."""
    from mlflow_genie_plugin.workspace.auth import connect
    from mlflow_genie_plugin.workspace.profile import resolve_profile

    try:
        chosen, origin = resolve_profile(".", profile, target)
    except GenieError as error:
        return [failed("profile", error), *skipped("no profile", "sign-in", "spaces")], None
    named = Check("profile", OK, f"{chosen} (from {origin})" if chosen else origin)
    try:
        workspace = connect(profile, target)
        signed_in = Check("sign-in", OK, f"user {workspace.user_name}")
    except GenieError as error:
        return [named, failed("sign-in", error), *skipped("not signed in", "spaces")], None
    return [named, signed_in, guarded("spaces", lambda: _count_spaces(workspace))], workspace


def check_space(
    workspace: DatabricksWorkspace | None, space_id: str | None, warehouse_id: str | None
) -> Iterator[Check]:
    """Whether the space can be edited, and its warehouse exists."""
    if workspace is None or space_id is None:
        reason = "not signed in" if workspace is None else "name one with --space"
        yield from skipped(reason, "space")
    else:
        try:
            live = workspace.spaces.get_space(space_id)
        except GenieError as error:
            yield failed("space", error)
        else:
            yield Check("space", OK, f"{live.title} ({space_id}) can be read and edited")
            warehouse_id = warehouse_id or live.warehouse_id
    if workspace is None or not warehouse_id:
        reason = "not signed in" if workspace is None else "no space and no DATABRICKS_WAREHOUSE_ID names one"
        yield from skipped(reason, "warehouse")
        return
    yield guarded("warehouse", lambda: _check_warehouse(workspace, warehouse_id))


def _count_spaces(workspace: DatabricksWorkspace) -> Check:
    count = sum(1 for _ in workspace.spaces.list_spaces())
    if count == 0:
        return Check("spaces", FAIL, "no space is visible to this user", "ask an owner to share a space")
    return Check("spaces", OK, f"{count} visible" if count > 1 else "1 visible")


def _check_warehouse(workspace: DatabricksWorkspace, warehouse_id: str) -> Check:
    state = workspace.sql.warehouse_state(warehouse_id)
    if state in _GONE:
        return Check("warehouse", FAIL, f"{warehouse_id} is {state.lower()}", "choose another in the space's settings")
    starts = "" if state == "RUNNING" else " (starts when a statement comes)"
    return Check("warehouse", OK, f"{warehouse_id} is {state.lower()}{starts}")

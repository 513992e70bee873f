"""``mlflow-genie restore`` and ``rollback``: put a version back into its space, proven by reading it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.output import command, say
from mlflow_genie_plugin.cli.restoring import plan_options, plan_or_write, write_options

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.workspace.port import Workspace


@click.command()
@click.argument("model")
@click.option("--space", help="Space to write to; default: the one the model is of.")
@plan_options
@write_options
@command
def restore(
    model: str, space: str | None, profile: str | None, target: str | None, as_json: bool, **options: Any
) -> None:
    """Put MODEL (m-…, models:/NAME/VERSION, models:/NAME@ALIAS) back into its space.

    The live configuration is saved as a model version first; the result is read back and compared.
    """
    from mlflow_genie_plugin.flavor.load import read_snapshot
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.space.location import space_id_of
    from mlflow_genie_plugin.workspace.auth import connect

    settings = resolve_settings()
    space_id = space_id_of(space) if space else None
    snapshot = read_snapshot(model)
    say(f"model {snapshot.model_id}")
    workspace = connect(profile=profile, target=target, settings=settings)
    plan_or_write(snapshot, space_id or snapshot.space_id, workspace, settings, as_json=as_json, **options)


@click.command()
@click.argument("model_or_space")
@plan_options
@write_options
@command
def rollback(model_or_space: str, profile: str | None, target: str | None, as_json: bool, **options: Any) -> None:
    """Put back the parent of MODEL_OR_SPACE: of that version, or of the version that the space holds now."""
    from mlflow_genie_plugin.flavor.load import read_snapshot
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.snapshot.lineage import require_parent
    from mlflow_genie_plugin.space.location import SpaceLocation, parse_location
    from mlflow_genie_plugin.workspace.auth import connect

    settings = resolve_settings()
    location = parse_location(model_or_space)
    workspace = None
    if isinstance(location, SpaceLocation):
        workspace = connect(profile=profile, target=target, settings=settings)
        current = _version_of(location.space_id, workspace)
        space_id = location.space_id
    else:
        current = read_snapshot(model_or_space)
        space_id = current.space_id
    parent = require_parent(current)
    say(f"model {current.model_id}, its parent {parent.model_id}")
    workspace = workspace or connect(profile=profile, target=target, settings=settings)
    plan_or_write(parent, space_id, workspace, settings, as_json=as_json, **options)


def _version_of(space_id: str, workspace: Workspace) -> Snapshot:
    """Return the version that the space holds now.

    Raises:
        UsageError: It holds none: somebody edited it since, or it was never saved.
    """
    from mlflow_genie_plugin.errors import UsageError
    from mlflow_genie_plugin.flavor.load import read_snapshot
    from mlflow_genie_plugin.snapshot.capture import config_of
    from mlflow_genie_plugin.snapshot.lineage import versions_of_space

    now = config_of(workspace.spaces.get_space(space_id))
    versions = versions_of_space(space_id)
    for record in versions:
        if record.params.get("config_sha256") == now.content_sha256:
            return read_snapshot(record)
    raise UsageError(
        f"space {space_id} holds no saved version: it was edited since, or never saved",
        next_step=f"to put back its latest version: mlflow-genie restore {versions[0].model_id}"
        if versions
        else "save it first: mlflow-genie snapshot",
    )

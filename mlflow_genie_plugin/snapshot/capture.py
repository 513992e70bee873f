"""Reading what a snapshot holds from the workspace: the config, the permissions, Unity Catalog metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from mlflow_genie_plugin.clock import Clock, iso_utc
from mlflow_genie_plugin.errors import GenieError, UsageError
from mlflow_genie_plugin.flavor.layout import SpaceFile, make_space_file
from mlflow_genie_plugin.space.catalog import Capture, UcMetadata
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.workspace.data_port import CatalogPort
from mlflow_genie_plugin.workspace.live_space import LiveSpace
from mlflow_genie_plugin.workspace.port import SpaceReader

_SCHEMA = re.compile(r"[^.`\s]+\.[^.`\s]+|`[^`]+`\.`[^`]+`")


def config_of(live: LiveSpace) -> SpaceConfig:
    """Return the space config of a space as the workspace returned it."""
    document = parse_space(live.serialized_space, what=f"space {live.space_id}").document
    envelope = Envelope(live.title, live.description, live.warehouse_id, live.parent_path)
    return SpaceConfig(document, envelope, live.space_id, live.etag)


def capture_space(spaces: SpaceReader, space_id: str, clock: Clock, live: LiveSpace | None = None) -> SpaceFile:
    """Read the space, unless ``live`` is it, and its permissions.

    Permissions that cannot be read (it takes CAN MANAGE) are recorded as that, with the reason: a snapshot without them
    is still worth having.

    Raises:
        SpaceNotFoundError: No such space.
        SpaceNotEditableError: Its configuration is not shown to this identity.
    """
    live = spaces.get_space(space_id) if live is None else live
    permissions: list[dict[str, Any]] = []
    problem: str | None = None
    try:
        permissions = [
            {"principal_kind": p.principal_kind, "principal": p.principal, "level": p.level, "inherited": p.inherited}
            for p in spaces.get_permissions(space_id)
        ]
    except GenieError as error:
        problem = error.what
    return make_space_file(config_of(live), live.space_id, iso_utc(clock.now()), permissions, problem)


def capture_metadata(catalog: CatalogPort, config: SpaceConfig, uc_schema: str | None = None) -> UcMetadata:
    """Read Unity Catalog metadata of the space's assets; what cannot be read is recorded as failed, with the reason.

    Args:
        catalog: Where to read.
        config: Names the assets and the warehouse that reads.
        uc_schema: ``catalog.schema``: read only assets of this schema. When the space has assets, but none in it,
            that is recorded as failed: nothing was read, which is not the same as nothing being there.

    Raises:
        UsageError: ``uc_schema`` is not of that form.
    """
    if uc_schema is not None and not _SCHEMA.fullmatch(uc_schema):
        raise UsageError(f"{uc_schema!r} is no schema", next_step="give CATALOG.SCHEMA")
    assets = [*config.tables(), *config.metric_views(), *config.functions()]
    if uc_schema is not None and assets and not _inside(assets, uc_schema):
        nothing = Capture("failed", (), f"no table, metric view or function of the space lies in schema {uc_schema}")
        return UcMetadata(columns=nothing, tags=nothing, routines=nothing)
    tables = _inside([*config.tables(), *config.metric_views()], uc_schema)
    functions = _inside(config.functions(), uc_schema)
    warehouse = config.envelope.warehouse_id
    return UcMetadata(
        columns=_captured(lambda: catalog.columns(tables, warehouse_id=warehouse) if tables else []),
        tags=_captured(lambda: catalog.tags(tables, warehouse_id=warehouse) if tables else []),
        routines=_captured(lambda: catalog.routines(functions, warehouse_id=warehouse) if functions else []),
    )


def _captured(read: Callable[[], list[dict[str, Any]]]) -> Capture:
    try:
        return Capture("ok", tuple(read()))
    except GenieError as error:
        return Capture("failed", (), f"{type(error).__name__}: {error.what}")


def _inside(identifiers: Sequence[str], uc_schema: str | None) -> list[str]:
    names = list(dict.fromkeys(identifiers))
    if uc_schema is None:
        return names
    prefix = uc_schema.replace("`", "").lower() + "."
    return [name for name in names if name.replace("`", "").lower().startswith(prefix)]

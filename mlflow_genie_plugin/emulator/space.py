"""A stored space, and the body that the API answers for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from mlflow_genie_plugin.emulator.permissions import AccessList

EMPTY_DOCUMENT: Final = '{"version":2,"data_sources":{}}'


@dataclass(frozen=True, slots=True)
class Space:
    """A space as stored. ``serialized_space`` is the text of its exports; ``etag`` changes only with that text."""

    space_id: str
    title: str
    description: str | None
    warehouse_id: str
    parent_path: str
    serialized_space: str
    etag: str
    create_time: str
    update_time: str
    access: AccessList = field(default_factory=list)
    trashed: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """The parsed configuration."""
        parsed: dict[str, Any] = orjson.loads(self.serialized_space)
        return parsed


def space_body(space: Space, *, with_config: bool) -> dict[str, Any]:
    """Return the space as the API answers it; configuration and etag come together or not at all."""
    body: dict[str, Any] = {
        "space_id": space.space_id,
        "title": space.title,
        "warehouse_id": space.warehouse_id,
        "parent_path": space.parent_path,
        "create_time": space.create_time,
        "update_time": space.update_time,
    }
    if space.description is not None:
        body["description"] = space.description
    if with_config:
        body["serialized_space"] = space.serialized_space
        body["etag"] = space.etag
    return body

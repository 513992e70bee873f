"""Routes of Genie spaces: list, get, create, update, trash."""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route, page_of
from mlflow_genie_plugin.emulator.api_errors import bad_request
from mlflow_genie_plugin.emulator.permissions import allows, level_of
from mlflow_genie_plugin.emulator.space import space_body

_FIELDS = ("title", "description", "warehouse_id", "parent_path", "serialized_space")


def list_spaces(request: ApiRequest) -> Any:
    with request.world.lock:
        bodies = [space_body(space, with_config=False) for space in request.world.spaces.visible_to(request.identity)]
    return page_of(bodies, request.page(), "spaces")


def get_space(request: ApiRequest) -> Any:
    wanted = request.query.get("include_serialized_space", "false")
    if wanted.lower() not in {"true", "false"}:
        raise bad_request(f"Could not parse request object: include_serialized_space is '{wanted}'")
    with request.world.lock:
        spaces = request.world.spaces
        space = spaces.find(request.path["space_id"], request.identity)
        may_edit = allows(level_of(request.identity, space.access), "CAN_EDIT")
        return space_body(spaces.read(space.space_id), with_config=wanted.lower() == "true" and may_edit)


def create_space(request: ApiRequest) -> Any:
    with request.world.lock:
        space = request.world.spaces.create(
            request.identity,
            serialized_space=request.text("serialized_space", required=True) or "",
            warehouse_id=request.text("warehouse_id", required=True) or "",
            title=request.text("title"),
            description=request.text("description"),
            parent_path=request.text("parent_path"),
        )
    return space_body(space, with_config=True)


def update_space(request: ApiRequest) -> Any:
    with request.world.lock:
        spaces = request.world.spaces
        space = spaces.find(request.path["space_id"], request.identity, "CAN_EDIT")
        changes = {name: request.text(name) for name in _FIELDS}
        after = spaces.update(space, changes, request.text("etag"))
    return space_body(after, with_config=True)


def trash_space(request: ApiRequest) -> Any:
    with request.world.lock:
        space = request.world.spaces.find(request.path["space_id"], request.identity, "CAN_MANAGE")
        request.world.conversations.delete_of_space(space.space_id)
        request.world.spaces.trash(space)
    return {}


_SPACE = "/api/2.0/genie/spaces/{space_id}"
ROUTES = [
    Route("genie.list_spaces", "GET", "/api/2.0/genie/spaces", list_spaces),
    Route("genie.create_space", "POST", "/api/2.0/genie/spaces", create_space),
    Route("genie.get_space", "GET", _SPACE, get_space),
    Route("genie.update_space", "PATCH", _SPACE, update_space),
    Route("genie.trash_space", "DELETE", _SPACE, trash_space),
]

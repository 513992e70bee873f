"""Routes around the spaces: discovery, the current user, permissions, folders."""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route
from mlflow_genie_plugin.emulator.api_errors import ApiError, missing
from mlflow_genie_plugin.emulator.permissions import merged_access_list, parsed_access_list, permissions_body
from mlflow_genie_plugin.emulator.space import Space


def databricks_config(request: ApiRequest) -> Any:
    return {"oidc_endpoint": f"{request.base_url}/oidc", "workspace_id": "1"}


def me(request: ApiRequest) -> Any:
    user = request.identity
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": str(user.user_id),
        "userName": user.user_name,
        "displayName": user.user_name.partition("@")[0],
        "active": True,
        "emails": [{"type": "work", "value": user.user_name, "primary": True}],
        "groups": [{"display": "admins", "type": "direct"}] if user.is_admin else [{"display": "users"}],
    }


def get_permissions(request: ApiRequest) -> Any:
    space = _space(request, "CAN_READ")
    return permissions_body(space.space_id, space.access)


def get_permission_levels(request: ApiRequest) -> Any:
    _space(request, "CAN_READ")
    words = {"CAN_READ": "view", "CAN_RUN": "ask", "CAN_EDIT": "edit", "CAN_MANAGE": "manage"}
    levels = [{"permission_level": level, "description": f"Can {word} the space"} for level, word in words.items()]
    return {"permission_levels": levels}


def set_permissions(request: ApiRequest) -> Any:
    space = _space(request, "CAN_MANAGE")
    access = parsed_access_list(request.fields().get("access_control_list", []))
    return _changed(request, space, access)


def update_permissions(request: ApiRequest) -> Any:
    space = _space(request, "CAN_MANAGE")
    changes = parsed_access_list(request.fields().get("access_control_list", []))
    return _changed(request, space, merged_access_list(space.access, changes))


def make_directory(request: ApiRequest) -> Any:
    with request.world.lock:
        request.world.spaces.make_folder(request.text("path", required=True) or "")
    return {}


def get_status(request: ApiRequest) -> Any:
    path = request.query.get("path", "")
    request.world.spaces.home(request.identity)
    if not request.world.spaces.has_folder(path):
        raise missing(f"Path ({path}) doesn't exist.")
    return {"object_type": "DIRECTORY", "path": path, "object_id": 1}


def _space(request: ApiRequest, needed: str) -> Space:
    kind = request.path["object_type"]
    if kind != "genie":
        raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for permissions of '{kind}'")
    with request.world.lock:
        return request.world.spaces.find(request.path["space_id"], request.identity, needed)


def _changed(request: ApiRequest, space: Space, access: list[dict[str, str]]) -> Any:
    with request.world.lock:
        after = request.world.spaces.set_access(space, access)
    return permissions_body(after.space_id, after.access)


_PERMISSIONS = "/api/2.0/permissions/{object_type}/{space_id}"
ROUTES = [
    Route("well_known", "GET", "/.well-known/databricks-config", databricks_config, open=True),
    Route("current_user.me", "GET", "/api/2.0/preview/scim/v2/Me", me),
    Route("permissions.get", "GET", _PERMISSIONS, get_permissions),
    Route("permissions.get_permission_levels", "GET", _PERMISSIONS + "/permissionLevels", get_permission_levels),
    Route("permissions.set", "PUT", _PERMISSIONS, set_permissions),
    Route("permissions.update", "PATCH", _PERMISSIONS, update_permissions),
    Route("workspace.mkdirs", "POST", "/api/2.0/workspace/mkdirs", make_directory),
    Route("workspace.get_status", "GET", "/api/2.0/workspace/get-status", get_status),
]

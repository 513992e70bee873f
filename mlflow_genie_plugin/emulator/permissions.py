"""Who may do what with a space: access-control lists and the level each call needs."""

from __future__ import annotations

from typing import Any, Final

from mlflow_genie_plugin.emulator.api_errors import denied, invalid
from mlflow_genie_plugin.emulator.identities import Identity

LEVELS: Final = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")
_PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")
_ADMINS: Final = {"group_name": "admins"}

# One entry: {"user_name": …, "permission_level": …}; a principal appears once.
AccessList = list[dict[str, str]]


def parsed_access_list(value: Any) -> AccessList:
    """Return the entries of a request's ``access_control_list``.

    Raises:
        ApiError: An entry without exactly one principal, or an unknown level.
    """
    if not isinstance(value, list):
        raise invalid("access_control_list must be a list")
    entries: AccessList = []
    for item in value:
        named = [kind for kind in _PRINCIPALS if isinstance(item, dict) and isinstance(item.get(kind), str)]
        if len(named) != 1:
            raise invalid("each access control needs exactly one of user_name, group_name, service_principal_name")
        level = "CAN_READ" if item.get("permission_level") == "CAN_VIEW" else item.get("permission_level")
        if level not in LEVELS:
            raise invalid(f"Invalid permission level '{level}' for object type genie-space")
        entries.append({named[0]: item[named[0]], "permission_level": level})
    return merged_access_list([], entries)


def merged_access_list(current: AccessList, changes: AccessList) -> AccessList:
    """Return ``current`` with each principal of ``changes`` set to its new level."""
    merged = {_principal(entry): entry for entry in current}
    for entry in changes:
        merged[_principal(entry)] = entry
    return list(merged.values())


def level_of(identity: Identity, entries: AccessList) -> str | None:
    """Return the highest level the identity has; administrators manage everything."""
    if identity.is_admin:
        return "CAN_MANAGE"
    found = [
        entry["permission_level"]
        for entry in entries
        if entry.get("user_name") == identity.user_name
        or entry.get("service_principal_name") == identity.user_name
        or entry.get("group_name") == "users"
    ]
    return max(found, key=LEVELS.index, default=None)


def allows(level: str | None, needed: str) -> bool:
    """Return whether ``level`` includes ``needed``."""
    return level is not None and LEVELS.index(level) >= LEVELS.index(needed)


def require(identity: Identity, entries: AccessList, needed: str, space_id: str) -> None:
    """Refuse an identity below ``needed``.

    Raises:
        ApiError: 403.
    """
    if not allows(level_of(identity, entries), needed):
        spoken = "CAN VIEW" if needed == "CAN_READ" else needed.replace("_", " ")
        raise denied(f"User {identity.user_name} does not have {spoken} permission on Genie space {space_id}.")


def permissions_body(space_id: str, entries: AccessList) -> dict[str, Any]:
    """Return the answer of the permissions API: the entries, and what administrators inherit."""
    listed: list[dict[str, Any]] = [
        {
            **{kind: entry[kind] for kind in _PRINCIPALS if kind in entry},
            "all_permissions": [{"permission_level": entry["permission_level"], "inherited": False}],
        }
        for entry in entries
    ]
    listed.append(
        {
            **_ADMINS,
            "all_permissions": [
                {"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": ["/directories/0"]}
            ],
        }
    )
    return {"object_id": f"/genie/{space_id}", "object_type": "genie-space", "access_control_list": listed}


def _principal(entry: dict[str, str]) -> tuple[str, str]:
    return next((kind, entry[kind]) for kind in _PRINCIPALS if kind in entry)

"""A space as its workspace shows it just now: in the list, whole, and who may do what with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpaceSummary:
    space_id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class LiveSpace:
    """A space as the workspace returned it just now.

    ``serialized_space`` is the JSON text as received. ``etag`` changes only when the configuration changes: a new
    title or warehouse leaves it as it is.
    """

    space_id: str
    title: str
    serialized_space: str
    etag: str | None = None
    description: str | None = None
    warehouse_id: str | None = None
    parent_path: str | None = None
    create_time: str | None = None
    update_time: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    principal_kind: str  # user, group, service_principal
    principal: str
    level: str  # CAN_VIEW (CAN_READ on the wire), CAN_RUN, CAN_EDIT, CAN_MANAGE
    inherited: bool = False

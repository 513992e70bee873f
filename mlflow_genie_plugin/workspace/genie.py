"""Reads and writes spaces through the Genie API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import (
    GenieError,
    PermissionDeniedError,
    SpaceNotEditableError,
    SpaceNotFoundError,
    UnconfirmedRequestError,
    UsageError,
    WorkspaceRefusedError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.space.fingerprint import content_hash
from mlflow_genie_plugin.space.parse import parse_space
from mlflow_genie_plugin.workspace.calls import Calls, Doing
from mlflow_genie_plugin.workspace.live_space import LiveSpace, Permission, SpaceSummary
from mlflow_genie_plugin.workspace.space_requests import ASK_OWNER, SPACES, about_space, space_path

Json = Mapping[str, Any]

_PAGE_SIZE = 100
_WAIT_FOR_LOOK_UP_SECONDS = (1.0, 3.0, 9.0)  # reads lag writes
_CLOCK_SKEW = timedelta(minutes=5)
_LEVELS = {"CAN_READ": "CAN_VIEW"}
_PRINCIPALS = {"user_name": "user", "group_name": "group", "service_principal_name": "service_principal"}


class GenieSpaces:
    """The spaces of one workspace. There is no delete: nothing here ever trashes a space."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    def list_spaces(self) -> Iterator[SpaceSummary]:
        """Yield every space the identity can see, across all pages."""
        token: str | None = None
        seen: set[str] = set()
        while True:
            query = {"page_size": _PAGE_SIZE, **({"page_token": token} if token else {})}
            page = self._calls.read(Doing("list spaces"), SPACES, query)
            for item in page.get("spaces") or []:
                yield SpaceSummary(str(item["space_id"]), str(item.get("title") or ""), item.get("description"))
            token = page.get("next_page_token") or None
            if token is None:
                return
            if token in seen:
                raise WorkspaceUnavailableError(
                    "cannot list spaces: the workspace repeats a page", next_step="run the same command again"
                )
            seen.add(token)

    def get_space(self, space_id: str) -> LiveSpace:
        """Return the space with its configuration and etag.

        Raises:
            SpaceNotFoundError: No such space for this identity.
            SpaceNotEditableError: The space exists, but its configuration is not shown (needs CAN EDIT).
        """
        doing = about_space("read space", space_id)
        try:
            payload = self._calls.read(doing, space_path(space_id), {"include_serialized_space": "true"})
        except PermissionDeniedError as error:
            # Either the space itself is closed to us, or only its configuration; the plain read tells.
            try:
                payload = {**self._calls.read(doing, space_path(space_id)), "serialized_space": None}
            except GenieError:
                raise error from None
        if not payload.get("serialized_space"):
            raise SpaceNotEditableError(
                f"space {space_id} ({payload.get('title') or 'no title'}) is returned without its configuration: "
                "this identity may use it, but does not have CAN EDIT",
                next_step=f"{ASK_OWNER} for CAN EDIT",
                space_id=space_id,
            )
        return _live_space(payload, space_id)

    def get_permissions(self, space_id: str) -> list[Permission]:
        """Return who may do what with the space (readable with CAN MANAGE)."""
        space_path(space_id)
        payload = self._calls.read(
            about_space("read the permissions of space", space_id, needs="CAN MANAGE"),
            f"/api/2.0/permissions/genie/{space_id}",
        )
        return [
            Permission(kind, str(entry[key]), _LEVELS.get(level, level), bool(item.get("inherited")))
            for entry in payload.get("access_control_list") or []
            for key, kind in _PRINCIPALS.items()
            if entry.get(key)
            for item in entry.get("all_permissions") or []
            if (level := str(item.get("permission_level") or ""))
        ]

    def create_space(
        self, *, serialized_space: str, warehouse_id: str, title: str, description: str | None, parent_path: str | None
    ) -> LiveSpace:
        """Create a space, exactly once: a request that timed out is looked up, never sent again.

        A missing ``parent_path`` is made. The server may append a number to a title that is taken.

        Raises:
            UnconfirmedRequestError: No answer came and the look-up does not show exactly one new space.
            WorkspaceRefusedError: The server rejects the configuration, with its message.
        """
        body = {
            "serialized_space": serialized_space,
            "warehouse_id": warehouse_id,
            "title": title,
            **({"description": description} if description is not None else {}),
            **({"parent_path": parent_path} if parent_path is not None else {}),
        }
        doing = Doing(f"create space {title!r}", denied_step="ask for permission to create in that folder")
        # Listing first is what makes a look-up afterwards sure: a copy made minutes ago is then known.
        earlier = {summary.space_id for summary in self._titled(title)}
        started = self._clock.now()
        try:
            created = self._calls.write(doing, "POST", SPACES, body)
        except UnconfirmedRequestError as error:
            return self._find_created(title, serialized_space, earlier, started, error)
        except WorkspaceRefusedError as error:
            if parent_path is None or not _folder_is_missing(error):
                raise
            self._calls.harmless(
                Doing(f"make folder {parent_path}"), "POST", "/api/2.0/workspace/mkdirs", {"path": parent_path}
            )
            try:
                created = self._calls.write(doing, "POST", SPACES, body)
            except UnconfirmedRequestError as lost:
                return self._find_created(title, serialized_space, earlier, started, lost)
        return _live_space({**body, **created}, str(created["space_id"]))

    def update_space(
        self,
        space_id: str,
        *,
        etag: str | None = None,
        serialized_space: str | None = None,
        title: str | None = None,
        description: str | None = None,
        warehouse_id: str | None = None,
        parent_path: str | None = None,
    ) -> LiveSpace:
        """Change the fields given; ``serialized_space`` replaces the whole configuration.

        Raises:
            ConflictError: ``etag`` is given and the configuration changed since it was read; nothing was written.
            WorkspaceRefusedError: The server rejects the configuration, with its message.
            UnconfirmedRequestError: No answer came, and reading back does not show the change.
        """
        fields = {
            "serialized_space": serialized_space,
            "title": title,
            "description": description,
            "warehouse_id": warehouse_id,
            "parent_path": parent_path,
        }
        changes = {name: value for name, value in fields.items() if value is not None}
        if not changes:
            raise UsageError(f"nothing to change in space {space_id}", next_step="give at least one field")
        body = {**changes, **({"etag": etag} if etag is not None else {})}
        doing = about_space("change space", space_id, needs="CAN EDIT")
        try:
            updated = self._calls.write(doing, "PATCH", space_path(space_id), body)
        except UnconfirmedRequestError as error:
            return self._read_back(space_id, changes, error)
        if not {"serialized_space", "title"} <= {**changes, **updated}.keys():
            return self.get_space(space_id)
        return _live_space({**changes, **updated}, space_id)

    def _titled(self, title: str) -> list[SpaceSummary]:
        """Return the spaces with this title, or with it and the number that the server appends to one that is taken."""
        pattern = re.compile(re.escape(title) + r"( \(\d+\))?")
        return [summary for summary in self.list_spaces() if pattern.fullmatch(summary.title)]

    def _find_created(
        self, title: str, serialized_space: str, earlier: set[str], started: datetime, error: UnconfirmedRequestError
    ) -> LiveSpace:
        """Find the space of a create request that got no answer: same title, new, same configuration."""
        wanted = content_hash(parse_space(serialized_space).document)
        found: list[LiveSpace] = []
        for wait in _WAIT_FOR_LOOK_UP_SECONDS:
            self._clock.sleep(wait)
            found = [
                space
                for summary in self._titled(title)
                if summary.space_id not in earlier
                and (space := self._readable(summary.space_id)) is not None
                and _made_since(space.create_time, started)
                and content_hash(parse_space(space.serialized_space).document) == wanted
            ]
            if len(found) == 1:
                return found[0]
        seen = ", ".join(space.space_id for space in found) or "none"
        raise UnconfirmedRequestError(
            f"{error.what}; spaces that could be it: {seen}",
            next_step=f"look for {title!r} in the workspace before you run the command again",
            candidates=[space.space_id for space in found],
        ) from error

    def _readable(self, space_id: str) -> LiveSpace | None:
        try:
            return self.get_space(space_id)
        except (SpaceNotFoundError, SpaceNotEditableError):
            return None  # a space of our own making is both, so this one is somebody else's

    def _read_back(self, space_id: str, changes: Mapping[str, str], error: UnconfirmedRequestError) -> LiveSpace:
        """Return the space when everything a lost PATCH asked for is there."""
        for wait in _WAIT_FOR_LOOK_UP_SECONDS:
            self._clock.sleep(wait)
            live = self.get_space(space_id)
            if all(_shows(live, name, value) for name, value in changes.items()):
                return live
        raise UnconfirmedRequestError(
            f"{error.what}; the space does not show the change so far",
            next_step="read the space again in a minute before you repeat the command",
            space_id=space_id,
        ) from error


def _live_space(payload: Json, space_id: str) -> LiveSpace:
    return LiveSpace(
        space_id=str(payload.get("space_id") or space_id),
        title=str(payload.get("title") or ""),
        serialized_space=str(payload.get("serialized_space") or ""),
        etag=payload.get("etag"),
        description=payload.get("description"),
        warehouse_id=payload.get("warehouse_id"),
        parent_path=payload.get("parent_path"),
        create_time=payload.get("create_time"),
        update_time=payload.get("update_time"),
    )


def _shows(live: LiveSpace, name: str, value: str) -> bool:
    if name == "serialized_space":
        return content_hash(parse_space(live.serialized_space).document) == content_hash(parse_space(value).document)
    if name == "parent_path":  # comes back without the prefix
        return str(live.parent_path or "").removeprefix("/Workspace") == value.removeprefix("/Workspace")
    return bool(getattr(live, name) == value)


def _made_since(create_time: str | None, started: datetime) -> bool:
    if not create_time:
        return False
    try:
        made = datetime.fromisoformat(create_time)
    except ValueError:
        return False
    # The two clocks may differ by a little.
    return (made if made.tzinfo else made.replace(tzinfo=UTC)) >= started - _CLOCK_SKEW


def _folder_is_missing(error: WorkspaceRefusedError) -> bool:
    """Tell whether a refusal is about the folder: one backend answers 400 "Tree node …", the other 404."""
    if "Tree node with path" in error.what:
        return True
    # 404 is also the answer to an unknown warehouse, for which no folder should be made.
    return error.details.get("error_code") == "RESOURCE_DOES_NOT_EXIST" and "warehouse" not in error.what.lower()

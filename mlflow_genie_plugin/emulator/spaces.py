"""The spaces of the workspace: creating, reading, updating and trashing them by the server's rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from mlflow_genie_plugin.clock import iso_utc
from mlflow_genie_plugin.emulator.api_errors import ApiError, aborted, invalid, missing
from mlflow_genie_plugin.emulator.behaviour import Controls
from mlflow_genie_plugin.emulator.export_rules import accept_export
from mlflow_genie_plugin.emulator.identifiers import IdSource
from mlflow_genie_plugin.emulator.identities import Identity
from mlflow_genie_plugin.emulator.permissions import AccessList, allows, level_of, require
from mlflow_genie_plugin.emulator.space import EMPTY_DOCUMENT, Space
from mlflow_genie_plugin.emulator.store import Store

KIND: Final = "space"
FOLDER_KIND: Final = "folder"
_SPACE_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class _Shadow:
    """What reads still show of an updated space, until a time of the workspace's clock."""

    before: Space
    until: float


class Spaces:
    """All spaces, newest last. Callers hold the world's lock."""

    def __init__(self, store: Store, ids: IdSource, controls: Controls, check_assets: Callable[[dict[str, Any]], None]):
        self._store = store
        self._ids = ids
        self._controls = controls
        self._check_assets = check_assets
        self._spaces = {record["space_id"]: Space(**record) for record in store.all(KIND)}
        self._shadows: dict[str, _Shadow] = {}
        self._folders = {"/", "/Users", "/Shared"} | {record["path"] for record in store.all(FOLDER_KIND)}

    def visible_to(self, identity: Identity) -> list[Space]:
        """Return the spaces the identity may see, as a list call shows them."""
        found = (self.read(space.space_id) for space in self._spaces.values() if not space.trashed)
        return [space for space in found if allows(level_of(identity, space.access), "CAN_READ")]

    def find(self, space_id: str, identity: Identity, needed: str = "CAN_READ") -> Space:
        """Return the space as it is now.

        Raises:
            ApiError: 404 when there is none (or it is in the trash), 403 when the identity is below ``needed``.
        """
        space = self._spaces.get(space_id)
        if space is None or space.trashed:
            raise missing(f"Unable to get space [{space_id}]. Node with resource id {space_id} does not exist.")
        require(identity, space.access, needed, space_id)
        return space

    def read(self, space_id: str) -> Space:
        """Return the space as a read shows it: possibly from before the last update."""
        shadow = self._shadows.get(space_id)
        if shadow and self._controls.now() < shadow.until:
            return shadow.before
        self._shadows.pop(space_id, None)
        return self._spaces[space_id]

    def create(
        self,
        identity: Identity,
        *,
        serialized_space: str,
        warehouse_id: str,
        title: str | None = None,
        description: str | None = None,
        parent_path: str | None = None,
        space_id: str | None = None,
    ) -> Space:
        """Add a space; a title that its folder already has gets `` (2)``, `` (3)``, …."""
        if not warehouse_id:
            raise invalid("Missing required field: warehouse_id")
        text = self._accepted(serialized_space or EMPTY_DOCUMENT)
        folder = self._folder(parent_path or self.home(identity))
        now = self._now()
        space = Space(
            space_id=self._fresh_id(space_id),
            title=self._free_title(title or "New Space", folder),
            description=description,
            warehouse_id=warehouse_id,
            parent_path=folder,
            serialized_space=text,
            etag=self._new_etag(),
            create_time=now,
            update_time=now,
            access=[{"user_name": identity.user_name, "permission_level": "CAN_MANAGE"}],
        )
        self._write(space)
        return space

    def update(
        self, space: Space, changes: dict[str, str | None], etag: str | None = None, *, lagging: bool = True
    ) -> Space:
        """Change the fields given; ``serialized_space`` replaces the whole configuration.

        Raises:
            ApiError: 409 when ``etag`` is given and the configuration changed since; 400 when a rule is broken. Nothing
                is written in either case.
        """
        if etag and etag != space.etag:
            raise aborted(
                f"The Genie space [{space.space_id}] has been modified since it was read: "
                "the provided etag does not match the current etag. Read the space again and retry."
            )
        after = replace(space, update_time=self._now())
        if (text := changes.get("serialized_space")) is not None:
            stored = self._accepted(text)
            if stored != space.serialized_space:
                after = replace(after, serialized_space=stored, etag=self._new_etag())
        if (title := changes.get("title")) is not None:
            suffix = " (updated)" if self._controls.behaviour.title_suffix_on_update else ""
            after = replace(after, title=title + suffix)
        if (description := changes.get("description")) is not None:
            after = replace(after, description=description)
        if warehouse := changes.get("warehouse_id"):
            after = replace(after, warehouse_id=warehouse)
        if folder := changes.get("parent_path"):
            after = replace(after, parent_path=self._folder(folder))
        lag = self._controls.behaviour.read_lag_seconds
        if lag and lagging:
            self._shadows[space.space_id] = _Shadow(self.read(space.space_id), self._controls.now() + lag)
        self._write(after)
        return after

    def set_access(self, space: Space, access: AccessList) -> Space:
        """Replace the access-control list."""
        after = replace(space, access=access)
        self._write(after)
        return after

    def trash(self, space: Space) -> None:
        """Move the space to the trash; its id stays taken."""
        self._shadows.pop(space.space_id, None)
        self._write(replace(space, trashed=True))

    def forget(self, space_id: str) -> None:
        """Delete a trashed space for good, so that its id is free."""
        self._store.put(KIND, {space_id: None})
        del self._spaces[space_id]

    def make_folder(self, path: str) -> None:
        """Create a folder and those above it."""
        parts = plain_folder(path).strip("/").split("/")
        new = {"/" + "/".join(parts[: count + 1]) for count in range(len(parts))} - self._folders
        self._store.put(FOLDER_KIND, {folder: {"path": folder} for folder in new})
        self._folders |= new

    def has_folder(self, path: str) -> bool:
        return plain_folder(path) in self._folders

    def home(self, identity: Identity) -> str:
        """Return the identity's home folder, which always exists."""
        path = f"/Users/{identity.user_name}"
        if path not in self._folders:
            self.make_folder(path)
        return path

    def __iter__(self) -> Iterator[Space]:
        return iter(self._spaces.values())

    def get(self, space_id: str) -> Space | None:
        """Return the stored space, trashed or not, whoever asks."""
        return self._spaces.get(space_id)

    def _accepted(self, text: str) -> str:
        document = accept_export(text)
        if self._controls.behaviour.check_tables:
            self._check_assets(document)
        return orjson.dumps(document).decode()

    def _write(self, space: Space) -> None:
        self._store.put(KIND, {space.space_id: space})
        self._spaces[space.space_id] = space

    def _fresh_id(self, wanted: str | None) -> str:
        if wanted is None:
            return self._ids.hex32()
        if not _SPACE_ID.fullmatch(wanted):
            raise invalid(f"'{wanted}' is no space id: expected 32 lowercase hex digits")
        if wanted in self._spaces:
            raise ApiError(409, "ALREADY_EXISTS", f"Genie space {wanted} already exists")
        return wanted

    def _free_title(self, title: str, folder: str) -> str:
        taken = {space.title for space in self._spaces.values() if not space.trashed and space.parent_path == folder}
        free, number = title, 1
        while free in taken:
            number += 1
            free = f"{title} ({number})"
        return free

    def _folder(self, path: str) -> str:
        plain = plain_folder(path)
        if plain in self._folders:
            return plain
        if self._controls.behaviour.missing_folder_as_not_found:
            raise missing(f"Path ({plain}) doesn't exist.")
        raise invalid(f"Tree node with path '{plain}' does not exist")

    def _new_etag(self) -> str:
        # A counter would repeat after a reset, and a stale etag of before would pass.
        return self._ids.hex32()[-24:]

    def _now(self) -> str:
        return iso_utc(datetime.fromtimestamp(self._controls.now(), UTC))


def plain_folder(path: str) -> str:
    """Return a folder as the API gives it back: without ``/Workspace`` and without a final slash."""
    plain = path.removeprefix("/Workspace") if re.match(r"/Workspace(/|$)", path) else path
    return "/" + plain.strip("/")

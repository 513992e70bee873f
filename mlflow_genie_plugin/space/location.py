"""Where a space config can be: a JSON file, a model in MLflow, or a space in the workspace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mlflow_genie_plugin.errors import UsageError

_ID = re.compile(r"[0-9a-fA-F]{32}")
_MODEL_ID = re.compile(r"m-[0-9a-f]{8,}")
_ADDRESS = re.compile(r"/genie/(?:rooms|spaces|agents)/([^/]*)")
_NEXT = (
    "give a JSON file, a model (m-…, models:/name/3, models:/name@alias, runs:/…), "
    "genie:/<space id> or the space's address"
)


@dataclass(frozen=True, slots=True)
class FileLocation:
    path: Path


@dataclass(frozen=True, slots=True)
class ModelLocation:
    uri: str


@dataclass(frozen=True, slots=True)
class SpaceLocation:
    space_id: str


Location = FileLocation | ModelLocation | SpaceLocation


def parse_location(text: str) -> Location:
    """Return what ``text`` names; nothing is opened or asked.

    A space is ``genie:/<id>``, a bare id (32 hex digits) or an address copied from the browser. A model is ``m-…``,
    ``models:/…`` or ``runs:/…``. Anything else is a file.

    Raises:
        UsageError: It is empty, or an address or ``genie:/`` location without a space id in it.
    """
    text = text.strip()
    if not text:
        raise UsageError("no location given", next_step=_NEXT)
    if _ID.fullmatch(text) or text.startswith(("genie:", "http://", "https://")):
        return SpaceLocation(space_id_of(text))
    if _MODEL_ID.fullmatch(text) or text.startswith(("models:/", "runs:/")):
        return ModelLocation(text)
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text)  # two letters at least: C:/ is a Windows drive
    if scheme and not text.startswith("file:"):
        raise UsageError(f"{text!r} is no location that can be read", next_step=_NEXT)
    return FileLocation(Path(urlsplit(text).path if text.startswith("file:") else text))


def space_id_of(text: str) -> str:
    """Return the space id in an id, a ``genie:/<id>`` location or a pasted address (with or without ``?o=…``).

    Raises:
        UsageError: There is no space id in it.
    """
    text = text.strip()
    found = text
    if text.startswith("genie:"):
        found = text.removeprefix("genie:").strip("/")
    elif text.startswith(("http://", "https://")):
        match = _ADDRESS.search(urlsplit(text).path)
        if match is None:
            raise UsageError(
                "the address names no Genie space",
                next_step="copy it while the space is open: it contains /genie/rooms/<space id>",
            )
        found = match.group(1)
    if not _ID.fullmatch(found):
        raise UsageError(
            f"{found!r} is no space id",
            next_step="a space id has 32 hex digits; it stands in the space's address after /genie/rooms/",
        )
    return found.lower()

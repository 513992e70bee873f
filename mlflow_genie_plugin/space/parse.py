"""Reading a space config from a file, an API answer or a bundle, in any form it comes in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from mlflow_genie_plugin.errors import InvalidSpaceError, SpaceNotEditableError, UnreadableFileError, Violation
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.shape import DOCUMENT_KEYS
from mlflow_genie_plugin.space.strict_json import copy_strictly, decode, kind_of, load_strictly

_LEGACY_KEYS = ("data_assets", "general_instructions")
_WRAPPERS = ("genie_space", "genie_spaces", "space", "spaces", "resources", "room")
_ENVELOPE_KEYS = ("title", "description", "warehouse_id", "parent_path")


def read_space_file(path: str | Path) -> SpaceConfig:
    """Read a space config from a JSON file; see :func:`parse_space`.

    Raises:
        UnreadableFileError: The file is missing, a folder, or not readable.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UnreadableFileError(
            f"cannot read {path}: {error.strerror or error}", next_step="check the path and its permissions"
        ) from error
    return parse_space(data, what=str(path))


def parse_space(source: str | bytes | Mapping[str, Any], *, what: str = "the space config") -> SpaceConfig:
    """Read a space config in any form it comes in.

    That is: the bare ``serialized_space`` document (also a bundle's ``*.geniespace.json``), that document as a JSON
    string, an API answer that holds it (``serialized_space`` as string or object, with title, etag, …), and an export
    that wraps one of these under ``genie_space``, ``space``, ``resources.genie_spaces.<key>`` and the like. The
    document may break the server's rules and may hold template placeholders: that is for the validator to say.

    Args:
        source: JSON text, its bytes (UTF-8), or a parsed document, which is copied.
        what: What to call it in messages.

    Raises:
        UnreadableFileError: It is not an object in strict JSON and UTF-8 (no duplicate keys, NaN, byte order mark), or
            holds a document in ``serialized_space`` and another one beside it.
        TemplateSpaceError: It is not JSON because of template placeholders.
        InvalidSpaceError: It is an object, but no space config, more than one, or the ``data_assets`` form.
        SpaceNotEditableError: It is an API answer without a configuration.
    """
    if not isinstance(source, str | bytes | Mapping):
        # What a failed request leaves in a script's hands.
        raise UnreadableFileError(
            f"{what} is {kind_of(source)}, not an object",
            next_step="read the space again; the request that should have returned it did not",
        )
    if isinstance(source, Mapping):
        value = copy_strictly(source, what)
    else:
        value = load_strictly(decode(source, what) if isinstance(source, bytes) else source, what)
        if isinstance(value, str):
            value = load_strictly(value, what)
    if not isinstance(value, dict):
        raise UnreadableFileError(
            f"{what} holds {kind_of(value)}, not an object",
            next_step="give the JSON object that the space was exported as",
        )
    return _opened(value, Envelope(), what, depth=0)


def _opened(value: dict[str, Any], envelope: Envelope, what: str, depth: int) -> SpaceConfig:
    """Take the wrappers off until the document is left."""
    if "serialized_space" in value:
        return _from_answer(value, what)
    if any(key in value for key in DOCUMENT_KEYS if key != "config"):
        legacy = [key for key in _LEGACY_KEYS if key in value]
        if legacy and not {"data_sources", "instructions"} & value.keys():
            _refuse_legacy(legacy, what)
        return SpaceConfig(value, envelope)
    if isinstance(value.get("config"), dict) and "sample_questions" in value["config"]:
        return SpaceConfig(value, envelope)
    for key in _WRAPPERS if depth < 4 else ():
        inner = value.get(key)
        if isinstance(inner, dict) and key in ("genie_spaces", "spaces"):
            inner = list(inner.values())
        if isinstance(inner, list) and key in ("genie_spaces", "spaces"):
            if len(inner) > 1:
                _refuse(
                    f"{what} holds {len(inner)} spaces",
                    "give a file with one of them",
                    path=f"$.{key}",
                    rule="one-space",
                )
            inner = inner[0] if inner else None
        if isinstance(inner, str):
            inner = load_strictly(inner, f"{key} of {what}")
        if isinstance(inner, dict):
            return _opened(inner, _envelope(value, inner), what, depth + 1)
    if legacy := [key for key in _LEGACY_KEYS if key in value]:
        _refuse_legacy(legacy, what)
    if "file_path" in value:
        raise InvalidSpaceError(
            f"{what} only names the file that holds the configuration",
            [Violation("$.file_path", "no-document", f"the configuration is in {value['file_path']!r}")],
            next_step="give that file",
        )
    if {"space_id", "title", "warehouse_id"} & value.keys():
        _no_configuration(what)
    return _refuse(
        f"{what} is no space config: it has none of {', '.join(DOCUMENT_KEYS)}",
        "export the space with: mlflow-genie space show genie:/<space id> -o FILE",
        path="$",
        rule="no-document",
    )


def _from_answer(answer: dict[str, Any], what: str) -> SpaceConfig:
    if beside := [key for key in (*DOCUMENT_KEYS, *_LEGACY_KEYS) if key in answer]:
        raise UnreadableFileError(
            f"{what} holds two configs: one in serialized_space, one beside it in {', '.join(beside)}; "
            "readers disagree about which one counts",
            next_step="remove one of the two, or export the space again: "
            "mlflow-genie space show genie:/<space id> -o FILE",
        )
    inner = answer["serialized_space"]
    if inner is None or inner == "":
        _no_configuration(what)
    if isinstance(inner, str):
        inner = load_strictly(inner, f"serialized_space of {what}")
    if not isinstance(inner, dict):
        raise UnreadableFileError(
            f"serialized_space of {what} holds {kind_of(inner)}, not an object", next_step="export the space again"
        )
    # Our own artifact keeps the deployment fields apart, under "envelope".
    outer = answer["envelope"] if isinstance(answer.get("envelope"), dict) else answer
    space_id = answer.get("space_id", answer.get("id"))
    etag = answer.get("etag")
    return SpaceConfig(
        inner,
        _envelope(outer, inner),
        space_id if isinstance(space_id, str) and space_id else None,
        etag if isinstance(etag, str) and etag else None,
    )


def _envelope(outer: dict[str, Any], inner: dict[str, Any]) -> Envelope:
    found = {key: outer.get(key) for key in _ENVELOPE_KEYS}
    if found["title"] is None:
        found["title"] = outer.get("display_name")
    if not set(DOCUMENT_KEYS) & inner.keys():
        found = {key: inner.get(key) or value for key, value in found.items()}
    return Envelope(**{key: value if isinstance(value, str) else None for key, value in found.items()})


def _no_configuration(what: str) -> NoReturn:
    raise SpaceNotEditableError(
        f"{what} has no configuration (serialized_space is missing or empty)",
        next_step="export it again; the server shows it only with CAN EDIT and include_serialized_space=true",
    )


def _refuse_legacy(keys: list[str], what: str) -> NoReturn:
    _refuse(
        f"{what} has {' and '.join(keys)}, which no Genie space has",
        "export the space again: mlflow-genie space show genie:/<space id> -o FILE; "
        "assets stand in data_sources, the general instructions in instructions.text_instructions",
        path=f"$.{keys[0]}",
        rule="legacy-form",
    )


def _refuse(message: str, next_step: str, *, path: str, rule: str) -> NoReturn:
    raise InvalidSpaceError(message, [Violation(path, rule, message)], next_step=next_step)

"""The JSON Schemas of the file formats, and validation that reports every violation."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from mlflow_genie_plugin.errors import UnsupportedFormatError, Violation


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the packaged schema ``<name>.schema.json``."""
    schema: dict[str, Any] = orjson.loads(files(__name__).joinpath(f"{name}.schema.json").read_bytes())
    return schema


@cache
def _compiled(name: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(load_schema(name))


def is_valid(document: Any, schema_name: str) -> bool:
    """Return whether the compiled validator accepts ``document`` (the fast way to a plain yes)."""
    return bool(_compiled(schema_name).is_valid(document))


def violations_of(document: Any, schema_name: str) -> list[Violation]:
    """Return every place where ``document`` breaks the schema, in document order; empty when it is valid.

    A compiled validator answers "valid" first (300 times faster on a maximal space); jsonschema remains the validator
    of record and writes the list.
    """
    if is_valid(document, schema_name):
        return []
    import jsonschema

    validator = jsonschema.Draft202012Validator(load_schema(schema_name))
    found = [
        Violation(path=json_path(list(error.absolute_path)), rule=f"schema-{error.validator}", message=_say(error))
        for top in validator.iter_errors(document)
        for error in _leaves(top)
    ]
    return sorted(set(found), key=lambda violation: violation.path)


def json_path(parts: list[str | int]) -> str:
    """Return ``["a", 0, "b c"]`` as ``$.a[0]['b c']``."""
    text = "$"
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier():
            text += f".{part}"
        else:
            text += f"['{part}']"
    return text


def require_format_version(document: Any, supported: int, what: str) -> None:
    """Refuse a document whose ``format_version`` is not ``supported``.

    Raises:
        UnsupportedFormatError: The version is missing or another one.
    """
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != supported or isinstance(version, bool):
        seen = "no format_version" if version is None else f"format_version {version!r}"
        raise UnsupportedFormatError(
            f"{what} has {seen}, this version of mlflow-genie reads {supported}",
            next_step="upgrade mlflow-genie-plugin, or write the file again with this version",
        )


def _leaves(error: Any) -> list[Any]:
    # anyOf/oneOf report one vague error; the branch that got furthest says what the author meant.
    if not error.context:
        return [error]
    deepest = max(error.context, key=lambda sub: len(sub.absolute_path))
    return [leaf for sub in error.context if sub.schema_path[0] == deepest.schema_path[0] for leaf in _leaves(sub)]


def _say(error: Any) -> str:
    message = str(error.message)
    return message if len(message) <= 200 else f"{message[:120]} … {message[-60:]}"

"""The JSON Schemas of the file formats, and validation that reports every violation."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from mlflow_genie_plugin.errors import UnsupportedFormatError, Violation
from mlflow_genie_plugin.schemas.wording import in_words, json_path

__all__ = ["is_valid", "json_path", "load_schema", "require_format_version", "violations_of"]


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
        violation for top in validator.iter_errors(document) for error in _leaves(top) for violation in in_words(error)
    ]
    return sorted(set(found), key=lambda violation: violation.path)


def require_format_version(document: Any, supported: int, what: str) -> None:
    """Refuse a document whose ``format_version`` is not ``supported``.

    Raises:
        UnsupportedFormatError: The version is missing or another one.
    """
    if not isinstance(document, dict) or document.get("format_version") is None:
        raise UnsupportedFormatError(
            f"{what} does not say its format_version; this version of mlflow-genie reads {supported}",
            next_step=f"if you wrote it, begin it with format_version: {supported}; otherwise write it again",
        )
    version = document["format_version"]
    if version != supported or isinstance(version, bool):
        raise UnsupportedFormatError(
            f"{what} has format_version {version!r}, this version of mlflow-genie reads {supported}",
            next_step="upgrade mlflow-genie-plugin, or write the file again with this version",
        )


def _leaves(error: Any) -> list[Any]:
    # anyOf/oneOf report one vague error; the branch that got furthest says what the author meant.
    if not error.context:
        return [error]
    deepest = max(error.context, key=lambda sub: len(sub.absolute_path))
    return [leaf for sub in error.context if sub.schema_path[0] == deepest.schema_path[0] for leaf in _leaves(sub)]

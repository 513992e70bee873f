"""Filling in the placeholders of a template space: ``${catalog}``, ``{{CATALOG}}``, ``<your-catalog>``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mlflow_genie_plugin.emulator.answering.document import entries
from mlflow_genie_plugin.errors import TemplateSpaceError
from mlflow_genie_plugin.space.placeholders import placeholders_in

_ANGLED = re.compile(r"<[A-Za-z][\w .-]*>")


def fill_placeholders(document: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return a document with every placeholder replaced.

    Args:
        document: A ``serialized_space``; it stays as it is.
        values: By the placeholder as it is written (``${catalog}``) or by its bare name (``catalog``), case counts.

    Raises:
        TemplateSpaceError: Placeholders without a value remain; names all of them.
    """
    angled = {token for name in _identifiers(document) for token in _ANGLED.findall(name)}
    missing: dict[str, None] = {}

    def fill(text: str) -> str:
        for token in [*placeholders_in(text), *(t for t in angled if t in text)]:
            bare = token.strip("${}<> ")
            value = values.get(token, values.get(bare))
            if value is None:
                missing[token] = None
            else:
                text = text.replace(token, value)
        return text

    filled = _each_text(document, fill)
    if missing:
        names = ", ".join(missing)
        raise TemplateSpaceError(
            f"this space is a template: {names} {'has' if len(missing) == 1 else 'have'} no value",
            next_step="give a value for each, for example "
            + " ".join(f"{token.strip('${}<> ')}=main" for token in missing),
            placeholders=list(missing),
        )
    result: dict[str, Any] = filled
    return result


def _identifiers(document: dict[str, Any]) -> list[str]:
    groups = [("data_sources", "tables"), ("data_sources", "metric_views"), ("instructions", "sql_functions")]
    found = [entry.get("identifier") for group in groups for entry in entries(document, *group)]
    return [name for name in found if isinstance(name, str)]


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    return value

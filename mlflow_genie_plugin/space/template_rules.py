"""Placeholders of a template file: one finding for each, wherever and however often it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlflow_genie_plugin.canonical_json import canonical_bytes
from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.schemas import json_path
from mlflow_genie_plugin.space.literals import without_literals
from mlflow_genie_plugin.space.placeholders import has_placeholder, placeholders_in

_PROSE = frozenset(
    {"description", "question", "usage_guidance", "comment", "instruction", "synonyms", "display_name", "values"}
)
_BLANK = re.compile(r"<[^<>]+>")  # <your-catalog>, as documentation writes it; in names only, SQL compares with it
_BLANK_NAME = re.compile(rb'"identifier":"[^"]*<')


def template_violations(document: dict[str, Any]) -> Iterator[Violation]:
    """Yield one violation for every distinct placeholder.

    It is an error where the server needs a real value (identifiers, ids, SQL) and a warning where it may be meant as it
    stands (prose and SQL string literals).
    """
    # A nested object can never make these bytes outside a string, so most documents need no walk.
    raw = canonical_bytes(document)
    if not any(sign in raw for sign in (b"${", b"{{", b"{%")) and not _BLANK_NAME.search(raw):
        return
    found: dict[str, list[tuple[bool, str]]] = {}
    for path, text in _strings(document, []):
        if path[-1] == "identifier":
            for blank in _BLANK.findall(text):
                found.setdefault(blank, []).append((True, json_path(path)))
        if not has_placeholder(text):
            continue
        hard = set() if _is_prose(path) else set(placeholders_in(without_literals(text, ("'",), "''")))
        for placeholder in placeholders_in(text):
            found.setdefault(placeholder, []).append((placeholder in hard, json_path(path)))
    for placeholder, places in found.items():
        hard_places = [path for hard, path in places if hard]
        count = f"{len(places)} places" if len(places) > 1 else "one place"
        if hard_places:
            yield Violation(
                hard_places[0],
                "template",
                f"the placeholder {placeholder} stands in {count}: this is a template, not yet a space config",
                fix="fill it in before the space is written",
            )
        else:
            yield Violation(
                places[0][1],
                "template-text",
                f"{placeholder} stands in {count} of text and looks like a placeholder",
                severity="warning",
                fix="fill it in if it is one",
            )


def _strings(value: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, [*path, key])
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _strings(inner, [*path, index])


def _is_prose(path: list[str | int]) -> bool:
    names = [part for part in path if isinstance(part, str)]
    return bool(names) and (names[-1] in _PROSE or (names[-1] == "content" and "text_instructions" in names))

"""Reading a ``serialized_space`` that may be anything: every accessor returns an empty value instead of failing.

Genie accepts a space with one broken entry and answers from the rest; so does the local workspace. Whether a document
is
valid is the business of ``space.validate``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def text_of(value: Any) -> str:
    """Return a text field, whose array of strings counts as one string, as one ``str``."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return ""


def texts_of(value: Any) -> tuple[str, ...]:
    """Return an array of separate texts (synonyms) without its empty members."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return ()
    return tuple(text.strip() for text in value if isinstance(text, str) and text.strip())


def entries(document: Any, *path: str) -> Iterator[dict[str, Any]]:
    """Yield the objects in the array at ``path``; nothing when it is missing or no array."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    if isinstance(document, list):
        yield from (entry for entry in document if isinstance(entry, dict))

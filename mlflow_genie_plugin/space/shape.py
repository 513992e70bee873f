"""What a space config is made of: the lists of keyed items, the fields that are text, the flags that were renamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One list of keyed items in the document.

    Attributes:
        name: What a person calls one item of it.
        path: Where the list stands.
        key: The field that identifies an item and by which the server orders the list.
        text: Fields that are one text split into strings.
        names: Fields to show a person, the first present one is used.
        changes_behaviour: Whether an item of it can change an answer.
    """

    name: str
    path: tuple[str, ...]
    key: str
    text: frozenset[str]
    names: tuple[str, ...]
    changes_behaviour: bool = True


TABLES: Final = ("data_sources", "tables")
METRIC_VIEWS: Final = ("data_sources", "metric_views")
SNIPPETS: Final = ("instructions", "sql_snippets")
_SNIPPET_TEXT: Final = frozenset({"sql", "instruction", "comment"})

TABLE: Final = Kind("table", TABLES, "identifier", frozenset({"description"}), ("identifier",))
METRIC_VIEW: Final = Kind("metric view", METRIC_VIEWS, "identifier", frozenset({"description"}), ("identifier",))
COLUMN: Final = Kind("column", (*TABLES, "column_configs"), "column_name", frozenset({"description"}), ("column_name",))
SAMPLE_QUESTION: Final = Kind(
    "sample question", ("config", "sample_questions"), "id", frozenset({"question"}), ("question",), False
)
INSTRUCTION: Final = Kind(
    "instruction", ("instructions", "text_instructions"), "id", frozenset({"content"}), ("content",)
)
EXAMPLE: Final = Kind(
    "example SQL",
    ("instructions", "example_question_sqls"),
    "id",
    frozenset({"question", "sql", "usage_guidance"}),
    ("question",),
)
FUNCTION: Final = Kind("function", ("instructions", "sql_functions"), "id", frozenset(), ("identifier",))
JOIN: Final = Kind(
    "join", ("instructions", "join_specs"), "id", frozenset({"sql", "comment", "instruction"}), ("left", "right")
)
FILTER: Final = Kind("filter", (*SNIPPETS, "filters"), "id", _SNIPPET_TEXT, ("display_name", "sql"))
EXPRESSION: Final = Kind("expression", (*SNIPPETS, "expressions"), "id", _SNIPPET_TEXT, ("display_name", "sql"))
MEASURE: Final = Kind("measure", (*SNIPPETS, "measures"), "id", _SNIPPET_TEXT, ("display_name", "sql"))
BENCHMARK: Final = Kind(
    "benchmark question", ("benchmarks", "questions"), "id", frozenset({"question"}), ("question",), False
)

DATA_SOURCES: Final = (TABLE, METRIC_VIEW)
KINDS: Final = (
    TABLE,
    METRIC_VIEW,
    INSTRUCTION,
    EXAMPLE,
    FUNCTION,
    JOIN,
    FILTER,
    EXPRESSION,
    MEASURE,
    SAMPLE_QUESTION,
    BENCHMARK,
)
KINDS_WITH_ID: Final = tuple(kind for kind in KINDS if kind.key == "id")

# Column flags of export version 1 and what the server calls them when it migrates a space to version 2.
V2_FLAGS: Final = {
    "get_example_values": "enable_format_assistance",
    "build_value_dictionary": "enable_entity_matching",
}
V1_FLAGS: Final = {new: old for old, new in V2_FLAGS.items()}

DOCUMENT_KEYS: Final = ("version", "config", "data_sources", "instructions", "benchmarks")


def items_of(document: Any, path: tuple[str, ...]) -> list[Any]:
    """Return the list at ``path``, or an empty list when there is none (or something else stands there)."""
    value = document
    for part in path:
        if not isinstance(value, dict):
            return []
        value = value.get(part)
    return value if isinstance(value, list) else []


def dicts_of(document: Any, path: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield index and item of the list at ``path`` for the items that are objects."""
    return ((index, item) for index, item in enumerate(items_of(document, path)) if isinstance(item, dict))


def text_of(value: Any) -> str:
    """Return a text field as one string; what is no text is left out (the validator names it)."""
    if isinstance(value, str):
        return value
    return "".join(part for part in value if isinstance(part, str)) if isinstance(value, list) else ""


def label_of(kind: Kind, item: dict[str, Any]) -> str:
    """Return what a person recognises the item by: its name or the beginning of its text, on one line."""
    if kind is JOIN:
        sides = [item.get(side) for side in ("left", "right")]
        names = [str(side.get("identifier", "?")) if isinstance(side, dict) else "?" for side in sides]
        return " and ".join(names)
    if kind.names == ("identifier",):
        return str(item.get("identifier", item.get(kind.key, "?")))
    for field in kind.names:
        text = " ".join(text_of(item.get(field)).split())
        if text:
            return text if len(text) <= 60 else f"{text[:57].rstrip()}…"
    return str(item.get(kind.key, "?"))


def dotted(kind: Kind) -> str:
    """Return where the items of a kind stand, as findings write it: ``$.instructions.join_specs``."""
    return "$." + ".".join(kind.path)


def is_text(value: Any) -> bool:
    """Return whether a value is text: a string, or the list of its lines."""
    return isinstance(value, str) or all(isinstance(part, str) for part in value)

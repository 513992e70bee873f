"""Rules on texts: which must be there, and lines that run into each other where the server joins them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.literals import without_literals
from mlflow_genie_plugin.space.shape import (
    BENCHMARK,
    DATA_SOURCES,
    EXAMPLE,
    INSTRUCTION,
    JOIN,
    KINDS,
    SAMPLE_QUESTION,
    SNIPPETS,
    dicts_of,
    dotted,
    is_text,
    items_of,
    text_of,
)

_OPERATORS = frozenset("<>=!|&-/*")


def fused_lines(lines: Any, path: str, *, is_sql: bool) -> Violation | None:
    """Return a warning for the first two elements of ``lines`` that fuse, None when all stay apart.

    In prose any two characters that meet without white space fuse; in SQL only what would become another token, or
    would disappear behind a ``--`` comment.
    """
    if type(lines) is not list or len(lines) < 2:
        return None
    full = [(index, line) for index, line in enumerate(lines) if isinstance(line, str) and line]
    for (index, before), (_, after) in pairwise(full):
        if _fuses_sql(before, after) if is_sql else not (before[-1].isspace() or after[0].isspace()):
            seam = f"{before[-20:]}{after[:20]}".replace("\n", " ").strip()
            return Violation(
                f"{path}[{index}]",
                "fused-lines",
                f"the next line is joined to this one without a break: {seam!r}",
                severity="warning",
                fix="end the line in \\n",
            )
    return None


def _fuses_sql(before: str, after: str) -> bool:
    if after[0] != "\n" and "--" in without_literals(before, ("'", "`", '"'), "''").rpartition("\n")[2]:
        return True
    last, first = before[-1], after[0]
    if _wordy(last) and _wordy(first):
        return True
    return (last == first and last in "'\"`") or (last in _OPERATORS and first in _OPERATORS)


def _wordy(character: str) -> bool:
    return character.isalnum() or character in "_:"


_NAMES = {"display_name", "alias", "column_name"}
_REQUIRED_TEXT = {
    SAMPLE_QUESTION: ("question",),
    INSTRUCTION: ("content",),
    EXAMPLE: ("question", "sql"),
    BENCHMARK: ("question",),
    **{kind: ("sql", "display_name") for kind in KINDS if kind.path[: len(SNIPPETS)] == SNIPPETS},
}


def text_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Required texts hold something, and lines that are joined stay apart."""
    for kind in KINDS:
        required = _REQUIRED_TEXT.get(kind, ())
        fields = [(field, field == "sql") for field in sorted(kind.text) if (kind, field) != (JOIN, "sql")]
        base = dotted(kind)
        for index, item in dicts_of(document, kind.path):
            for field in required:
                value = item.get(field)
                if isinstance(value, str | list) and not text_of(value).strip() and is_text(value):
                    yield Violation(
                        f"{base}[{index}].{field}", "empty-text", f"{field} is empty", fix="write it or remove the item"
                    )
            for field, is_sql in fields:
                if field in item and (found := fused_lines(item[field], f"{base}[{index}].{field}", is_sql=is_sql)):
                    yield found
    for kind in DATA_SOURCES:
        for table, source in dicts_of(document, kind.path):
            for index, column in enumerate(items_of(source, ("column_configs",))):
                lines = column.get("description") if type(column) is dict else None
                if lines and len(lines) > 1:
                    path = f"{dotted(kind)}[{table}].column_configs[{index}].description"
                    if found := fused_lines(lines, path, is_sql=False):
                        yield found

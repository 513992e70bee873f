"""Lines of a text that would run into each other: the server joins them without a separator."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.literals import without_literals

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

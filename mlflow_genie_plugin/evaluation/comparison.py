"""What comparing two results takes in and gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.columns import ComparedColumn

EQUAL = "equal"
DIFFERENT = "different"
UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome (``equal``, ``different``, ``undetermined``), a code, one sentence, and the facts behind it.

    ``rationale`` names columns and counts but holds no cell values; the first differing rows are in ``evidence``.
    """

    outcome: str
    code: str | None
    rationale: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of a result before its cells are looked at, and how to get at single rows."""

    names: list[str]
    height: int
    row_count: int
    truncated: bool
    rows_at: Callable[[Sequence[int]], list[tuple[Any, ...]]]


class Pair:
    """The two results; their columns are only looked at when something depends on them.

    ``in_place`` says whether a glance shows the same cells in the same places, and not all of them NULL.
    """

    def __init__(
        self,
        expected: Side,
        actual: Side,
        columns: Callable[[], Sequence[list[ComparedColumn]]],
        in_place: Callable[[], bool] = lambda: False,
    ) -> None:
        self.expected, self.actual, self._make, self.in_place = expected, actual, columns, in_place

    @cached_property
    def columns(self) -> Sequence[list[ComparedColumn]]:
        """The columns of the expected result, and those of the answer's."""
        return self._make()


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for people."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def quoted(names: Sequence[str]) -> str:
    """Return names in quotes, the first four of them."""
    shown = ", ".join(f'"{name}"' for name in names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")

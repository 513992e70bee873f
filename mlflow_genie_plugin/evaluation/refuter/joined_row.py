"""One row per occurrence of a table, built up from the conditions of a query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.evaluation.refuter.sources import Slot

NULL = object()


@dataclass(slots=True)
class _Cell:
    value: Any = None


@dataclass(slots=True)
class JoinedRow:
    """One row per occurrence of a table, with the values that conditions ask for.

    Attributes:
        cells: Wanted values; equated columns share a cell. ``NULL`` stands for NULL.
        copies: By occurrence, how many rows that differ in nothing but keys and ``spread``.
        spread: Values of a column over those copies, so that their sum, average or count is on a threshold.
    """

    cells: dict[Slot, _Cell] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)
    spread: dict[Slot, list[Any]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)

    def assign(self, slot: Slot, value: Any) -> None:
        self.touched.add(slot.source)
        cell = self.cells.setdefault(slot, _Cell())
        if cell.value is None:
            cell.value = value

    def unify(self, one: Slot, other: Slot) -> None:
        self.touched.update((one.source, other.source))
        first, second = self.cells.setdefault(one, _Cell()), self.cells.setdefault(other, _Cell())
        if first is second:
            return
        kept = first if first.value is not None else second
        for slot, cell in list(self.cells.items()):
            if cell is first or cell is second:
                self.cells[slot] = kept

    def value(self, slot: Slot) -> Any:
        cell = self.cells.get(slot)
        return None if cell is None else cell.value

"""Which tables reach which along the joins a space allows, and whether rows multiply on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.knowledge import Join, SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.sql_text import parse_expression


@dataclass(frozen=True)
class Step:
    """One join walked in one direction; ``to_one``: a row of ``source`` meets at most one row of ``target``."""

    join: Join
    source: str
    target: str
    to_one: bool


class JoinPaths:
    """The join graph of a space. Only what ``join_specs`` says is an edge: nothing is guessed from equal column names."""

    def __init__(self, knowledge: SpaceKnowledge) -> None:
        self._knowledge = knowledge
        self._steps: dict[str, list[Step]] = {}
        for join in knowledge.joins:
            if join.left in knowledge.tables and join.right in knowledge.tables and join.left != join.right:
                self._steps.setdefault(join.left, []).append(Step(join, join.left, join.right, join.to_one))
                self._steps.setdefault(join.right, []).append(Step(join, join.right, join.left, join.from_one))

    def path(self, sources: Iterable[str], target: str, *, only_to_one: bool = False) -> list[Step] | None:
        """Return the shortest walk from any of ``sources`` to ``target``; empty when it is one of them, None when there is none."""
        starts = list(dict.fromkeys(sources))
        if target in starts:
            return []
        came_by: dict[str, Step | None] = dict.fromkeys(starts)
        # Tables connected last are tried first: "nation of the customer" leaves from customer, not from the fact table.
        queue = deque(reversed(starts))
        while queue:
            table = queue.popleft()
            for step in self._steps.get(table, ()):
                if step.target in came_by or (only_to_one and not step.to_one):
                    continue
                came_by[step.target] = step
                if step.target == target:
                    return _walk_back(came_by, target)
                queue.append(step.target)
        return None

    def neighbours(self, table: str) -> set[str]:
        """Return the tables one join away."""
        return {step.target for step in self._steps.get(table, ())}

    def best_path(self, sources: Sequence[str], target: str) -> list[Step] | None:
        """Return a walk that multiplies no rows if there is one, else any walk, else None."""
        safe = self.path(sources, target, only_to_one=True)
        return safe if safe is not None else self.path(sources, target)

    def key_of(self, table: str) -> str | None:
        """Return the column that identifies a row: the table's own column of a join in which it is the "one" side."""
        for step in self._steps.get(table, ()):
            if step.join.from_one if step.source == step.join.left else step.join.to_one:
                column = _own_column(step.join, table)
                if column is not None:
                    return column
        columns = list(self._knowledge.tables[table].columns.values())
        return columns[0].name if columns and columns[0].name.lower().endswith(("key", "id")) else None


def _walk_back(came_by: dict[str, Step | None], target: str) -> list[Step]:
    walk = []
    step = came_by[target]
    while step is not None:
        walk.append(step)
        step = came_by[step.source]
    return walk[::-1]


def _own_column(join: Join, table: str) -> str | None:
    from sqlglot import exp

    condition = parse_expression(join.condition)
    alias = (join.left_alias if table == join.left else join.right_alias).lower()
    if condition is None:
        return None
    return next((c.name for c in condition.find_all(exp.Column) if c.table.lower() == alias), None)

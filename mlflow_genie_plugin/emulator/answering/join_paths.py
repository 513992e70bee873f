"""Which tables reach which along the joins a space allows, and whether rows multiply on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.knowledge import Join, SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.sql_text import parse_expression


@dataclass(frozen=True)
class Step:
    """One join walked one way; ``to_one``: a source row meets at most one target row, ``from_one``: the reverse."""

    join: Join
    source: str
    target: str
    to_one: bool
    from_one: bool


class JoinPaths:
    """The join graph of a space: only what ``join_specs`` says, nothing is guessed from equal column names."""

    def __init__(self, knowledge: SpaceKnowledge) -> None:
        self._knowledge = knowledge
        self._steps: dict[str, list[Step]] = {}
        for join in knowledge.joins:
            if join.left in knowledge.tables and join.right in knowledge.tables and join.left != join.right:
                self._steps.setdefault(join.left, []).append(
                    Step(join, join.left, join.right, join.to_one, join.from_one)
                )
                self._steps.setdefault(join.right, []).append(
                    Step(join, join.right, join.left, join.from_one, join.to_one)
                )

    def path(
        self, sources: Iterable[str], target: str, *, only_to_one: bool = False, ends: Container[str] = ()
    ) -> list[Step] | None:
        """Return the shortest walk from any of ``sources`` to ``target``.

        A walk never multiplies rows after it went to a "one" side: two facts that share a dimension are not related
        row by
        row. ``ends`` are the sources that were themselves reached that way.

        Returns:
            The steps; empty when the target is one of the sources, None when no walk leads there.
        """
        starts = list(dict.fromkeys(sources))
        if target in starts:
            return []
        # Tables connected last are tried first: "nation of the customer" leaves from customer, not from the fact table.
        queue = deque((table, only_to_one or table in ends) for table in reversed(starts))
        came_by: dict[tuple[str, bool], tuple[Step, tuple[str, bool]] | None] = dict.fromkeys(queue)
        while queue:
            place = queue.popleft()
            table, down = place
            for step in self._steps.get(table, ()):
                if (down and not step.to_one) or step.target in starts:
                    continue
                reached = (step.target, down or (step.to_one and not step.from_one))
                if reached in came_by:
                    continue
                came_by[reached] = (step, place)
                if step.target == target:
                    return _walk_back(came_by, reached)
                queue.append(reached)
        return None

    def best_path(self, sources: Sequence[str], target: str, ends: Container[str] = ()) -> list[Step] | None:
        """Return a walk that multiplies no rows if there is one, else any walk, else None."""
        safe = self.path(sources, target, only_to_one=True)
        return safe if safe is not None else self.path(sources, target, ends=ends)

    def key_of(self, table: str) -> str | None:
        """Return the column that identifies a row: the table's own column of a join in which it is the "one" side."""
        for step in self._steps.get(table, ()):
            if step.from_one:
                column = _own_column(step.join, table)
                if column is not None:
                    return column
        columns = list(self._knowledge.tables[table].columns.values())
        return columns[0].name if columns and columns[0].name.lower().endswith(("key", "id")) else None


def _walk_back(
    came_by: dict[tuple[str, bool], tuple[Step, tuple[str, bool]] | None], place: tuple[str, bool]
) -> list[Step]:
    walk = []
    while (last := came_by[place]) is not None:
        step, place = last
        walk.append(step)
    return walk[::-1]


def _own_column(join: Join, table: str) -> str | None:
    from sqlglot import exp

    condition = parse_expression(join.condition)
    alias = (join.left_alias if table == join.left else join.right_alias).lower()
    if condition is None:
        return None
    return next((c.name for c in condition.find_all(exp.Column) if c.table.lower() == alias), None)

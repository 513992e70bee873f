"""The tables of one query: a base, what is joined to it, and what is only asked to exist."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.binding import Binder, CannotGroundError
from mlflow_genie_plugin.emulator.answering.join_paths import JoinPaths, Step
from mlflow_genie_plugin.emulator.answering.knowledge import SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.sql_text import quoted_identifier, quoted_name


class JoinTree:
    """Grows from ``base`` along the joins of the space; ``multiplies`` turns true once a base row can appear twice."""

    def __init__(self, base: str, knowledge: SpaceKnowledge, paths: JoinPaths, binder: Binder) -> None:
        self.base = base
        self.multiplies = False
        self._knowledge = knowledge
        self._paths = paths
        self._binder = binder
        self._steps: list[Step] = []
        self._ends: set[str] = set()  # tables reached on their "one" side: nothing that multiplies rows starts there
        self._conditions: dict[str, list[str]] = {}
        self._branches: dict[str, list[Step]] = {}

    @property
    def tables(self) -> list[str]:
        """The tables in FROM, base first."""
        return [self.base, *(step.target for step in self._steps)]

    def reaches(self, table: str) -> bool:
        """Return whether joining the table would multiply no row."""
        return self._paths.path(self.tables, table, only_to_one=True) is not None

    def connect(self, table: str, via: str | None = None) -> None:
        """Join a table, through ``via`` when that is given and can be joined without multiplying rows.

        Raises:
            CannotGroundError: The space has no join that leads there.
        """
        if table in self.tables:
            return
        sources = self.tables
        if via is not None and via != table and self.reaches(via):
            self.connect(via)
            if self._paths.path([via], table, only_to_one=True) is not None:
                sources = [via]
        walk = self._paths.best_path(sources, table, self._ends)
        if walk is None:
            raise CannotGroundError(
                f"This space has no join between {self._name(self.base)} and {self._name(table)}. "
                f"How are they related, or which of the two do you mean?"
            )
        joined = [index for index, step in enumerate(walk) if step.target in self.tables]
        for step in walk[joined[-1] + 1 if joined else 0 :]:  # a table is joined once, however it was reached first
            self._add(step)

    def require(self, table: str, condition: str, via: str | None = None) -> str | None:
        """Return a condition for WHERE if the table joins without multiplying rows; else keep it for an EXISTS."""
        if table in self.tables:
            return condition
        if self.reaches(table):
            self.connect(table, via)
            return condition
        walk = self._paths.best_path(self.tables, table, self._ends)
        if walk is None:
            self.connect(table)  # says why it cannot
            return None
        first = next(index for index, step in enumerate(walk) if not step.to_one)
        for step in walk[:first]:
            self.connect(step.target)
        entrance = walk[first]
        self._branches.setdefault(entrance.target, [entrance])
        for step in walk[first + 1 :]:
            if step.target not in {known.target for known in self._branches[entrance.target]}:
                self._branches[entrance.target].append(step)
        self._conditions.setdefault(entrance.target, [])
        if condition:
            self._conditions[entrance.target].append(condition)
        return None

    def exists(self) -> list[str]:
        """Return the EXISTS conditions collected by ``require``."""
        return [self._exists(steps, self._conditions[entrance]) for entrance, steps in self._branches.items()]

    def not_exists(self, table: str) -> str:
        """Return the condition that no row of ``table`` belongs to a row of the query."""
        walk = self._paths.best_path(self.tables, table, self._ends)
        if not walk:
            raise CannotGroundError(f"This space has no join between {self._name(self.base)} and {self._name(table)}.")
        entrance = next((index for index, step in enumerate(walk) if not step.to_one), len(walk) - 1)
        for step in walk[:entrance]:
            self.connect(step.target)
        return "NOT " + self._exists(walk[entrance:], [])

    def source(self) -> str:
        """Return the base table as the FROM clause names it."""
        return self._named(self.base)

    def joins(self) -> list[str]:
        """Return the JOIN clauses."""
        return [f"JOIN {self._named(step.target)} ON {self._binder.write_join(step)}" for step in self._steps]

    def key(self, table: str) -> str | None:
        """Return the qualified key column of a table, or None when the space does not tell it."""
        column = self._paths.key_of(table)
        return f"{quoted_name(self._binder.alias(table))}.{quoted_name(column)}" if column else None

    def _add(self, step: Step) -> None:
        self._steps.append(step)
        self.multiplies = self.multiplies or not step.to_one
        if step.source in self._ends or (step.to_one and not step.from_one):
            self._ends.add(step.target)

    def _exists(self, steps: list[Step], conditions: list[str]) -> str:
        entrance, *inner = steps
        joins = "".join(f" JOIN {self._named(step.target)} ON {self._binder.write_join(step)}" for step in inner)
        where = " AND ".join([self._binder.write_join(entrance), *conditions])
        return f"EXISTS (SELECT 1 FROM {self._named(entrance.target)}{joins} WHERE {where})"  # noqa: S608 - the space's own parsed SQL

    def _named(self, table: str) -> str:
        identifier = self._knowledge.tables[table].identifier
        return f"{quoted_identifier(identifier)} AS {quoted_name(self._binder.alias(table))}"

    def _name(self, table: str) -> str:
        return self._knowledge.tables[table].name

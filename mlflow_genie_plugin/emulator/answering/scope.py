"""What every part of a table query needs: the request, the readings of its mentions, and the joins."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.binding import Binder, CannotGroundError
from mlflow_genie_plugin.emulator.answering.concepts import Concept, Mention
from mlflow_genie_plugin.emulator.answering.figures import Figures
from mlflow_genie_plugin.emulator.answering.join_paths import JoinPaths
from mlflow_genie_plugin.emulator.answering.join_tree import JoinTree
from mlflow_genie_plugin.emulator.answering.knowledge import Column, SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.request import Request
from mlflow_genie_plugin.emulator.answering.resolution import Resolution
from mlflow_genie_plugin.emulator.answering.sql_text import quoted_name


class Scope:
    """One request over the plain tables of a space."""

    def __init__(self, request: Request, knowledge: SpaceKnowledge) -> None:
        self.request = request
        self.knowledge = knowledge
        self.binder = Binder(knowledge)
        self.paths = JoinPaths(knowledge)
        self.resolution = Resolution(request, knowledge, self.binder)
        self.figures = Figures(self.resolution, self.binder)

    def tree(self, base: str) -> JoinTree:
        """Return a join tree that starts at a table."""
        return JoinTree(base, self.knowledge, self.paths, self.binder)

    def concept_of(self, mention: Mention, *kinds: str) -> Concept:
        """Return the best reading of these kinds.

        Raises:
            CannotGroundError: There is none.
        """
        concept = self.resolution.concept(mention, *kinds)
        if concept is None:
            known = mention.concepts[0].name
            raise CannotGroundError(f"I cannot use {known} here. What would you like to see by it?")
        return concept

    def table_of(self, mention: Mention) -> str:
        """Return the table that a mention names or belongs to."""
        return self.resolution.home(self.concept_of(mention, "table", "filter", "column", "expression"))[0]

    def column_sql(self, column: Column) -> str:
        """Return a column with its table's alias."""
        return f"{quoted_name(self.binder.alias(column.table))}.{quoted_name(column.name)}"

    def via(self, concept: Concept, tree: JoinTree) -> str | None:
        """Return the table to go through, unless the question names another one that leads to the same thing."""
        via = self.resolution.steered_table(concept)
        if via is None or concept.table in tree.tables:
            return None
        others = [
            t for t in self.resolution.named_tables if t not in {via, concept.table, tree.base} and tree.reaches(t)
        ]
        for other in others:
            walk = self.paths.path([other], concept.table, only_to_one=True)
            if walk is not None and all(step.source != via for step in walk):
                return other
        return via

    def date_for(self, mention: Mention | None, tree: JoinTree) -> Column:
        """Return the date column meant by a mention, or by the space when the question names none."""
        named = [m for m in ([mention] if mention else [when.column for when in self.request.periods]) if m is not None]
        for candidate in named:
            concept = self.resolution.concept(candidate, "column")
            if concept is not None and concept.column is not None and concept.column.is_temporal:
                return concept.column
        beyond = [
            key for key, table in self.knowledge.tables.items() if not table.is_metric_view and key not in tree.tables
        ]
        near = [key for key in beyond if tree.reaches(key)]
        far = [key for key in beyond if key not in near and self.paths.path([tree.base], key) is not None]
        return self.resolution.date_column(tree.tables, [*near, *far])

    def connect_context(self, tree: JoinTree) -> None:
        """Join the tables named in passing; where that would multiply rows, their rows only have to exist."""
        for mention in self.request.context:
            concept = self.resolution.concept(mention, "table")
            if concept is not None and concept.table not in tree.tables:
                tree.require(concept.table, "")

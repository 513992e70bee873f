"""Binding the SQL of snippets and joins to the tables of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow_genie_plugin.emulator.answering.join_paths import Step
from mlflow_genie_plugin.emulator.answering.knowledge import SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.sql_text import parse_expression, with_qualifiers

if TYPE_CHECKING:
    from sqlglot import exp


class CannotGroundError(Exception):
    """Raised when a question cannot be tied to the space; the message is a question for the user."""


class Binder:
    """Knows which table every column of a snippet belongs to, and writes it with that table's alias in the query."""

    def __init__(self, knowledge: SpaceKnowledge) -> None:
        self._knowledge = knowledge
        self._aliases_in_joins: dict[str, str] = {}
        for join in knowledge.joins:
            self._aliases_in_joins.setdefault(join.left_alias.lower(), join.left)
            self._aliases_in_joins.setdefault(join.right_alias.lower(), join.right)
        names = [table.name.lower() for table in knowledge.tables.values()]
        self._aliases = {
            key: table.name if names.count(table.name.lower()) == 1 else "_".join(key.split(".")[-2:])
            for key, table in knowledge.tables.items()
        }

    def alias(self, table: str) -> str:
        """Return the alias a table gets in every query of this space."""
        return self._aliases[table]

    def tables_in(self, sql: str) -> list[str]:
        """Return the tables whose columns an expression uses, in order of appearance.

        Raises:
            CannotGroundError: A column is in no table of the space, in several, or hidden.
        """
        from sqlglot import exp

        expression = parse_expression(sql)
        if expression is None:
            raise CannotGroundError(
                f"The space defines a calculation I cannot read: {sql[:80]}. What should be calculated?"
            )
        return list(dict.fromkeys(self._table_of(column, sql) for column in expression.find_all(exp.Column)))

    def write(self, sql: str) -> str:
        """Return an expression with every column qualified by its table's alias."""
        expression = parse_expression(sql)
        if expression is None:
            raise CannotGroundError(
                f"The space defines a calculation I cannot read: {sql[:80]}. What should be calculated?"
            )
        return with_qualifiers(expression, lambda column: self._aliases[self._table_of(column, sql)])

    def write_join(self, step: Step) -> str:
        """Return the ON condition of a join."""
        join = step.join
        expression = parse_expression(join.condition)
        if expression is None:
            raise CannotGroundError(
                f"The space's join {join.condition[:80]!r} cannot be read. Which figures do you need?"
            )
        sides = {join.left_alias.lower(): join.left, join.right_alias.lower(): join.right}
        return with_qualifiers(expression, lambda c: self._aliases.get(sides.get(c.table.lower(), "")))

    def _table_of(self, column: exp.Column, sql: str) -> str:
        name, qualifier = column.name.lower(), ".".join(part.name for part in column.parts[:-1])
        if qualifier:
            table = self._knowledge.table_named(qualifier)
            key = self._aliases_in_joins.get(qualifier.lower())
            if table is None and key is not None:
                table = self._knowledge.tables.get(key)
            candidates = [table] if table is not None else []
        else:
            candidates = [t for t in self._knowledge.tables.values() if not t.is_metric_view and name in t.columns]
        found = [key for key, table in self._knowledge.tables.items() if table in candidates and name in table.columns]
        if len(found) != 1:
            raise CannotGroundError(
                f"The calculation {sql[:80]!r} uses {column.sql(dialect='databricks')}, "
                f"which {'is ambiguous' if found else 'I cannot see'} in this space. What should I use instead?"
            )
        return found[0]

"""The WHERE of a table query: filters, periods, and rows that must or must not exist elsewhere."""

from __future__ import annotations

from mlflow_genie_plugin.emulator.answering.binding import CannotGroundError
from mlflow_genie_plugin.emulator.answering.concepts import Concept
from mlflow_genie_plugin.emulator.answering.join_tree import JoinTree
from mlflow_genie_plugin.emulator.answering.knowledge import Column
from mlflow_genie_plugin.emulator.answering.query_text import in_period
from mlflow_genie_plugin.emulator.answering.request import Filter, When
from mlflow_genie_plugin.emulator.answering.scope import Scope
from mlflow_genie_plugin.emulator.answering.sql_text import number_literal, string_literal


def where(scope: Scope, tree: JoinTree) -> list[str]:
    """Return all conditions of a request, once everything else is joined."""
    found = [*filter_conditions(scope, tree), *period_conditions(scope, tree)]
    return [*found, *existence_conditions(scope, tree)]


def existence_conditions(scope: Scope, tree: JoinTree) -> list[str]:
    """Return EXISTS and NOT EXISTS; comes last, because the other conditions add to them."""
    return [*tree.exists(), *(tree.not_exists(scope.table_of(mention)) for mention in scope.request.without)]


def filter_conditions(scope: Scope, tree: JoinTree) -> list[str]:
    """Return the conditions of filters; those on tables that would multiply rows go into the tree's EXISTS."""
    found: list[str] = []
    for condition in _merged(scope.request.filters):
        concept = scope.resolution.concept(condition.mention, *_kinds_of(condition))
        if concept is None:
            raise CannotGroundError("I cannot apply one of these conditions here. Which rows should count?")
        tables = scope.resolution.home(concept)
        if not tables:
            raise CannotGroundError(f"{concept.name} uses no column of this space. Which rows should count?")
        for table in tables[1:]:
            tree.connect(table)
        kept = tree.require(tables[0], _condition_sql(scope, condition, concept), scope.via(concept, tree))
        found += [kept] if kept else []
    return found


def period_conditions(scope: Scope, tree: JoinTree) -> list[str]:
    """Return one condition for each date column that has periods."""
    by_column: dict[Column, list[When]] = {}
    for when in scope.request.periods:
        by_column.setdefault(scope.date_for(when.column, tree), []).append(when)
    found = []
    for column, whens in by_column.items():
        kept = tree.require(column.table, in_period(scope.column_sql(column), [when.period for when in whens]))
        found += [kept] if kept else []
    return found


def _condition_sql(scope: Scope, condition: Filter, concept: Concept) -> str:
    if concept.kind == "filter":
        sql = scope.binder.write(concept.sql)
        return f"NOT ({sql})" if condition.negated else f"({sql})" if " OR " in sql.upper() else sql
    sql = scope.column_sql(concept.column) if concept.column else scope.binder.write(concept.sql)
    if condition.operator == "IS":
        return f"{sql} = {'false' if condition.negated else 'true'}"
    if condition.operator == "IN":
        values = [string_literal(value) for value in condition.values]
        if len(values) == 1:
            return f"{sql} {'<>' if condition.negated else '='} {values[0]}"
        return f"{sql} {'NOT IN' if condition.negated else 'IN'} ({', '.join(values)})"
    return compared(sql, condition.operator, condition.numbers)


def _merged(filters: list[Filter]) -> list[Filter]:
    """Return the filters with values of one column put together: AIR, RAIL → IN ('AIR', 'RAIL')."""
    merged: list[Filter] = []
    for condition in filters:
        column = condition.mention.concepts[0].column
        for index, known in enumerate(merged):
            same = (
                column is not None and known.mention.concepts[0].column == column and known.negated == condition.negated
            )
            if same and known.operator == condition.operator == "IN":
                values = tuple(dict.fromkeys((*known.values, *condition.values)))
                merged[index] = Filter(known.mention, "IN", values, negated=known.negated)
                break
        else:
            merged.append(condition)
    return merged


def _kinds_of(condition: Filter) -> tuple[str, ...]:
    if not condition.operator:
        return ("filter",)
    return ("value", "column") if condition.operator in {"IN", "IS"} else ("column", "expression")


def compared(sql: str, operator: str, numbers: tuple[float, ...]) -> str:
    """Return a comparison with one number, or with two for BETWEEN."""
    if operator == "between":
        return f"{sql} BETWEEN {number_literal(min(numbers))} AND {number_literal(max(numbers))}"
    return f"{sql} {operator} {number_literal(numbers[0])}"

"""Reading conditions: filters, and the equalities of two tables' columns that are joins."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.condition import Atom, Condition, conjuncts
from mlflow_genie_plugin.evaluation.facets.level import Edge, Filter, Level
from mlflow_genie_plugin.evaluation.facets.normal_form import NormalForm
from mlflow_genie_plugin.evaluation.facets.tokens import UNKNOWN_SOURCE, is_column, tokens_in


def add_conditions(level: Level, forms: NormalForm, node: exp.Expr, clause: str) -> None:
    """Split a condition at AND into the level; an equality of two tables' columns is a join."""
    for condition in conjuncts(forms.condition(node)):
        if clause in ("WHERE", "ON") and (edge := _edge(condition)) is not None:
            level.edges.append(edge)
        else:
            level.filters.append(Filter(condition, "WHERE" if clause == "ON" else clause))


def _edge(condition: Condition) -> Edge | None:
    if not isinstance(condition, Atom) or condition.operator not in ("=", "<=>"):
        return None
    if not (is_column(condition.subject) and is_column(condition.value)):
        return None
    sides = [tokens_in(form)[0].rpartition(":")[0] for form in (condition.subject, condition.value)]
    is_outer = "^⟧" in condition.subject or "^⟧" in condition.value
    if sides[0] == sides[1] and not is_outer and sides[0] != UNKNOWN_SOURCE:
        return None
    return Edge(condition.subject, condition.value, condition.node)

"""What one query says about one subject: its conditions, and how they read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.condition import Atom, Condition
from mlflow_genie_plugin.evaluation.facets.summary import Predicate
from mlflow_genie_plugin.evaluation.facets.tokens import tokens_in
from mlflow_genie_plugin.evaluation.facets.wording import shown_conditions


@dataclass(slots=True)
class Filters:
    """What one query says about one subject and the other query does not say.

    ``predicates`` are the conditions, each with its form; ``comparisons`` their operators and values.
    """

    subject: str
    predicates: list[tuple[str, Predicate]]

    @property
    def columns(self) -> set[str]:
        return set(tokens_in(self.subject))

    @property
    def comparisons(self) -> list[tuple[str, str]]:
        return sorted(
            (condition.operator, re.sub(r"subquery\(.*", "subquery", value))
            for form, predicate in self.predicates
            for condition in [predicate.filter.condition]
            for value in [condition.value if isinstance(condition, Atom) else form]
        )

    @property
    def values(self) -> list[str]:
        return sorted(value for _, value in self.comparisons)

    @property
    def is_combined(self) -> bool:
        return not isinstance(self.predicates[0][1].filter.condition, Atom)

    @property
    def is_temporal(self) -> bool:
        return all(predicate.is_temporal for _, predicate in self.predicates)

    @property
    def clause(self) -> str:
        return self.predicates[0][1].filter.clause

    @property
    def text(self) -> str:
        return shown_conditions(self.nodes)

    @property
    def nodes(self) -> list[exp.Expr]:
        return [written(predicate.filter.condition) for _, predicate in self.predicates]

    @property
    def forms(self) -> list[str]:
        return [predicate.filter.condition.form for _, predicate in self.predicates]


def written(condition: Condition) -> exp.Expr:
    """Return what the author wrote: with the NOT before it, where that was moved into the condition."""
    node = condition.node
    if isinstance(condition, Atom) and "NOT" in condition.operator:
        around = node.parent
        while isinstance(around, exp.Paren):
            around = around.parent
        return around if isinstance(around, exp.Not) else node
    return node

"""Values for the columns of an expression over several: ``price * (1 - off) = 5``, ``datediff(end, start) = 20``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.refuter.constants import constant
from mlflow_genie_plugin.evaluation.refuter.solving import Solver

# Tried in turn for all columns but one: neutral in sums, then in products, then between days.
FILLERS: tuple[Any, ...] = (0, 1, dt.date(2023, 6, 15))


def solve_all(
    solver: Solver, node: exp.Expr, value: Any, columns: Sequence[exp.Column], known: Mapping[int, Any]
) -> list[tuple[exp.Column, Any]]:
    """Return a value for every column, so that the expression has ``value``; empty when there is no way found.

    Args:
        solver: Finds the value of the one column that is left.
        node: The expression; only read.
        value: What it shall be.
        columns: The columns under it that stand for columns of tables.
        known: Values that columns have already, by the identity of their node.
    """
    if len(columns) < 2:
        found = solver.solve(node, value)
        return [] if found is None else [found]
    for wanted in columns:
        others = [column for column in columns if column is not wanted]
        if id(wanted) in known and any(id(column) not in known for column in others):
            continue
        for given in filled(others, known):
            found = solver.solve(with_values(node, given), value)
            if found is not None:
                return [(wanted, found[1]), *given]
    return []


def value_of(
    node: exp.Expr, columns: Sequence[exp.Column], known: Mapping[int, Any]
) -> tuple[Any, list[tuple[exp.Column, Any]]]:
    """Return what an expression is with values for its columns, and those values; None when none of them fits."""
    for given in filled(columns, known):
        if (value := constant(with_values(node, given))) is not None:
            return value, given
    return None, []


def filled(columns: Sequence[exp.Column], known: Mapping[int, Any]) -> Iterator[list[tuple[exp.Column, Any]]]:
    """Yield values for columns: those known, and one filler for all the others."""
    for filler in FILLERS:
        yield [(column, known.get(id(column), filler)) for column in columns]
        if all(id(column) in known for column in columns):
            return


def with_values(node: exp.Expr, given: Sequence[tuple[exp.Column, Any]]) -> exp.Expr:
    """Return a copy of an expression with values in the place of columns."""
    values = {id(column): value for column, value in given}
    twin = node.copy()
    for one, other in zip(list(node.find_all(exp.Column)), list(twin.find_all(exp.Column)), strict=True):
        if id(one) not in values:
            continue
        literal = exp.convert(values[id(one)])
        if other is twin:
            return literal
        other.replace(literal)
    return twin

"""Common table expressions, and which subqueries add nothing but tables and filters to the query around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import UnanalysableError

_PLAIN_CLAUSES = frozenset({"with_", "expressions", "from_", "joins", "where", "order", "hint", "kind"})
_AGGREGATE_CALLS = frozenset({"measure", "mean", "bool_and", "bool_or", "every", "some", "any", "agg"})


@dataclass(frozen=True, slots=True)
class CommonTable:
    """A common table expression with the ones that it sees itself."""

    query: exp.Query
    columns: tuple[str, ...]
    visible: Mapping[str, CommonTable]


def with_tables(tree: exp.Expr, visible: Mapping[str, CommonTable]) -> Mapping[str, CommonTable]:
    """Return the common table expressions that a query sees, its own ones included.

    Raises:
        UnanalysableError: The clause is recursive.
    """
    clause = tree.args["with_"]
    if clause.args.get("recursive"):
        raise UnanalysableError("a recursive common table expression is not understood")
    known = dict(visible)
    for table in clause.expressions:
        columns = table.args["alias"].args.get("columns") or ()
        names = tuple(column.name.lower() for column in columns)
        known[table.alias.lower()] = CommonTable(table.this, names, dict(known))
    return known


def is_plain(tree: exp.Expr) -> bool:
    """Return whether a subquery only selects, joins and filters, so that its parts belong to the level around it."""
    if not isinstance(tree, exp.Select):
        return False
    if any(value and key not in _PLAIN_CLAUSES for key, value in tree.args.items()):
        return False
    return not any(True for item in tree.selects for _ in aggregates_in(item))


def aggregates_in(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the outermost aggregates and windows of an expression, without those of subqueries."""
    if isinstance(node, exp.Query | exp.Subquery):
        return
    is_call = isinstance(node, exp.Anonymous) and node.name.lower() in _AGGREGATE_CALLS
    if isinstance(node, exp.Window | exp.AggFunc | exp.Filter | exp.WithinGroup) or is_call:
        yield node
        return
    for child in node.iter_expressions():
        yield from aggregates_in(child)

"""Nodes of a parsed query: calls by their name, aggregates, and walking a query without the queries inside it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

_AGGREGATES = """any_value approx_count_distinct approx_percentile array_agg avg bool_and bool_or
    collect_list collect_set corr count count_if covar_pop covar_samp every first first_value
    kurtosis last last_value listagg max max_by mean measure median min min_by mode percentile
    percentile_approx percentile_cont percentile_disc product regr_slope skewness some std
    stddev stddev_pop stddev_samp string_agg sum try_avg try_sum var_pop var_samp variance"""
AGGREGATES = frozenset(_AGGREGATES.split())
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ)


def is_aggregate(node: exp.Expr) -> bool:
    """Return whether a node is a call of an aggregate function, not as a window."""
    if isinstance(node, exp.WithinGroup | exp.Filter):
        return is_aggregate(node.this)
    return isinstance(node, exp.Func) and function_name(node) in AGGREGATES and not isinstance(node.parent, exp.Window)


def function_name(node: exp.Expr) -> str:
    """Return a call's name in lower case; empty for anything but a call."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) else ""


def own_nodes(query: exp.Expr) -> Iterator[exp.Expr]:
    """Walk a query without the queries inside it."""
    for node in query.walk(prune=lambda node: node is not query and isinstance(node, exp.Query | exp.With)):
        if node is not query and not isinstance(node, exp.Query | exp.With):
            yield node


def nested_queries(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the subqueries of a SELECT's expressions; those of FROM and WITH are read as sources."""
    for node in select.walk(prune=lambda node: node is not select and isinstance(node, exp.Query | exp.With)):
        if node is select or not isinstance(node, exp.Query):
            continue
        if not (isinstance(node.parent, exp.From | exp.Join) and isinstance(node, exp.Subquery)):
            yield node


def plain(node: exp.Expr) -> exp.Expr:
    """Return an expression without parentheses, casts and MEASURE around it."""
    while True:
        if isinstance(node, exp.Paren | exp.Cast):
            node = node.this
        elif isinstance(node, exp.Anonymous) and node.name.lower() == "measure" and node.expressions:
            node = node.expressions[0]
        else:
            return node

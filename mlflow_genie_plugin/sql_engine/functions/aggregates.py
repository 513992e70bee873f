"""Aggregate and window functions: NULLs they skip, FILTER and OVER around them, the type they give."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.errors import unsupported
from mlflow_genie_plugin.sql_engine.functions.typed import SETTLED
from mlflow_genie_plugin.sql_engine.templates import fill

_NULL_SKIPPING = {"first_value": exp.FirstValue, "first": exp.FirstValue, "last_value": exp.LastValue,
                  "last": exp.LastValue, "lag": exp.Lag, "lead": exp.Lead, "nth_value": exp.NthValue}  # fmt: skip


def settle_types(root: exp.Expr) -> None:
    """Cast what an aggregate or window function gives to the type Spark gives, around its FILTER and OVER."""
    for call in [node for node in root.find_all(exp.Anonymous, exp.PercentileDisc) if SETTLED in node.meta]:
        whole: exp.Expr = call
        while (
            isinstance(whole.parent, exp.Filter | exp.Window | exp.IgnoreNulls | exp.WithinGroup)
            and whole.arg_key == "this"
        ):
            whole = whole.parent
        target = exp.DataType.build(call.meta.pop(SETTLED), dialect="duckdb")
        whole.replace(exp.Cast(this=whole.copy(), to=target))


def ignoring_nulls(node: exp.Expr) -> exp.Expr | None:
    return skipping_nulls(node.this, windowed=isinstance(node.parent, exp.Window))


def skipping_nulls(call: exp.Expr, *, windowed: bool) -> exp.Expr:
    name = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    if name not in _NULL_SKIPPING:
        raise unsupported("IGNORE NULLS with this function")
    if not windowed:
        value = call.expressions[0]
        if name.startswith("first"):
            return exp.Anonymous(this="any_value", expressions=[value])
        present = exp.Where(this=fill("_1 IS NOT NULL", value))
        return exp.Filter(this=exp.Anonymous(this="last", expressions=[value]), expression=present)
    keys = ("this", "offset", "default")
    typed = _NULL_SKIPPING[name](**dict(zip(keys, call.expressions, strict=False)))
    return exp.IgnoreNulls(this=typed)


def around_aggregate(node: exp.Expr) -> exp.Expr | None:
    """Move FILTER and OVER inside when the aggregate became more than one call (``collect_list``)."""
    inner = node.this
    is_coalesce = isinstance(inner, exp.Anonymous) and inner.name == "coalesce"
    aggregate = next(iter(inner.expressions), None) if is_coalesce else None
    if isinstance(inner, exp.Anonymous) and isinstance(aggregate, exp.Filter):
        if isinstance(node, exp.Filter):
            condition = exp.and_(aggregate.expression.this, node.expression.this)
            aggregate.set("expression", exp.Where(this=condition))
        else:
            window = node.copy()
            window.set("this", aggregate.copy())
            aggregate.replace(window)
        return inner.copy()
    if isinstance(inner, exp.Case | exp.Paren | exp.Binary | exp.Coalesce):
        raise unsupported("FILTER or OVER with this function")
    return None


def percentile_disc(node: exp.Expr) -> exp.Expr | None:
    node.meta[SETTLED] = "DOUBLE"
    return None

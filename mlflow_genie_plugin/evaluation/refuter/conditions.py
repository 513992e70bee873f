"""The conditions a SELECT puts on its rows."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import function_name, own_nodes


def conjuncts(select: exp.Select) -> list[exp.Expr]:
    """Return the conditions of WHERE, HAVING and QUALIFY that must all hold."""
    found: list[exp.Expr] = []
    for key in ("where", "having", "qualify"):
        clause = select.args.get(key)
        if clause is not None:
            found += clause.this.flatten() if isinstance(clause.this, exp.And) else [clause.this]
    return found


def cases(select: exp.Select) -> list[exp.Expr]:
    """Return the conditions inside expressions: of CASE, IF, FILTER and count_if."""
    found: list[exp.Expr] = []
    for node in own_nodes(select):
        if isinstance(node, exp.If):
            found.append(node.this)
        elif isinstance(node, exp.Filter):
            found.append(node.expression.this)
        elif function_name(node) in ("if", "iff", "count_if") and node.expressions:
            found.append(node.expressions[0])
    return found

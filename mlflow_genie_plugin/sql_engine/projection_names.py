"""The names that the warehouse gives to result columns without an alias."""

from __future__ import annotations

from sqlglot import exp

from mlflow_genie_plugin.sql_engine.functions import generators


def name_projections(tree: exp.Expr) -> None:
    """Give unnamed result columns the names the warehouse gives them, before anything is rewritten."""
    query: exp.Expr | None = tree
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return
    for projection in list(query.expressions):
        unnamed = not isinstance(projection, exp.Alias | exp.Aliases | exp.Column | exp.Star | exp.Dot)
        if unnamed and not (isinstance(projection, exp.Anonymous) and projection.name.lower() in generators.GENERATORS):
            label = _spoken(projection) or " "  # the engine takes no empty name
            projection.replace(exp.alias_(projection.copy(), label, quoted=True))


def _spoken(projection: exp.Expr) -> str:
    shown = projection.copy()
    for call in shown.find_all(exp.Anonymous):
        if call.name.lower() == "count":
            call.set("expressions", [exp.Literal.number(1) if isinstance(e, exp.Star) else e for e in call.expressions])
    for identifier in shown.find_all(exp.Identifier):
        identifier.set("quoted", False)
    holder = exp.Paren(this=shown)
    for node in reversed(list(holder.find_all(exp.Literal, exp.Boolean, exp.Binary))):
        # As the warehouse prints an expression: operators in parentheses, text without quotes.
        if isinstance(node, exp.Literal):
            node.replace(exp.Var(this=node.name))  # exp.var() takes no empty text
        elif isinstance(node, exp.Boolean):
            node.replace(exp.var(str(node.this).lower()))
        elif not isinstance(node, exp.Dot) and not (isinstance(node.parent, exp.Paren) and node.parent is not holder):
            node.replace(exp.Paren(this=node.copy()))
    return str(holder.this.sql(dialect="databricks", normalize_functions=False, comments=False))

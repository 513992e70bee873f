"""By which columns of its result a query orders its rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from mlflow_genie_plugin.evaluation.compare import UNDETERMINED, Comparison, compare
from mlflow_genie_plugin.sql_dialect import SqlParseError, parse_query
from mlflow_genie_plugin.workspace.answer import QueryResult


def compare_in_order(sql: str, expected: QueryResult, actual: QueryResult) -> Comparison:
    """Compare two results whose order counts: that of the keys by which ``sql``, the right query, orders its rows.

    Returns:
        As :func:`~mlflow_genie_plugin.evaluation.compare.compare`; ``undetermined`` also when the rows are right, but
        stand in another order and it cannot be told whether that is allowed.
    """
    try:
        keys = order_columns(sql, [column.name for column in expected.columns])
        why = "no key of the expected SQL's ORDER BY is among the columns"
    except SqlParseError as error:
        keys, why = [], f"the expected SQL cannot be read: {error}"
    if keys is None:
        return compare(expected, actual)
    found = compare(expected, actual, order_columns=keys or range(len(expected.columns)))
    if keys or found.code != "ROW_ORDER_DIFFERENCE":
        return found
    rationale = f"the rows are right, but whether their order is cannot be checked: {why}"
    return Comparison(UNDETERMINED, "UNDETERMINED", rationale, found.evidence)


def order_columns(sql: str, names: Sequence[str]) -> list[int] | None:
    """Return the positions, in the query's result, of the keys of its outermost ORDER BY; None when it has none.

    A key that is not among the result's columns cannot be checked on rows; it and the keys after it are left out,
    because they only order rows that are equal in it.

    Args:
        sql: The query.
        names: The names of its result's columns, in their order.

    Raises:
        SqlParseError: The query cannot be read.
    """
    query = parse_query(sql)
    while isinstance(query, exp.Subquery) and query.args.get("order") is None and isinstance(query.this, exp.Query):
        query = query.this
    order = query.args.get("order")
    if order is None:
        return None
    folded = [name.casefold() for name in names]
    outputs = [_text(item.unalias()) for item in query.selects]
    found: list[int] = []
    for ordered in order.expressions:
        key = ordered.this if isinstance(ordered, exp.Ordered) else ordered
        if _is_all(key, folded):
            return list(range(len(names)))
        position = _position(key, folded, outputs)
        if position is None:
            break
        found.append(position)
    return found


def _is_all(key: exp.Expr, names: list[str]) -> bool:
    return isinstance(key, exp.Var | exp.Column) and key.sql().casefold() == "all" and "all" not in names


def _position(key: exp.Expr, names: list[str], outputs: list[str]) -> int | None:
    if isinstance(key, exp.Literal) and not key.is_string:
        position = int(key.name) - 1 if key.name.isdigit() else -1
        return position if 0 <= position < len(names) else None
    # Only a bare name can mean an alias of the result: t.amount is the table's column even where an alias is "amount".
    if isinstance(key, exp.Column) and not key.table and names.count(key.name.casefold()) == 1:
        return names.index(key.name.casefold())
    text = _text(key)
    return outputs.index(text) if len(outputs) == len(names) and outputs.count(text) == 1 else None


def _text(expression: exp.Expr) -> str:
    return expression.sql("databricks", comments=False).casefold()

"""Databases in which all rows hold the same number in what a query averages: only there is a row just average.

Random rows hardly ever hit an average, and it cannot be made by looking at constants. So ``> AVG(x)`` and ``>= AVG(x)``
would agree on every other database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import function_name
from mlflow_genie_plugin.evaluation.refuter.integrity import Data, fit
from mlflow_genie_plugin.evaluation.refuter.tables import ForeignKey, Table

_AVERAGES = frozenset({"avg", "mean", "try_avg", "median"})
_NUMBERS = frozenset({"int", "decimal", "float"})


def averaged(trees: Iterable[exp.Expr]) -> frozenset[str]:
    """Return the names of columns, in lower case, of which the queries take an average."""
    return frozenset(
        column.name.lower()
        for tree in trees
        for call in tree.find_all(exp.Func)
        if function_name(call) in _AVERAGES
        for column in call.find_all(exp.Column)
    )


def levelled(data: Data, names: frozenset[str], tables: Mapping[str, Table], references: Iterable[ForeignKey]) -> Data:
    """Return the data with one whole number in every row of the named columns.

    Columns of keys and references stay as they are. The number is whole, because sums of fractions in binary have
    another average than each of them.
    """
    tied = {(key.table, column) for key in references for column in key.columns}
    tied |= {(key.parent, column) for key in references for column in key.parent_columns}
    changed = dict(data)
    for name, table in tables.items():
        keys = {column for key in table.keys for column in key}
        for position, (column, kind) in enumerate(table.columns.items()):
            if column not in names or column in keys or (name, column) in tied or kind.kind not in _NUMBERS:
                continue
            first = next((row[position] for row in changed[name] if row[position] is not None), None)
            number: Any = None if first is None else fit(round(first), kind)
            if number is not None:
                changed[name] = [[*row[:position], number, *row[position + 1 :]] for row in changed[name]]
    return changed

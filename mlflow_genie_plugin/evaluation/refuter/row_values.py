"""Values for the columns of a row: what a comparison asks of them, also through expressions and aggregates."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import function_name, plain
from mlflow_genie_plugin.evaluation.refuter.constants import neighbours
from mlflow_genie_plugin.evaluation.refuter.joined_row import NULL, JoinedRow
from mlflow_genie_plugin.evaluation.refuter.moods import Mood
from mlflow_genie_plugin.evaluation.refuter.reading import Reading
from mlflow_genie_plugin.evaluation.refuter.several_columns import solve_all, value_of
from mlflow_genie_plugin.evaluation.refuter.solving import Solver
from mlflow_genie_plugin.evaluation.refuter.sources import Aggregate, Slot

MIRRORED = {exp.GT: exp.LT, exp.LT: exp.GT, exp.GTE: exp.LTE, exp.LTE: exp.GTE}


class RowValues:
    """Sets the columns of rows so that comparisons in one query hold, mostly at their edge."""

    def __init__(self, reading: Reading, rng: random.Random, years: tuple[int, ...], mood: Mood) -> None:
        self._reading = reading
        self._rng = rng
        self._mood = mood
        self._solver = Solver(rng, years)

    def against(self, kind: type[exp.Binary], node: exp.Expr, value: Any, row: JoinedRow) -> None:
        """Set what an expression or an aggregate is computed from, so that it compares with a constant as wanted."""
        column = plain(node)
        trace = self._reading.trace(column)
        target = self._target(kind, value)
        if isinstance(trace, Aggregate):
            self._aggregate(trace.call, target, row)
        elif function_name(node) and isinstance(node, exp.Anonymous) and self._aggregate(node, target, row):
            return
        else:
            self.set(node, target, row)

    def order(self, kind: type[exp.Binary], left: exp.Expr, right: exp.Expr, row: JoinedRow) -> None:
        """Set one of two compared columns next to the other's value, where that is already decided."""
        one, other = (self._reading.trace(plain(side)) for side in (left, right))
        if isinstance(one, Slot) and isinstance(other, Slot):
            if row.value(one) in (None, NULL):
                one, other, kind = other, one, MIRRORED.get(kind, kind)
            known = row.value(one)
            if known is not None and known is not NULL and row.value(other) is None:
                row.assign(other, self._target(MIRRORED.get(kind, kind), known))
            return
        if left.find(exp.Query) is not None or right.find(exp.Query) is not None:
            return
        # Two expressions: one of them gets a value, and the other one is set next to it.
        value, given = value_of(right, self._columns_in(right), self._known(right, row))
        if value is not None:
            self.against(kind, left, value, row)
            self._assign(given, row)

    def unify(self, left: exp.Expr, right: exp.Expr, row: JoinedRow) -> None:
        """Make two columns hold the same value from now on."""
        one, other = (self._reading.trace(plain(side)) for side in (left, right))
        if isinstance(one, Slot) and isinstance(other, Slot):
            row.unify(one, other)

    def set(self, node: exp.Expr, value: Any, row: JoinedRow) -> None:
        """Set the columns under an expression so that it has a value; None asks for nothing."""
        if value is None:
            return
        self._assign(self._solved(node, value, row), row)

    def _solved(self, node: exp.Expr, value: Any, row: JoinedRow) -> list[tuple[exp.Column, Any]]:
        return solve_all(self._solver, node, value, self._columns_in(node), self._known(node, row))

    def _assign(self, values: Iterable[tuple[exp.Column, Any]], row: JoinedRow) -> None:
        for column, value in values:
            if value is not None and isinstance(trace := self._reading.trace(column), Slot):
                row.assign(trace, value)

    def _columns_in(self, node: exp.Expr) -> list[exp.Column]:
        """Return the columns of tables under an expression; none where a query inside it has columns of its own."""
        if node.find(exp.Query) is not None:
            return []
        return [column for column in node.find_all(exp.Column) if isinstance(self._reading.trace(column), Slot)]

    def _known(self, node: exp.Expr, row: JoinedRow) -> dict[int, Any]:
        found = {}
        for column in self._columns_in(node):
            value = row.value(trace) if isinstance(trace := self._reading.trace(column), Slot) else None
            if value is not None and value is not NULL:
                found[id(column)] = value
        return found

    def _target(self, kind: type[exp.Binary], value: Any) -> Any:
        """Return a value that compares with ``value`` as wanted, mostly at the edge."""
        if kind is exp.EQ or (kind in (exp.GTE, exp.LTE) and self._rng.random() < 0.6):
            return value
        if kind is exp.NEQ:
            return self._rng.choice([each for each in neighbours(value) if each != value] or [value])
        upward = kind in (exp.GT, exp.GTE)
        fitting = []
        for each in neighbours(value):
            try:
                fits = each > value if upward else each < value
            except TypeError:
                fits = False
            if fits:
                fitting.append(each)
        return self._rng.choice(fitting) if fitting else value

    def _aggregate(self, call: exp.Expr, target: Any, row: JoinedRow) -> bool:
        """Ask for a group whose aggregate has a value; return whether the call is such an aggregate."""
        name = function_name(call)
        argument = call.expressions[0] if isinstance(call, exp.Anonymous) and call.expressions else None
        if name not in ("count", "sum", "avg", "mean", "min", "max", "count_if") or argument is None:
            return False
        if not isinstance(target, int | float) and not hasattr(target, "as_tuple"):
            if name in ("min", "max"):
                self.set(argument, target, row)
            return True
        distinct = isinstance(argument, exp.Distinct)
        inner = argument.expressions[0] if isinstance(argument, exp.Distinct) and argument.expressions else argument
        trace = self._reading.trace(plain(inner)) if isinstance(inner, exp.Column | exp.Cast) else None
        slot = trace if isinstance(trace, Slot) else None
        if name in ("min", "max"):
            self.set(inner, target, row)
        elif name in ("count", "count_if"):
            copies = int(target)
            if 0 < copies <= self._mood.copies:
                if slot is None and not row.touched:
                    return True
                source = slot.source if slot is not None else self._rng.choice(sorted(row.touched))
                row.copies[source] = max(copies, row.copies.get(source, 1))
                if distinct and slot is not None:
                    row.spread[slot] = _apart(row.spread.get(slot, [1])[0], copies)
        else:
            solved = self._solved(inner, target, row)
            column = solved[0] if solved else None
            slot = trace if (column and isinstance(trace := self._reading.trace(column[0]), Slot)) else None
            if slot is None or column is None:
                return True
            self._assign(solved[1:], row)
            copies = row.copies.setdefault(slot.source, self._rng.choice((1, 2, 2, 3)))
            wanted = column[1]
            row.touched.add(slot.source)
            if slot in row.spread:
                row.spread[slot] = _apart(wanted, len(row.spread[slot]))
                return True
            if name == "sum" and copies > 1 and isinstance(wanted, int):
                part = wanted // copies
                row.spread[slot] = [part] * (copies - 1) + [wanted - part * (copies - 1)]
            elif name == "sum" and copies > 1 and hasattr(wanted, "as_tuple"):
                part = round(wanted / copies, 0)
                row.spread[slot] = [part] * (copies - 1) + [wanted - part * (copies - 1)]
            else:
                row.spread[slot] = [wanted] * copies
        return True


def _apart(first: Any, count: int) -> list[Any]:
    """Return different values from ``first`` on."""
    start = first if isinstance(first, int | float) or hasattr(first, "as_tuple") else 1
    return [start + step for step in range(count)]

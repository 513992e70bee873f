"""Rows that a query selects, or just misses: built from its conditions, one partner row in each table it reads."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import COMPARISONS, function_name, plain
from mlflow_genie_plugin.evaluation.refuter.conditions import cases, conjuncts
from mlflow_genie_plugin.evaluation.refuter.constants import constant, neighbours
from mlflow_genie_plugin.evaluation.refuter.joined_row import NULL, JoinedRow
from mlflow_genie_plugin.evaluation.refuter.moods import Mood
from mlflow_genie_plugin.evaluation.refuter.reading import Aggregate, Reading, Slot, Source
from mlflow_genie_plugin.evaluation.refuter.several_columns import solve_all, value_of
from mlflow_genie_plugin.evaluation.refuter.solving import Solver, instance_of_pattern

_DEPTH = 6
_OPPOSITE = {exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.GT: exp.LTE, exp.LTE: exp.GT, exp.LT: exp.GTE, exp.GTE: exp.LT}
_MIRRORED = {exp.GT: exp.LT, exp.LT: exp.GT, exp.GTE: exp.LTE, exp.LTE: exp.GTE}


class RowMaker:
    """Makes joined rows for the SELECTs of one query."""

    def __init__(self, reading: Reading, rng: random.Random, years: tuple[int, ...], mood: Mood) -> None:
        self._mood = mood
        self._cases: dict[int, list[exp.Expr]] = {}
        self._reading = reading
        self._rng = rng
        self._solver = Solver(rng, years)

    def make(self, select: exp.Select, *, miss: bool) -> JoinedRow:
        """Return a row that ``select`` keeps; with ``miss`` one of its conditions fails, close to its edge."""
        row = JoinedRow()
        row.touched.update(source.number for source in self._reading.sources[id(select)] if source.number >= 0)
        conditions = conjuncts(select)
        missed = self._rng.randrange(len(conditions)) if miss and conditions else -1
        # The failing one first: what is set once stays.
        for index in sorted(range(len(conditions)), key=lambda index: index != missed):
            self._satisfy(conditions[index], index != missed, row, 0)
        self._sources(select, row, 0, keep_where=True)
        inside = self._cases.setdefault(id(select), cases(select))
        if inside and self._mood.constants and self._rng.random() < 0.7:
            self._satisfy(self._rng.choice(inside), True, row, 0)
        return row

    def _sources(self, select: exp.Select, row: JoinedRow, depth: int, *, keep_where: bool) -> None:
        sources = self._reading.sources.get(id(select), [])
        for join in select.args.get("joins") or ():
            on = join.args.get("on")
            if on is not None:
                self._satisfy(on, True, row, depth)
            for label in join.args.get("using") or ():
                self._same_name(sources, label.name.lower(), row)
            if str(join.args.get("method") or "").upper() == "NATURAL":
                for name in self._shared_names(sources):
                    self._same_name(sources, name, row)
        for source in sources:
            if source.number >= 0:
                row.touched.add(source.number)
            if source.query is not None and depth < _DEPTH:
                self._inner(source.query, row, depth + 1)
        if not keep_where:
            for condition in conjuncts(select):
                self._satisfy(condition, True, row, depth)

    def _inner(self, query: exp.Expr, row: JoinedRow, depth: int) -> None:
        """Make the row one that a query inside FROM, IN or EXISTS keeps."""
        while isinstance(query, exp.Subquery | exp.Paren):
            query = query.this
        if isinstance(query, exp.SetOperation):
            sides = (
                (query.left, query.right)
                if isinstance(query, exp.Intersect)
                else (self._rng.choice((query.left, query.right)),)
            )
            for side in sides:
                self._inner(side, row, depth)
        elif isinstance(query, exp.Select) and depth < _DEPTH:
            self._sources(query, row, depth, keep_where=False)

    def _same_name(self, sources: list[Source], name: str, row: JoinedRow) -> None:
        slots = [slot for source in sources if (slot := self._slot_of(source, name)) is not None]
        for one, other in pairwise(slots):
            row.unify(one, other)

    def _slot_of(self, source: Source, name: str) -> Slot | None:
        if source.table is not None:
            return Slot(source.number, name) if self._reading.has_column(source.table, name) else None
        trace = source.columns.get(name)
        return trace if isinstance(trace, Slot) else None

    def _shared_names(self, sources: list[Source]) -> list[str]:
        names = [set(self._reading.columns_of(source.table)) for source in sources if source.table is not None]
        return sorted(set.intersection(*names)) if len(names) > 1 else []

    def _satisfy(self, node: exp.Expr, want: bool, row: JoinedRow, depth: int) -> None:
        if isinstance(node, exp.Paren):
            self._satisfy(node.this, want, row, depth)
        elif isinstance(node, exp.Not):
            self._satisfy(node.this, not want, row, depth)
        elif isinstance(node, exp.And | exp.Or):
            parts = list(node.flatten())
            if isinstance(node, exp.And) is want:
                for part in parts:
                    self._satisfy(part, want, row, depth)
            else:
                self._satisfy(self._rng.choice(parts), want, row, depth)
        elif isinstance(node, COMPARISONS):
            self._compare(type(node), node.left, node.right, want, row, depth)
        elif isinstance(node, exp.Between):
            self._between(node, want, row, depth)
        elif isinstance(node, exp.In):
            self._in(node, want, row, depth)
        elif isinstance(node, exp.Like | exp.ILike):
            value = constant(node.expression)
            if isinstance(value, str):
                text = instance_of_pattern(value, self._rng)
                if isinstance(node, exp.ILike) and self._rng.random() < 0.5:
                    text = text.swapcase()
                self._set(node.this, text if want else self._rng.choice((text.swapcase() + "!", "x" + text + "?")), row)
        elif isinstance(node, exp.Is):
            self._set(node.this, NULL if want else None, row)
        elif isinstance(node, exp.Exists):
            if want:
                self._inner(node.this, row, depth + 1)
        elif isinstance(node, exp.Column):
            self._set(node, want, row)
        elif function_name(node) in ("isnull", "isnotnull") and isinstance(node, exp.Anonymous) and node.expressions:
            self._set(node.expressions[0], NULL if (function_name(node) == "isnull") is want else None, row)
        elif function_name(node) in ("contains", "startswith", "endswith") and isinstance(node, exp.Anonymous):
            value = constant(node.expressions[1]) if len(node.expressions) == 2 else None
            if isinstance(value, str) and want:
                self._set(node.expressions[0], value, row)

    def _between(self, node: exp.Between, want: bool, row: JoinedRow, depth: int) -> None:
        low, high = node.args["low"], node.args["high"]
        if want:
            bound, kind = self._rng.choice(((low, exp.EQ), (high, exp.EQ), (low, exp.GT), (high, exp.LT)))
            values = [constant(low), constant(high)]
            if kind is not exp.EQ and values[0] is not None and values[0] == values[1]:
                kind = exp.EQ
            self._compare(kind, node.this, bound, True, row, depth)
        else:
            bound, kind = self._rng.choice(((low, exp.LT), (high, exp.GT)))
            self._compare(kind, node.this, bound, True, row, depth)

    def _in(self, node: exp.In, want: bool, row: JoinedRow, depth: int) -> None:
        query = node.args.get("query")
        if query is None:
            values = [value for item in node.expressions if (value := constant(item)) is not None]
            if values and want:
                self._set(node.this, self._rng.choice(values), row)
            elif values:
                others = [each for value in values for each in neighbours(value) if each not in values]
                self._set(node.this, self._rng.choice(others or [None]), row)
            return
        inner = query.this if isinstance(query, exp.Subquery) else query
        if not want or not isinstance(inner, exp.Select):
            return
        lefts = node.this.expressions if isinstance(node.this, exp.Tuple) else [node.this]
        for left, right in zip(lefts, inner.expressions, strict=False):
            self._unify(left, right.unalias(), row)
        self._inner(inner, row, depth + 1)

    def _compare(
        self, kind: type[exp.Binary], left: exp.Expr, right: exp.Expr, want: bool, row: JoinedRow, depth: int
    ) -> None:
        kind = exp.EQ if kind is exp.NullSafeEQ else kind
        if not want:
            kind = _OPPOSITE[kind]
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            for one, other in zip(left.expressions, right.expressions, strict=False):
                self._compare(kind, one, other, True, row, depth)
            return
        value = constant(right)
        if value is None:
            value = constant(left)
            left, right, kind = right, left, _MIRRORED.get(kind, kind)
        if value is not None:
            self._against(kind, left, value, row)
            return
        if kind is exp.EQ:
            self._unify(left, right, row)
        for side in (left, right):
            if isinstance(side, exp.Subquery) and depth < _DEPTH:
                self._inner(side, row, depth + 1)
        if kind is not exp.EQ:
            self._order(kind, left, right, row)

    def _order(self, kind: type[exp.Binary], left: exp.Expr, right: exp.Expr, row: JoinedRow) -> None:
        """Set one of two compared columns next to the other's value, where that is already decided."""
        one, other = (self._reading.trace(plain(side)) for side in (left, right))
        if isinstance(one, Slot) and isinstance(other, Slot):
            if row.value(one) in (None, NULL):
                one, other, kind = other, one, _MIRRORED.get(kind, kind)
            known = row.value(one)
            if known is not None and known is not NULL and row.value(other) is None:
                row.assign(other, self._target(_MIRRORED.get(kind, kind), known))
            return
        if left.find(exp.Query) is not None or right.find(exp.Query) is not None:
            return
        # Two expressions: one of them gets a value, and the other one is set next to it.
        value, given = value_of(right, self._columns_in(right), self._known(right, row))
        if value is not None:
            self._against(kind, left, value, row)
            self._assign(given, row)

    def _unify(self, left: exp.Expr, right: exp.Expr, row: JoinedRow) -> None:
        one, other = (self._reading.trace(plain(side)) for side in (left, right))
        if isinstance(one, Slot) and isinstance(other, Slot):
            row.unify(one, other)

    def _against(self, kind: type[exp.Binary], node: exp.Expr, value: Any, row: JoinedRow) -> None:
        column = plain(node)
        trace = self._reading.trace(column)
        target = self._target(kind, value)
        if isinstance(trace, Aggregate):
            self._aggregate(trace.call, target, row)
        elif function_name(node) and isinstance(node, exp.Anonymous) and self._aggregate(node, target, row):
            return
        else:
            self._set(node, target, row)

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
                self._set(argument, target, row)
            return True
        distinct = isinstance(argument, exp.Distinct)
        inner = argument.expressions[0] if isinstance(argument, exp.Distinct) and argument.expressions else argument
        trace = self._reading.trace(plain(inner)) if isinstance(inner, exp.Column | exp.Cast) else None
        slot = trace if isinstance(trace, Slot) else None
        if name in ("min", "max"):
            self._set(inner, target, row)
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

    def _set(self, node: exp.Expr, value: Any, row: JoinedRow) -> None:
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


def _apart(first: Any, count: int) -> list[Any]:
    """Return different values from ``first`` on."""
    start = first if isinstance(first, int | float) or hasattr(first, "as_tuple") else 1
    return [start + step for step in range(count)]

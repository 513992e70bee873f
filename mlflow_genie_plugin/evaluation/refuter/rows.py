"""Rows that a query selects, or just misses: built from its conditions, one partner row in each table it reads."""

from __future__ import annotations

import random
from itertools import pairwise

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import COMPARISONS, function_name
from mlflow_genie_plugin.evaluation.refuter.conditions import cases, conjuncts
from mlflow_genie_plugin.evaluation.refuter.constants import constant, neighbours
from mlflow_genie_plugin.evaluation.refuter.joined_row import NULL, JoinedRow
from mlflow_genie_plugin.evaluation.refuter.moods import Mood
from mlflow_genie_plugin.evaluation.refuter.reading import Reading
from mlflow_genie_plugin.evaluation.refuter.row_values import MIRRORED, RowValues
from mlflow_genie_plugin.evaluation.refuter.solving import instance_of_pattern
from mlflow_genie_plugin.evaluation.refuter.sources import Slot, Source

_DEPTH = 6
_OPPOSITE = {exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.GT: exp.LTE, exp.LTE: exp.GT, exp.LT: exp.GTE, exp.GTE: exp.LT}


class RowMaker:
    """Makes joined rows for the SELECTs of one query."""

    def __init__(self, reading: Reading, rng: random.Random, years: tuple[int, ...], mood: Mood) -> None:
        self._mood = mood
        self._cases: dict[int, list[exp.Expr]] = {}
        self._reading = reading
        self._rng = rng
        self._values = RowValues(reading, rng, years, mood)

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
                self._values.set(
                    node.this, text if want else self._rng.choice((text.swapcase() + "!", "x" + text + "?")), row
                )
        elif isinstance(node, exp.Is):
            self._values.set(node.this, NULL if want else None, row)
        elif isinstance(node, exp.Exists):
            if want:
                self._inner(node.this, row, depth + 1)
        elif isinstance(node, exp.Column):
            self._values.set(node, want, row)
        elif function_name(node) in ("isnull", "isnotnull") and isinstance(node, exp.Anonymous) and node.expressions:
            self._values.set(node.expressions[0], NULL if (function_name(node) == "isnull") is want else None, row)
        elif function_name(node) in ("contains", "startswith", "endswith") and isinstance(node, exp.Anonymous):
            value = constant(node.expressions[1]) if len(node.expressions) == 2 else None
            if isinstance(value, str) and want:
                self._values.set(node.expressions[0], value, row)

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
                self._values.set(node.this, self._rng.choice(values), row)
            elif values:
                others = [each for value in values for each in neighbours(value) if each not in values]
                self._values.set(node.this, self._rng.choice(others or [None]), row)
            return
        inner = query.this if isinstance(query, exp.Subquery) else query
        if not want or not isinstance(inner, exp.Select):
            return
        lefts = node.this.expressions if isinstance(node.this, exp.Tuple) else [node.this]
        for left, right in zip(lefts, inner.expressions, strict=False):
            self._values.unify(left, right.unalias(), row)
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
            left, right, kind = right, left, MIRRORED.get(kind, kind)
        if value is not None:
            self._values.against(kind, left, value, row)
            return
        if kind is exp.EQ:
            self._values.unify(left, right, row)
        for side in (left, right):
            if isinstance(side, exp.Subquery) and depth < _DEPTH:
                self._inner(side, row, depth + 1)
        if kind is not exp.EQ:
            self._values.order(kind, left, right, row)

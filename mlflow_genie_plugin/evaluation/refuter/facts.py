"""What two queries say about the data: constants, kinds and equated columns, by table and column."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.query_nodes import COMPARISONS, function_name, plain
from mlflow_genie_plugin.evaluation.refuter.constants import constant, neighbours
from mlflow_genie_plugin.evaluation.refuter.kinds import CAST_KINDS, kind_of, kind_of_function
from mlflow_genie_plugin.evaluation.refuter.reading import Reading
from mlflow_genie_plugin.evaluation.refuter.solving import Solver, instance_of_pattern
from mlflow_genie_plugin.evaluation.refuter.sources import Aggregate, Slot

Place = tuple[str, str]


_CONTAINING = ("contains", "startswith", "endswith")


class Facts:
    """Collected once per pair; ``domains`` are the values worth trying, ``joined`` the classes of equated columns."""

    def __init__(self, readings: Iterable[Reading], seed: int) -> None:
        self.readings = tuple(readings)
        self.constants: dict[Place, list[Any]] = {}
        self.hints: dict[Place, Counter[str]] = {}
        self.numbers: set[Any] = set()
        self.years: tuple[int, ...] = ()
        self._parents: dict[Place, Place] = {}
        self._rng = random.Random(seed)  # noqa: S311 reproducible, nothing secret
        self.years = tuple(sorted(self._years()))
        self._solver = Solver(self._rng, self.years)
        for reading in self.readings:
            for tree in reading.trees:
                for node in tree.walk():
                    self._node(node, reading)

    def place(self, reading: Reading, node: exp.Expr) -> Place | None:
        """Return table and column of a column node; None when it is not a table's column."""
        trace = reading.trace(node)
        if isinstance(trace, Slot):
            return self._place_of(reading, trace)
        return None

    @staticmethod
    def _place_of(reading: Reading, slot: Slot) -> Place:
        return reading.tables[slot.source], slot.column

    def class_of(self, place: Place) -> Place:
        """Return the representative of the columns that are equated with this one, here or transitively."""
        while (parent := self._parents.get(place, place)) != place:
            place = parent
        return place

    def equate(self, one: Place, other: Place) -> None:
        """Note that two columns are compared for equality, or refer to one another."""
        self._parents[self.class_of(one)] = self.class_of(other)
        self._parents.setdefault(self.class_of(other), self.class_of(other))

    def hints_of(self, place: Place) -> Counter[str]:
        """Return how often each kind of use was seen, of this column and those it is equated with."""
        wanted = self.class_of(place)
        votes: Counter[str] = Counter()
        for each, hints in self.hints.items():
            if self.class_of(each) == wanted:
                votes.update(hints)
        return votes

    def _years(self) -> Iterator[int]:
        for reading in self.readings:
            for node in (literal for tree in reading.trees for literal in tree.find_all(exp.Literal)):
                text = node.name
                if re.fullmatch(r"(19|20)\d\d", text):
                    yield int(text)
                elif (match := re.match(r"((?:19|20)\d\d)-?\d\d(?:-?\d\d|\Z)", text)) and node.is_string:
                    yield int(match[1])

    def _node(self, node: exp.Expr, reading: Reading) -> None:
        if isinstance(node, COMPARISONS):
            self._compared(node.left, node.right, reading)
        elif isinstance(node, exp.Between):
            for bound in (node.args["low"], node.args["high"]):
                self._compared(node.this, bound, reading)
        elif isinstance(node, exp.In):
            self._in(node, reading)
        elif isinstance(node, exp.Like | exp.ILike | exp.RegexpLike):
            self._like(node, reading)
        elif isinstance(node, exp.Case) and node.this is not None:
            for branch in node.args.get("ifs") or ():
                self._compared(node.this, branch.this, reading)
        elif isinstance(node, exp.Join):
            self._using(node, reading)
        elif isinstance(node, exp.Cast | exp.TryCast):
            self._hint(node.this, reading, CAST_KINDS.get(node.to.this.value.lower(), ""))
        elif isinstance(node, exp.Func):
            self._function(node, reading)
        elif isinstance(node, exp.Mul | exp.Div | exp.Mod):
            for side in (node.left, node.right):
                self._hint(side, reading, "int")
        elif isinstance(node, exp.Add | exp.Sub):
            kind = "date" if isinstance(node.right, exp.Interval) or isinstance(node.left, exp.Interval) else "int"
            for side in (node.left, node.right):
                self._hint(side, reading, kind)

    def _in(self, node: exp.In, reading: Reading) -> None:
        for item in node.expressions:
            self._compared(node.this, item, reading)
        query = node.args.get("query")
        inner = query.this if isinstance(query, exp.Subquery) else query
        if isinstance(inner, exp.Select) and len(inner.expressions) == 1:
            self._compared(node.this, inner.expressions[0].unalias(), reading)
        elif isinstance(inner, exp.Select) and isinstance(node.this, exp.Tuple):
            for one, other in zip(node.this.expressions, inner.expressions, strict=False):
                self._compared(one, other.unalias(), reading)

    def _using(self, join: exp.Join, reading: Reading) -> None:
        select = join.parent
        sources = reading.sources.get(id(select), [])
        for label in join.args.get("using") or ():
            places = []
            for source in sources:
                trace: Any = (
                    Slot(source.number, label.name.lower()) if source.table else source.columns.get(label.name.lower())
                )
                if isinstance(trace, Slot) and trace.column in reading.columns_of(reading.tables[trace.source]):
                    places.append(self._place_of(reading, trace))
            for one, other in pairwise(places):
                self.equate(one, other)

    def _compared(self, left: exp.Expr, right: exp.Expr, reading: Reading) -> None:
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            for one, other in zip(left.expressions, right.expressions, strict=False):
                self._compared(one, other, reading)
            return
        places = [self.place(reading, plain(side)) for side in (left, right)]
        if places[0] is not None and places[1] is not None and places[0] != places[1]:
            self.equate(*places)  # type: ignore[arg-type]
            return
        for node, other in ((left, right), (right, left)):
            value = constant(other)
            if value is not None:
                self._constant(node, value, reading)
            elif isinstance(other, exp.Subquery) and isinstance(other.this, exp.Select) and other.this.expressions:
                inner = other.this.expressions[0].unalias()
                arguments = inner.expressions if isinstance(inner, exp.Anonymous) else []
                if function_name(inner) in ("count", "count_if"):
                    # What is counted may be nothing, or little.
                    self._constant(node, 1, reading)
                for each in (inner, *arguments[:1]):
                    one, two = self.place(reading, plain(node)), self.place(reading, plain(each))
                    if one is not None and two is not None and one != two:
                        self.equate(one, two)

    def _constant(self, node: exp.Expr, value: Any, reading: Reading) -> None:
        column = plain(node)
        if isinstance(column, exp.Column) and isinstance(trace := reading.trace(column), Aggregate):
            node = trace.call
        if (
            isinstance(node, exp.Func)
            and function_name(node) in ("sum", "avg", "min", "max", "mean")
            and isinstance(node, exp.Anonymous)
        ):
            node = node.expressions[0] if node.expressions else node
        for each in neighbours(value):
            found = self._solver.solve(node, each)
            if found is not None and (place := self.place(reading, found[0])) is not None:
                known = self.constants.setdefault(place, [])
                if found[1] is not None and found[1] not in known:
                    known.append(found[1])
                if node is found[0] or isinstance(node, exp.Paren):
                    self._note(place, kind_of(value))

    def _like(self, node: exp.Expr, reading: Reading) -> None:
        found = self._solver.solve(node.this, "")
        place = None if found is None else self.place(reading, found[0])
        if place is None:
            return
        self._note(place, "text")
        patterns = (
            [node.expression] if isinstance(node.expression, exp.Literal) else node.expression.find_all(exp.Literal)
        )
        for pattern in patterns:
            value = constant(pattern)
            if isinstance(value, str):
                text = (
                    instance_of_pattern(value, self._rng)
                    if not isinstance(node, exp.RegexpLike)
                    else _plain_regex(value)
                )
                self.constants.setdefault(place, []).extend([text, text.swapcase(), text + "x", "x" + text, text[1:]])

    def _function(self, node: exp.Func, reading: Reading) -> None:
        name = function_name(node)
        arguments = list(node.expressions) if isinstance(node, exp.Anonymous) else []
        if isinstance(node, exp.Extract):
            name, arguments = "year", [node.expression]
        kind = kind_of_function(name)
        if kind:
            for argument in arguments:
                self._hint(argument, reading, kind)
        value = constant(arguments[1]) if name in _CONTAINING and len(arguments) == 2 else None
        found = self._solver.solve(arguments[0], value) if isinstance(value, str) else None
        if isinstance(value, str) and found is not None and (place := self.place(reading, found[0])) is not None:
            self.constants.setdefault(place, []).extend([value, value + "x", "x" + value, value.swapcase()])
        if name in ("coalesce", "nvl", "ifnull", "nullif", "if", "decode") and len(arguments) > 1:
            for other in arguments[1:]:
                if (value := constant(other)) is not None and name != "if":
                    self._constant(arguments[0], value, reading)

    def _hint(self, node: exp.Expr, reading: Reading, kind: str) -> None:
        column = plain(node)
        if kind and isinstance(column, exp.Column) and (place := self.place(reading, column)) is not None:
            self._note(place, kind)

    def _note(self, place: Place, kind: str) -> None:
        self.hints.setdefault(place, Counter())[kind] += 1


def _plain_regex(pattern: str) -> str:
    return re.sub(r"[\^$\\.*+?()\[\]{}|]", "", pattern.split("|")[0])

"""Expressions as texts that are equal when the expressions mean the same; conditions as trees of atoms.

Case, spacing, parentheses, aliases, the order of operands that may be swapped, and different spellings of one function
leave no trace. What is not known to mean the same stays different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.arithmetic import ARITHMETIC, arithmetic_form, is_widening_cast, number_text
from mlflow_genie_plugin.evaluation.facets.condition import (
    Atom,
    Combined,
    Condition,
    combined,
    is_constant,
    turned_over,
)
from mlflow_genie_plugin.evaluation.facets.dates import date_form, date_part, folded_date, part_taken, without_date_cast
from mlflow_genie_plugin.evaluation.facets.tokens import precedes, sorted_forms

_COMPARED: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.NullSafeEQ: "<=>",
    exp.Like: "LIKE", exp.ILike: "ILIKE", exp.RegexpLike: "RLIKE",
}  # fmt: skip
_TURNED = {"=": "=", "<>": "<>", ">": "<", "<": ">", ">=": "<=", "<=": ">=", "<=>": "<=>"}
_CONDITIONS: tuple[type[exp.Expr], ...] = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.Between,
    exp.In,
    exp.Is,
    exp.Exists,
    *_COMPARED,
)

# Functions that sqlglot does not know by several of their names.
_NAMES = {"mean": "avg", "bool_and": "logicaland", "every": "logicaland", "bool_or": "logicalor", "some": "logicalor"}


class NormalForm:
    """Gives the normal forms of the expressions of one SELECT.

    Args:
        column: Gives the form of a column.
        subquery: Gives the form of a query inside an expression; the second argument says how it is used.
    """

    def __init__(self, column: Callable[[exp.Column], str], subquery: Callable[[exp.Expr, str], str]) -> None:
        self._column = column
        self._subquery = subquery
        self._known: dict[int, str] = {}
        self.windows: dict[str, exp.Expr] = {}

    def of(self, node: exp.Expr) -> str:
        """Return the normal form of an expression."""
        form = self._known.get(id(node))
        if form is None:
            form = self._known[id(node)] = self._form(node)
        return form

    def _form(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Paren | exp.Alias):
            return self.of(node.this)
        if isinstance(node, exp.Column):
            return "*" if isinstance(node.this, exp.Star) else self._column(node)
        if isinstance(node, exp.Literal):
            return f"'{node.name}'" if node.is_string else (number_text(node.name) or node.name)
        if isinstance(node, exp.Subquery | exp.Query):
            return self._subquery(node, "scalar")
        if isinstance(node, _CONDITIONS):
            return self.condition(node).form
        folded = None if isinstance(node, exp.Literal) else folded_date(node)
        if folded is not None:
            return date_form(folded)
        if is_widening_cast(node):
            return self.of(node.this)
        if isinstance(node, ARITHMETIC) and (form := arithmetic_form(node, self.of)) is not None:
            return form
        return self._date_part(node) or self._conditional(node) or self._aggregate(node) or self._general(node)

    def _date_part(self, node: exp.Expr) -> str | None:
        if (taken := part_taken(node)) is not None:
            return f"{taken[0]}({self.of(taken[1])})"
        if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
            unit = date_part(node.args["unit"].name) if node.args.get("unit") is not None else None
            return f"date_trunc_{unit}({self.of(without_date_cast(node.this))})" if unit else None
        if isinstance(node, exp.TsOrDsToDate | exp.Date) and not node.args.get("format") and node.this is not None:
            return f"date({self.of(without_date_cast(node.this))})"
        if isinstance(node, exp.Cast) and node.to.is_type("date"):
            return f"date({self.of(without_date_cast(node.this))})"
        return None

    def _conditional(self, node: exp.Expr) -> str | None:
        branches = list(case_branches(node))
        if not branches:
            return None
        default = node.args.get("default") if isinstance(node, exp.Case) else node.args.get("false")
        compared = node.args.get("this") if isinstance(node, exp.Case) else None
        texts = []
        for test, value in branches:
            tested = self.condition(test).form if compared is None else f"{self.of(compared)} = {self.of(test)}"
            texts.append(f"{tested} → {self.of(value)}")
        ends = "" if default is None or isinstance(default, exp.Null) else f"; {self.of(default)}"
        return f"case({'; '.join(texts)}{ends})"

    def _aggregate(self, node: exp.Expr) -> str | None:
        if isinstance(node, exp.CountIf):
            return f"count(*) where {self.condition(node.this).form}"
        if isinstance(node, exp.Filter):
            return f"{self.of(node.this)} where {self.condition(node.expression.this).form}"
        if isinstance(node, exp.Count) and not node.expressions:
            inner = node.this
            if isinstance(inner, exp.Star | exp.Literal) or inner is None:
                return "count(*)"
            if isinstance(inner, exp.Distinct):
                return f"count(distinct {', '.join(sorted_forms(self.of(each) for each in inner.expressions))})"
        if isinstance(node, exp.Count | exp.Sum):
            return self._counted_case(node)
        return None

    def _counted_case(self, node: exp.Expr) -> str | None:
        """Read ``SUM(CASE WHEN p THEN 1 ELSE 0 END)`` and ``COUNT(CASE WHEN p THEN 1 END)`` as a count where p."""
        case = node.this.unnest() if isinstance(node.this, exp.Expr) else None
        branches = list(case_branches(case)) if case is not None else []
        if case is None or len(branches) != 1 or (isinstance(case, exp.Case) and case.this is not None):
            return None
        (test, value), default = branches[0], case.args.get("default") or case.args.get("false")
        is_empty = default is None or isinstance(default, exp.Null)
        if isinstance(node, exp.Count):
            counts = is_empty and isinstance(value, exp.Literal)
        else:
            is_zero = isinstance(default, exp.Literal) and number_text(default.name) == "0"
            if not (is_empty or is_zero):
                return None
            counts = isinstance(value, exp.Literal) and value.name == "1"
            if not counts:
                return f"sum({self.of(value)}) where {self.condition(test).form}"
        return f"count(*) where {self.condition(test).form}" if counts else None

    def _general(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Identifier | exp.Var):
            return node.name.lower()
        if isinstance(node, exp.Concat | exp.DPipe):
            sides = node.flatten() if isinstance(node, exp.DPipe) else node.expressions
            return f"concat({', '.join(self.of(side) for side in sides)})"
        if isinstance(node, exp.Ordered):
            return self.of(node.this) + (" desc" if node.args.get("desc") else "")
        if isinstance(node, exp.Window) and node.args.get("alias") is not None:
            named = self.windows.get(node.args["alias"].name.lower())
            if named is not None:
                return f"window({self.of(node.this)}, {self.of(named)})"
        name = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__.lower()
        name = _NAMES.get(name, name)
        arguments = []
        for key, value in node.args.items():
            if (
                value is None
                or value is False
                or value == []
                or key in _UNREAD
                or (key == "this" and value == node.name)
            ):
                continue
            values = value if isinstance(value, list) else [value]
            written = [self.of(each) if isinstance(each, exp.Expr) else str(each).lower() for each in values]
            arguments.append((f"{key}=" if key not in _PLAIN else "") + ", ".join(written))
        return f"{name}({', '.join(arguments)})"

    def condition(self, node: exp.Expr, *, negated: bool = False) -> Condition:
        """Return a condition as a tree of atoms, with NOT moved into the atoms."""
        node = node.unnest() if isinstance(node, exp.Paren) else node
        if isinstance(node, exp.Not):
            return self.condition(node.this, negated=not negated)
        if isinstance(node, exp.And | exp.Or):
            is_and = isinstance(node, exp.And) is not negated
            parts = [self.condition(part, negated=negated) for part in node.flatten(unnest=False)]
            return combined("AND" if is_and else "OR", parts, node)
        if isinstance(node, exp.Between):
            low, high = (self._atom(node.this, op, node.args[key], node) for op, key in ((">=", "low"), ("<=", "high")))
            if not negated:
                return Combined("AND", (low, high), node)
            return Combined("OR", (turned_over(low), turned_over(high)), node)
        if isinstance(node, exp.Boolean) and bool(node.this) is not negated:
            return Combined("AND", (), node)
        atom = self._single(node)
        return turned_over(atom) if negated else atom

    def _single(self, node: exp.Expr) -> Atom:
        for kind, operator in _COMPARED.items():
            if type(node) is kind:
                atom = self._atom(node.this, operator, node.args["expression"], node)
                return turned_over(atom) if node.args.get("negate") else atom
        if isinstance(node, exp.In):
            return self._membership(node)
        if isinstance(node, exp.Is):
            if isinstance(node.expression, exp.Null):
                return Atom(self.of(node.this), "IS NULL", "", node)
            return Atom(self.of(node.this), "=", self.of(node.expression), node)
        if isinstance(node, exp.Exists):
            return Atom("", "EXISTS", self._subquery(node.this, "exists"), node)
        if isinstance(node, exp.Boolean):
            return Atom("boolean(true)", "=", self._general(node), node)
        return Atom(self.of(node), "=", "boolean(true)", node)

    def _membership(self, node: exp.In) -> Atom:
        subject = self.of(node.this)
        if (query := node.args.get("query")) is not None:
            return Atom(subject, "IN", self._subquery(query, "in"), node)
        if node.args.get("unnest") is not None or node.args.get("field") is not None:
            return Atom(subject, "IN", self._general(node), node)
        values = sorted_forms({self.of(value) for value in node.expressions})
        if len(values) == 1:
            return Atom(subject, "=", values[0], node)
        return Atom(subject, "IN", f"({', '.join(values)})", node)

    def _atom(self, left: exp.Expr, operator: str, right: exp.Expr, node: exp.Expr) -> Atom:
        subject, value = self.of(left), self.of(right)
        if operator == "LIKE" and value.startswith("'") and not set(value) & set("%_\\"):
            operator = "="
        if operator in _TURNED:
            ranks = _rank(subject), _rank(value)
            if ranks[0] > ranks[1] or (ranks[0] == ranks[1] and not precedes(subject, value)):
                subject, operator, value = value, _TURNED[operator], subject
        return Atom(subject, operator, value, node)


_UNREAD = frozenset({"quoted", "big_int", "safe", "over", "nulls_first", "ignore_nulls", "coalesce", "alias", "typed"})
_PLAIN = frozenset({"this", "expression", "expressions"})


def _rank(form: str) -> int:
    """Columns are compared with subqueries and constants, not the other way round."""
    return 2 if is_constant(form) else int("subquery" in form)


def case_branches(node: exp.Expr | None) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Yield test and value of the branches of CASE, IF or IFF; nothing for other nodes."""
    if isinstance(node, exp.Case):
        yield from ((branch.this, branch.args["true"]) for branch in node.args["ifs"])
    elif isinstance(node, exp.If):
        yield node.this, node.args["true"]

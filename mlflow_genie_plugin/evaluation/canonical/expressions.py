"""The canonical form of a scalar expression; every rewrite holds under three-valued logic and for every input.

Forms are nested tuples. ``("and" | "or" | "set" | "bag", …)`` hold members whose order does not count; they are put in
order at the end, when tables have their final labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

Form = Any

_SYNONYMS = {
    "mean": "avg", "nvl": "coalesce", "ifnull": "coalesce", "substr": "substring", "len": "length", "ucase": "upper",
    "char_length": "length", "character_length": "length", "ceiling": "ceil", "lcase": "lower", "pow": "power",
    "std": "stddev", "stddev_samp": "stddev", "var_samp": "variance", "every": "bool_and", "some": "bool_or",
    "approx_percentile": "percentile_approx", "array_agg": "collect_list", "dayofmonth": "day", "sign": "signum",
    "curdate": "current_date", "now": "current_timestamp", "iff": "if", "getdate": "current_timestamp",
}  # fmt: skip
_CASTS = {"date": "date", "to_date": "date", "string": "string", "int": "int", "bigint": "bigint", "double": "double",
          "float": "float", "boolean": "boolean", "timestamp": "timestamp"}  # fmt: skip
_PARTS = frozenset({"year", "quarter", "month", "day"})
_NEGATED = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", "<=": ">", ">": "<="}
_COMPARED: dict[type[exp.Binary], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
TRUE: Form = ("boolean", True)
FALSE: Form = ("boolean", False)


class UnsupportedFormError(Exception):
    """Raised for what has no canonical form here; it proves nothing about the query."""


class Expressions:
    """Turns expressions into forms.

    Args:
        column: The form of a column.
        query: The form of a query inside an expression; the flag tells that only the existence of rows counts.
    """

    def __init__(self, column: Callable[[exp.Column], Form], query: Callable[[exp.Expr, bool], Form]) -> None:
        self._column = column
        self._query = query

    def form(self, node: exp.Expr) -> Form:
        """Return the form of an expression.

        Raises:
            UnsupportedFormError: It has none.
        """
        if isinstance(node, exp.Paren | exp.Alias):
            return self.form(node.this)
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            return self._column(node)
        if isinstance(node, exp.And | exp.Or):
            return joined("and" if isinstance(node, exp.And) else "or", [self.form(part) for part in node.flatten()])
        if isinstance(node, exp.Not):
            return negated(self.form(node.this))
        if isinstance(node, exp.Binary) and type(node) in _COMPARED:
            return compared(_COMPARED[type(node)], self.form(node.left), self.form(node.right))
        if isinstance(node, exp.NullSafeEQ | exp.Add | exp.Mul):
            return node.key, ("bag", self.form(node.left), self.form(node.right))
        if isinstance(node, exp.Between) and not node.args.get("symmetric"):
            value, low, high = self.form(node.this), self.form(node.args["low"]), self.form(node.args["high"])
            return joined("and", [compared(">=", value, low), compared("<=", value, high)])
        if isinstance(node, exp.In) and node.expressions and not isinstance(node.expressions[0], exp.Query):
            value = self.form(node.this)
            return joined("or", [compared("=", value, self.form(item)) for item in node.expressions])
        if isinstance(node, exp.Exists):
            return "exists", self._query(node.this, True)
        if isinstance(node, exp.Query):
            return self._query(node, False)
        if isinstance(node, exp.Literal):
            return ("text", node.name) if node.is_string else ("number", _plain_number(node.name))
        if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
            return "number", "-" + _plain_number(node.this.name)
        if isinstance(node, exp.Boolean):
            return TRUE if node.this else FALSE
        if isinstance(node, exp.Cast) and type(node) is exp.Cast and not node.args.get("format"):
            return "cast", self.form(node.this), node.to.sql("databricks").lower()
        if isinstance(node, exp.Case):
            return self._case(node)
        if isinstance(node, exp.DPipe):
            return ("concat()", *(self.form(part) for part in node.flatten()))
        if isinstance(node, exp.Extract) and str(node.this.name).lower() in _PARTS:
            return f"{str(node.this.name).lower()}()", self.form(node.expression)
        if isinstance(node, exp.Anonymous):
            return self._call(node)
        return self._other(node)

    def _case(self, node: exp.Case) -> Form:
        operand = self.form(node.this) if node.this is not None else None
        branches = []
        for branch in node.args.get("ifs") or ():
            test = self.form(branch.this)
            branches.append((test if operand is None else compared("=", operand, test), self.form(branch.args["true"])))
        default = node.args.get("default")
        last = ("null",) if default is None or isinstance(default, exp.Null) else self.form(default)
        return "case", tuple(branches), last

    def _call(self, node: exp.Anonymous) -> Form:
        name = _SYNONYMS.get(str(node.this).lower(), str(node.this).lower())
        arguments = node.expressions
        if name == "count" and len(arguments) == 1 and _is_never_null(arguments[0]):
            return "count()", ("star",)
        if len(arguments) == 1:
            if name in _CASTS:
                return "cast", self.form(arguments[0]), _CASTS[name]
            if name in ("isnull", "isnotnull"):
                found: Form = ("is", self.form(arguments[0]), ("null",))
                return found if name == "isnull" else negated(found)
            if isinstance(arguments[0], exp.Distinct) and name in ("min", "max"):
                return f"{name}()", self.form(arguments[0].expressions[0])
        if name == "if" and len(arguments) in (2, 3):
            last = self.form(arguments[2]) if len(arguments) == 3 else ("null",)
            return "case", ((self.form(arguments[0]), self.form(arguments[1])),), last
        if name == "date_part" and len(arguments) == 2 and arguments[0].name.lower() in _PARTS:
            return f"{arguments[0].name.lower()}()", self.form(arguments[1])
        if name == "mod" and len(arguments) == 2:
            return "mod", ("expression", self.form(arguments[1])), ("this", self.form(arguments[0]))
        return (f"{name}()", *(self.form(argument) for argument in arguments))

    def _other(self, node: exp.Expr) -> Form:
        """Return a form that holds everything a node holds, so that only equal nodes have equal forms."""
        if isinstance(node, exp.Identifier):
            return "name", node.name.lower()
        if isinstance(node, exp.Distinct) and node.args.get("on") is None:
            return "distinct", ("set", *(self.form(item) for item in node.expressions))
        parts = []
        for key, value in sorted(node.args.items()):
            if value is None or value is False or value == []:
                continue
            if isinstance(value, exp.Expr):
                parts.append((key, self.form(value)))
            elif isinstance(value, list):
                items = tuple(self.form(item) if isinstance(item, exp.Expr) else item for item in value)
                parts.append((key, ("set", *items) if key == "partition_by" else items))
            else:
                parts.append((key, value.lower() if isinstance(value, str) else str(value)))
        return (node.key, *parts)


def compared(operator: str, left: Form, right: Form) -> Form:
    """Return a comparison; ``=`` and ``<>`` have no sides, ``>`` is ``<`` the other way round."""
    if operator in ("=", "<>"):
        if left == right and left[0] in ("number", "text"):
            return TRUE if operator == "=" else FALSE
        return operator, ("bag", left, right)
    if operator in (">", ">="):
        operator, left, right = operator.replace(">", "<"), right, left
    return operator, left, right


def negated(form: Form) -> Form:
    """Return the negation, pushed down to comparisons; NULL stays NULL on the way."""
    kind = form[0]
    if kind == "not":
        return form[1]
    if kind in ("and", "or"):
        return joined("or" if kind == "and" else "and", [negated(part) for part in form[1:]])
    if kind in ("=", "<>"):
        return _NEGATED[kind], form[1]
    if kind in ("<", "<="):
        return compared(_NEGATED[kind], form[1], form[2])
    if kind == "boolean":
        return FALSE if form[1] else TRUE
    return "not", form


def joined(kind: str, parts: list[Form]) -> Form:
    """Return a conjunction or disjunction, flat, without repeats and without what changes nothing."""
    neutral, deciding = (TRUE, FALSE) if kind == "and" else (FALSE, TRUE)
    flat: list[Form] = []
    for part in parts:
        flat += part[1:] if part[0] == kind else [part]
    kept = [part for part in dict.fromkeys(flat) if part != neutral]
    if deciding in kept:
        return deciding
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else (kind, *kept)


def _is_never_null(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star | exp.Literal | exp.Boolean)


def _plain_number(text: str) -> str:
    return str(int(text)) if text.isdigit() else text.lower()

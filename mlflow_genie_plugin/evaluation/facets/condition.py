"""Conditions as trees of atoms: one comparison each, joined by AND and OR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.tokens import sorted_forms

NEGATED = {
    "=": "<>", ">": "<=", "<": ">=", "LIKE": "NOT LIKE", "ILIKE": "NOT ILIKE", "RLIKE": "NOT RLIKE", "IN": "NOT IN",
    "IS NULL": "IS NOT NULL", "EXISTS": "NOT EXISTS", "<=>": "NOT <=>",
}  # fmt: skip
NEGATED |= {negative: positive for positive, negative in NEGATED.items()}


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison: ``subject operator value``, both sides in normal form; ``value`` is empty for IS NULL."""

    subject: str
    operator: str
    value: str
    node: exp.Expr

    @property
    def form(self) -> str:
        return f"{self.subject} {self.operator} {self.value}".rstrip()


@dataclass(frozen=True, slots=True)
class Combined:
    """Conditions joined by AND or OR; an empty AND is TRUE."""

    operator: str
    parts: tuple[Condition, ...]
    node: exp.Expr

    @property
    def form(self) -> str:
        return "(" + f" {self.operator} ".join(sorted_forms({part.form for part in self.parts})) + ")"


Condition = Atom | Combined


def is_constant(form: str) -> bool:
    """Return whether a normal form names no column, no subquery and counts no rows."""
    return "⟦" not in form and "subquery" not in form and "count(*)" not in form


def turned_over(atom: Atom) -> Atom:
    """Return the comparison that holds where this one fails, NULL apart."""
    negative = NEGATED.get(atom.operator)
    if negative is None:
        return Atom(f"not {atom.form}", "=", "boolean(true)", atom.node)
    return Atom(atom.subject, negative, atom.value, atom.node)


def conjuncts(condition: Condition) -> Iterator[Condition]:
    """Yield the parts that must all hold."""
    if isinstance(condition, Combined) and condition.operator == "AND":
        for part in condition.parts:
            yield from conjuncts(part)
    else:
        yield condition


def combined(operator: str, parts: list[Condition], node: exp.Expr) -> Condition:
    """Join conditions by AND or OR; those joined in the same way already are taken in, equalities of one thing too."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Combined) and part.operator == operator else (part,))
    if operator == "OR":
        flat = _as_membership(flat, node)
    return flat[0] if len(flat) == 1 else Combined(operator, tuple(flat), node)


def _as_membership(parts: list[Condition], node: exp.Expr) -> list[Condition]:
    """Join ``x = 1 OR x = 2`` to ``x IN (1, 2)``."""
    values: dict[str, set[str]] = {}
    rest: list[Condition] = []
    for part in parts:
        if isinstance(part, Atom) and part.operator in ("=", "IN") and is_constant(part.value):
            members = part.value[1:-1].split(", ") if part.operator == "IN" else [part.value]
            values.setdefault(part.subject, set()).update(members)
        else:
            rest.append(part)
    for subject, listed in values.items():
        many = len(listed) > 1
        ordered = sorted(listed)
        rest.append(Atom(subject, "IN" if many else "=", f"({', '.join(ordered)})" if many else ordered[0], node))
    return rest

"""Sums and products in one normal form, so that ``a * (1 - b)`` and ``a - b * a`` are the same."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.tokens import sorted_forms

ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.SafeDivide)

# Multiplying out grows fast; beyond this an expression stays as it was written.
_MOST_TERMS = 48

_Polynomial = dict[tuple[str, ...], Fraction]
FormOf = Callable[[exp.Expr], str]


def arithmetic_form(node: exp.Expr, form_of: FormOf) -> str | None:
    """Return the normal form of a sum, product, quotient or negative; None when it is too large to multiply out.

    ``x / NULLIF(y, 0)`` and ``try_divide(x, y)`` count as ``x / y``: where both give a value it is the same.

    Args:
        node: One of ``ARITHMETIC``.
        form_of: Gives the normal form of whatever is not arithmetic inside.
    """
    polynomial = _polynomial(node, form_of)
    return None if polynomial is None else _text(polynomial)


def number_text(text: str) -> str | None:
    """Return a numeric literal in one spelling (``1.50`` and ``1.5`` are the same); None when it is no number."""
    try:
        return _number(Fraction(text))
    except (ValueError, ZeroDivisionError):
        return None


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def _text(polynomial: _Polynomial) -> str:
    if not polynomial:
        return "0"
    terms = []
    for atoms, factor in polynomial.items():
        if not atoms:
            terms.append(_number(factor))
        elif factor == 1:
            terms.append(" * ".join(atoms))
        else:
            terms.append(" * ".join((_number(factor), *atoms)))
    if len(terms) == 1 and (" * " not in terms[0] or (len(next(iter(polynomial))) == 1 and not terms[0][0].isdigit())):
        return terms[0]
    return "(" + " + ".join(sorted_forms(terms)) + ")"


def _polynomial(node: exp.Expr, form_of: FormOf) -> _Polynomial | None:
    node = _bare(node)
    if isinstance(node, exp.Literal) and not node.is_string:
        try:
            value = Fraction(node.name)
        except ValueError:
            return {(form_of(node),): Fraction(1)}
        return {(): value} if value else {}
    if isinstance(node, exp.Neg):
        return _product({(): Fraction(-1)}, _polynomial(node.this, form_of))
    if isinstance(node, exp.Add | exp.Sub) and not any(isinstance(_bare(side), exp.Interval) for side in _sides(node)):
        left, right = (_polynomial(side, form_of) for side in _sides(node))
        if left is None or right is None:
            return None
        sign = Fraction(1 if isinstance(node, exp.Add) else -1)
        total = dict(left)
        for atoms, factor in right.items():
            total[atoms] = total.get(atoms, Fraction(0)) + sign * factor
        return _checked(total)
    if isinstance(node, exp.Mul):
        return _product(*(_polynomial(side, form_of) for side in _sides(node)))
    if isinstance(node, exp.Div | exp.SafeDivide):
        return _product(_polynomial(node.this, form_of), _reciprocal(node.expression, form_of))
    return {(form_of(node),): Fraction(1)}


def _reciprocal(node: exp.Expr, form_of: FormOf) -> _Polynomial | None:
    node = _bare(node)
    if (
        isinstance(node, exp.Nullif)
        and isinstance(node.expression, exp.Literal)
        and node.expression.name in ("0", "0.0")
    ):
        node = _bare(node.this)
    polynomial = _polynomial(node, form_of)
    if polynomial is None:
        return None
    if len(polynomial) == 1:
        ((atoms, factor),) = polynomial.items()
        return {tuple(sorted_forms(f"1/{atom}" for atom in atoms)): 1 / factor}
    return {(f"1/{_text(polynomial)}",): Fraction(1)}


def _product(left: _Polynomial | None, right: _Polynomial | None) -> _Polynomial | None:
    if left is None or right is None or len(left) * len(right) > _MOST_TERMS:
        return None
    total: _Polynomial = {}
    for one, factor in left.items():
        for other, times in right.items():
            atoms = tuple(sorted_forms((*one, *other)))
            total[atoms] = total.get(atoms, Fraction(0)) + factor * times
    return _checked(total)


def _checked(polynomial: _Polynomial) -> _Polynomial | None:
    kept = {atoms: factor for atoms, factor in polynomial.items() if factor}
    return kept if len(kept) <= _MOST_TERMS else None


def _sides(node: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    return node.this, node.args["expression"]


# Widening casts change no value; DECIMAL without a scale rounds to whole numbers.
_WIDE = (exp.DType.DOUBLE, exp.DType.FLOAT)


def _bare(node: exp.Expr) -> exp.Expr:
    """Take off parentheses and casts that only widen a number."""
    while isinstance(node, exp.Paren) or is_widening_cast(node):
        node = node.this
    return node


def is_widening_cast(node: exp.Expr) -> bool:
    """Return whether a node is a cast to DOUBLE, FLOAT or DECIMAL with a scale, of something that is no text."""
    if not isinstance(node, exp.Cast) or (isinstance(node.this, exp.Literal) and node.this.is_string):
        return False
    kind = node.to.this
    return kind in _WIDE or (kind == exp.DType.DECIMAL and len(node.to.expressions) == 2)

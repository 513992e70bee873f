"""How columns stand inside normal forms: ``⟦source:column⟧`` while a query is read, ``⟦table.column⟧`` afterwards.

A normal form is a text; two expressions are the same when their texts are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

TOKEN = re.compile(r"⟦([^⟧]*)⟧")
_NUMBER = re.compile(r"⟦\d+:")
_CORRELATED = "^"
UNKNOWN_SOURCE = "?"


def column_token(source: int | str, column: str, *, is_outer: bool = False) -> str:
    """Return the token of a column; ``is_outer`` marks a column of an enclosing query."""
    return f"⟦{source}:{column}{_CORRELATED if is_outer else ''}⟧"


def tokens_in(*forms: str) -> tuple[str, ...]:
    """Return the columns that normal forms name, once each, in their order, without the marks of correlation."""
    found = (name.removesuffix(_CORRELATED) for form in forms for name in TOKEN.findall(form))
    return tuple(dict.fromkeys(found))


def is_column(form: str) -> bool:
    """Return whether a normal form is one column and nothing else."""
    return form.startswith("⟦") and form.find("⟧") == len(form) - 1


def renamed(form: str, rename: Callable[[str], str]) -> str:
    """Return the form with the inside of every token replaced."""
    return TOKEN.sub(lambda match: f"⟦{rename(match.group(1))}⟧", form)


def sorted_forms(forms: Iterable[str]) -> list[str]:
    """Sort without regard to the numbers of sources, which depend on the order in which a query names them."""
    return sorted(forms, key=lambda form: (_NUMBER.sub("⟦", form), form))


def precedes(one: str, other: str) -> bool:
    """Return whether the first of two forms comes first in :func:`sorted_forms`."""
    return sorted_forms((other, one))[0] == one

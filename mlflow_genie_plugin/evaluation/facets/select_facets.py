"""Differences in the output columns of two queries, and which of the answer's columns nobody asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.level import Part
from mlflow_genie_plugin.evaluation.facets.pair import Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.summary import Summary
from mlflow_genie_plugin.evaluation.facets.tokens import is_column, tokens_in
from mlflow_genie_plugin.evaluation.facets.wording import in_words, shown

# Rounding to two or more decimals leaves the value recognisable, and results are compared with tolerance.
_ROUNDED = re.compile(r"round\((.*), decimals=(?:[2-9]|\d\d)\)\Z")
_MEASURE = re.compile(r"measure\(⟦[^⟧]*⟧\)")


@dataclass(slots=True)
class Selected:
    """How the output columns correspond.

    Attributes:
        same: Pairs of positions with the same expression.
        rounded: Pairs that differ only in rounding.
        changed: Pairs of columns that stand for each other and differ.
        missing: Expected columns without a counterpart.
        extra: Columns of the answer that correspond to nothing.
    """

    same: list[tuple[int, int]] = field(default_factory=list)
    rounded: list[tuple[Part, Part]] = field(default_factory=list)
    changed: list[tuple[Part, Part]] = field(default_factory=list)
    missing: list[Part] = field(default_factory=list)
    extra: list[Part] = field(default_factory=list)


def selected(pair: Pair) -> Selected:
    """Find out which output column of the answer stands for which expected one."""
    found = Selected()
    wanted, got = (
        [(index, pair.form(part.form, side), part) for index, part in enumerate(side.select)]
        for side in (pair.expected, pair.actual)
    )
    for index, form, part in list(wanted):
        match = next((item for item in got if item[1] == form), None)
        if match is not None:
            found.same.append((index, match[0]))
            wanted.remove((index, form, part))
            got.remove(match)
    for item in list(wanted):
        match = next((other for other in got if _unrounded(other[1]) == _unrounded(item[1])), None)
        if match is not None:
            found.rounded.append((item[2], match[2]))
            wanted.remove(item)
            got.remove(match)
    if any(form == "*" for _, form, _ in got):
        # All columns are there; which ones is not known, so plain ones cannot be missed.
        wanted = [item for item in wanted if not is_column(item[1])]
    for item in sorted(wanted, key=lambda item: item[0]):
        partner = _partner(item, got)
        if partner is None:
            found.missing.append(item[2])
            continue
        found.changed.append((item[2], partner[2]))
        got.remove(partner)
    found.extra = [part for _, _, part in got]
    return found


def _unrounded(form: str) -> str:
    match = _ROUNDED.match(form)
    return match.group(1) if match else form


def _partner(item: tuple[int, str, Part], got: list[tuple[int, str, Part]]) -> tuple[int, str, Part] | None:
    """Return the column of the answer that most likely stands for an expected one."""
    likes = [(_likeness(item[1], other[1]), -abs(other[0] - item[0]), other) for other in got]
    return max(likes, key=lambda like: like[:2])[2] if likes else None


def _likeness(one: str, other: str) -> int:
    shared = bool(set(tokens_in(one)) & set(tokens_in(other)))
    same_kind = one.partition("(")[0] == other.partition("(")[0] if "(" in one and "(" in other else False
    both_columns = is_column(one) and is_column(other)
    return 2 * shared + same_kind + both_columns


def select_facets(pair: Pair, found: Selected) -> Iterator[Facet]:
    for one, other in found.changed:
        yield _changed(pair, one, other)
    if found.missing:
        names = in_words(_name(part) for part in found.missing)
        verb = "is" if len(found.missing) == 1 else "are"
        yield Facet(
            "select", names, None, "missing_column", "SELECT",
            rationale=f"{names} {verb} missing from the output",
            objects=objects_of(*(part.form for part in found.missing)),
        )  # fmt: skip
    for one, other in found.rounded:
        yield Facet(
            "select", shown(one.node), shown(other.node), None, "SELECT", is_presentational=True,
            rationale=f"{shown(one.node)} is rounded differently", objects=objects_of(one.form),
        )  # fmt: skip
    if found.extra:
        names = in_words(_name(part) for part in found.extra)
        yield Facet(
            "extra_columns", None, names, "RESULT_EXTRA_COLUMNS", "SELECT", is_presentational=True,
            rationale=f"the answer also shows {names}", objects=objects_of(*(part.form for part in found.extra)),
        )  # fmt: skip
    if not (found.changed or found.missing):
        yield from _forms(pair, found)


def _changed(pair: Pair, one: Part, other: Part) -> Facet:
    forms = pair.form(one.form, pair.expected), pair.form(other.form, pair.actual)
    wanted, got = shown(one.node), shown(other.node)
    if is_column(forms[0]) and is_column(forms[1]):
        kind, rationale = "wrong_column", f"the answer shows {got} instead of {wanted}"
    elif all(_MEASURE.search(form) for form in forms):
        kind, rationale = "wrong_measure", f"the answer shows {got} instead of {wanted}"
    else:
        kind, rationale = "wrong_expression", f"the answer computes {got} instead of {wanted}"
    return Facet(
        "select", wanted, got, kind, "SELECT", rationale=rationale, objects=objects_of(one.form, other.form)
    )  # fmt: skip


def _forms(pair: Pair, found: Selected) -> Iterator[Facet]:
    """Yield differences of order and names only."""
    order = [actual for _, actual in sorted(found.same)]
    if order != sorted(order):
        wanted, got = (in_words(_name(part) for part in side.select) for side in (pair.expected, pair.actual))
        yield Facet(
            "select_order", wanted, got, None, "SELECT", is_presentational=True,
            rationale="the columns stand in another order",
        )  # fmt: skip
    renamed = [
        (pair.expected.select[one].name, pair.actual.select[other].name)
        for one, other in found.same
        if pair.expected.select[one].name != pair.actual.select[other].name
    ]
    if renamed:
        yield Facet(
            "aliases", ", ".join(one for one, _ in renamed) or None, ", ".join(other for _, other in renamed) or None,
            None, "SELECT", is_presentational=True, rationale="columns have other names",
        )  # fmt: skip


def _name(part: Part) -> str:
    return part.name or shown(part.node) if isinstance(part.node, exp.Star) else shown(part.node)


def extra_forms(pair: Pair, found: Selected) -> str:
    """Return everything the answer computes for what was asked, as one text to look forms up in."""
    extra = {id(part) for part in found.extra}
    return _needed_forms(pair, pair.actual, [part for part in pair.actual.select if id(part) not in extra])


def needed_forms(pair: Pair) -> str:
    """Return everything the expected query computes for its rows, as one text to look forms up in."""
    return _needed_forms(pair, pair.expected, pair.expected.select)


def _needed_forms(pair: Pair, side: Summary, shown_parts: list[Part]) -> str:
    parts = [*shown_parts, *(part for ranking in side.rankings for part in ranking.order)]
    if pair.ordered:
        parts += side.order
    forms = [pair.form(part.form, side) for part in parts]
    return "\n".join([*forms, *(pair.form(predicate.form, side) for predicate in side.predicates)])

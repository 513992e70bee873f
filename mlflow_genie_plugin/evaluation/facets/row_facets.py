"""Differences in which rows there are and what one stands for: grain, set operations, duplicates."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.pair import Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.summary import Summary
from mlflow_genie_plugin.evaluation.facets.tokens import is_column
from mlflow_genie_plugin.evaluation.facets.wording import in_words, shown, shown_all


def row_facets(pair: Pair) -> Iterator[Facet]:
    yield from _grain(pair)
    yield from _set_operations(pair)
    yield from _distinct(pair)


def _grain(pair: Pair) -> Iterator[Facet]:
    if pair.expected.group is None and pair.actual.group is None:
        return
    wanted, got = (pair.forms((side.group or {}).values(), side) for side in (pair.expected, pair.actual))
    tables = [*pair.expected.tables, *pair.actual.tables]
    known_expected, known_actual = pair.determined(wanted, tables), pair.determined(got, tables)
    missing = [part for form, part in wanted.items() if not (form in got or (is_column(form) and known_actual(form)))]
    extra = [part for form, part in got.items() if not (form in wanted or (is_column(form) and known_expected(form)))]
    if not missing and not extra:
        return
    lacking, added = (in_words(shown(part.node) for part in parts) for parts in (missing, extra))
    if missing and extra:
        rationale = f"the answer groups by {added} instead of {lacking}"
    elif missing:
        rationale = f"the grouping by {lacking} is missing"
    else:
        rationale = f"the answer also groups by {added}, so that a row stands for less than expected"
    yield Facet(
        "grain",
        shown_all(part.node for part in (pair.expected.group or {}).values()) or None,
        shown_all(part.node for part in (pair.actual.group or {}).values()) or None,
        "wrong_groupby",
        "GROUP BY",
        rationale=rationale,
        objects=objects_of(*(part.form for part in missing or extra)),
    )


def _set_operations(pair: Pair) -> Iterator[Facet]:
    expected, actual = pair.expected.set_operations, pair.actual.set_operations
    if expected == actual:
        return
    wanted, got = in_words(sorted((expected - actual).elements())), in_words(sorted((actual - expected).elements()))
    only_duplicates = sorted(name.removesuffix(" ALL") for name in expected.elements()) == sorted(
        name.removesuffix(" ALL") for name in actual.elements()
    )
    if wanted and got:
        rationale = f"the answer combines queries by {got} instead of {wanted}"
    else:
        rationale = f"{wanted} is missing" if wanted else f"the answer adds {got}, which is not expected"
    yield Facet(
        "set_operations",
        wanted or None,
        got or None,
        "wrong_distinct" if only_duplicates else "different_scope",
        (wanted or got).partition(" ")[0],
        rationale=rationale,
    )


def _distinct(pair: Pair) -> Iterator[Facet]:
    expected, actual = (_real_distinct(pair, side) for side in (pair.expected, pair.actual))
    if expected == actual:
        return
    wanted = expected > actual
    rationale = "DISTINCT is missing: rows are repeated" if wanted else "the answer drops duplicate rows that count"
    yield Facet(
        "distinct",
        "DISTINCT" if wanted else None,
        None if wanted else "DISTINCT",
        "wrong_distinct",
        "SELECT",
        rationale=rationale,
        objects=objects_of(*(part.form for part in pair.expected.select)),
    )


def _real_distinct(pair: Pair, side: Summary) -> int:
    """Return how many levels drop duplicates; none where the output holds a key of the only table."""
    if side.distinct == 1 and len(side.tables) == 1 and sum(side.tables.values()) == 1:
        (table,) = side.tables
        shown_columns = {part.form for part in side.select}
        for key in pair.unique_keys(table):
            if all(f"⟦{table}.{name}⟧" in shown_columns for name in key):
                return 0
    return side.distinct

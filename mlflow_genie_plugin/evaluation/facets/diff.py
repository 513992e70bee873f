"""How two queries differ, facet by facet."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import FACET_ORDER, Facet, FacetDiff, UnanalysableError
from mlflow_genie_plugin.evaluation.facets.filter_facets import filter_facets
from mlflow_genie_plugin.evaluation.facets.pair import Pair
from mlflow_genie_plugin.evaluation.facets.ranking_facets import ranking_facets
from mlflow_genie_plugin.evaluation.facets.row_facets import row_facets
from mlflow_genie_plugin.evaluation.facets.select_facets import select_facets, selected
from mlflow_genie_plugin.evaluation.facets.source_facets import source_facets
from mlflow_genie_plugin.evaluation.facets.tokens import TOKEN
from mlflow_genie_plugin.evaluation.facets.value_facets import value_facets
from mlflow_genie_plugin.evaluation.facets.wording import in_words
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema

_KIND_WORDS = {
    "derived": "a query in FROM that aggregates first",
    "scalar": "a query for one value",
    "in": "a query inside IN",
    "exists": "a query inside EXISTS",
}


def diff_queries(
    expected: exp.Expr, actual: exp.Expr, schema: SpaceSchema | None = None, *, ordered: bool = False
) -> FacetDiff:
    """Compare the parts of two queries.

    Args:
        expected: Tree of the right query; it is only read.
        actual: Tree of the query to explain; it is only read.
        schema: Columns of the tables; without it, columns are told apart by their names alone.
        ordered: Whether the order of rows counts although they are not cut.

    Returns:
        The differences, first by ``FACET_ORDER``. Equal facets make it likely that the queries ask for the same, but
        prove nothing; a difference can be one of form only. ``problem`` says why queries could not be analysed.
    """
    try:
        pair = Pair.read(expected, actual, schema if schema is not None else SpaceSchema(), ordered=ordered)
    except UnanalysableError as error:
        return FacetDiff((), str(error))
    except RecursionError:
        return FacetDiff((), "the query is nested too deeply")
    facets = list(_facets(pair))
    if all(facet.is_presentational for facet in facets) and (moved := _moved(pair)) is not None:
        facets.append(moved)
    found = sorted(facets, key=lambda facet: FACET_ORDER.index(facet.name))
    return FacetDiff(tuple(found))


def _facets(pair: Pair) -> Iterator[Facet]:
    columns = selected(pair)
    yield from source_facets(pair)
    yield from filter_facets(pair)
    yield from value_facets(pair, columns)
    yield from row_facets(pair)
    yield from ranking_facets(pair)
    yield from select_facets(pair, columns)
    yield from _others(pair)
    yield from _subqueries(pair)


def _moved(pair: Pair) -> Facet | None:
    """Find parts that are the same but stand in other subqueries."""
    if not pair.expected.subqueries or pair.signature(pair.expected) == pair.signature(pair.actual):
        return None
    return Facet(
        "subqueries", None, None, "wrong_subquery", "FROM", rationale="the same conditions stand in other subqueries"
    )


def _others(pair: Pair) -> Iterator[Facet]:
    sides = []
    for side in (pair.expected, pair.actual):
        sides.append({pair.form(form, side): count for form, count in side.others.items()})
    if sides[0] != sides[1]:
        wanted, got = (TOKEN.sub(r"\1", in_words(sorted(side))) or None for side in sides)
        yield Facet(
            "other_clauses", wanted, got, "wrong_expression", "FROM",
            rationale=f"the query uses {got or 'nothing'} instead of {wanted or 'nothing'}",
        )  # fmt: skip


def _subqueries(pair: Pair) -> Iterator[Facet]:
    expected, actual = pair.expected.subqueries, pair.actual.subqueries
    missing, extra = expected - actual, actual - expected
    if missing or extra:
        wanted, got = (in_words(_KIND_WORDS[kind] for kind in sorted(each)) for each in (missing, extra))
        if missing and extra:
            rationale = f"the answer uses {got} instead of {wanted}"
        else:
            rationale = f"{wanted} is missing" if missing else f"the answer adds {got}"
        yield Facet("subqueries", wanted or None, got or None, "wrong_subquery", "FROM", rationale=rationale)

"""Differences in the order of rows, and where they are cut off."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.level import Part
from mlflow_genie_plugin.evaluation.facets.pair import Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.summary import Ranking
from mlflow_genie_plugin.evaluation.facets.wording import shown, shown_all


def ranking_facets(pair: Pair) -> Iterator[Facet]:
    yield from _rankings(pair)
    yield from _order(pair)


def _rankings(pair: Pair) -> Iterator[Facet]:
    wanted, got = list(pair.expected.rankings), list(pair.actual.rankings)
    for one, other in zip(wanted, got, strict=False):
        difference = _ranking_difference(pair, one, other)
        if difference is not None:
            yield _ranking(one, other, difference)
    for one in wanted[len(got) :]:
        yield _ranking(one, None, f"the answer is not cut to the first {_count(one)} rows")
    for other in got[len(wanted) :]:
        yield _ranking(None, other, f"the answer is cut to {_count(other)} rows, which is not expected")


def _ranking_difference(pair: Pair, one: Ranking, other: Ranking) -> str | None:
    if _form(one.limit) != _form(other.limit):
        return f"the answer shows the first {_count(other)} rows where {_count(one)} are expected"
    if _form(one.offset) != _form(other.offset):
        return f"the answer skips {_form(other.offset) or 'no'} rows where {_form(one.offset) or 'none'} are expected"
    keys = [pair.form(part.form, pair.expected) for part in one.order]
    others = [pair.form(part.form, pair.actual) for part in other.order]
    # Further keys of the answer only decide between rows that are equal in the expected ones.
    if others[: len(keys)] == keys and (keys or not others):
        return None
    texts = [shown_all(part.node for part in ranking.order) for ranking in (one, other)]
    if not others:
        return f"the rows are cut without the order by {texts[0]}"
    if not keys:
        return f"the rows are cut in the order of {texts[1]}, which is not expected"
    if [key.removesuffix(" desc") for key in keys] == [key.removesuffix(" desc") for key in others]:
        directions = ["descending" if " desc" in "".join(each) else "ascending" for each in (keys, others)]
        if directions[0] != directions[1]:
            return f"the answer ranks {directions[1]} instead of {directions[0]}"
    return f"the answer ranks by {texts[1]} instead of {texts[0]}"


def _ranking(one: Ranking | None, other: Ranking | None, rationale: str) -> Facet:
    parts = [part for ranking in (one, other) if ranking for part in ranking.order]
    return Facet(
        "ranking",
        _ranking_text(one),
        _ranking_text(other),
        "wrong_orderby",
        "ORDER BY" if "rank" in rationale or "order" in rationale else "LIMIT",
        rationale=rationale,
        objects=objects_of(*(part.form for part in parts)),
        values=tuple(count for ranking in (one, other) if ranking and (count := _form(ranking.limit))),
    )


def _ranking_text(ranking: Ranking | None) -> str | None:
    if ranking is None:
        return None
    keys = shown_all(part.node for part in ranking.order)
    limit = f"LIMIT {_form(ranking.limit)}" if ranking.limit else ""
    offset = f"OFFSET {_form(ranking.offset)}" if ranking.offset else ""
    return " ".join(filter(None, (f"ORDER BY {keys}" if keys else "", limit, offset)))


def _form(part: Part | None) -> str | None:
    return None if part is None else part.form


def _count(ranking: Ranking) -> str:
    return shown(ranking.limit.node) if ranking.limit is not None else "all"


def _order(pair: Pair) -> Iterator[Facet]:
    """Compare the order of rows that are not cut; it only counts when the benchmark says so."""
    keys = [pair.form(part.form, pair.expected) for part in pair.expected.order]
    others = [pair.form(part.form, pair.actual) for part in pair.actual.order]
    if keys == others or (keys and others[: len(keys)] == keys):
        return
    texts = [shown_all(part.node for part in side.order) or None for side in (pair.expected, pair.actual)]
    counts = pair.ordered and bool(keys)
    if texts[0] is None:
        rationale = f"the rows are ordered by {texts[1]}; no order is asked for"
    elif texts[1] is None:
        rationale = f"the rows are not ordered; by {texts[0]} is asked for"
    else:
        rationale = f"the rows are ordered by {texts[1]} instead of {texts[0]}"
    yield Facet(
        "ranking" if counts else "order",
        texts[0],
        texts[1],
        "wrong_orderby" if counts else None,
        "ORDER BY",
        is_presentational=not counts,
        rationale=rationale,
        objects=objects_of(*(part.form for part in pair.expected.order)),
    )

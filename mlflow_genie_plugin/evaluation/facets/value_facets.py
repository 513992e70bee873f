"""Differences in what two queries compute: aggregates, windows, grain, set operations, duplicates, ranking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.level import Part
from mlflow_genie_plugin.evaluation.facets.pair import Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.select_facets import Selected, extra_forms, needed_forms
from mlflow_genie_plugin.evaluation.facets.summary import Ranking, Summary
from mlflow_genie_plugin.evaluation.facets.tokens import is_column
from mlflow_genie_plugin.evaluation.facets.wording import aggregate_clause, in_words, shown, shown_all

_RANKING = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile)


def value_facets(pair: Pair, found: Selected) -> Iterator[Facet]:
    yield from _aggregates(pair, found)
    yield from _windows(pair, found)
    yield from _grain(pair)
    yield from _set_operations(pair)
    yield from _distinct(pair)
    yield from _rankings(pair)
    yield from _order(pair)


def _aggregates(pair: Pair, found: Selected) -> Iterator[Facet]:
    wanted, got = _left_over(pair, pair.expected.aggregates.values(), pair.actual.aggregates.values(), found)
    if not wanted and not got:
        return
    if wanted and not pair.actual.aggregates and not pair.actual.windows:
        texts = in_words(shown(part.node) for part in wanted.values())
        yield _value(
            "aggregates",
            wanted.values(),
            (),
            "missing_aggregation",
            f"the answer does not aggregate: it lacks {texts}",
        )
        return
    if wanted and not got and found.missing and _stand_only_in(pair, wanted, found.missing):
        return  # a missing column, which is reported as such
    for form, part in wanted.items():
        partner = _like(form, got)
        if partner is None:
            rationale = f"{shown(part.node)} is expected and not computed"
            yield _value("aggregates", [part], (), "missing_aggregation", rationale)
            continue
        other = got.pop(partner)
        is_measure = form.startswith("measure(") and partner.startswith("measure(")
        kind = "wrong_measure" if is_measure else "wrong_aggregation"
        yield _value("aggregates", [part], [other], kind, aggregate_clause(part.node, other.node))
    for part in got.values():
        rationale = f"the answer computes {shown(part.node)}, which is not expected"
        yield _value("aggregates", (), [part], "wrong_aggregation", rationale)


def _left_over(
    pair: Pair, expected: Iterable[Part], actual: Iterable[Part], found: Selected
) -> tuple[dict[str, Part], dict[str, Part]]:
    """Return the calls of each side that the other side lacks and that its rows depend on."""
    wanted, got = pair.forms(expected, pair.expected), pair.forms(actual, pair.actual)
    used = needed_forms(pair), extra_forms(pair, found)
    return (
        {form: part for form, part in wanted.items() if form not in got and form in used[0]},
        {form: part for form, part in got.items() if form not in wanted and form in used[1]},
    )


def _stand_only_in(pair: Pair, forms: Iterable[str], parts: list[Part]) -> bool:
    gone = {id(part) for part in parts}
    rest = [pair.form(part.form, pair.expected) for part in pair.expected.select if id(part) not in gone]
    rest += [pair.form(predicate.form, pair.expected) for predicate in pair.expected.predicates]
    return not any(form in kept for form in forms for kept in rest)


def _like(form: str, others: Iterable[str]) -> str | None:
    """Return the call that most likely stands for ``form``: of the same function, or of the same argument."""
    name, _, argument = form.partition("(")
    ranked = [
        ((other.partition("(")[0] == name) + 2 * (other.partition("(")[2] == argument), other) for other in others
    ]
    return max(ranked, key=lambda item: item[0])[1] if ranked else None


def _windows(pair: Pair, found: Selected) -> Iterator[Facet]:
    wanted, got = _left_over(pair, pair.expected.windows.values(), pair.actual.windows.values(), found)
    others = list(got.values())
    for part in wanted.values():
        is_ranking = isinstance(part.node.this, _RANKING)
        other = others.pop(0) if others else None
        if other is None:
            kind = "wrong_orderby" if is_ranking else "missing_aggregation"
            yield _value("windows", [part], (), kind, f"{shown(part.node)} is expected and not computed")
        else:
            kind = "wrong_orderby" if is_ranking else "wrong_aggregation"
            rationale = f"the answer computes {shown(other.node)} instead of {shown(part.node)}"
            yield _value("windows", [part], [other], kind, rationale)
    for part in others:
        kind = "wrong_orderby" if isinstance(part.node.this, _RANKING) else "wrong_aggregation"
        yield _value("windows", (), [part], kind, f"the answer computes {shown(part.node)}, which is not expected")


def _value(name: str, wanted: Iterable[Part], got: Iterable[Part], kind: str, rationale: str) -> Facet:
    wanted, got = list(wanted), list(got)
    return Facet(
        name,
        shown_all(part.node for part in wanted) or None,
        shown_all(part.node for part in got) or None,
        kind,
        "SELECT",
        rationale=rationale,
        objects=objects_of(*(part.form for part in (*wanted, *got))),
    )


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

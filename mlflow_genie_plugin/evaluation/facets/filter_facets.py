"""Differences between the filters of two queries: missing, added, on another column, with another value or operator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.condition import Atom
from mlflow_genie_plugin.evaluation.facets.connectives import connective_facets
from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.filters import Filters
from mlflow_genie_plugin.evaluation.facets.pair import Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.summary import Predicate, Summary
from mlflow_genie_plugin.evaluation.facets.tokens import tokens_in
from mlflow_genie_plugin.evaluation.facets.wording import in_words, short_column, shown_conditions

_AGGREGATE = re.compile(r"\b(?:sum|avg|min|max|count|measure)\(")


def filter_facets(pair: Pair) -> Iterator[Facet]:
    expected, actual = (_by_form(pair, side) for side in (pair.expected, pair.actual))
    missing = {form: item for form, item in expected.items() if form not in actual}
    extra = {form: item for form, item in actual.items() if form not in expected}
    yield from connective_facets(missing, extra, pair)
    wanted, got = (_by_subject(pair, items, side) for items, side in ((missing, pair.expected), (extra, pair.actual)))
    pairs = [(wanted.pop(subject), got.pop(subject)) for subject in list(wanted) if subject in got]
    for is_match in (_same_comparisons, _same_columns):
        for subject in list(wanted):
            partner = next((other for other in got if is_match(wanted[subject], got[other])), None)
            if partner is not None:
                pairs.append((wanted.pop(subject), got.pop(partner)))
    first, second = (
        next((subject for subject, item in each.items() if item.is_temporal), None) for each in (wanted, got)
    )
    if first is not None and second is not None:
        pairs.append((wanted.pop(first), got.pop(second)))  # two periods, given by different columns
    for wide, narrow in ((wanted, got), (got, wanted)):
        for subject in [each for each, item in wide.items() if item.is_combined]:
            parts = [narrow.pop(each) for each in list(narrow) if set() < narrow[each].columns <= wide[subject].columns]
            if parts:
                whole = Filters(subject, [item for part in parts for item in part.predicates])
                combined = wide.pop(subject)
                pairs.append((combined, whole) if wide is wanted else (whole, combined))
    for one, other in pairs:
        yield _changed(one, other)
    # IN and EXISTS over a subquery can be a join in the other query; then the joins tell what differs.
    yield from (_missing(item) for item in wanted.values() if not _is_join(item))
    yield from (_added(item) for item in got.values() if not _is_join(item))


def _by_form(pair: Pair, side: Summary) -> dict[str, Predicate]:
    return {pair.form(predicate.form, side): predicate for predicate in side.predicates}


def _by_subject(pair: Pair, items: dict[str, Predicate], side: Summary) -> dict[str, Filters]:
    found: dict[str, Filters] = {}
    for form, predicate in items.items():
        condition = predicate.filter.condition
        if isinstance(condition, Atom):
            subject = pair.form(condition.subject, side) or condition.operator.removeprefix("NOT ")
        else:
            subject = " ".join(f"⟦{name}⟧" for name in sorted(tokens_in(form)))
        clause = predicate.filter.clause if predicate.filter.clause.startswith("ON") else ""
        found.setdefault(clause + subject, Filters(subject, [])).predicates.append((form, predicate))
    return found


def _same_comparisons(one: Filters, other: Filters) -> bool:
    return one.comparisons == other.comparisons and bool(one.values[0])


def _same_columns(one: Filters, other: Filters) -> bool:
    return bool(one.columns) and one.columns == other.columns


def _is_join(item: Filters) -> bool:
    return all(operator in ("IN", "EXISTS") and value == "subquery" for operator, value in item.comparisons)


def _changed(one: Filters, other: Filters) -> Facet:
    if lost := _left_out(one, other):
        return _missing(one, shown_conditions(lost))
    if gained := _left_out(other, one):
        return _added(other, shown_conditions(gained))
    name, failure_type = "temporal_filters" if one.is_temporal else "filters", "wrong_filter"
    rationale = f"the filter is {other.text} instead of {one.text}"
    if one.text == other.text and one.clause != other.clause:
        rationale = f"the filter {one.text} stands in {_clause(other)} instead of {_clause(one)}"
    if one.subject == other.subject and one.values == other.values:
        name = "operators"
    elif one.comparisons == other.comparisons and one.subject != other.subject:
        is_aggregate = _AGGREGATE.search(one.subject) or _AGGREGATE.search(other.subject)
        if is_aggregate or one.columns != other.columns:
            failure_type = "wrong_aggregation" if is_aggregate else "wrong_column"
            wanted, got = _subject(one), _subject(other)
            if wanted == got and not is_aggregate:
                wanted, got = _subject(one, with_table=True), _subject(other, with_table=True)
            if wanted != got:
                rationale = f"the filter is on {got} instead of {wanted}: {other.text}"
    return _facet(name, one, other, failure_type, rationale)


def _clause(item: Filters) -> str:
    return "the condition of the join" if item.clause.startswith("ON") else item.clause


def _left_out(one: Filters, other: Filters) -> list[exp.Expr]:
    """Return what the author of ``one`` wrote besides all that ``other`` says; nothing where they differ otherwise."""
    said, also = ([part for node in item.nodes for part in _conjuncts(node)] for item in (one, other))
    return [part for part in said if part not in also] if all(part in said for part in also) else []


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    return list(node.flatten()) if isinstance(node, exp.And) else [node]


def _missing(item: Filters, text: str = "") -> Facet:
    kind = "missing_temporal_filter" if item.is_temporal else "missing_filter"
    word = "condition HAVING" if item.clause == "HAVING" else "filter"
    rationale = f"the {word} {text or item.text} is missing"
    return _facet("temporal_filters" if item.is_temporal else "filters", item, None, kind, rationale)


def _added(item: Filters, text: str = "") -> Facet:
    rationale = f"the answer also filters by {text or item.text}, which is not expected"
    return _facet("temporal_filters" if item.is_temporal else "filters", None, item, "wrong_filter", rationale)


def _facet(name: str, one: Filters | None, other: Filters | None, failure_type: str, rationale: str) -> Facet:
    told = next(item for item in (one, other) if item is not None)
    return Facet(
        name,
        one.text if one else None,
        other.text if other else None,
        failure_type,
        told.clause,
        rationale=rationale,
        objects=objects_of(*told.forms),
        values=_literals(told.nodes),
    )


def _literals(nodes: Iterable[exp.Expr]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(literal.name for node in nodes for literal in node.find_all(exp.Literal)))


def _subject(item: Filters, *, with_table: bool = False) -> str:
    condition = item.predicates[0][1].filter.condition
    names = tokens_in(condition.subject if isinstance(condition, Atom) else "")
    return in_words(short_column(name) if with_table else name.rpartition(".")[2] for name in names) or item.text

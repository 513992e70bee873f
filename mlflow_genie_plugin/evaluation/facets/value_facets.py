"""Differences in what two queries compute: aggregates and windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.level import Part
from mlflow_genie_plugin.evaluation.facets.pair import Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.select_facets import Selected, extra_forms, needed_forms
from mlflow_genie_plugin.evaluation.facets.wording import aggregate_clause, in_words, shown, shown_all

_RANKING = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile)


def value_facets(pair: Pair, found: Selected) -> Iterator[Facet]:
    yield from _aggregates(pair, found)
    yield from _windows(pair, found)


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

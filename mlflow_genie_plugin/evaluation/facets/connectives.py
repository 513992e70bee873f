"""The same comparisons joined by OR in one query and by AND in the other."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_genie_plugin.evaluation.facets.condition import Atom, Condition
from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.filters import written
from mlflow_genie_plugin.evaluation.facets.pair import Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.summary import Predicate, Summary
from mlflow_genie_plugin.evaluation.facets.wording import shown_conditions


def connective_facets(missing: dict[str, Predicate], extra: dict[str, Predicate], pair: Pair) -> Iterator[Facet]:
    """Find the same comparisons joined by OR on one side and by AND on the other; they are taken out of both."""
    sides = ((missing, pair.expected), (extra, pair.actual))
    atoms = [{form: _atoms(pair, item.filter.condition, side) for form, item in items.items()} for items, side in sides]
    for start in (0, 1):
        for form in list(sides[start][0]):
            predicate = sides[start][0].get(form)
            if predicate is None or isinstance(predicate.filter.condition, Atom):
                continue
            group = _sharing(form, start, atoms, sides[0][0], sides[1][0])
            said = [set().union(*(atoms[index][each] for each in group[index])) for index in (0, 1)]
            if not said[0] or said[0] != said[1]:
                continue
            items = [[sides[index][0].pop(each) for each in group[index]] for index in (0, 1)]
            wanted, got = (shown_conditions(written(item.filter.condition) for item in each) for each in items)
            yield Facet(
                "operators",
                wanted,
                got,
                "wrong_filter",
                predicate.filter.clause,
                rationale=f"conditions are combined as {got} instead of {wanted}",
                objects=objects_of(*(item.filter.condition.form for item in items[0])),
            )


def _sharing(
    form: str, start: int, atoms: list[dict[str, set[str]]], *open_forms: dict[str, Predicate]
) -> tuple[list[str], list[str]]:
    """Return the conditions of both sides that share comparisons with one, directly or through others."""
    group: tuple[list[str], list[str]] = ([], [])
    waiting = [(start, form)]
    while waiting:
        side, each = waiting.pop()
        if each in group[side]:
            continue
        group[side].append(each)
        mine = atoms[side][each]
        waiting += [(1 - side, other) for other in open_forms[1 - side] if atoms[1 - side][other] & mine]
    return group


def _atoms(pair: Pair, condition: Condition, side: Summary) -> set[str]:
    """Return what is compared with what, whatever the operators: those differ along with AND and OR."""
    if not isinstance(condition, Atom):
        return set().union(*(_atoms(pair, part, side) for part in condition.parts))
    is_list = condition.operator.endswith("IN") and condition.value.startswith("(")
    values = condition.value[1:-1].split(", ") if is_list else [condition.value]
    return {pair.form(f"{condition.subject} | {value}", side) for value in values}

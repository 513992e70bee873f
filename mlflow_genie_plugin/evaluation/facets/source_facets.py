"""Differences in what two queries read: tables, arguments of table functions, joins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_genie_plugin.evaluation.facets.facet import Facet
from mlflow_genie_plugin.evaluation.facets.level import Edge
from mlflow_genie_plugin.evaluation.facets.pair import Classes, Pair, objects_of
from mlflow_genie_plugin.evaluation.facets.wording import in_words, short_column, short_name


def source_facets(pair: Pair) -> Iterator[Facet]:
    yield from _tables(pair)
    yield from _calls(pair)
    yield from _joins(pair)
    yield from _outer_joins(pair)


def _tables(pair: Pair) -> Iterator[Facet]:
    expected, actual = pair.expected.tables, pair.actual.tables
    missing, extra = expected - actual, actual - expected
    if not missing and not extra:
        return
    wanted, got = in_words(map(short_name, sorted(missing))), in_words(map(short_name, sorted(extra)))
    if missing and extra:
        rationale = f"the answer reads {got} instead of {wanted}"
    elif missing:
        again = all(actual[name] for name in missing)
        rationale = f"the answer reads {wanted} only once" if again else f"the answer does not read {wanted}"
    else:
        again = all(expected[name] for name in extra)
        rationale = f"the answer reads {got} more than once" if again else f"the answer also reads {got}"
    yield Facet(
        "tables",
        ", ".join(sorted(expected)) or None,
        ", ".join(sorted(actual)) or None,
        "wrong_table",
        "FROM",
        rationale=rationale,
        objects=tuple(sorted(missing)) + tuple(sorted(extra)),
    )


def _calls(pair: Pair) -> Iterator[Facet]:
    for name, wanted in pair.expected.calls.items():
        got = pair.actual.calls.get(name)
        if got is None or got == wanted:
            continue
        differing = sorted(key for key in wanted.keys() | got.keys() if wanted.get(key) != got.get(key))
        yield Facet(
            "function_arguments",
            _call_text(name, wanted),
            _call_text(name, got),
            "tvf_parameter_error",
            "FROM",
            rationale=f"the answer calls {short_name(name)} with another value of {in_words(differing)}",
            objects=(name,),
        )


def _call_text(name: str, arguments: dict[str, str]) -> str:
    written = (value if key.isdigit() else f"{key} => {value}" for key, value in sorted(arguments.items()))
    return f"{name}({', '.join(written)})"


def _joins(pair: Pair) -> Iterator[Facet]:
    missing = _unconnected(pair, pair.expected.edges, pair.connected(pair.actual), pair.actual.tables)
    extra = _unconnected(pair, pair.actual.edges, pair.connected(pair.expected), pair.expected.tables)
    if not missing and not extra:
        return
    wanted, got = in_words(map(_edge_text, missing)), in_words(map(_edge_text, extra))
    if missing and extra:
        rationale = f"the answer joins on {got} instead of {wanted}"
    elif missing:
        rationale = f"the join on {wanted} is missing"
    else:
        rationale = f"the answer also joins on {got}"
    edges = missing or extra
    yield Facet(
        "joins",
        wanted or None,
        got or None,
        "wrong_join",
        "JOIN",
        rationale=rationale,
        objects=objects_of(*(form for edge in edges for form in (edge.left, edge.right))),
    )


def _unconnected(pair: Pair, edges: list[Edge], classes: Classes, tables: Iterable[str]) -> list[Edge]:
    """Return the joins that the other query lacks, of tables that it reads too: the others are a matter of tables."""
    found: dict[frozenset[str], Edge] = {}
    for edge in edges:
        sides = [pair.without_unknown(form)[1:-1].removesuffix("^") for form in (edge.left, edge.right)]
        read = [side.rpartition(".")[0].partition("#")[0] for side in sides]
        if all(table in ("?", *tables) for table in read) and not classes.same(*sides):
            found.setdefault(frozenset(sides), edge)
    return list(found.values())


def _edge_text(edge: Edge) -> str:
    return " = ".join(sorted(short_column(form[1:-1]) for form in (edge.left, edge.right)))


def _outer_joins(pair: Pair) -> Iterator[Facet]:
    expected, actual = pair.expected.nullable, pair.actual.nullable
    written = [side.nullable | side.dropped for side in (pair.expected, pair.actual)]
    for table in sorted(expected.keys() | actual.keys()):
        name = table.partition("#")[0]
        if expected.get(table) == actual.get(table) or not (pair.expected.tables[name] and pair.actual.tables[name]):
            continue
        if written[0].get(table) == written[1].get(table):
            continue  # both are written as the same join; the filter that makes another one of it is the fault
        kinds = [f"{side.get(table, 'INNER')} JOIN" for side in (expected, actual)]
        yield Facet(
            "joins",
            f"{kinds[0]} {short_name(table)}",
            f"{kinds[1]} {short_name(table)}",
            "wrong_join",
            "JOIN",
            rationale=f"{short_name(table)} is joined by {kinds[1]} instead of {kinds[0]}",
            objects=(name,),
        )

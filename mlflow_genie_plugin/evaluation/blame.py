"""What in a space's configuration lets an answer go wrong, and what to change there.

Only what the configuration really holds, or demonstrably lacks, is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from sqlglot import exp

from mlflow_genie_plugin.evaluation.facets.facet import Facet, FacetDiff
from mlflow_genie_plugin.evaluation.facets.normal_form import NormalForm
from mlflow_genie_plugin.evaluation.facets.tokens import column_token, tokens_in
from mlflow_genie_plugin.evaluation.question import normalise_question
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.shape import (
    COLUMN,
    DATA_SOURCES,
    EXAMPLE,
    EXPRESSION,
    FILTER,
    FUNCTION,
    INSTRUCTION,
    JOIN,
    MEASURE,
    Kind,
    dicts_of,
    items_of,
    label_of,
    text_of,
)
from mlflow_genie_plugin.sql_dialect import SqlParseError, normalise_name
from mlflow_genie_plugin.sql_dialect.parse import parse_fragment

_WORD = re.compile(r"[a-z][a-z-]{3,}")
_COMMON = """about above after again against also among amount another answer anything average before being below
    between both came come compare compared comparison count customer data date days different does doing
    done down during each entire ever exist exists every find from give given group grouped have having
    highest into item items largest last latest least less list lowest made make many maximum mean minimum
    month monthly months more matter matters most much name named names number only order ordered other over
    overall past percent percentage please quarter quarterly rank ranked ranking same shall share should show
    since some sort sorted such than that their them then there these they this those total totals under
    until used uses using value values versus week were what when where which while whole whose will with
    within without would year yearly years your"""
_COMMON_WORDS = frozenset(_COMMON.split())


# Parts that no synonym can bring in.
_NOT_BY_WORDS = frozenset({"joins", "function_arguments", "ranking"})


@dataclass(frozen=True, slots=True)
class Blame:
    """What is to blame, in words people recognise, and one sentence on what to change; None when nothing is known."""

    items: tuple[str, ...] = ()
    fix: str | None = None


def with_blame(
    diff: FacetDiff, config: SpaceConfig | None, question: str, schema: SpaceSchema | None = None
) -> FacetDiff:
    """Return the differences with what in the configuration is to blame for each that changes what is asked for.

    A column that the answer made up, by what the schema knows, is not blamed.
    """
    if config is None or not diff.faults:
        return diff
    reader = _Configuration(config, schema)
    differing = []
    for facet in diff.differing:
        found = Blame() if facet.is_presentational else _blame(facet, reader, question)
        differing.append(replace(facet, blame=found.items, fix=found.fix))
    return replace(diff, differing=tuple(differing))


def blame_of(facet: Facet, config: SpaceConfig, question: str) -> Blame:
    """Return what in the configuration is to blame for one difference between the queries.

    Args:
        facet: The difference.
        config: The space's configuration.
        question: The question that was asked, to find words that the configuration does not know.
    """
    return _blame(facet, _Configuration(config), question)


class _Configuration:
    """Looks things up in a space config."""

    def __init__(self, config: SpaceConfig, schema: SpaceSchema | None = None) -> None:
        self.document = config.document
        self._schema = schema

    @cached_property
    def assets(self) -> dict[str, tuple[Kind, dict[str, Any]]]:
        """Tables, metric views and functions by name."""
        found = {}
        for kind in (*DATA_SOURCES, FUNCTION):
            for _, item in dicts_of(self.document, kind.path):
                if isinstance(item.get("identifier"), str):
                    found[normalise_name(item["identifier"])] = (kind, item)
        return found

    def column(self, name: str) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
        """Return the asset of a column and what is configured for the column; None when the asset is not there."""
        table, _, column = name.rpartition(".")
        if table not in self.assets or self._lacks(table, column):
            return None
        _, asset = self.assets[table]
        for _, item in dicts_of(asset, (COLUMN.path[-1],)):
            if str(item.get(COLUMN.key, "")).lower() == column:
                return asset, item
        return asset, None

    def _lacks(self, table: str, column: str) -> bool:
        asset = None if self._schema is None else self._schema.assets.get(table)
        columns = None if asset is None else asset.columns
        return columns is not None and all(each.name.lower() != column for each in columns)

    def items(self, kind: Kind) -> Iterator[dict[str, Any]]:
        return (item for _, item in dicts_of(self.document, kind.path))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word the configuration uses, in names, synonyms, descriptions, snippets, examples and instructions."""
        found: set[str] = set()
        for part in ("data_sources", "instructions"):
            found |= _words_of(self.document.get(part))
        return frozenset(found)

    def example_for(self, question: str) -> dict[str, Any] | None:
        wanted = normalise_question(question)
        return next(
            (item for item in self.items(EXAMPLE) if normalise_question(text_of(item.get("question"))) == wanted), None
        )


def _blame(facet: Facet, config: _Configuration, question: str) -> Blame:
    example = config.example_for(question)
    if example is not None:
        named = f"example SQL {label_of(EXAMPLE, example)!r}"
        return Blame((named,), "make the example SQL for this question right, or remove it")
    found = _BY_FACET.get(facet.name, _by_example)(facet, config, question)
    unknown = _unknown_words(question, config)
    # Words explain what the answer left out, not what it added or what the space itself says wrongly.
    is_misled = facet.expected is None or "correct it" in (found.fix or "")
    if unknown and not is_misled and facet.name not in _NOT_BY_WORDS:
        words = ", ".join(f"'{word}'" for word in unknown)
        noun = "synonym" if len(unknown) == 1 else "synonyms"
        target = next((item for item in found.items if item.startswith(("column ", "filter ", "measure "))), None)
        fix = f"add {words} as {noun} of the {target}" if target is not None else found.fix
        return Blame((*found.items, f"no synonym for {words}"), fix)
    return found


def _tables(facet: Facet, config: _Configuration, _question: str) -> Blame:
    wanted = set((facet.expected or "").split(", "))
    for name in facet.objects:
        if name not in wanted:
            continue
        if name not in config.assets:
            return Blame((f"table {name} (not in the space)",), f"add {name} to the space")
        kind, item = config.assets[name]
        named = f"{kind.name} {name}"
        if not text_of(item.get("description")).strip() and kind is not FUNCTION:
            return Blame((named,), f"describe what {name} holds and which questions it answers")
        return Blame(
            (named,), f"add an example SQL for this question that uses {name}, or an instruction when to use it"
        )
    extra = [name for name in facet.objects if name in config.assets]
    named_extra = tuple(f"{config.assets[name][0].name} {name}" for name in extra)
    return Blame(named_extra, "add an example SQL for this question that does without it")


def _joins(facet: Facet, config: _Configuration, _question: str) -> Blame:
    tables = list(dict.fromkeys(_owner(name, config) for name in facet.objects))
    if len(tables) == 1:
        short = _short(tables[0])
        return Blame((f"table {tables[0]}",), f"add an example SQL that joins {short} as in: {facet.expected}")
    first, second = tables[:2] if len(tables) >= 2 else ("", "")
    if not first:
        return Blame(fix="add an example SQL for this question")
    label = f"{_short(first)} to {_short(second)}"
    columns = {name.rpartition(".")[2] for name in facet.objects}
    for item in config.items(JOIN):
        sides = [item.get(side) for side in ("left", "right")]
        names = {normalise_name(str(side.get("identifier", ""))) for side in sides if isinstance(side, dict)}
        if names != {first, second}:
            continue
        condition = text_of(item.get("sql")).partition("--rt=")[0].lower()
        if all(re.search(rf"\b{re.escape(column)}\b", condition) for column in columns):
            return Blame(
                (f"join {label}",), "the space has this join; add an example SQL for this question that uses it"
            )
        return Blame((f"join {label}",), f"correct the join of the space to: {facet.expected or condition.strip()}")
    if facet.expected is None:
        return Blame((f"no join {label}",), "add an example SQL for this question without that join")
    return Blame((f"no join {label}",), f"add the join {facet.expected} to the space")


def _filters(facet: Facet, config: _Configuration, _question: str) -> Blame:
    if facet.expected is not None and (snippet := _snippet(FILTER, facet.expected, config)) is not None:
        named = f"filter {snippet!r}"
        return Blame((named,), f"add an example SQL for this question that uses the {named}")
    if facet.actual is not None and (wrong := _snippet(FILTER, facet.actual, config)) is not None:
        named = f"filter {wrong!r}"
        if facet.expected is not None:
            return Blame((named,), f"the answer follows the {named}; correct it to: {facet.expected}")
        return Blame((named,), f"say in the {named} when it does not apply")
    if facet.expected is None:
        return _instruction_or_example(facet, config)
    found = _columns(facet, config)
    for name in facet.objects:
        looked_up = config.column(name)
        item = looked_up[1] if looked_up is not None else None
        texts = [value for value in facet.values if not value.replace(".", "").isdigit()]
        if item is not None and texts and not _is_matched(item) and not _mentions(item, texts):
            return Blame(found.items, f"turn on entity matching for the column {name}, or describe its values")
    return found


def _is_matched(item: dict[str, Any]) -> bool:
    return bool(item.get("enable_entity_matching") or item.get("build_value_dictionary"))


def _mentions(item: dict[str, Any], values: list[str]) -> bool:
    text = f"{text_of(item.get('description'))} {' '.join(map(str, items_of(item, ('synonyms',))))}"
    return any(re.search(rf"\b{re.escape(value)}\b", text) for value in values)


def _temporal(facet: Facet, config: _Configuration, question: str) -> Blame:
    found = _filters(facet, config, question)
    column = next((name for name in facet.objects if config.column(name) is not None), None)
    if column is None or facet.expected is None:
        return found
    for item in config.items(INSTRUCTION):
        if re.search(rf"\b{re.escape(column.rpartition('.')[2])}\b", text_of(item.get("content")).lower()):
            return Blame(
                (f"column {column}", "text instruction"), "add an example SQL for this question with its period"
            )
    return Blame((f"column {column}",), f"say in an instruction that periods are meant by {column.rpartition('.')[2]}")


def _values(facet: Facet, config: _Configuration, _question: str) -> Blame:
    for kind in (MEASURE, EXPRESSION):
        snippet = _snippet(kind, facet.expected or "", config) if facet.expected else None
        if snippet is not None:
            named = f"{kind.name} {snippet!r}"
            return Blame((named,), f"add an example SQL for this question that uses the {named}")
        wrong = _snippet(kind, facet.actual or "", config) if facet.expected and facet.actual else None
        if wrong is not None:
            named = f"{kind.name} {wrong!r}"
            return Blame((named,), f"the answer follows the {named}; correct it to: {facet.expected}")
    found = _columns(facet, config)
    if facet.failure_type in ("wrong_column", "missing_column"):
        return found
    is_metric = any(config.column(name) is not None and _kind(name, config) == "metric view" for name in facet.objects)
    if facet.expected is None:
        return Blame(found.items, "add an example SQL for this question")
    if is_metric:
        return Blame(found.items, "describe the measures of the metric view so that they cannot be confused")
    is_column = facet.expected.isidentifier()
    if is_column or not _is_of_columns(facet.expected, facet.objects):
        return Blame(found.items, "add an example SQL for this question")
    word = "measure" if facet.name == "aggregates" or _has_aggregate(facet.expected) else "expression"
    return Blame(found.items, f"add the {word} {facet.expected} to the space, or an example SQL for this question")


def _columns(facet: Facet, config: _Configuration) -> Blame:
    """Blame the columns: hidden, without description, or known and still not chosen."""
    blamed, fix = [], None
    for name in facet.objects:
        looked_up = config.column(name)
        if looked_up is None:
            continue
        _, item = looked_up
        blamed.append(f"column {name}")
        # What the space should make plain is the column that was not used, not the one that was.
        is_wanted = facet.expected is None or re.search(
            rf"\b{re.escape(name.rpartition('.')[2])}\b", facet.expected, re.IGNORECASE
        )
        if fix is not None or not is_wanted:
            continue
        if item is not None and item.get("exclude"):
            fix = f"show the column {name}, which the space hides"
        elif item is None or not text_of(item.get("description")).strip():
            fix = f"describe the column {name}"
        elif facet.failure_type != "wrong_filter" and not items_of(item, ("synonyms",)):
            fix = f"add synonyms to the column {name}"
    return Blame(tuple(blamed), fix or "add an example SQL for this question")


def _by_example(facet: Facet, config: _Configuration, _question: str) -> Blame:
    found = _columns(facet, config)
    return Blame(found.items, "add an example SQL for this question")


def _functions(facet: Facet, config: _Configuration, _question: str) -> Blame:
    named = tuple(f"function {name}" for name in facet.objects if name in config.assets)
    return Blame(named, "describe the parameters of the function, or add an example SQL that calls it")


def _instruction_or_example(facet: Facet, config: _Configuration) -> Blame:
    """Blame an instruction that names the column of a filter that nobody asked for."""
    for name in facet.objects:
        column = name.rpartition(".")[2]
        for item in config.items(INSTRUCTION):
            if re.search(rf"\b{re.escape(column)}\b", text_of(item.get("content")).lower()):
                return Blame(
                    (f"column {name}", "text instruction"), f"say in the instruction when {column} is not to be used"
                )
    return Blame(_columns(facet, config).items, "add an example SQL for this question without that filter")


def _snippet(kind: Kind, sql: str, config: _Configuration) -> str | None:
    """Return the name of the snippet that computes the same, whatever the names it gives to tables."""
    wanted = _form(sql)
    for item in config.items(kind):
        if wanted is not None and _form(text_of(item.get("sql"))) == wanted:
            return label_of(kind, item)
    return None


@lru_cache(maxsize=4096)
def _form(sql: str) -> str | None:
    """Return the normal form of an expression with bare column names; None when it is no expression."""
    try:
        tree = parse_fragment(sql)
    except SqlParseError:
        return None
    forms = NormalForm(lambda column: column_token("", column.name.lower()), lambda _query, _how: "subquery")
    return None if isinstance(tree, exp.Query) else forms.of(tree)


def _is_of_columns(sql: str, objects: tuple[str, ...]) -> bool:
    """Return whether an expression speaks of columns of tables only, and of none that the query itself makes."""
    named = {name.lstrip(":") for name in tokens_in(_form(sql) or "")}
    return bool(named) and named <= {name.rpartition(".")[2] for name in objects}


def _has_aggregate(sql: str) -> bool:
    try:
        return parse_fragment(sql).find(exp.AggFunc) is not None
    except SqlParseError:
        return False


def _owner(name: str, config: _Configuration) -> str:
    """Return the table of a column's name, or the name itself when it is a table."""
    return name if name in config.assets else name.rpartition(".")[0]


def _kind(name: str, config: _Configuration) -> str:
    return config.assets[name.rpartition(".")[0]][0].name


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _unknown_words(question: str, config: _Configuration) -> list[str]:
    """Return the words of a question that nothing in the configuration explains; at most three."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", " ", question)
    # Words with capitals inside a sentence are names, not vocabulary.
    words = [word for index, word in enumerate(plain.split()) if index == 0 or word[:1].islower()]
    found = [word for text in words for word in _WORD.findall(text.lower())]
    unknown = [word for word in found if word not in _COMMON_WORDS and not _stems(word) & config.words]
    return list(dict.fromkeys(unknown))[:3]


def _words_of(value: Any) -> set[str]:
    if isinstance(value, str):
        return {stem for word in re.findall(r"[a-z]+", value.lower()) for stem in _stems(word)}
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(_words_of, values))


def _stems(word: str) -> set[str]:
    stems = {word}
    for ending in ("s", "es", "ed", "d", "ing", "ly", "er", "r"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stems.add(word.removesuffix(ending))
    if word.endswith("ies"):
        stems.add(word[:-3] + "y")
    return stems


_BY_FACET: dict[str, Callable[[Facet, _Configuration, str], Blame]] = {
    "tables": _tables,
    "function_arguments": _functions,
    "joins": _joins,
    "filters": _filters,
    "operators": _filters,
    "temporal_filters": _temporal,
    "aggregates": _values,
    "select": _values,
}

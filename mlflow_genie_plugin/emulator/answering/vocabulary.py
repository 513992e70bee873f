"""The words that mean something in a space: which phrase names which table, column, snippet or value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

from mlflow_genie_plugin.emulator.answering.concepts import Concept, Mention, same_reading
from mlflow_genie_plugin.emulator.answering.knowledge import Column, Snippet, SpaceKnowledge, Table
from mlflow_genie_plugin.emulator.answering.sql_text import is_aggregate, is_condition, parse_expression, parts_of
from mlflow_genie_plugin.emulator.answering.words import Token, phrase_of, tokenize, word_set
from mlflow_genie_plugin.emulator.catalog_view import CatalogView

MAX_VALUES = 1024  # as many values per column as Genie keeps for entity matching
_MAX_WORDS = 7
_VAGUE = word_set("""a an name key id date number code type total value amount count day the first sum status""")
# What an adjective measures, by words that occur in column names.
HINTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("longer", "shorter", "length"), ("distance", "length", "duration", "mile", "km", "minute", "hour")
    ),
    **dict.fromkeys(("cheaper", "price"), ("price", "cost", "fare", "retailprice", "totalprice", "amount")),
    **dict.fromkeys(("larger", "bigger", "smaller", "size"), ("size", "area", "volume")),
    **dict.fromkeys(("older", "younger"), ("age",)),
    **dict.fromkeys(("heavier", "lighter"), ("weight",)),
}
_SMALL_WORDS = word_set("""a i an the in on of to by no not all any or and is it at as us me my we be do go so up if""")


class Vocabulary:
    """Finds mentions in a question. Built for one question: cheap, because value indexes are cached by their values."""

    def __init__(self, knowledge: SpaceKnowledge, catalog: CatalogView, *, metric_views: bool = True) -> None:
        if not metric_views:
            knowledge = replace(
                knowledge, tables={key: t for key, t in knowledge.tables.items() if not t.is_metric_view}
            )
        self._knowledge = knowledge
        self._catalog = catalog
        self._phrases: dict[tuple[str, ...], list[Concept]] = {}
        self._parts: dict[str, list[Concept]] = {}
        for table in knowledge.tables.values():
            self._add_table(table)
        for snippet in knowledge.snippets:
            self._add_snippet(snippet)
        for term, sql in knowledge.steering.definitions:
            # An instruction is stronger than any snippet or column: it is the last word of the space's author.
            self._add_snippet(Snippet("", term, sql), bonus=0.5)
        self._add_aliases()

    def match(self, tokens: Sequence[Token], at: int) -> Mention | None:
        """Return the longest phrase that starts at token ``at``."""
        if tokens[at].kind == "quoted":
            return self._match_quoted(tokens[at], at)
        for end in range(min(len(tokens), at + _MAX_WORDS), at, -1):
            words = tuple(token.stem for token in tokens[at:end])
            concepts = [*self._phrases.get(words, ()), *self._values(words, tokens[at:end])]
            if concepts:
                return Mention(at, end, tuple(sorted(concepts, key=lambda concept: -concept.weight)))
        return None

    def match_part(self, token: Token, at: int) -> Mention | None:
        """Return the columns with a name of which this word is a part (``fare`` → ``fare_amount``)."""
        concepts = self._parts.get(token.stem, ())
        return Mention(at, at + 1, tuple(concepts)) if concepts else None

    def values_of(self, column: Column, tokens: Sequence[Token]) -> list[str]:
        """Return the values of one column that occur in ``tokens``, in order, whether or not it matches entities."""
        index, found, at = _value_index(self._catalog.distinct_values(column.table, column.name, MAX_VALUES)), [], 0
        while at < len(tokens):
            for end in range(min(len(tokens), at + _MAX_WORDS), at, -1):
                words = tuple(stem for token in tokens[at:end] for stem in phrase_of(token.text))
                if words in index and not _is_small(words, tokens[at:end], index[words]):
                    found.append(index[words])
                    at = end - 1
                    break
            at += 1
        return found

    def exact_value(self, column: Column, text: str) -> str | None:
        """Return the value of an entity-matching column spelled ``text``, case aside; single letters count here."""
        if not column.matches_values:
            return None
        values = self._catalog.distinct_values(column.table, column.name, MAX_VALUES)
        return next((value for value in values if value.lower() == text.lower()), None)

    def numeric_part(self, adjective: str, tables: set[str]) -> Mention | None:
        """Return the one numeric column that an adjective speaks of: ``longer`` → a distance or duration."""
        hints = HINTS.get(adjective, ())
        found = [
            column
            for table in self._knowledge.tables.values()
            if not table.is_metric_view and (not tables or ".".join(parts_of(table.identifier)).lower() in tables)
            for column in table.columns.values()
            if column.is_numeric and set(phrase_of(column.name)) & set(hints)
        ]
        if len(found) != 1:
            return None
        return Mention(0, 0, (Concept("column", found[0].name, 0.4, column=found[0], table=found[0].table),))

    def _match_quoted(self, token: Token, at: int) -> Mention | None:
        words = phrase_of(token.text)
        concepts = [*self._values(words, None), *self._phrases.get(words, ())]
        return Mention(at, at + 1, tuple(concepts)) if concepts else None

    def _values(self, words: tuple[str, ...], tokens: Sequence[Token] | None) -> Iterator[Concept]:
        for column, index in self._indexes:
            value = index.get(words)
            if value is not None and not (tokens and _is_small(words, tokens, value)):
                yield Concept("value", value, 0.9, column=column, table=column.table, value=value)

    @cached_property
    def _indexes(self) -> list[tuple[Column, dict[tuple[str, ...], str]]]:
        """The values of every entity-matching column, by the words they are spoken as."""
        columns = [c for table in self._knowledge.tables.values() for c in table.columns.values() if c.matches_values]
        indexes = [(c, _value_index(self._catalog.distinct_values(c.table, c.name, MAX_VALUES))) for c in columns]
        return [(column, index) for column, index in indexes if index]

    def _add(self, phrase: tuple[str, ...], concept: Concept) -> None:
        if phrase and len(phrase) <= _MAX_WORDS:
            known = self._phrases.setdefault(phrase, [])
            if not any(same_reading(concept, other) and other.weight >= concept.weight for other in known):
                known[:] = [other for other in known if not same_reading(concept, other)]
                known.append(concept)

    def _add_table(self, table: Table) -> None:
        key = ".".join(parts_of(table.identifier)).lower()
        if not table.is_metric_view:
            concept = Concept("table", table.name, 0.8, table=key)
            self._add(phrase_of(table.name), concept)
            for prefix in ("dim_", "fact_", "gold_", "silver_", "bronze_", "stg_"):
                if table.name.lower().startswith(prefix):
                    self._add(phrase_of(table.name[len(prefix) :]), concept)
            head = re.split(r"[:.,;(]|\bof\b|\bwith\b|\bone row\b", table.description, maxsplit=1)[0]
            if 0 < len(phrase_of(head)) <= 3:
                self._add(phrase_of(head), Concept("table", table.name, 0.6, table=key))
        for column in table.columns.values():
            self._add_column(column, table.is_metric_view)

    def _add_column(self, column: Column, in_metric_view: bool) -> None:
        kind = ("metric" if column.is_measure else "dimension") if in_metric_view else "column"

        def concept(weight: float) -> Concept:
            return Concept(kind, column.name, weight, column=column, table=column.table)

        for synonym in column.synonyms:
            self._add(phrase_of(synonym), concept(1.0))
        full = phrase_of(column.name)
        self._add(full, concept(0.95))
        spoken = full[1:] if len(full) > 1 and len(full[0]) <= 2 else full
        if spoken != full and not (len(spoken) == 1 and spoken[0] in _VAGUE):
            self._add(spoken, concept(0.85))
        for phrase in _description_phrases(column.description):
            self._add(phrase, concept(0.6))
        for part in spoken:
            if part not in _VAGUE and len(part) > 2 and len(spoken) > 1:
                self._parts.setdefault(part, []).append(concept(0.3))

    def _add_snippet(self, snippet: Snippet, bonus: float = 0.0) -> None:
        concept = self._snippet_concept(snippet, 1.05 + bonus)
        if concept is not None:
            for name in (snippet.name, *snippet.synonyms):
                bare = re.sub(r"\(.*?\)", "", name)
                self._add(phrase_of(bare), concept)

    def _snippet_concept(self, snippet: Snippet, weight: float) -> Concept | None:
        expression = parse_expression(snippet.sql)
        if expression is None:
            return self._governed_measure(snippet, weight)
        # What the SQL is decides, not the list it stands in: a "measure" without an aggregate cannot be one.
        kind = "measure" if is_aggregate(expression) else "filter" if is_condition(expression) else "expression"
        if kind == "measure" and (metric := self._governed_measure(snippet, weight)):
            return metric
        return Concept(kind, snippet.name, weight, sql=snippet.sql)

    def _governed_measure(self, snippet: Snippet, weight: float) -> Concept | None:
        match = re.match(r"\s*MEASURE\(\s*`?([^`)]+?)`?\s*\)", snippet.sql, re.IGNORECASE)
        wanted = match.group(1).lower() if match else ""
        for table in self._knowledge.tables.values():
            column = table.columns.get(wanted)
            if column is not None and column.is_measure:
                return Concept("metric", column.name, weight, column=column, table=column.table)
        return None

    def _add_aliases(self) -> None:
        for term, meaning in self._knowledge.steering.aliases:
            for concept in tuple(self._phrases.get(phrase_of(meaning), ())):
                self._add(phrase_of(term), concept)


@lru_cache(maxsize=512)
def _value_index(values: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    index: dict[tuple[str, ...], str] = {}
    ranked: dict[tuple[str, ...], list[str]] = {}
    for value in values:
        words = phrase_of(value[:200])
        if words:
            index.setdefault(words, value)
            if words[0].isdigit() and len(words) > 1:  # "1-URGENT" is spoken "urgent"
                ranked.setdefault(words[1:], []).append(value)
    for words, spelled in ranked.items():
        if len(spelled) == 1:
            index.setdefault(words, spelled[0])
    return index


def _is_small(words: tuple[str, ...], tokens: Sequence[Token], value: str) -> bool:
    # "A", "IN" or "ALL" are values in some columns and small words everywhere: only the exact spelling in capitals
    # counts,
    # and a single letter or digit never stands alone.
    text = " ".join(token.text for token in tokens)
    if len(value) <= 1 or all(word.isdigit() for word in words):
        return True
    return (len(value) <= 2 or all(word in _SMALL_WORDS for word in words)) and not (text == value and text.isupper())


def _description_phrases(description: str) -> Iterator[tuple[str, ...]]:
    head = re.split(r"[:.,;(]|\bin USD\b|\bin capitals\b", description, maxsplit=1)[0].strip()
    words = phrase_of(head)
    if 1 < len(words) <= 5 and words[:2] != ("number", "of"):
        yield words
    match = re.fullmatch(r"([\w ]+?) of (?:the |an? )?([\w ]+)", head)
    if match and words[0] not in {"number", "sum", "count"}:
        thing, owner = phrase_of(match.group(1)), phrase_of(match.group(2))
        if thing and owner and len(thing) + len(owner) <= 5:
            yield (*owner, *thing)
            if len(thing) > 1:
                yield thing
    elif len(words) == 1 and words[0] not in _VAGUE:
        yield words


def words_of(text: str) -> set[str]:
    """Return the stems of a text, small words left out."""
    return {token.stem for token in tokenize(text) if token.word not in _SMALL_WORDS}

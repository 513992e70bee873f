"""How alike two questions, or two queries, are.

Questions are compared by their words, without case, punctuation, filler words and endings: likeness is the share of
common words (Jaccard index of sets of single words; runs of two would tell "total revenue" from "revenue in total").
Two questions that name other numbers, or other values in quotes, ask for other things however alike they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from mlflow_genie_plugin.evaluation.canonical.query import canonical_query
from mlflow_genie_plugin.sql_dialect import SqlParseError, parse_query

# From here on two questions count as one: a further word makes another question of a short one ("average order value",
# "average order value by segment"), but not of a long one.
ALIKE = 0.8

_WORD = re.compile(r"\w+(?:[.,]\d+)*", re.UNICODE)
_QUOTED = re.compile(r"[\"'“‘«`]([^\"'”’»`]+)[\"'”’»`]")  # noqa: RUF001 - people type these
_COUNT = re.compile(r"\b(?:how many|(?:the )?(?:total )?(?:number|count) of)\b")
_FILLER_WORDS = """
    a an the of in on for to and or is are was were be been do does did have has had there what which who how much give
    show list tell find get return display me us our we you i please can could would each every all per by with from at
    as that this it its their
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS.split())}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a question that carry meaning; ``values`` are the numbers and quoted texts in it."""

    kept: frozenset[str]
    values: frozenset[str]

    @classmethod
    def of(cls, question: str) -> Words:
        text = unicodedata.normalize("NFKC", question).casefold()
        plain = [_NUMBERS.get(word, word) for word in _WORD.findall(_COUNT.sub("count", text.replace("'s ", " ")))]
        kept = [_stem(word) for word in plain if word not in _FILLERS] or plain
        values = {word for word in plain if any(char.isdigit() for char in word)}
        values |= {" ".join(match.split()) for match in _QUOTED.findall(text)}
        return cls(frozenset(kept), frozenset(values))


def likeness(one: Words, other: Words) -> float:
    """Return the Jaccard index of two questions, 0 when they name other numbers or values."""
    if one.values != other.values or not (one.kept and other.kept):
        return 0.0
    return len(one.kept & other.kept) / len(one.kept | other.kept)


def alike_pairs(left: Sequence[Words], right: Sequence[Words] | None = None) -> Iterator[tuple[int, int, float]]:
    """Yield positions and likeness of the pairs that are at least ``ALIKE``; with one sequence each pair once.

    Only pairs that share a word are looked at, which keeps thousands of questions cheap.
    """
    others = left if right is None else right
    holders: dict[str, list[int]] = defaultdict(list)
    for position, words in enumerate(others):
        for word in words.kept:
            holders[word].append(position)
    for i, words in enumerate(left):
        near = {j for word in words.kept for j in holders.get(word, ()) if right is not None or j > i}
        for j in sorted(near):
            if (value := likeness(words, others[j])) >= ALIKE:
                yield i, j, value


def sql_key(sql: str) -> str | None:
    """Return a text that queries share when they are the same by their canonical form.

    A query without such a form has its own text, apart from case, spacing and comments; one that cannot be parsed None.
    """
    try:
        form = canonical_query(sql)
        if form is not None:
            return form
        tree = parse_query(sql).copy()
    except SqlParseError:
        return None
    for identifier in tree.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
        identifier.set("quoted", False)
    return f"written {tree.sql('databricks', comments=False, normalize_functions='upper')}"


def duplicates_of(keys: Iterable[str | None]) -> dict[str, list[int]]:
    """Return the positions of each key that stands more than once."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        if key is not None:
            places[key].append(position)
    return {key: found for key, found in places.items() if len(found) > 1}


def _stem(word: str) -> str:
    """Take off the commonest English endings; wrong stems do no harm, both sides get the same."""
    for ending, least in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word

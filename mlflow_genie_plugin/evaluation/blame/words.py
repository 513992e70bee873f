"""Words: those a configuration uses, and those of a question that it does not know."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

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


def words_of(value: Any) -> set[str]:
    """Return the stems of every word in the texts of a JSON value."""
    if isinstance(value, str):
        return {stem for word in re.findall(r"[a-z]+", value.lower()) for stem in stems(word)}
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(words_of, values))


def stems(word: str) -> set[str]:
    stems = {word}
    for ending in ("s", "es", "ed", "d", "ing", "ly", "er", "r"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stems.add(word.removesuffix(ending))
    if word.endswith("ies"):
        stems.add(word[:-3] + "y")
    return stems


def unknown_words(question: str, known: Set[str]) -> list[str]:
    """Return the words of a question that are not among the known ones and not everybody's; at most three."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", " ", question)
    # Words with capitals inside a sentence are names, not vocabulary.
    words = [word for index, word in enumerate(plain.split()) if index == 0 or word[:1].islower()]
    found = [word for text in words for word in _WORD.findall(text.lower())]
    unknown = [word for word in found if word not in _COMMON_WORDS and not stems(word) & known]
    return list(dict.fromkeys(unknown))[:3]

"""What a question plainly asks for: top N, by X, a year, a month, a quoted value.

English, and conservative: a phrase that can mean something else gives no slot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

KINDS = ("top", "group", "year", "month", "quarter", "value", "number")

_NUMBER_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twenty": 20,
}  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_COUNT = rf"(\d{{1,4}}|{'|'.join(_NUMBER_WORDS)})"
_TOP = re.compile(
    rf"\b(?:top|bottom|first|last|best|worst)\s+{_COUNT}\b(?!\s*(?:%|percent|days?|weeks?|months?|quarters?|years?))"
    rf"|\b{_COUNT}\s+(?:most|least|largest|smallest|biggest|highest|lowest|best|worst|cheapest|oldest|newest)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"\b(?:in|of|for|during|year|since|from|until|before|after|and|to|,)\s+((?:19|20)\d\d)\b(?!\s*[-/]\d)"
)
_YEAR_AFTER = re.compile(rf"\b(?:{'|'.join(MONTHS)}|q[1-4])\s+((?:19|20)\d\d)\b", re.IGNORECASE)
_MONTH = re.compile(rf"\b({'|'.join(MONTHS)})(?:\s+(?:\d{{1,2}},?\s+)?(?:19|20)\d\d)?\b", re.IGNORECASE)
_QUARTER = re.compile(r"\b(?:q([1-4])|(first|second|third|fourth)\s+quarter)\b", re.IGNORECASE)
_QUARTER_WORDS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_QUOTED = re.compile(
    "(?<!\\w)(?:\"([^\"]{1,80})\"|'([^']{1,80})'|\u2018([^\u2019]{1,80})\u2019|\u201c([^\u201d]{1,80})\u201d)(?!\\w)"
)
_THRESHOLD = re.compile(
    r"\b(?:more than|less than|fewer than|greater than|at least|at most|over|under|above|below|exceed(?:s|ing)?)\s+"
    r"(?:usd|eur|\$|€)?\s*(\d[\d,]*(?:\.\d+)?)(?!\s*(?:%|percent|million|billion|thousand|[kmb]\b|days?|weeks?|months?|years?))",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"\b(?:per|for each|in each|of each|by each|grouped by|broken down by|split by)\s+([a-z]+(?:\s[a-z]+)?)",
    re.IGNORECASE,
)
_BY = re.compile(
    r"\bby\s+(?:the\s+)?([a-z]+(?:\s[a-z]+)?)(?=\s*(?:$|[?.,;]|\b(?:in|for|and|of|during|from)\b))", re.IGNORECASE
)
_RANKED = re.compile(
    r"\b(?:top|bottom|rank\w*|sort\w*|order(?:ed)? by|largest|biggest|highest|lowest|smallest|best|worst|most|least)\b",
    re.IGNORECASE,
)
_NOT_GROUPS = "unit cent day hour capita default far name total order them us it that which what how"
_NO_GROUP = frozenset(_NOT_GROUPS.split())


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing a question asks for.

    Attributes:
        kind: One of ``KINDS``.
        value: The number of rows, year, month (1 to 12) or quarter as int; a number as float; words as text.
        text: The words of the question.
    """

    kind: str
    value: Any
    text: str


def slots_of(question: str) -> tuple[Slot, ...]:
    """Return what a question plainly asks for, in the order of ``KINDS``, each once."""
    text = " ".join(question.split())
    return tuple(dict.fromkeys(_slots(text)))


def _slots(text: str) -> Iterator[Slot]:
    for match in _TOP.finditer(text):
        word = (match.group(1) or match.group(2)).lower()
        yield Slot("top", _NUMBER_WORDS.get(word) or int(word), match.group())
    plain = _QUOTED.sub(" ", text)
    yield from _group_slots(plain)
    years = {match.group(1): None for pattern in (_YEAR, _YEAR_AFTER) for match in pattern.finditer(plain)}
    yield from (Slot("year", int(year), year) for year in sorted(years))
    for match in _MONTH.finditer(plain):
        word = match.group(1)
        # May is also a verb, March too: they count as months beside a year, or when written with a capital.
        if word.lower() in ("may", "march") and match.group() == word and not (word[0].isupper() and match.start()):
            continue
        yield Slot("month", MONTHS.index(word.lower()) + 1, match.group())
    for match in _QUARTER.finditer(plain):
        yield Slot("quarter", int(match.group(1) or _QUARTER_WORDS[match.group(2).lower()]), match.group())
    for match in _QUOTED.finditer(text):
        value = next(group for group in match.groups() if group is not None).strip()
        if value:
            yield Slot("value", value, match.group())
    for match in _THRESHOLD.finditer(plain):
        yield Slot("number", float(match.group(1).replace(",", "")), match.group())


def _group_slots(text: str) -> Iterator[Slot]:
    for match in _GROUP.finditer(text):
        yield from _group(match)
    if _RANKED.search(text) is None:  # "top customers by revenue" orders by it
        for match in _BY.finditer(text):
            yield from _group(match)


def _group(match: re.Match[str]) -> Iterator[Slot]:
    words = match.group(1).lower().split()
    if words[-1] in ("in", "for", "and", "of", "during", "from", "is", "are", "was", "were", "did", "do", "with", "on"):
        words = words[:-1]
    if words and words[0] not in _NO_GROUP:
        yield Slot("group", " ".join(words), match.group().strip())

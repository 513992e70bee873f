"""Words of a question: tokens, stems, number words, and the phrases that a name stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    (?P<quoted>(?<!\w)'[^'\n]{1,200}'(?!\w)|(?<!\w)"[^"\n]{1,200}"|“[^”\n]{1,200}”|`[^`\n]{1,200}`)
    |(?P<date>(?<![\d-])\d{4}-\d{2}-\d{2}(?![\d-]))
    |(?P<month>(?<![\d-])\d{4}-\d{2}(?![\d-]))
    |(?P<number>(?<![\w.])-?\$?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:million|thousand|billion)\b|[kKmM]\b|%)?)
    |(?P<word>[^\W_]+(?:['\u2019][a-z]{1,2}\b)?)
    """,
    re.VERBOSE,
)
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
} | {"fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100, "thousand": 1000, "dozen": 12}
_SCALE = {"k": 1e3, "m": 1e6, "%": 1.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_IRREGULAR = {
    "children": "child",
    "men": "man",
    "women": "woman",
    "people": "person",
    "countries": "country",
    "status": "status",
    "series": "series",
    "analyses": "analysis",
    "indices": "index",
    "highest": "highest",
    "as": "as",
    "is": "is",
    "was": "was",
    "has": "has",
    "does": "does",
    "this": "this",
    "its": "its",
    "us": "us",
    "yes": "yes",
    "less": "less",
    "sales": "sales",
    "gas": "gas",
    "days": "day",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, date or quoted text of a question.

    Attributes:
        text: As written, without the quotes of a quoted text.
        word: Lower case.
        stem: ``word`` without a plural ending.
        kind: ``word``, ``number``, ``date``, ``month`` (``1995-03``) or ``quoted``.
        number: The value of a number or number word, else None.
        comma: Whether a comma or semicolon stands right before it.
    """

    text: str
    word: str
    stem: str
    kind: str
    number: float | None = None
    comma: bool = False


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set: a list of words reads better as a paragraph than as literals."""
    return frozenset(text.split())


@lru_cache(maxsize=4096)
def tokenize(text: str) -> tuple[Token, ...]:
    """Return the tokens of ``text`` in order; punctuation separates and is dropped."""
    tokens = []
    end = 0
    for match in _TOKEN.finditer(text):
        comma = bool(re.search(r"[,;]", text[end : match.start()]))
        end = match.end()
        kind = match.lastgroup or "word"
        raw = match.group()
        if kind == "quoted":
            raw = raw[1:-1].strip()
            tokens.append(Token(raw, raw.lower(), stem(raw.lower()), "quoted", None, comma))
        elif kind == "number":
            tokens.append(Token(raw, raw.lower(), raw.lower(), "number", _number(raw), comma))
        else:
            word = re.sub(r"['\u2019]s?$|['\u2019](?:re|ve|ll|d|m)$", "", raw.lower())
            tokens.append(Token(raw, word, stem(word), kind, _NUMBER_WORDS.get(word), comma))
    return tuple(tokens)


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Return ``word`` without a plural ending: ``countries`` → ``country``, ``statuses`` → ``status``."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or not word.isalpha():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes", "uses")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=16384)
def phrase_of(name: str) -> tuple[str, ...]:
    """Return the stems a name is spoken as: ``OrderDate`` and ``order_dates`` → ``("order", "date")``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")
    return tuple(token.stem for token in tokenize(spaced) if token.stem)


def whole_number(token: Token) -> int | None:
    """Return the token's value when it is a whole number."""
    return whole_number_of(token.number)


def whole_number_of(number: float | None) -> int | None:
    """Return a number as an int when it is a whole one."""
    return int(number) if number is not None and float(number).is_integer() else None


def _number(raw: str) -> float:
    match = re.fullmatch(r"(-?)\$?([\d,]+(?:\.\d+)?)\s?(\D*)", raw)
    if match is None:
        raise AssertionError(f"the token pattern let {raw!r} pass as a number")
    value = float(match.group(2).replace(",", "")) * _SCALE.get(match.group(3).lower(), 1.0)
    return -value if match.group(1) else value

"""Answering with a table function of the space."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlflow_genie_plugin.emulator.answering.knowledge import Function, SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.parameter_values import Wanted, read_values
from mlflow_genie_plugin.emulator.answering.pieces import Piece
from mlflow_genie_plugin.emulator.answering.sql_text import parts_of, quoted_identifier, string_literal
from mlflow_genie_plugin.emulator.answering.vocabulary import words_of
from mlflow_genie_plugin.emulator.answering.words import phrase_of, tokenize, word_set

_EMPTY_WORDS = word_set(
    """get fn tvf func function by for of the list show fetch find compute calculate udf to in and"""
)
_COMMANDS = word_set("query run call execute use")
_MEANINGFUL = frozenset(
    {"mention", "unknown", "period", "number", "grain", "without", "not", "share", "compare", "extreme", "versus"}
)


def match_function(question: str, pieces: Sequence[Piece], knowledge: SpaceKnowledge) -> str | None:
    """Return the call of the table function that the question describes, or None.

    A function is called when the question says every word of its name, gives every argument without a default, and
    asks for
    nothing that name, comment and parameters do not speak of.
    """
    asked = {token.stem for token in tokenize(question)}
    calls = [
        (call, len(name))
        for function in knowledge.functions
        for name in [_name_words(function)]
        if (call := _call(function, name, asked, pieces))
    ]
    return max(calls, key=lambda found: found[1])[0] if calls else None


def _name_words(function: Function) -> set[str]:
    return set(phrase_of(parts_of(function.identifier)[-1])) - _EMPTY_WORDS


def _call(function: Function, name: set[str], asked: set[str], pieces: Sequence[Piece]) -> str | None:
    if not name or not name <= asked:
        return None
    parameters = function.routine.parameters
    values, used = read_values([Wanted(p.name, p.type_text, p.comment) for p in parameters], pieces)
    if any(p.name not in values and not p.has_default for p in parameters):
        return None
    spoken = (
        name
        | words_of(function.routine.comment)
        | {w for p in parameters for w in (*phrase_of(p.name), *words_of(p.comment))}
    )
    for index, piece in enumerate(pieces):
        if index in used or piece.kind not in _MEANINGFUL:
            continue
        words = {token.stem for token in tokenize(piece.text)}
        if piece.kind in {"mention", "unknown"} and words <= spoken | _COMMANDS:
            continue
        return None
    arguments = []
    skipped = False
    for parameter in parameters:
        if parameter.name not in values:
            skipped = True
            continue
        literal = _literal(values[parameter.name], parameter.type_text)
        arguments.append(f"{parameter.name} => {literal}" if skipped else literal)
    return f"SELECT * FROM {quoted_identifier(function.identifier)}({', '.join(arguments)})"  # noqa: S608 - names are quoted


def _literal(value: str, type_text: str) -> str:
    if re.match(r"(?i)date", type_text):
        return f"DATE{string_literal(value)}"
    if re.match(r"(?i)timestamp", type_text):
        return f"TIMESTAMP{string_literal(value)}"
    return (
        string_literal(value)
        if re.match(r"(?i)string|varchar|char", type_text) or not re.fullmatch(r"-?\d+(\.\d+)?", value)
        else value
    )

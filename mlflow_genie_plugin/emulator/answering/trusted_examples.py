"""Finding the trusted example a question is another wording of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.emulator.answering.knowledge import Example, SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.parameter_values import Wanted, compared_columns, is_exclusive, read_values
from mlflow_genie_plugin.emulator.answering.pieces import Piece, cut
from mlflow_genie_plugin.emulator.answering.vocabulary import Vocabulary
from mlflow_genie_plugin.emulator.answering.words import stem

SAME_QUESTION = 0.8  # share of the weighed pieces that both questions have in common
_WEIGHTS = {
    "group": 0.3,
    "rank": 0.3,
    "which": 0.0,
    "list": 0.0,
    "with": 0.0,
    "and": 0.0,
    "or": 0.0,
    "distinct": 0.3,
    "trend": 0.5,
}
# Pieces that change what is asked: two questions that differ in one of them are different questions, however alike.
_DECIDING = frozenset(
    {"mention", "period", "number", "grain", "superlative", "without", "not", "share", "compare", "extreme"}
)


@dataclass(frozen=True)
class TrustedMatch:
    """An example that answers the question, and the values of its parameters."""

    example: Example
    parameters: dict[str, str]
    likeness: float


def match_example(pieces: Sequence[Piece], knowledge: SpaceKnowledge, vocabulary: Vocabulary) -> TrustedMatch | None:
    """Return the most alike trusted example, or None when none asks the same question.

    Wordings that the example's usage guidance puts in double quotes count as its question too.
    """
    best: TrustedMatch | None = None
    for example in knowledge.examples:
        wanted = [
            Wanted(
                p.name,
                p.type_hint,
                p.description,
                compared_columns(p.name, example.sql, knowledge),
                is_exclusive(p.name, example.sql),
            )
            for p in example.parameters
        ]
        values, used = read_values(wanted, pieces)
        defaults = {p.name: p.default for p in example.parameters if p.default is not None}
        if any(p.name not in values and p.name not in defaults for p in example.parameters):
            continue
        asked = _features(pieces, used)
        for wording in (example.question, *re.findall(r'["“]([^"”]{3,200})["”]', example.guidance)):
            own = cut(wording, vocabulary)
            _, filled = read_values(wanted, own)
            likeness = _likeness(asked, _features(own, filled))
            if likeness >= SAME_QUESTION and (best is None or likeness > best.likeness):
                best = TrustedMatch(
                    example,
                    {p.name: values.get(p.name, defaults.get(p.name, "")) for p in example.parameters},
                    likeness,
                )
    return best


def _features(pieces: Sequence[Piece], used: Collection[int]) -> Counter[Hashable]:
    features: Counter[Hashable] = Counter()
    for index, piece in enumerate(pieces):
        if index in used:
            continue
        if piece.mention is not None:
            best = piece.mention.concepts[0]
            features["mention", best.kind, best.name.lower(), best.value.lower() or best.table] += 1
        elif piece.kind == "unknown":
            features["unknown", " ".join(stem(word) for word in piece.text.lower().split())] += 1
        else:
            kind = "superlative" if piece.kind == "top" else piece.kind
            features[kind, piece.value, piece.number, piece.period, piece.grain] += 1
    return features


def _likeness(one: Counter[Hashable], other: Counter[Hashable]) -> float:
    if not one or not other or any(feature[0] in _DECIDING for feature in (one - other) + (other - one)):  # type: ignore[index]
        return 0.0
    common = sum(_weight(feature) * count for feature, count in (one & other).items())
    total = sum(_weight(feature) * count for feature, count in (one + other).items())
    return 2 * common / total if total else 0.0


def _weight(feature: Hashable) -> float:
    kind, value = feature[0], feature[1]  # type: ignore[index]
    if kind == "aggregate" and value == "SUM":
        return 0.3  # "total revenue" and "revenue" are one thing
    return {"mention": 2.0, "unknown": 1.5}.get(kind, _WEIGHTS.get(kind, 1.0))

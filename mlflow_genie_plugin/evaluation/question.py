"""One benchmark question, and the split it falls into."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PRIORITIES = ("P0", "P1", "P2")
SPLITS = ("train", "val", "held_out")
ASSET_KINDS = ("TABLE", "MV", "TVF")

# Shares of train and val; the rest is held out.
_TRAIN, _VAL = 0.6, 0.2


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A question with its ground truth.

    Attributes:
        id: Unique name of the question.
        question: What is asked, as a person would type it.
        expected_sql: SQL whose result is the right answer.
        expected_asset: Kind of asset that should answer it (TABLE, MV, TVF); None leaves it to the assets of the SQL.
        priority: P0 must never be wrong, P1 is the default, P2 is nice to have.
        split: train, val or held_out.
        category: Kind of question, free text.
        source: Where it came from: user, synthetic, …
        ordered: Whether the order of the rows is part of the answer.
        required_tables: Three-part names that the question depends on, besides those of the SQL.
        required_columns: Columns that the question depends on.
        more: Every other known field, as it was.
    """

    id: str
    question: str
    expected_sql: str
    expected_asset: str | None = None
    priority: str = "P1"
    split: str = "train"
    category: str | None = None
    source: str = "user"
    ordered: bool = False
    required_tables: tuple[str, ...] = ()
    required_columns: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """Return the question as an entry of a benchmarks file, everything spelled out."""
        document: dict[str, Any] = {
            "id": self.id,
            "question": self.question,
            "expected_sql": self.expected_sql,
            "priority": self.priority,
            "split": self.split,
            "source": self.source,
            "ordered": self.ordered,
        }
        if self.expected_asset is not None:
            document["expected_asset"] = self.expected_asset
        if self.category is not None:
            document["category"] = self.category
        if self.required_tables:
            document["required_tables"] = list(self.required_tables)
        if self.required_columns:
            document["required_columns"] = list(self.required_columns)
        return {**document, **self.more}


def normalise_question(question: str) -> str:
    """Return the question without what does not change its meaning: case, spacing, final punctuation."""
    text = " ".join(unicodedata.normalize("NFKC", question).casefold().split())
    return text.rstrip("?!. ")


def split_of(question: str) -> str:
    """Return the split a question falls into by the hash of its text (60 % train, 20 % val, 20 % held_out).

    It depends on nothing but the text, so adding or removing a question moves no other.
    """
    digest = hashlib.sha256(normalise_question(question).encode("utf-8", "surrogatepass")).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < _TRAIN:
        return "train"
    return "val" if position < _TRAIN + _VAL else "held_out"

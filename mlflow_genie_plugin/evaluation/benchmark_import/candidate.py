"""A question as a source offers it, before it is decided whether it is taken."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.evaluation.question import normalise_question

# What the kinds of assets are called elsewhere.
_KINDS = {
    "TABLE": "TABLE", "VIEW": "TABLE", "MV": "MV", "METRIC_VIEW": "MV", "METRICVIEW": "MV", "TVF": "TVF",
    "FUNCTION": "TVF", "TABLE_FUNCTION": "TVF",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """One question of a source.

    Attributes:
        place: Where it stands there: a JSON path, or a line of a CSV file.
        entry: Its fields, named as in a benchmarks file; ``id`` may be missing.
        unknown: Names of its fields that a benchmarks file does not have.
        problem: Why it cannot be taken; None when it can.
    """

    place: str
    entry: Mapping[str, Any] = field(hash=False)
    unknown: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def question(self) -> str:
        return str(self.entry.get("question") or "")


def generated_id(question: str, prefix: str = "q") -> str:
    """Return an id made from the question's text: the same in every import, wherever the question stands."""
    digest = hashlib.sha256(normalise_question(question).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}_{digest[:12]}"


def known_kind(value: Any) -> Any:
    """Return TABLE, MV or TVF for the names these kinds have elsewhere; anything else as it is."""
    return _KINDS.get(str(value).strip().upper().replace(" ", "_").replace("-", "_"), value)

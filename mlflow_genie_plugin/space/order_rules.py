"""Rules on the order of items: some lists the server sorts itself, others it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.placeholders import PLACEHOLDER
from mlflow_genie_plugin.space.shape import BENCHMARK, FUNCTION, KINDS, SAMPLE_QUESTION, Kind, dotted, items_of

_SORTED_BY_THE_SERVER = (SAMPLE_QUESTION, BENCHMARK)
REORDER = "mlflow-genie space show FILE --normalise -o FILE writes it in the server's order"


def order_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Lists stand in the server's order; benchmarks and sample questions it orders itself."""
    for kind in KINDS:
        yield from _order(items_of(document, kind.path), kind, dotted(kind))


def _order(items: list[Any], kind: Kind, base: str) -> Iterator[Violation]:
    keys = [_order_key(item, kind) for item in items]
    for index, (before, after) in enumerate(pairwise(keys)):
        if before is None or after is None or before <= after or not _comparable(before[0], after[0]):
            continue
        by = "(id, identifier)" if kind is FUNCTION else kind.key
        message = f"not sorted by {by}: {after[0]!r} stands after {before[0]!r}"
        if kind in _SORTED_BY_THE_SERVER:
            message += "; the server orders this list itself"
            yield Violation(f"{base}[{index + 1}]", "order-cosmetic", message, severity="warning", fix=REORDER)
        else:
            yield Violation(f"{base}[{index + 1}]", "order", message, fix=REORDER)
        return


def _order_key(item: Any, kind: Kind) -> tuple[str, str] | None:
    key = item.get(kind.key) if isinstance(item, dict) else None
    if not isinstance(key, str):
        return None
    second = item.get("identifier") if kind is FUNCTION else ""
    return key, second if isinstance(second, str) else ""


def _comparable(before: str, after: str) -> bool:
    """Return whether the order of two names is the same whatever their placeholders stand for."""
    ends = [max((match.end() for match in PLACEHOLDER.finditer(name)), default=0) for name in (before, after)]
    return before[: ends[0]] == after[: ends[1]]

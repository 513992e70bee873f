"""The server's rules on a space config's meaning, in the order in which they are told; each noun's stand in a file.

Every rule takes any JSON object and skips what has the wrong structure; the structure has its own findings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.column_rules import column_violations
from mlflow_genie_plugin.space.id_rules import id_violations, identifier_violations
from mlflow_genie_plugin.space.join_rules import join_violations
from mlflow_genie_plugin.space.limits import Limits
from mlflow_genie_plugin.space.order_rules import order_violations
from mlflow_genie_plugin.space.question_rules import benchmark_violations, example_violations
from mlflow_genie_plugin.space.shape import DATA_SOURCES, FILTER, JOIN, dicts_of, dotted, text_of
from mlflow_genie_plugin.space.size_rules import size_violations
from mlflow_genie_plugin.space.text_rules import text_violations

Rule = Callable[[dict[str, Any], Limits], Iterator[Violation]]


def join_rule_violations(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Joins are two-sided equalities with a relationship."""
    known = {
        item["identifier"].lower()
        for kind in DATA_SOURCES
        for _, item in dicts_of(document, kind.path)
        if isinstance(item.get("identifier"), str)
    }
    for index, join in dicts_of(document, JOIN.path):
        yield from join_violations(join, f"{dotted(JOIN)}[{index}]", known)


def advice(document: dict[str, Any], _: Limits) -> Iterator[Violation]:
    """Yield what the server accepts today or may accept tomorrow, but is likely a mistake."""
    for index, item in dicts_of(document, FILTER.path):
        if re.match(r"\s*where\b", text_of(item.get("sql")), re.IGNORECASE):
            yield Violation(
                f"{dotted(FILTER)}[{index}].sql",
                "filter-where",
                "a filter is a condition; this starts with WHERE",
                severity="warning",
                fix="leave out the word WHERE",
            )
    sources = document.get("data_sources")
    for key in ("volumes", "mcp_connections"):
        if isinstance(sources, dict) and key in sources:
            yield Violation(
                f"$.data_sources.{key}",
                "announced-field",
                f"{key} belongs to the announced API; a server of today may reject it",
                severity="warning",
                fix="remove it if the server does",
            )


RULES: tuple[Rule, ...] = (
    id_violations,
    identifier_violations,
    order_violations,
    size_violations,
    column_violations,
    text_violations,
    benchmark_violations,
    example_violations,
    join_rule_violations,
    advice,
)

"""The refutation of a judged case: its two queries, over its space's schema and the keys its joins declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.refuter.constants import number
from mlflow_genie_plugin.evaluation.refuter.refutation import Refutation, unknown
from mlflow_genie_plugin.evaluation.refuter.refute import refute
from mlflow_genie_plugin.evaluation.refuter.tables import Constraints

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judge import JudgedCase


def refutation_of_case(case: JudgedCase) -> Refutation:
    """Return whether generated databases tell the answer from the expected query."""
    if not (case.answer.sql or "").strip():
        return unknown("the answer has no query")
    constraints = None if case.config is None else Constraints.of(case.config)
    return refute(
        case.benchmark.expected_sql,
        case.answer.sql or "",
        case.schema,
        constraints=constraints,
        parameters={name: _value(text) for name, text in case.answer.parameters.items()},
    )


def _value(text: str) -> Any:
    """Return a parameter's value: Genie gives text, and what reads as a number is one, as ``LIMIT :n`` needs it."""
    plain = text.strip()
    is_number = plain.removeprefix("-").replace(".", "", 1).isdigit()
    return number(plain) if is_number else text

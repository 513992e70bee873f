"""The refutation of an answer: its query and the expected one, over the space's schema and the keys of its joins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.refuter.constants import number
from mlflow_genie_plugin.evaluation.refuter.refutation import Refutation, unknown
from mlflow_genie_plugin.evaluation.refuter.refute import refute
from mlflow_genie_plugin.evaluation.refuter.tables import Constraints

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
    from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord
    from mlflow_genie_plugin.space.config import SpaceConfig


def refute_answer(
    expected_sql: str, answer: AnswerRecord, schema: SpaceSchema | None, config: SpaceConfig | None
) -> Refutation:
    """Return whether generated databases tell the answer from the expected query.

    Args:
        expected_sql: The right query.
        answer: The answer to judge, with the values of its parameters.
        schema: What the space's assets hold; None infers it from the queries.
        config: The space's configuration, whose joins say what is a key; None when it is not at hand.
    """
    if not (answer.sql or "").strip():
        return unknown("the answer has no query")
    return refute(
        expected_sql,
        answer.sql or "",
        schema,
        constraints=None if config is None else Constraints.of(config),
        parameters={name: _value(text) for name, text in answer.parameters.items()},
    )


def _value(text: str) -> Any:
    """Return a parameter's value: Genie gives text, and what reads as a number is one, as ``LIMIT :n`` needs it."""
    plain = text.strip()
    is_number = plain.removeprefix("-").replace(".", "", 1).isdigit()
    return number(plain) if is_number else text

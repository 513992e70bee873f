"""What every judge says of a question to which there is no query."""

from __future__ import annotations

from mlflow_genie_plugin.evaluation.finding import Finding, errored, failed
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord


def unanswered(judge: str, answer: AnswerRecord) -> Finding | None:
    """Return the finding that every judge gives when there is nothing to judge; None when there is SQL.

    A question that failed, was cancelled or timed out says nothing about the quality of the answer, so it is errored
    and not failed; both count against the model. One that failed because the warehouse could not run Genie's query has
    an answer, a wrong one, which is judged.
    """
    if answer.status != "COMPLETED" and not answer.query_failed:
        reason = answer.error or "no reason was given"
        ended = "" if answer.status in reason else f" ({answer.status})"
        return errored(judge, f"Genie gave no answer{ended}: {reason}", failure_type=f"ANSWER_{answer.status}")
    if answer.sql and answer.sql.strip():
        return None
    if answer.is_clarification:
        return failed(
            judge,
            "CLARIFICATION",
            "Genie asked back instead of answering",
            fix="say in an instruction what Genie asks for, or add an example SQL for this question",
        )
    return failed(
        judge,
        "NO_SQL",
        "Genie answered with text only, without a query",
        fix="add an example SQL for this question",
    )

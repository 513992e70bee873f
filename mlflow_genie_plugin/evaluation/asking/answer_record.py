"""An answer as it is recorded, with whether its SQL compiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import SqlFailedError, UnsafeSqlError, UsageError
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord, stored_result
from mlflow_genie_plugin.workspace.answer import Answer, AnswerStatus
from mlflow_genie_plugin.workspace.data_port import SqlPort

if TYPE_CHECKING:
    pass


def answer_record(answer: Answer, sql: SqlPort, warehouse_id: str | None) -> AnswerRecord:
    """Return an answer as it is recorded; SQL that came without rows is explained, to know whether it compiles.

    Raises:
        GenieError: The warehouse cannot be reached.
    """
    stored = stored_result(answer.result, answer.error)
    record = AnswerRecord(
        columns=stored.columns,
        rows=stored.rows,
        row_count=stored.row_count,
        truncated=stored.truncated,
        result_sha256=stored.result_sha256,
        error=stored.error,
        status=answer.status.value,
        sql=answer.sql,
        text=answer.text,
        is_clarification=answer.is_clarification,
        latency_seconds=round(answer.latency_seconds, 3),
        conversation_id=answer.conversation_id,
        message_id=answer.message_id,
        error_type=answer.error_type,
        parameters=dict(answer.parameters),
    )
    if not answer.sql or (answer.status is not AnswerStatus.COMPLETED and not record.query_failed):
        return record
    if answer.result is not None:
        return replace(record, compiles=True)
    try:
        message = sql.explain(answer.sql, warehouse_id=warehouse_id)
    except (UnsafeSqlError, SqlFailedError, UsageError):
        return record  # whether it compiles stays unknown, which no judge takes for yes
    return replace(record, compiles=message is None, compile_error=message)

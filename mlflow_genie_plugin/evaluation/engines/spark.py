"""Judging on Spark: cases as Arrow batches through ``mapInArrow``, results put back into their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import JudgingFailedError
from mlflow_genie_plugin.evaluation.engines.partition import (
    RESULT_COLUMNS,
    Task,
    judge_batches,
    pack,
    registered,
    unpack,
)
from mlflow_genie_plugin.evaluation.engines.session import require_spark, spark_session
from mlflow_genie_plugin.evaluation.judge import Judge
from mlflow_genie_plugin.evaluation.result import QuestionResult

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

_MOST_PARTITIONS = 512


class SparkEngine:
    """Judges on a Spark session, the one that is there or one of this machine.

    Args:
        partitions: How many partitions to judge in; default: two for every core Spark has, at most one a case.
    """

    def __init__(self, partitions: int | None = None) -> None:
        self._partitions = partitions

    def require_ready(self, judges: Sequence[Judge]) -> None:
        """Raise before anything is asked when Spark could not judge afterwards.

        Raises:
            SparkUnavailableError: PySpark or Java is missing.
            UsageError: A judge exists in this process only.
        """
        require_spark()
        registered(judges)

    def judge(
        self, cases: Iterable[JudgedCase], judges: Sequence[Judge], store_rows: str
    ) -> tuple[QuestionResult, ...]:
        """Return the results in the order of the cases.

        Raises:
            SparkUnavailableError: There is no session.
            JudgingFailedError: A partition failed, or a result is missing.
        """
        table, around = pack(cases)
        if table.num_rows == 0:
            return ()
        task = Task(tuple(judges), store_rows, around).to_bytes()
        with spark_session() as spark:
            wanted = self._partitions or 2 * _cores(spark)
            count = max(1, min(wanted, table.num_rows, _MOST_PARTITIONS))
            try:
                # By ordinal: whatever the cluster does, the same cases fall into the same partition.
                frame = spark.createDataFrame(table).repartition(count, "ordinal")
                judged = frame.mapInArrow(partial(judge_batches, task), RESULT_COLUMNS).toArrow()
            except Exception as error:
                raise partition_failed(error) from error
        return unpack(judged.to_pylist(), table.num_rows)


def partition_failed(error: Exception) -> JudgingFailedError:
    """Return the error for a Spark job that failed, with the worker's own reason."""
    lines = [
        line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith(("\tat", "SQLSTATE"))
    ]
    shown = [line for line in lines if "Error: " in line or "Exception: " in line]
    reason = (shown or lines or [type(error).__name__])[-1]
    step = "run the same command again, or with --engine local"
    if "No module named" in reason:
        step = "install mlflow-genie-plugin with its dependencies on the Spark workers"
    return JudgingFailedError(f"judging on Spark failed, and no result was kept: {reason}", next_step=step)


def _cores(spark: object) -> int:
    """Return how many tasks run at once; Spark Connect does not tell."""
    from pyspark.errors import PySparkException

    try:
        return int(spark.sparkContext.defaultParallelism)  # type: ignore[attr-defined]
    except (AttributeError, PySparkException):
        return 16

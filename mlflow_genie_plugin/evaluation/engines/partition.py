"""Judging one partition: Arrow batches of cases in, Arrow batches of question results out.

Only bytes and module-level functions cross the process border: a worker needs this package and nothing of the driver's
memory. A worker whose judges are not the driver's refuses, because its findings would be of other judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

import mlflow_genie_plugin
from mlflow_genie_plugin.errors import JudgingFailedError, UsageError
from mlflow_genie_plugin.evaluation.engines.case_json import Surroundings, case_bytes, case_from_bytes
from mlflow_genie_plugin.evaluation.judge import Judge
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.judging import judge_questions
from mlflow_genie_plugin.evaluation.result import QuestionResult
from mlflow_genie_plugin.evaluation.result_file import question_from_json, question_json

if TYPE_CHECKING:
    import pyarrow as pa

    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

CASE_COLUMNS = "ordinal long, surroundings int, case binary"
RESULT_COLUMNS = "ordinal long, result binary"

_BATCH_ROWS = 256


@dataclass(frozen=True)
class Task:
    """What a worker needs to know besides the cases: who judges, what is kept, what surrounds the cases."""

    judges: tuple[Judge, ...]
    store_rows: str
    around: tuple[Surroundings, ...]

    def to_bytes(self) -> bytes:
        """Return the task as JSON.

        Raises:
            UsageError: A judge is not in the package's register, so that no worker could find it.
        """
        return orjson.dumps(
            {
                "version": mlflow_genie_plugin.__version__,
                "judges": [[judge.name, judge.version] for judge in registered(self.judges)],
                "store_rows": self.store_rows,
                "around": [each.to_json() for each in self.around],
            }
        )

    @classmethod
    @lru_cache(maxsize=4)
    def from_bytes(cls, data: bytes) -> Task:
        """Return the task that :meth:`to_bytes` wrote.

        Raises:
            JudgingFailedError: This process has another version of the package or of a judge.
        """
        document = orjson.loads(data)
        judges = JUDGES.choose(name for name, _ in document["judges"])
        here = [mlflow_genie_plugin.__version__, [[judge.name, judge.version] for judge in judges]]
        if here != [document["version"], document["judges"]]:
            raise JudgingFailedError(
                f"a Spark worker has mlflow-genie-plugin {here[0]}, the driver has {document['version']}, "
                "or their judges differ",
                next_step="install the same version on the workers as on the driver",
            )
        return cls(judges, document["store_rows"], tuple(map(Surroundings.from_json, document["around"])))


def registered(judges: Sequence[Judge]) -> Sequence[Judge]:
    """Return the judges, all of which another process finds in the package's register by name.

    Raises:
        UsageError: One of them is not the judge that is registered under its name.
    """
    for judge in judges:
        if judge.name not in JUDGES.names() or JUDGES.choose([judge.name])[0] is not judge:
            raise UsageError(
                f"the judge {judge.name} exists in this process only, so no Spark worker has it",
                next_step="evaluate with --engine local, or register the judge in the installed package",
            )
    return judges


def pack(cases: Iterable[JudgedCase]) -> tuple[pa.Table, tuple[Surroundings, ...]]:
    """Return the cases as a table (``CASE_COLUMNS``) with an ordinal each, and the surroundings they refer to."""
    import pyarrow as pa

    around: list[Surroundings] = []
    positions, data = [], []
    for case in cases:
        position = next((index for index, known in enumerate(around) if known.is_of(case)), len(around))
        if position == len(around):
            around.append(Surroundings.of(case))
        positions.append(position)
        data.append(case_bytes(case))
    columns = {
        "ordinal": pa.array(range(len(data)), pa.int64()),
        "surroundings": pa.array(positions, pa.int32()),
        "case": pa.array(data, pa.binary()),
    }
    return pa.table(columns), tuple(around)


def judge_batches(task: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Judge the cases of a partition; one row out for every row in, or an error."""
    import pyarrow as pa

    told = Task.from_bytes(task)
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            rows = batch.slice(start, _BATCH_ROWS)
            cases = (
                case_from_bytes(data, told.around[position])
                for position, data in zip(rows["surroundings"].to_pylist(), rows["case"].to_pylist(), strict=True)
            )
            results = [
                orjson.dumps(question_json(result)) for result in judge_questions(cases, told.judges, told.store_rows)
            ]
            columns = {"ordinal": rows["ordinal"], "result": pa.array(results, pa.binary())}
            yield pa.RecordBatch.from_pydict(columns)


def unpack(rows: Iterable[dict[str, Any]], planned: int) -> tuple[QuestionResult, ...]:
    """Return the question results in the order of their cases.

    Raises:
        JudgingFailedError: A result is missing or stands there twice.
    """
    found = [(row["ordinal"], row["result"]) for row in rows]
    if sorted(ordinal for ordinal, _ in found) != list(range(planned)):
        raise JudgingFailedError(
            f"Spark returned {len({ordinal for ordinal, _ in found})} of {planned} results ({len(found)} rows)",
            next_step="run the same command again; with --engine local nothing is lost on the way",
        )
    return tuple(question_from_json(orjson.loads(data)) for _, data in sorted(found, key=lambda pair: pair[0]))

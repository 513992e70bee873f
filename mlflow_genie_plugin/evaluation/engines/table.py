"""Judging a table of stored answers, on Spark or here: for more questions than a result file should hold.

Input columns, one row a question; all text unless said otherwise, other columns are ignored:

==================  ==============================================================================================
question_id         required
expected_sql        required
answer_sql          required, NULL when the answer had none
question            text of the question
priority            P0, P1 (default) or P2
split, category     as in a benchmarks file
expected_asset      TABLE, MV or TVF
ordered             boolean: whether the order of the rows is part of the answer
status              of the answer; default COMPLETED
answer_text         what was answered besides SQL
compiles            boolean; default: true where there are answer columns, else unknown
{side}_columns      JSON list of ``{"name", "type_name", "type_text"}``; NULL when there is no result
{side}_rows         JSON list of rows, cells as in the result file (``{"$decimal": "1.50"}``, ``{"$date": …}``)
{side}_row_count    integer; default: as many as there are rows
{side}_truncated    boolean; default false
{side}_error        why there is no result
==================  ==============================================================================================

``{side}`` is ``answer`` and ``expected``. The output has one row for each question and judge: question_id, judge,
judge_version, outcome, score, failure_type, severity, confidence, rationale, blame (list), fix, evidence (JSON).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import orjson

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.engines.answer_row import case_of_row, chosen_columns
from mlflow_genie_plugin.evaluation.engines.case_json import Surroundings
from mlflow_genie_plugin.evaluation.engines.partition import Task
from mlflow_genie_plugin.evaluation.finding import Finding, errored
from mlflow_genie_plugin.evaluation.judge import Judge, judge_case
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
    from mlflow_genie_plugin.space.config import SpaceConfig


FINDING_COLUMNS = (
    "question_id string, judge string, judge_version string, outcome string, score double, failure_type string, "
    "severity string, confidence double, rationale string, blame array<string>, fix string, evidence string"
)

_BATCH_ROWS = 512


@overload
def judge_table(
    table: DataFrame,
    *,
    judges: Iterable[str] | None = None,
    config: SpaceConfig | None = None,
    schema: SpaceSchema | None = None,
) -> DataFrame: ...


@overload
def judge_table(
    table: pa.Table | pa.RecordBatchReader,
    *,
    judges: Iterable[str] | None = None,
    config: SpaceConfig | None = None,
    schema: SpaceSchema | None = None,
) -> pa.RecordBatchReader: ...


def judge_table(
    table: Any,
    *,
    judges: Iterable[str] | None = None,
    config: SpaceConfig | None = None,
    schema: SpaceSchema | None = None,
) -> Any:
    """Judge stored answers: a Spark DataFrame gives a DataFrame, an Arrow table or reader gives a reader.

    Both are lazy and stream: memory holds a few hundred questions at a time. A row that cannot be read gives an errored
    finding of every judge, so that a question is never missing.

    Args:
        table: The answers; columns as this module says.
        judges: Only these; default all.
        config: The space, for the judges that look at its assets.
        schema: Columns of those assets.

    Raises:
        UsageError: A required column is missing, or a judge is unknown.
    """
    assets = SpaceAssets() if config is None else SpaceAssets.of(config)
    task = Task(JUDGES.choose(judges), "all", (Surroundings(assets, schema, config),)).to_bytes()
    if hasattr(table, "mapInArrow"):
        chosen = chosen_columns(table.columns)
        return table.select(*chosen).mapInArrow(partial(judge_answers, task), FINDING_COLUMNS)
    import pyarrow as pa

    reader = table.to_reader(max_chunksize=_BATCH_ROWS) if isinstance(table, pa.Table) else table
    chosen_columns(reader.schema.names)
    return pa.RecordBatchReader.from_batches(_schema(), judge_answers(task, iter(reader)))


def judge_answers(task: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Judge the stored answers of a partition: one row out for each row in and judge."""
    import pyarrow as pa

    told = Task.from_bytes(task)
    for batch in batches:
        chosen = batch.select(chosen_columns(batch.schema.names))
        for start in range(0, chosen.num_rows, _BATCH_ROWS):
            rows = [
                _row(question_id, judge, finding)
                for answer in chosen.slice(start, _BATCH_ROWS).to_pylist()
                for question_id, judge, finding in _judged(answer, told.judges, told.around[0])
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=_schema())


def _judged(
    answer: Mapping[str, Any], judges: Sequence[Judge], around: Surroundings
) -> Iterator[tuple[str, Judge, Finding]]:
    question_id = answer["question_id"]
    if question_id is None:
        raise UsageError("a row of the table of answers has no question_id", next_step="give every row one")
    try:
        case = case_of_row(answer, around)
    except (TypeError, ValueError, KeyError) as error:
        why = f"the stored answer cannot be read: {error}"
        findings = {judge.name: errored(judge.name, why, failure_type="UNREADABLE_ANSWER") for judge in judges}
    else:
        findings = judge_case(case, judges)
    for judge in judges:
        yield str(question_id), judge, findings[judge.name]


def _row(question_id: str, judge: Judge, finding: Finding) -> dict[str, Any]:
    return {
        "question_id": question_id,
        "judge": judge.name,
        "judge_version": judge.version,
        "outcome": finding.outcome.value,
        "score": finding.score,
        "failure_type": finding.failure_type,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "rationale": finding.rationale,
        "blame": list(finding.blame),
        "fix": finding.fix,
        "evidence": orjson.dumps(finding.evidence).decode(),
    }


def _schema() -> pa.Schema:
    import pyarrow as pa

    types = {"score": pa.float64(), "confidence": pa.float64(), "blame": pa.list_(pa.string())}
    names = [field.split()[0] for field in FINDING_COLUMNS.split(", ")]
    return pa.schema([(name, types.get(name, pa.string())) for name in names])

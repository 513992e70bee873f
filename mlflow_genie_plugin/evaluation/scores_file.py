"""Scores beside the result file: one Parquet row a question, when questions are too many to read for one decision.

The result file names the digest of this file in its first bytes, so that the digest of the result file covers both, and
this file says where in the result file each question stands. Columns: see ``_schema``; docs/evaluation-result.md has
them for people.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidEvaluationError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mlflow_genie_plugin.evaluation.finding import Finding
    from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult

SCORES_FILE = "scores.parquet"
POINTER = "scores_file"
ASKED = ("expected_asset", "priority", "split")
START, LENGTH = "start", "length"
OBJECTIONS = "objections"

_AGAIN = f"use {SCORES_FILE} as mlflow-genie evaluate stored it beside the result file, or evaluate again"
# Small, because some groups at a time are held unpacked; each read has its price, so not one after the other.
_GROUP, _AT_ONCE = 2_000, 4
_WORDS = ("priority", "split", "category", "expected_asset", "status", "settled", "not_asked")


def score_of(judge: str) -> str:
    """Return the name of the column that holds a judge's scores; its outcomes are in the column of its own name."""
    return f"{judge}_score"


@dataclass(frozen=True)
class Scores:
    """A Parquet file of scores that fits its result file.

    Attributes:
        judges: The judges that ran.
        starts, lengths: Where each question stands in the result file.
    """

    judges: tuple[str, ...]
    starts: pa.Array
    lengths: pa.Array
    _file: pq.ParquetFile

    def groups(self, *columns: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows, some thousand at a time; columns of few words are dictionaries."""
        import pyarrow as pa

        numbers = range(self._file.num_row_groups)
        for first in numbers[::_AT_ONCE]:
            some = list(numbers[first : first + _AT_ONCE])
            # On one thread: starting threads costs more than a few megabytes of columns.
            table = self._file.read_row_groups(some, list(columns) or None, use_threads=False)
            yield from table.combine_chunks().to_batches()
        # What Arrow has freed it keeps for later, a tenth of all that a large gate takes.
        pa.default_memory_pool().release_unused()


def scores_parquet(result: EvaluationResult, lengths: Sequence[int]) -> bytes:
    """Return the Parquet file of a result.

    Args:
        result: The result.
        lengths: How many bytes each question has in the result file, where they stand with one comma between them.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(_table(result, lengths), buffer, compression="zstd", row_group_size=_GROUP)
    return buffer.getvalue()


def read_scores(data: bytes, pointer: Mapping[str, Any], judges: Iterable[str], size: int) -> Scores:
    """Return the scores that a result file names.

    Args:
        data: The Parquet file.
        pointer: What the result file says of it.
        judges: The judges that the result file says ran.
        size: How many bytes of the result file its questions take, with the commas between them.

    Raises:
        InvalidEvaluationError: It is not the file that is named, cannot be read, or does not fit the result file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if (digest := sha256_of_bytes(data)) != pointer["sha256"]:
        raise InvalidEvaluationError(
            f"{SCORES_FILE} has sha256 {digest[:12]}, the result file names {pointer['sha256'][:12]}: it was changed",
            next_step="find out who can write to the run's artifacts, then evaluate again",
        )
    judges = tuple(judges)
    try:
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=[*_WORDS, *judges])
        if pq.read_schema(pa.BufferReader(data)).remove_metadata() != _schema(judges):
            raise misfit("it has other columns than the result's judges give")
        places = file.read([START, LENGTH], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise InvalidEvaluationError(f"{SCORES_FILE} cannot be read: {error}", next_step=_AGAIN) from error
    if places.num_rows != pointer["questions"]:
        raise misfit(f"it has {places.num_rows} rows, the result file names {pointer['questions']}")
    starts, lengths = (places[name].combine_chunks() for name in (START, LENGTH))
    _require_in_a_row(starts.to_numpy(), lengths.to_numpy(), size)
    return Scores(judges, starts, lengths, file)


def require_same_counts(scores: Scores, written: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold the outcomes against the counts in the result file.

    Raises:
        InvalidEvaluationError: They differ.
    """
    seen: dict[str, Counter[str | None]] = {judge: Counter() for judge in scores.judges}
    for group in scores.groups(*scores.judges):
        for judge, counter in seen.items():
            for item in group[judge].value_counts().to_pylist():
                counter[item["values"]] += item["counts"]
    for judge, counts in written.items():
        for outcome in ("passed", "failed", "abstained", "errored"):
            if seen[judge][outcome] != counts[outcome]:
                raise misfit(
                    f"{seen[judge][outcome]} {outcome} findings of {judge}, the result file counts {counts[outcome]}"
                )


def require_scores_of(
    data: bytes, result: EvaluationResult, pointer: Mapping[str, Any], lengths: Sequence[int]
) -> None:
    """Hold the Parquet file against the questions themselves, row by row.

    Raises:
        InvalidEvaluationError: A row is not what the question in the result file says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    read_scores(data, pointer, result.judges, sum(lengths) + max(0, len(lengths) - 1))
    wanted, found = _table(result, lengths), pq.read_table(pa.BufferReader(data))
    names = [name for name in wanted.column_names if not found[name].equals(wanted[name])]
    if names:
        raise misfit(f"its {', '.join(names)} are not what the questions and findings in the result file say")


def misfit(why: str) -> InvalidEvaluationError:
    return InvalidEvaluationError(f"{SCORES_FILE} does not fit the result file: {why}", next_step=_AGAIN)


def _require_in_a_row(starts: Any, lengths: Any, size: int) -> None:
    # Without a gap and without an overlap: no question can stand in the result file that has no row here.
    ends = starts + lengths
    if len(starts) and (starts[0] != 0 or (starts[1:] != ends[:-1] + 1).any() or ends[-1] != size):
        raise misfit("its rows are not the questions of the result file, one after the other")


def _schema(judges: Iterable[str]) -> pa.Schema:
    import pyarrow as pa

    fields = [(name, pa.string()) for name in ("question_id", "question", "expected_sql", *_WORDS)]
    fields += [("latency_seconds", pa.float64()), (OBJECTIONS, pa.string()), ("arbitration", pa.string())]
    fields += [(START, pa.int64()), (LENGTH, pa.int64())]
    for judge in judges:
        fields += [(judge, pa.string()), (score_of(judge), pa.float64())]
    return pa.schema(fields)


def _table(result: EvaluationResult, lengths: Sequence[int]) -> pa.Table:
    import pyarrow as pa

    questions, schema = result.questions, _schema(result.judges)
    columns: dict[str, list[Any]] = {
        name: [getattr(question, name) for question in questions]
        for name in ("question_id", "question", "expected_sql", "expected_asset", "priority", "split", "category")
    }
    columns["status"] = [question.answer.status for question in questions]
    columns["latency_seconds"] = [question.answer.latency_seconds for question in questions]
    columns["settled"] = [_names(question, lambda finding: finding.settled) for question in questions]
    columns["not_asked"] = [_names(question, lambda finding: finding.not_asked) for question in questions]
    columns[OBJECTIONS] = [_objections(question) for question in questions]
    columns["arbitration"] = [_text(question.arbitration) if question.arbitration else None for question in questions]
    columns[LENGTH], columns[START] = list(lengths), []
    place = 0
    for length in lengths:
        columns[START].append(place)
        place += length + 1
    for judge in result.judges:
        found = [question.findings.get(judge) for question in questions]
        columns[judge] = [None if finding is None else finding.outcome.value for finding in found]
        columns[score_of(judge)] = [None if finding is None else finding.score for finding in found]
    return pa.table(columns, schema=schema)


def _names(question: QuestionResult, is_so: Any) -> str | None:
    return ",".join(judge for judge, finding in question.findings.items() if is_so(finding)) or None


def _objections(question: QuestionResult) -> str | None:
    said = {judge: _said(finding) for judge, finding in question.findings.items() if _objects(finding)}
    return _text(said) if said else None


def _objects(finding: Finding) -> bool:
    return finding.settled or not (finding.passed or finding.not_asked)


def _said(finding: Finding) -> dict[str, Any]:
    return {"rationale": finding.rationale, "blame": finding.blame, "fix": finding.fix}


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()

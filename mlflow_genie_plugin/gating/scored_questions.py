"""The questions of a large evaluation as they are observed: from its scores, and in full only where one is shown.

Most questions of a large evaluation have the same findings. Such findings are one object here, so that a hundred
thousand questions take tens of megabytes and whoever looks at findings may look at each kind once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from mlflow_genie_plugin.evaluation.scores_file import ASKED, OBJECTIONS, misfit, score_of
from mlflow_genie_plugin.gating.observed import FindingObserved, QuestionObserved

if TYPE_CHECKING:
    import pyarrow as pa

    from mlflow_genie_plugin.evaluation.large_result import LargeResult
    from mlflow_genie_plugin.evaluation.result import QuestionResult
    from mlflow_genie_plugin.evaluation.scores_file import Scores
    from mlflow_genie_plugin.gating.stored_benchmarks import StoredBenchmarks
    from mlflow_genie_plugin.registry import ArtifactFile

Findings = Mapping[str, FindingObserved]

# More questions than any report shows in full.
_KEPT = 1_000


class StoredRows:
    """The questions of a large evaluation in full, each read from the result file when it is asked for."""

    def __init__(self, large: LargeResult, file: ArtifactFile, scores: Scores, ids: Sequence[str]) -> None:
        self._large = large
        self._file = file  # holds on to what was downloaded
        self._scores, self._ids = scores, ids
        self._places: dict[str, int] = {}
        self._read: OrderedDict[str, QuestionResult] = OrderedDict()

    def get(self, question_id: str) -> QuestionResult | None:
        """Return one question; None when the evaluation does not have it.

        Raises:
            InvalidEvaluationError: Another question stands in its place.
        """
        if question_id in self._read:
            return self._read[question_id]
        if not self._places:
            self._places = {name: place for place, name in enumerate(self._ids)}
        place = self._places.get(question_id)
        if place is None:
            return None
        found = self._large.question(self._scores.starts[place].as_py(), self._scores.lengths[place].as_py())
        if found.question_id != question_id:
            raise misfit(f"where {question_id} should be, the result file has {found.question_id}")
        self._read[question_id] = found
        if len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return found


def scored_questions(scores: Scores, benchmarks: StoredBenchmarks | None) -> tuple[QuestionObserved, ...]:
    """Return the rows of a large evaluation as gates see them.

    Args:
        scores: The scores, as they were checked when they were read.
        benchmarks: The run's benchmark set; None when it is not known.

    Raises:
        InvalidEvaluationError: A row has no id, or what objects to an answer cannot be read.
    """
    kinds: dict[tuple[Any, ...], Findings] = {}
    return tuple(question for group in scores.groups() for question in _group(group, scores.judges, benchmarks, kinds))


def _group(
    group: pa.RecordBatch,
    judges: Sequence[str],
    benchmarks: StoredBenchmarks | None,
    kinds: dict[tuple[Any, ...], Findings],
) -> Iterator[QuestionObserved]:
    nothing: Mapping[str, Any] = {}
    findings = _findings(group, judges, kinds)
    rulings = {place: _json(text, place) for place, text in _filled(group["arbitration"])}
    answered = [status == "COMPLETED" for status in _words(group["status"])]
    columns = ["question_id", "question", "expected_sql", "latency_seconds"]
    rows = zip(*(group[name].to_pylist() for name in columns), *(_words(group[name]) for name in ASKED), strict=True)
    for place, (name, question, sql, latency, *asked) in enumerate(rows):
        if name is None:
            raise misfit("a row has no question_id")
        own, differs = (name, question or "", sql or ""), ""
        entry, known = nothing, None if benchmarks is None else benchmarks.texts.get(name)
        if benchmarks is not None and known is not None:
            entry = benchmarks.entries[name]
            if known == own and asked == [entry.get(field) for field in ASKED]:
                own = known  # the same texts, and the benchmark's are held anyway
            else:
                differs = _difference((*own[1:], *asked), (*known[1:], *(entry.get(field) for field in ASKED)))
        yield QuestionObserved(
            question_id=own[0],
            question=own[1],
            priority=str(entry.get("priority", asked[_PRIORITY])),
            answered=answered[place],
            findings=findings[place],
            differs=differs,
            expected_sql=own[2],
            latency_seconds=latency,
            entry=entry,
            ruling=rulings.get(place),
        )


def _difference(seen: Sequence[Any], wanted: Sequence[Any]) -> str:
    """Return what a row was asked other than its benchmark says, in words."""
    names = ("question", "expected SQL", *(field.replace("_", " ") for field in ASKED))
    return ", ".join(name for name, one, other in zip(names, seen, wanted, strict=True) if one != other)


_PRIORITY = ASKED.index("priority")


def _findings(group: pa.RecordBatch, judges: Sequence[str], kinds: dict[tuple[Any, ...], Findings]) -> list[Findings]:
    """Return the findings of every row; rows with the same findings share them, where nothing is objected."""
    names = [*judges, *map(score_of, judges), "settled", "not_asked"]
    numbers, first = _kinds(group, names)
    shared = []
    for place in first:
        key = tuple(group[name][place].as_py() for name in names)
        if key not in kinds:
            kinds[key] = _finding_row(judges, dict(zip(names, key, strict=True)))
        shared.append(kinds[key])
    found: list[Findings] = [shared[number] for number in numbers]
    for place, text in _filled(group[OBJECTIONS]):
        said = _json(text, place)
        found[place] = {judge: _with_words(finding, said.get(judge)) for judge, finding in found[place].items()}
    return found


def _kinds(group: pa.RecordBatch, names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the kind of every row, rows that are equal in these columns being of one, and a row of each kind."""
    import numpy as np
    import pyarrow as pa

    kinds = np.zeros(group.num_rows, np.int64)
    for name in names:
        indices = _encoded(group[name]).indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        if (most := int(indices.max(initial=0))) == int(indices.min(initial=0)):
            continue
        # Renumbered each time, so that the product of two counts never leaves 64 bits.
        kinds = pa.array(kinds * (most + 1) + indices).dictionary_encode().indices.to_numpy().astype(np.int64)
    kinds = pa.array(kinds).dictionary_encode().indices.to_numpy()
    _, first = np.unique(kinds, return_index=True)
    return kinds.tolist(), first.tolist()


def _finding_row(judges: Sequence[str], row: Mapping[str, Any]) -> Findings:
    settled, not_asked = ((row[name] or "").split(",") for name in ("settled", "not_asked"))
    return {
        judge: FindingObserved(row[judge], row[score_of(judge)], settled=judge in settled, not_asked=judge in not_asked)
        for judge in judges
        if row[judge] is not None
    }


def _with_words(finding: FindingObserved, said: Mapping[str, Any] | None) -> FindingObserved:
    if said is None:
        return finding
    return FindingObserved(
        finding.outcome,
        finding.score,
        said["rationale"],
        finding.settled,
        finding.not_asked,
        tuple(said["blame"]),
        said["fix"],
    )


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    return column if hasattr(column, "indices") else column.dictionary_encode()


def _words(column: pa.Array) -> list[str | None]:
    """Return a column of few words; each word is one string."""
    encoded = _encoded(column)
    words: list[str | None] = encoded.dictionary.to_pylist()
    return [None if index is None else words[index] for index in encoded.indices.to_pylist()]


def _filled(column: pa.Array) -> list[tuple[int, str]]:
    import numpy as np

    places = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    return list(zip(places.tolist(), column.drop_null().to_pylist(), strict=True))


def _json(text: str, place: int) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise misfit(f"row {place} holds words that are not JSON: {error}") from error
    if not isinstance(found, dict):
        raise misfit(f"row {place} holds words that are no object")
    return found

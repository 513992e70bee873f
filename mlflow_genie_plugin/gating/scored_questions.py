"""The questions of a large evaluation as they are observed: from its scores, and in full only where one is shown.

Most questions of a large evaluation have the same findings. Such findings are one object here, so that a hundred
thousand questions take tens of megabytes and whoever looks at findings may look at each kind once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import orjson

from mlflow_genie_plugin.evaluation.scores_file import ASKED, OBJECTIONS, misfit, score_of
from mlflow_genie_plugin.gating.question_observed import FindingObserved, QuestionObserved
from mlflow_genie_plugin.gating.questions_observed import Findings, Kinds, Questions
from mlflow_genie_plugin.gating.stored_benchmarks import StoredBenchmarks

if TYPE_CHECKING:
    import pyarrow as pa

    from mlflow_genie_plugin.evaluation.large_result import LargeResult
    from mlflow_genie_plugin.evaluation.result import QuestionResult
    from mlflow_genie_plugin.evaluation.scores_file import Scores
    from mlflow_genie_plugin.registry import ArtifactFile

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


class ScoredQuestions(Questions):
    """The rows of a large evaluation, in columns; a row is made when somebody asks for it."""

    def __init__(self, columns: _Columns) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns.ids)

    @overload
    def __getitem__(self, place: int) -> QuestionObserved: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[QuestionObserved]: ...
    def __getitem__(self, place: int | slice) -> QuestionObserved | Sequence[QuestionObserved]:
        if isinstance(place, slice):
            return tuple(self._columns.row(number) for number in range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self._columns.row(place % len(self))

    def __iter__(self) -> Iterator[QuestionObserved]:
        return (self._columns.row(place) for place in range(len(self)))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._columns.ids)

    @cached_property
    def kinds(self) -> Kinds:
        return Kinds(list(self._columns.findings), self._columns.kinds)

    @cached_property
    def answered(self) -> Sequence[bool]:
        return self._columns.answered

    @cached_property
    def latencies(self) -> Sequence[float | None]:
        return self._columns.latencies

    @cached_property
    def entries(self) -> Sequence[Mapping[str, Any]]:
        return self._columns.entries

    @cached_property
    def texts(self) -> Sequence[tuple[str, str]]:
        return [self._columns.texts(place) for place in range(len(self))]

    @cached_property
    def differing(self) -> tuple[str, ...]:
        rows = sorted((place, row) for place, row in self._columns.own.items() if row.differs)
        return tuple(self._columns.ids[place] for place, _ in rows)


def scored_questions(scores: Scores, benchmarks: StoredBenchmarks | None) -> ScoredQuestions:
    """Return the rows of a large evaluation as gates see them.

    Args:
        scores: The scores, as they were checked when they were read.
        benchmarks: The run's benchmark set; None when it is not known.

    Raises:
        InvalidEvaluationError: A row has no id.
    """
    columns = _Columns(scores.judges, benchmarks or StoredBenchmarks({}, {}, ""))
    for group in scores.groups():
        columns.add(group)
    return ScoredQuestions(columns)


class _Own(NamedTuple):
    """What a row says that is not what its benchmark says, or has none."""

    question: str
    expected_sql: str
    priority: str
    differs: str


class _Columns:
    """The columns of all groups of rows, and what only some rows have by place."""

    def __init__(self, judges: Sequence[str], benchmarks: StoredBenchmarks) -> None:
        self.judges = judges
        self.benchmarks = benchmarks
        self.ids: list[str] = []
        self.kinds: list[int] = []
        self.findings: list[Findings] = []
        self.answered: list[bool] = []
        self.latencies: list[float | None] = []
        self.entries: list[Mapping[str, Any]] = []
        self.own: dict[int, _Own] = {}
        self._objections: dict[int, str] = {}
        self._rulings: dict[int, str] = {}
        self._known: dict[tuple[Any, ...], int] = {}
        self._in_order = zip(benchmarks.entries.values(), benchmarks.texts.values(), strict=False)

    def add(self, group: pa.RecordBatch) -> None:
        start = len(self.ids)
        ids = _values(group["question_id"])
        if None in ids:
            raise misfit("a row has no question_id")
        self.kinds.extend(self._kinds_of(group))
        self.answered.extend([status == "COMPLETED" for status in _words(group["status"])])
        self.latencies.extend(_values(group["latency_seconds"]))
        self._objections.update((start + place, text) for place, text in _filled(group[OBJECTIONS]))
        self._rulings.update((start + place, text) for place, text in _filled(group["arbitration"]))
        entries, known = self._asked(ids)
        self.entries.extend(entries)
        # The benchmarks are held anyway, so their strings are taken where they are the same.
        self.ids.extend([texts[0] or name for name, texts in zip(ids, known, strict=True)])
        seen = [ids, _values(group["question"]), _values(group["expected_sql"])]
        seen += [_words(group[field]) for field in ASKED]
        wanted = [*map(list, zip(*known, strict=True)), *([entry.get(field) for entry in entries] for field in ASKED)]
        if seen != wanted:
            self._add_own(start, seen, wanted)

    def _asked(self, ids: list[str]) -> tuple[Sequence[Mapping[str, Any]], Sequence[tuple[str, str, str]]]:
        """Return the entries and the texts of the benchmarks with these ids."""
        following = list(islice(self._in_order, len(ids)))
        if ids and [texts[0] for _, texts in following] == ids:
            # Asked in the order of the benchmarks, as usual: no id need be looked up.
            entries, known = zip(*following, strict=True)
            return entries, known
        found = [self.benchmarks.entries.get(name, _NOTHING) for name in ids]
        return found, [self.benchmarks.texts.get(name, _NO_TEXTS) for name in ids]

    def row(self, place: int) -> QuestionObserved:
        name, own, entry = self.ids[place], self.own.get(place), self.entries[place]
        question, sql = self.texts(place)
        findings, ruling = self.findings[self.kinds[place]], self._rulings.get(place)
        if (text := self._objections.get(place)) is not None:
            said = _json(text, place)
            findings = {judge: _with_words(finding, said.get(judge)) for judge, finding in findings.items()}
        return QuestionObserved(
            question_id=name,
            question=question,
            priority=str(entry.get("priority", own.priority if own is not None else "")),
            answered=self.answered[place],
            findings=findings,
            differs=own.differs if own is not None else "",
            expected_sql=sql,
            latency_seconds=self.latencies[place],
            entry=entry,
            ruling=None if ruling is None else _json(ruling, place),
        )

    def texts(self, place: int) -> tuple[str, str]:
        own = self.own.get(place)
        return (own.question, own.expected_sql) if own is not None else self.benchmarks.texts[self.ids[place]][1:]

    def _add_own(self, start: int, seen: list[list[Any]], wanted: list[list[Any]]) -> None:
        names = ("id", "question", "expected SQL", *(field.replace("_", " ") for field in ASKED))
        for place, (one, other) in enumerate(zip(zip(*seen, strict=True), zip(*wanted, strict=True), strict=True)):
            if one != other:
                # Without a benchmark of that id there is nothing to differ from; that it has none is said elsewhere.
                differs = [n for n, a, b in zip(names, one, other, strict=True) if a != b] if other[0] else []
                own = _Own(one[1] or "", one[2] or "", one[names.index("priority")] or "", ", ".join(differs))
                self.own[start + place] = own

    def _kinds_of(self, group: pa.RecordBatch) -> list[int]:
        names = [*self.judges, *map(score_of, self.judges), "settled", "not_asked"]
        numbers, first = _kinds(group, names)
        shared = []
        for place in first:
            key = tuple(group[name][place].as_py() for name in names)
            if key not in self._known:
                self._known[key] = len(self.findings)
                self.findings.append(_finding_row(self.judges, dict(zip(names, key, strict=True))))
            shared.append(self._known[key])
        return [shared[number] for number in numbers]


_NOTHING: Mapping[str, Any] = {}
_NO_TEXTS = ("", "", "")


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
    import numpy as np

    encoded = _encoded(column)
    words = np.array([*encoded.dictionary.to_pylist(), None], object)
    found: list[str | None] = words[encoded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)].tolist()
    return found


def _values(column: pa.Array) -> list[Any]:
    """Return the values of a column as Python has them; where there is none, None."""
    import pyarrow as pa

    if column.null_count and pa.types.is_floating(column.type):
        return list(column.to_pylist())
    # Without an object of Arrow's for each value, as to_pylist makes one.
    return list(column.to_numpy(zero_copy_only=False).tolist())


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

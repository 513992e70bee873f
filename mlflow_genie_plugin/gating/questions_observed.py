"""All rows of an evaluation at once: what many rules ask of every row is worked out once, and in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

from mlflow_genie_plugin.gating.question_observed import FindingObserved, QuestionObserved

Findings = Mapping[str, FindingObserved]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which rows have the same findings, apart from the judges' words.

    Attributes:
        findings: Of each kind.
        numbers: The kind of each row, in the order of the rows.
    """

    findings: Sequence[Findings]
    numbers: Sequence[int]


class Questions(Sequence[QuestionObserved]):
    """The rows of an evaluation.

    Attributes:
        ids, answered, latencies, entries: The same field of every row, in their order.
        texts: Question and expected SQL of every row.
        kinds: Which rows have the same findings.
        times: How many rows each question has; more than one is wrong.
        differing: Ids of the rows that are not the question of their benchmark.
    """

    def __init__(self, rows: Iterable[QuestionObserved] = ()) -> None:
        self._rows: Sequence[QuestionObserved] = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> QuestionObserved: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[QuestionObserved]: ...
    def __getitem__(self, place: int | slice) -> QuestionObserved | Sequence[QuestionObserved]:
        return self._rows[place]

    def __iter__(self) -> Iterator[QuestionObserved]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(row.question_id for row in self._rows)

    @cached_property
    def kinds(self) -> Kinds:
        return Kinds([row.findings for row in self._rows], range(len(self._rows)))

    @cached_property
    def answered(self) -> Sequence[bool]:
        return [row.answered for row in self._rows]

    @cached_property
    def latencies(self) -> Sequence[float | None]:
        return [row.latency_seconds for row in self._rows]

    @cached_property
    def entries(self) -> Sequence[Mapping[str, Any]]:
        return [row.entry for row in self._rows]

    @cached_property
    def texts(self) -> Sequence[tuple[str, str]]:
        return [(row.question, row.expected_sql) for row in self._rows]

    @cached_property
    def differing(self) -> tuple[str, ...]:
        return tuple(row.question_id for row in self._rows if row.differs)

    @cached_property
    def times(self) -> Mapping[str, int]:
        return Counter(self.ids)

    def of(self, ids: Collection[str]) -> dict[str, QuestionObserved]:
        """Return the rows of some questions by id; those without a row are not there, of two rows the last one is."""
        wanted = frozenset(ids)
        return {name: self[place] for place, name in enumerate(self.ids) if name in wanted}

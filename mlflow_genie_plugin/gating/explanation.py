"""What explains a verdict: the questions in the order a person wants them, what changed, and what is to blame.

Made once, by :func:`~mlflow_genie_plugin.gating.explain.explain`; the terminal, MLflow's run page, the HTML page and a
CI summary only write it in their own way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, overload

from mlflow_genie_plugin.gating.observed import PASSED
from mlflow_genie_plugin.gating.question_observed import QuestionObserved
from mlflow_genie_plugin.gating.questions_observed import Questions
from mlflow_genie_plugin.space.change import Change, SpaceDiff

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import QuestionResult

P0 = "P0"


class Rows(Protocol):
    """The questions of an evaluation in full; of a large one, each is read when it is asked for."""

    def get(self, question_id: str, /) -> QuestionResult | None:
        """Return one question, None when it is not at hand."""


class Group(StrEnum):
    """What a question says about the version, in the order in which a person wants to know."""

    NEWLY_WRONG = "newly wrong"
    P0_WRONG = "P0 wrong"
    NOT_JUDGED = "not judged"
    WRONG = "wrong"
    OBJECTION = "right result, another judge objects"
    NEWLY_RIGHT = "newly right"
    RIGHT = "right"


AGAINST = (Group.NEWLY_WRONG, Group.P0_WRONG, Group.NOT_JUDGED, Group.WRONG)


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier version to compare with.

    Attributes:
        role: What it is to this version: ``parent`` or ``champion``.
        right: Question id → whether its overall judge passed it there, for questions that both were asked alike.
        diff: What changed in the space's config since; None when one of the two cannot be read.
        problem: Why there is nothing to compare with; empty when there is.
    """

    role: str
    model_id: str
    name: str = ""
    right: Mapping[str, bool] | None = None
    diff: SpaceDiff | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """One question: its group, the most telling reason, and the gates it counts against.

    ``judge`` is empty when there is no finding at all; ``overall`` is the outcome of the overall judge.
    """

    observed: QuestionObserved
    group: Group
    judge: str
    reason: str
    gates: tuple[str, ...]
    overall: str
    rows: Rows = field(repr=False, compare=False)

    @property
    def question_id(self) -> str:
        return self.observed.question_id

    @property
    def row(self) -> QuestionResult | None:
        """The question with both answers; None where they are not at hand. Only for what is shown in full."""
        return self.rows.get(self.question_id)


@dataclass(frozen=True, slots=True)
class Cause:
    """Something in the space that findings blame.

    Attributes:
        item: In words people recognise: ``measure 'revenue'``.
        questions: Ids of the wrong questions behind which it is.
        change: How it changed since the first baseline; None when it did not.
        fix: What to change, as the findings say it most often; None when they say nothing.
    """

    item: str
    questions: tuple[str, ...]
    change: Change | None
    fix: str | None


@dataclass(frozen=True)
class Explanation:
    """Every question, sorted into groups; the baselines; and the likely causes, the most frequent one first.

    Attributes:
        told: The questions that there is something to tell about; the others are right, and ``right`` has their ids.
        parts: By priority, category, expected asset and split: for each value, how many are right (True), how many not.
    """

    told: tuple[Explained, ...]
    baselines: tuple[Baseline, ...]
    causes: tuple[Cause, ...]
    right: Sequence[str] = field(default=(), repr=False)
    parts: Mapping[str, Mapping[str | None, Counter[bool]]] = field(default_factory=dict, repr=False)
    questions: Questions = field(default_factory=Questions, repr=False)
    rows: Rows = field(default_factory=dict[str, Any], repr=False)

    @cached_property
    def groups(self) -> dict[Group, Sequence[Explained]]:
        """The questions of each group, P0 first; groups without questions are not there."""
        found: dict[Group, list[Explained]] = {group: [] for group in Group}
        for item in self.told:
            found[item.group].append(item)
        groups: dict[Group, Sequence[Explained]] = {group: _p0_first(items) for group, items in found.items() if items}
        if self.right:
            groups[Group.RIGHT] = _Right(self, groups.pop(Group.RIGHT, ()))
        return groups

    def count(self, *groups: Group) -> int:
        """Return how many questions stand in these groups."""
        return sum(len(self.groups.get(group, ())) for group in groups)

    @cached_property
    def against(self) -> tuple[Explained, ...]:
        """The questions behind gates that did not pass: newly wrong ones first, then by group, P0 first in each."""
        order = list(Group)
        return _p0_first(sorted((item for item in self.told if item.gates), key=lambda item: order.index(item.group)))

    @property
    def likely_causes(self) -> tuple[Cause, ...]:
        """The causes that changed since, and those behind nearly as many wrong answers as the most frequent one."""
        most = max((len(cause.questions) for cause in self.causes), default=0)
        return tuple(cause for cause in self.causes if cause.change is not None or 4 * len(cause.questions) >= most)

    @property
    def baseline(self) -> Baseline | None:
        """The version that "newly" refers to: the first one whose answers are known."""
        return next((baseline for baseline in self.baselines if baseline.right is not None), None)

    @property
    def changed_since(self) -> Baseline | None:
        """The version that the shown config changes refer to: the first one whose config is known."""
        return next((baseline for baseline in self.baselines if baseline.diff is not None), None)


class _Right(Sequence[Explained]):
    """The questions about which there is nothing to tell, P0 first: counted often, listed rarely."""

    def __init__(self, explanation: Explanation, told: Sequence[Explained]) -> None:
        self._explanation = explanation
        self._told = told

    def __len__(self) -> int:
        return len(self._told) + len(self._explanation.right)

    @cached_property
    def _items(self) -> tuple[Explained, ...]:
        rows = self._explanation.rows
        right = self._explanation.questions.of(self._explanation.right).values()
        made = (Explained(question, Group.RIGHT, "", "", (), PASSED, rows) for question in right)
        return _p0_first((*self._told, *made))

    @overload
    def __getitem__(self, place: int) -> Explained: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Explained]: ...
    def __getitem__(self, place: int | slice) -> Explained | Sequence[Explained]:
        return () if place == slice(None, 0) else self._items[place]


def _p0_first(items: Iterable[Explained]) -> tuple[Explained, ...]:
    return tuple(sorted(items, key=lambda item: item.observed.priority != P0))

"""Why a verdict is what it is: the questions in the order a person wants them, what changed, and what is to blame.

Pure, and made once; the terminal, MLflow's run page, the HTML page and a CI summary only write it in their own way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import compress
from operator import not_
from typing import TYPE_CHECKING, Any, Protocol, overload

from mlflow_genie_plugin.evaluation.result import OVERALL_JUDGE
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.observed import (
    FAILED,
    PASSED,
    EvaluationObserved,
    Evidence,
    FindingObserved,
    QuestionObserved,
)
from mlflow_genie_plugin.gating.questions_observed import Findings, Questions
from mlflow_genie_plugin.gating.rules.outcomes import believed_outcome, worth
from mlflow_genie_plugin.gating.text import plain
from mlflow_genie_plugin.gating.verdict import Verdict
from mlflow_genie_plugin.space.change import Change, SpaceDiff

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import QuestionResult

P0 = "P0"
PARTS = ("priority", "category", "expected_asset", "split")
TEXT_INSTRUCTION = "text instruction"


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


def explain(verdict: Verdict, evidence: Evidence, rows: Rows, baselines: Iterable[Baseline] = ()) -> Explanation:
    """Return what explains ``verdict``.

    Args:
        verdict: What was decided.
        evidence: What it was decided on.
        rows: The questions in full.
        baselines: Versions to compare with, the most telling one first.
    """
    baselines = tuple(baselines)
    before = next((baseline.right for baseline in baselines if baseline.right is not None), None)
    gates: dict[str, list[str]] = {}
    for outcome in verdict.not_passed():
        for name in outcome.questions:
            gates.setdefault(name, []).append(outcome.gate)
    p0_failed = {
        name for outcome in verdict.not_passed() if outcome.gate == manifest.P0_GATE for name in outcome.questions
    }
    questions = evidence.evaluation.rows if evidence.evaluation is not None else Questions()
    kinds = questions.kinds
    worths = [worth(findings, OVERALL_JUDGE) for findings in kinds.findings]
    plainly_right = [
        overall == PASSED and not objections(findings) for overall, findings in zip(worths, kinds.findings, strict=True)
    ]
    known = before or {}
    quiet = [
        plainly_right[kind] and known.get(name) is not False and name not in gates
        for name, kind in zip(questions.ids, kinds.numbers, strict=True)
    ]
    right = list(compress(questions.ids, quiet))
    explained = []
    for place in compress(range(len(quiet)), map(not_, quiet)):
        question = questions[place]
        name, said = question.question_id, _said(question)
        group = _group(said, known.get(name), name in p0_failed)
        counted = tuple(gates.get(name, ()))
        explained.append(Explained(question, group, said.judge, said.reason, counted, said.overall, rows))
    diff = next((baseline.diff for baseline in baselines if baseline.diff is not None), None)
    parts = _parts(questions, rows, [overall == PASSED for overall in worths])
    causes = tuple(_causes(explained, diff))
    return Explanation(tuple(explained), baselines, causes, right, parts, questions, rows)


def right_by_question(before: EvaluationObserved, after: EvaluationObserved) -> dict[str, bool]:
    """Return question id → whether ``before`` has it right, for the questions that both were asked alike."""
    now = dict(zip(after.rows.ids, after.rows.texts, strict=True))
    kinds = before.rows.kinds
    right = [worth(findings, OVERALL_JUDGE) == PASSED for findings in kinds.findings]
    rows = zip(before.rows.ids, before.rows.texts, kinds.numbers, strict=True)
    return {name: right[kind] for name, texts, kind in rows if now.get(name) == texts}


def objections(findings: Findings) -> tuple[str, ...]:
    """Return the judges that did not pass a question, apart from those that were not asked about it."""
    return tuple(
        judge for judge, finding in findings.items() if worth(findings, judge) != PASSED and not finding.not_asked
    )


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


@dataclass(frozen=True, slots=True)
class _Said:
    """What findings come to: the overall judge's outcome, whether any judge objects, and the word that tells most."""

    overall: str
    objects: bool
    judge: str
    reason: str


def _said(question: QuestionObserved) -> _Said:
    against = objections(question.findings)
    judge, reason = _reason(question, against)
    return _Said(believed_outcome(question, OVERALL_JUDGE), bool(against), judge, reason)


def _group(said: _Said, was_right: bool | None, p0_failed: bool) -> Group:
    if said.overall == FAILED and was_right:
        return Group.NEWLY_WRONG
    if p0_failed and (said.overall in {FAILED, PASSED}):
        return Group.P0_WRONG
    if said.overall == FAILED:
        return Group.WRONG
    if said.overall != PASSED:
        return Group.NOT_JUDGED
    if was_right is False:
        return Group.NEWLY_RIGHT
    return Group.OBJECTION if said.objects else Group.RIGHT


def _reason(question: QuestionObserved, against: tuple[str, ...]) -> tuple[str, str]:
    """Return the judge whose word tells most, and that word.

    A failed finding says more than one that could not be decided, and one that names what to mend says most.
    """
    if not against:
        return ("", "" if question.findings else "no finding")

    def telling(judge: str) -> tuple[bool, bool, bool]:
        finding = question.findings[judge]
        failed = believed_outcome(question, judge) == FAILED
        return failed, bool(finding.fix or finding.blame), judge == OVERALL_JUDGE

    judge = max(against, key=telling)
    observed = question.findings[judge]
    return judge, plain(observed.reason) or observed.outcome


def _p0_first(items: Iterable[Explained]) -> tuple[Explained, ...]:
    return tuple(sorted(items, key=lambda item: item.observed.priority != P0))


def _parts(questions: Questions, rows: Rows, is_right: Sequence[bool]) -> dict[str, dict[str | None, Counter[bool]]]:
    """Count right and other questions by part; entries that are one object are looked at once."""
    right = [is_right[kind] for kind in questions.kinds.numbers]
    counted = Counter(zip(map(id, questions.entries), right, strict=True))
    if all(questions.entries):
        entries: dict[int, Any] = {id(entry): entry for entry in questions.entries}
        seen = [(entries[key], was_right, number) for (key, was_right), number in counted.items()]
    else:
        # Without the benchmark set (a file that no run holds), the rows say the same.
        seen = [(_entry_of(rows.get(name)), was_right, 1) for name, was_right in zip(questions.ids, right, strict=True)]
    found: dict[str, dict[str | None, Counter[bool]]] = {part: {} for part in PARTS}
    for part, values in found.items():
        for entry, was_right, number in seen:
            value = entry.get(part)
            values.setdefault(None if value is None else str(value), Counter())[was_right] += number
    return found


def _entry_of(row: QuestionResult | None) -> dict[str, Any]:
    return {part: getattr(row, part, None) for part in PARTS}


def _causes(questions: Iterable[Explained], diff: SpaceDiff | None) -> Iterator[Cause]:
    blamed: dict[str, list[str]] = {}
    fixes: dict[str, Counter[str]] = {}
    for question in questions:
        if question.group not in AGAINST:
            continue
        for finding in _failed(question.observed):
            for item in finding.blame:
                ids = blamed.setdefault(item, [])
                if not ids or ids[-1] != question.question_id:
                    ids.append(question.question_id)
                if finding.fix:
                    fixes.setdefault(item, Counter())[finding.fix] += 1
    changes = {item: _change_of(item, diff) for item in blamed}
    # What changed since the version that had it right comes first, then what is behind more questions.
    for item in sorted(blamed, key=lambda item: (changes[item] is None, -len(blamed[item]), item)):
        fix = fixes[item].most_common(1)[0][0] if item in fixes else None
        yield Cause(item, tuple(blamed[item]), changes[item], fix)


def _failed(question: QuestionObserved) -> Iterator[FindingObserved]:
    return (finding for finding in question.findings.values() if finding.outcome == FAILED)


def _change_of(item: str, diff: SpaceDiff | None) -> Change | None:
    kind, _, name = item.partition(" ")
    if item == TEXT_INSTRUCTION:  # a space has one, so nobody names it
        kind, name = "instruction", ""
    wanted = name.strip("'\"`")
    for change in diff.changes if diff is not None else ():
        if change.kind == kind and wanted in {change.key, change.label.strip('"'), ""}:
            return change
    return None

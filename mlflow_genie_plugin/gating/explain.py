"""Explaining a verdict: which group each question stands in, and the reason that tells most. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.result import OVERALL_JUDGE
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.causes import causes_of
from mlflow_genie_plugin.gating.explanation import Baseline, Explained, Explanation, Group, Rows
from mlflow_genie_plugin.gating.observed import FAILED, PASSED, EvaluationObserved, Evidence
from mlflow_genie_plugin.gating.question_observed import QuestionObserved
from mlflow_genie_plugin.gating.questions_observed import Findings, Questions
from mlflow_genie_plugin.gating.rules.outcomes import believed_outcome, worth
from mlflow_genie_plugin.gating.text import plain
from mlflow_genie_plugin.gating.verdict import Verdict

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import QuestionResult


PARTS = ("priority", "category", "expected_asset", "split")


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
        reason = said.reason or _silent(question, counted)
        explained.append(Explained(question, group, said.judge, reason, counted, said.overall, rows))
    diff = next((baseline.diff for baseline in baselines if baseline.diff is not None), None)
    parts = _parts(questions, rows, [overall == PASSED for overall in worths])
    causes = tuple(causes_of(explained, diff))
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


def _silent(question: QuestionObserved, gates: Iterable[str]) -> str:
    """Return which judges, asked by the gates that a question counts against, said nothing about it."""
    asked = (gate.partition("[")[2].removesuffix("]") for gate in gates)
    missing = dict.fromkeys(judge for judge in asked if judge in manifest.JUDGES and judge not in question.findings)
    return f"no finding of {', '.join(missing)}" if missing else ""


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

"""What in the space is behind the wrong answers: what findings blame, how it changed, what they say to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mlflow_genie_plugin.gating.explanation import AGAINST, Cause, Explained
from mlflow_genie_plugin.gating.observed import FAILED
from mlflow_genie_plugin.gating.question_observed import FindingObserved, QuestionObserved
from mlflow_genie_plugin.space.change import Change, SpaceDiff

TEXT_INSTRUCTION = "text instruction"


def causes_of(questions: Iterable[Explained], diff: SpaceDiff | None) -> Iterator[Cause]:
    """Yield what the wrong questions are blamed on: what changed first, then what is behind more of them."""
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

"""There is enough to decide on: questions, answers, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, percent, some
from mlflow_genie_plugin.gating.rules.outcomes import each_planned_once, planned_count, tally_of, was_asked_once
from mlflow_genie_plugin.gating.rules.p0 import P0
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    fraction,
    gate_id,
    stem_and_part,
    violation,
)
from mlflow_genie_plugin.gating.rules.thresholds import ASK_AGAIN, Thresholds


@dataclass(frozen=True)
class Coverage(Rule):
    """The smallest evaluation that says anything, and the largest part of it that may be silent."""

    minimum_questions: int
    error_budget: float
    minimum_judged: float

    LINES: ClassVar[tuple[str, ...]] = ("minimum_questions", "error_budget", "minimum_judged")
    HELP: ClassVar[Mapping[str, str]] = {
        "minimum_questions": "write minimum_questions: 20",
        "error_budget": "write error_budget: 0.02",
        "minimum_judged": "write minimum_judged: 0.98",
    }
    STEMS: ClassVar[tuple[str, ...]] = ("enough_questions", "error_budget", "judged")

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        yield from fraction(section, "error_budget", path)
        yield from fraction(section, "minimum_judged", path, above_zero=True)
        if section.get("error_budget") == 1:
            message = "1 would accept an evaluation without any answer"
            yield violation([*path, "error_budget"], "no-evidence", message)

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        return cls(section["minimum_questions"], float(section["error_budget"]), float(section["minimum_judged"]))

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        p0, thresholds = section.find(P0), section.find(Thresholds)
        wanted = {
            *(p0.judges if p0 is not None and p0.off is None else ()),
            *(thresholds.judges_asked if thresholds is not None else ()),
        }
        judged = (gate_id("judged", judge) for judge in manifest.JUDGES if judge in wanted)
        return ("enough_questions", "error_budget", *judged)

    def decide(self, gate: str, subject: Subject) -> GateResult:
        stem, judge = stem_and_part(gate)
        match stem:
            case "enough_questions":
                return self._enough_questions(gate, subject)
            case "error_budget":
                return self._error_budget(gate, subject)
            case _:
                return self._judged(gate, judge, subject)

    def _enough_questions(self, gate: str, subject: Subject) -> GateResult:
        planned = planned_count(subject.evaluation)
        outcome = Outcome.PASSED if planned >= self.minimum_questions else Outcome.UNDECIDED
        reason = f"{count(planned, 'question')} planned, at least {self.minimum_questions} are needed"
        return GateResult(gate, outcome, reason, str(planned), f">= {self.minimum_questions}")

    def _error_budget(self, gate: str, subject: Subject) -> GateResult:
        evaluation = subject.evaluation
        planned = planned_count(evaluation)
        rows = evaluation.rows
        silent: tuple[str, ...] = ()
        if all(rows.answered) and each_planned_once(evaluation):
            number = planned - len(rows)
        else:
            answered = set(compress(rows.ids, rows.answered))
            known = dict.fromkeys(evaluation.planned or rows.ids)
            silent = tuple(name for name in known if name not in answered)
            number = max(len(silent), planned - len(answered))
        share = number / planned if planned else 1.0
        # Undecided, not failed: without answers nothing is known about the config.
        outcome = Outcome.PASSED if planned and share <= self.error_budget else Outcome.UNDECIDED
        reason = f"{number:,} of {planned:,} questions have no answer" + (f": {some(silent)}" if silent else "")
        required = f"<= {percent(self.error_budget)}"
        return GateResult(gate, outcome, reason, percent(share), required, questions=silent)

    def _judged(self, gate: str, judge: str, subject: Subject) -> GateResult:
        evaluation, thresholds = subject.evaluation, subject.section.find(Thresholds)
        settled = thresholds is not None and thresholds.settled_passes
        tally, planned = tally_of(judge, evaluation, settled_counts=settled), planned_count(evaluation)
        judged = tally.passed + tally.failed
        share = judged / planned if planned else 0.0
        without = tally.undecided
        outcome = Outcome.PASSED if planned and share >= self.minimum_judged else Outcome.UNDECIDED
        reason = f"{judge} has a finding on {judged:,} of {planned:,} questions"
        if was_asked_once(judge, evaluation):
            reason += f"; {ASK_AGAIN}"
        elif without:
            reason += f"; none on {some(without)}"
        required = f">= {percent(self.minimum_judged)}"
        return GateResult(gate, outcome, reason, percent(share), required, share, questions=without)

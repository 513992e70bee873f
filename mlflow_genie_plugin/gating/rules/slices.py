"""The version is good enough on every part of the questions, not only on their average."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.observed import FAILED, PASSED
from mlflow_genie_plugin.gating.outcome import NOT_ASSESSED, GateResult, Outcome, Part, count, of_parts, percent
from mlflow_genie_plugin.gating.rules.outcomes import outcomes_of
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    gate_id,
    judge_names,
    off_of,
    stem_and_part,
)
from mlflow_genie_plugin.gating.rules.thresholds import (
    JudgeCriterion,
    Thresholds,
    held_against,
    interval_of,
    required_of,
    target_and_floor,
)

WITHOUT = "(none)"
PRIORITY = "priority"
P0_SLICE = "P0"


@dataclass(frozen=True, slots=True)
class Slicing:
    """What the slices by one field must show.

    Attributes:
        judge: Whose findings are counted.
        minimum: Questions that a slice needs; a smaller one is not assessed, and shown as such.
        assess: Slices that have to be assessed, whatever their size.
    """

    judge: str
    criterion: JudgeCriterion
    minimum: int
    assess: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slices(Rule):
    """One gate per field of the benchmarks: ``slice[category]``, with one part for each value that the field has."""

    fields: Mapping[str, Slicing]
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("slices",)
    HELP: ClassVar[Mapping[str, str]] = {
        "slices": "write slices: {category: {judge: result_correctness, target: 0.8, floor: 0.6, minimum: 10}} "
        "or slices: {off: the reason}"
    }
    STEMS: ClassVar[tuple[str, ...]] = ("slice",)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out"})

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        line = section.get("slices")
        if not isinstance(line, dict) or "off" in line:
            return
        for name, slicing in line.items():
            if isinstance(slicing, dict):
                here = [*path, "slices", name]
                yield from target_and_floor(slicing, here)
                if isinstance(judge := slicing.get("judge"), str):
                    yield from judge_names([judge], section, [*here, "judge"])

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["slices"]
        if (off := off_of(line)) is not None:
            return cls({}, off)
        return cls({name: _slicing(name, entry) for name, entry in line.items()})

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return tuple(gate_id("slice", name) for name in self.fields)

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"slices": self.off}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        name = stem_and_part(gate)[1]
        slicing, evaluation = self.fields[name], subject.evaluation
        thresholds = subject.section.find(Thresholds)
        rule = thresholds.rule if thresholds is not None else "point"
        settled = thresholds is not None and thresholds.settled_passes
        required = required_of(slicing.criterion, rule)
        outcomes = outcomes_of(slicing.judge, evaluation, settled_counts=settled)
        entries = dict(zip(evaluation.rows.ids, evaluation.rows.entries, strict=True))
        slices: dict[str, list[str]] = {}
        for question_id in outcomes:
            for value in values_of(entries.get(question_id, {}), name):
                slices.setdefault(value, []).append(question_id)
        if not set(slices) - {WITHOUT}:
            return GateResult(gate, Outcome.UNDECIDED, f"no question has the field {name!r}", required=required)
        parts = [_part(value, ids, outcomes, slicing, rule) for value, ids in sorted(slices.items())]
        parts += [_missing(value) for value in slicing.assess if value not in slices]
        return _result(gate, tuple(parts), required)


def values_of(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the slices that a benchmark belongs to: each value of a list, else the one value; ``(none)`` without."""
    value = entry.get(name)
    if value is None or value in ("", []):
        return (WITHOUT,)
    return tuple(dict.fromkeys(str(item) for item in value)) if isinstance(value, list) else (str(value),)


def _slicing(name: str, entry: Mapping[str, Any]) -> Slicing:
    # No priority question may be out of sight because there are few of them.
    always = (P0_SLICE,) if name == PRIORITY else ()
    return Slicing(
        entry["judge"],
        JudgeCriterion(entry["target"], entry["floor"]),
        entry["minimum"],
        tuple(dict.fromkeys((*always, *entry.get("assess", ())))),
    )


def _part(value: str, ids: list[str], outcomes: Mapping[str, str], slicing: Slicing, rule: str) -> Part:
    passed = sum(outcomes[name] == PASSED for name in ids)
    failed = sum(outcomes[name] == FAILED for name in ids)
    share, interval = passed / len(ids), interval_of(rule, passed, len(ids))
    against = tuple(name for name in ids if outcomes[name] != PASSED)
    if len(ids) < slicing.minimum:
        outcome = Outcome.UNDECIDED.value if value in slicing.assess else NOT_ASSESSED
        reason = f"{value} not assessed: {count(len(ids), 'question')}, at least {slicing.minimum} are needed"
    else:
        decided, said = held_against(slicing.criterion, rule, passed, failed, len(ids))
        outcome, reason = decided.value, f"{value}: {said}"
    return Part(value, outcome, reason, percent(share), share, interval, against)


def _missing(value: str) -> Part:
    return Part(value, Outcome.UNDECIDED.value, f"{value} not assessed: no question of it, and it has to be assessed")


def _result(gate: str, parts: tuple[Part, ...], required: str) -> GateResult:
    outcome = of_parts(parts)
    assessed = [part for part in parts if part.outcome != NOT_ASSESSED and part.value is not None]
    small = [part for part in parts if part.outcome == NOT_ASSESSED]
    said = [part.reason for part in parts if part.outcome in (Outcome.FAILED, Outcome.UNDECIDED)]
    said.append(f"{len(assessed)} of {count(len(parts), 'slice')} assessed")
    said.extend(part.reason for part in small)
    worst = min(assessed, key=lambda part: part.value or 0.0, default=None)
    against = tuple(
        dict.fromkeys(name for part in parts if part.outcome not in (PASSED, NOT_ASSESSED) for name in part.questions)
    )
    measured = percent(worst.value or 0.0) if worst is not None else "-"
    return GateResult(gate, outcome, "; ".join(said), measured, required, questions=against, parts=parts)

"""The promotion checklist: one gate a row, decided from data where there is data, else by a person's attestation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.checklist import AT_LEAST, AT_MOST, REQUIRED, ROWS, WORSE_BY_AT_MOST, Row, RowFact
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, overall, percent, some
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    fraction,
    gate_id,
    limit,
    off_of,
    stem_and_part,
    violation,
)
from mlflow_genie_plugin.schemas.wording import did_you_mean

STEM = "checklist"


@dataclass(frozen=True)
class Checklist(Rule):
    """The rows of the promotion checklist that a stage asks: ``checklist[sample_size]``.

    Attributes:
        rows: Row → its number in the criteria (a row without one has 1), for those that are asked.
        off: Row → why it is not asked; ``{"checklist": reason}`` where none is.
    """

    rows: Mapping[str, float] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)

    LINES: ClassVar[tuple[str, ...]] = ("checklist",)
    HELP: ClassVar[Mapping[str, str]] = {"checklist": "write checklist: {off: the reason} or its ten rows"}
    STEMS: ClassVar[tuple[str, ...]] = (STEM,)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full"})

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        line, here = section.get(STEM), [*path, STEM]
        if not isinstance(line, dict) or "off" in line:
            return
        for row in ROWS.values():
            if row.name not in line:
                fix = f"write {row.name}: {_example(row)} or {row.name}: {{off: the reason}}"
                yield violation(here, "missing-row", f"row {row.name} is missing", fix)
        for name, setting in line.items():
            known = ROWS.get(name)
            if known is None:
                yield violation([*here, name], "unknown-row", f"there is no row {name!r}", did_you_mean(name, ROWS))
            elif off_of(setting) is None:
                yield from _setting_rules(known, setting, [*here, name])

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section[STEM]
        if (reason := off_of(line)) is not None:
            return cls(off={STEM: reason})
        rows, off = {}, {}
        for name, row in ROWS.items():
            if (reason := off_of(line[name])) is not None:
                off[gate_id(STEM, name)] = reason
            else:
                rows[name] = 1.0 if line[name] == REQUIRED else float(line[name][row.setting])
        return cls(rows, off)

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return tuple(gate_id(STEM, name) for name in self.rows)

    def switched_off(self) -> Mapping[str, str]:
        return self.off

    def decide(self, gate: str, subject: Subject) -> GateResult:
        row = ROWS[stem_and_part(gate)[1]]
        bound = self.rows[row.name]
        answering = [result for result in subject.earlier if _answers(row, result.gate)]
        if answering:
            return _by_gates(gate, answering)
        facts = [fact for fact in subject.evidence.row_facts if fact.row == row.name]
        if facts:
            decided = [_by_fact(gate, row, bound, fact) for fact in facts]
            outcome = overall(decided)
            return next(result for result in decided if result.outcome is outcome)
        return _by_attestation(gate, row, bound, subject)


def _setting_rules(row: Row, setting: Any, path: Path) -> Iterator[Violation]:
    expected = setting == REQUIRED if row.setting == REQUIRED else isinstance(setting, dict) and row.setting in setting
    if not expected:
        message = f"{row.name} does not say what it asks"
        yield violation(path, "no-limit", message, f"write {row.name}: {_example(row)}")
    elif isinstance(setting, dict):
        yield from (fraction if row.unit == "fraction" else limit)(setting, row.setting, path)


def _example(row: Row) -> str:
    return REQUIRED if row.setting == REQUIRED else f"{{{row.setting}: …}}"


def _answers(row: Row, gate: str) -> bool:
    return bool(row.gates) and stem_and_part(gate)[0] != STEM and gate.startswith(row.gates)


def _by_gates(gate: str, results: list[GateResult]) -> GateResult:
    blocking = [result for result in results if result.blocks]
    measured = f"{len(results) - len(blocking)}/{len(results)}"
    if not blocking:
        waived = tuple(result.gate for result in results if result.waived is not None)
        reason = f"all {count(len(results), 'gate')} pass" if len(results) > 1 else f"{results[0].gate} passes"
        if waived:
            reason = f"{count(len(results) - len(waived), 'gate')} pass, waived: {some(waived)}"
        return GateResult(gate, Outcome.PASSED, reason, measured, "all")
    return GateResult(
        gate, overall(blocking), f"not passed: {some(tuple(result.gate for result in blocking))}", measured, "all"
    )


def _by_fact(gate: str, row: Row, bound: float, fact: RowFact) -> GateResult:
    required = _required(row, bound)
    value = fact.value
    if fact.problem or value is None or not math.isfinite(value):
        why = fact.problem or "it holds no number"
        return GateResult(gate, Outcome.UNDECIDED, f"{fact.source} cannot say: {why}", "-", required)
    if row.setting == WORSE_BY_AT_MOST:
        return _by_worsening(gate, bound, fact, value, _quantity(row, value), required)
    # A count below 0 and a share outside 0 to 1 are on no scale; a lucky comparison must not pass them.
    if value < 0 or (row.unit == "fraction" and value > 1):
        return GateResult(gate, Outcome.UNDECIDED, f"{fact.source} says {value:g}, which cannot be", "-", required)
    measured = _quantity(row, value)
    outcome = Outcome.PASSED if (value <= bound if row.setting == AT_MOST else value >= bound) else Outcome.FAILED
    return GateResult(gate, outcome, f"{measured}, from {fact.source}", measured, required)


def _by_worsening(gate: str, bound: float, fact: RowFact, value: float, measured: str, required: str) -> GateResult:
    interval = fact.interval
    if interval is None or not all(map(math.isfinite, interval)) or not interval[0] <= value <= interval[1]:
        reason = f"{fact.source} gives no interval around its value, so nothing can be said about significance"
        return GateResult(gate, Outcome.UNDECIDED, reason, measured, required)
    low, high = interval
    shown = f"{measured} worse, 95 % interval {_signed(low)} to {_signed(high)}, from {fact.source}"
    if low > bound:
        return GateResult(gate, Outcome.FAILED, shown, measured, required)
    if high > bound:
        return GateResult(gate, Outcome.UNDECIDED, f"{shown}; more samples would decide it", measured, required)
    return GateResult(gate, Outcome.PASSED, shown, measured, required)


def _by_attestation(gate: str, row: Row, bound: float, subject: Subject) -> GateResult:
    evidence, required = subject.evidence, _required(row, bound)
    if not row.attestable:
        return GateResult(gate, Outcome.UNDECIDED, "no gate was decided before it", "-", required)
    content = evidence.hashes.content if evidence.hashes is not None else None
    about = [
        entry
        for entry in evidence.signoffs.attestations
        if entry.row == row.name and entry.is_about(evidence.model_id, content)
    ]
    today = evidence.today
    dead = []
    for entry in sorted(about, key=lambda entry: entry.expires, reverse=True):
        why_not = entry.why_not(today) if today is not None else "cannot be held against a date"
        if not why_not:
            said = f"attested by {entry.by} on {entry.attested_on} until {entry.expires}"
            reason = f"{said}: {_says(row, bound)} ({entry.evidence})"
            return GateResult(gate, Outcome.PASSED, reason, "attested", required)
        dead.append(f"; what {entry.by} attested {why_not}")
    command = f"mlflow-genie attest {row.name} --model-id {evidence.model_id} --by NAME --evidence URL"
    reason = f"no data and no attestation that {_says(row, bound)}{''.join(dead[:2])}; to add one: {command}"
    return GateResult(gate, Outcome.UNDECIDED, reason, "-", required)


def _says(row: Row, bound: float) -> str:
    return row.says.format(limit=_quantity(row, bound))


def _required(row: Row, bound: float) -> str:
    if row.setting == REQUIRED:
        return REQUIRED
    sign = {AT_LEAST: ">=", AT_MOST: "<=", WORSE_BY_AT_MOST: "worse by <="}[row.setting]
    return f"{sign} {_quantity(row, bound)}"


def _quantity(row: Row, value: float) -> str:
    if row.unit == "fraction":
        return _signed(value).removeprefix("+") if row.setting == WORSE_BY_AT_MOST else percent(value)
    return f"{value:,g} {row.unit}" + ("" if value == 1 else "s")


def _signed(value: float) -> str:
    return f"{value * 100:+.1f} %"

"""The gates of a verdict as the page lists them: by family, what did not pass in full, the rest folded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlflow_genie_plugin.gating.html_report.interval import Drawing, Scale, drawing, scale_of
from mlflow_genie_plugin.gating.manifest import P0_GATE
from mlflow_genie_plugin.gating.outcome import NOT_ASSESSED, GateResult, Outcome, Part
from mlflow_genie_plugin.gating.phrases import interval_text, label
from mlflow_genie_plugin.gating.rules.register import family_of, is_packaged
from mlflow_genie_plugin.gating.shared_reasons import shared_gates, shared_reasons
from mlflow_genie_plugin.gating.verdict import Verdict

_TITLES = {
    "Integrity": "Is this the right evidence, and is it whole?",
    "Coverage": "Is there enough to decide on?",
    "P0": "Priority questions",
    "Thresholds": "Judges against their targets",
    "Regression": "Against an earlier version",
    "Slices": "Parts of the question set",
    "Latency": "Time",
    "Metrics": "Metrics of other scorers",
    "Freshness": "Age of the evidence",
    "Checklist": "Promotion checklist",
}
# What did not pass first, what was too small to say anything last.
_ORDER = {"failed": 0, "undecided": 1, "passed": 2, NOT_ASSESSED: 3}
_AGAINST = {Outcome.FAILED.value, Outcome.UNDECIDED.value}
_MOST_PARTS = 60
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One gate, or one part of it. ``drawing`` is None where no interval was measured."""

    label: str
    gate: str
    measured: str
    interval: str
    required: str
    outcome: str
    reason: str
    drawing: Drawing | None
    parts: tuple[CheckRow, ...] = ()

    @property
    def explains_itself(self) -> bool:
        """Whether its outcome needs no reason beside it: it passed, or its parts say why not."""
        return self.outcome == Outcome.PASSED or any(part.outcome in _AGAINST for part in self.parts)


@dataclass(frozen=True, slots=True)
class Family:
    """Gates of one kind: those to be seen, and those that passed and say no more than that."""

    title: str
    shown: tuple[CheckRow, ...]
    folded: tuple[CheckRow, ...]
    scale: Scale

    @property
    def legend(self) -> str:
        """What the drawings mean; empty where there are none."""
        if not any(row.drawing for shown in self.shown for row in (shown, *shown.parts)):
            return ""
        low, high = round(100 * self.scale.low), round(100 * self.scale.high)
        if low < 0:
            return f"Point: measured. Bar: 95 % interval. Thin line: no difference. From {low} to {high} points."
        return f"Point: measured. Bar: 95 % interval. Upright line: required. From {low} to {high} %."


def families(verdict: Verdict) -> Iterator[Family]:
    """Yield the gates by family in the register's order, a team's own last; those of :func:`stops` are left out."""
    told_once = shared_gates(verdict.results)
    by_title: dict[str, list[GateResult]] = {}
    for result in verdict.results:
        by_title.setdefault(_title(result.gate), []).append(result)
    for title, results in by_title.items():
        yield _family(title, results, told_once)
    own = [
        CheckRow(gate, gate, "", "", "", outcome.value, "reported by its own test", None)
        for gate, outcome in verdict.custom_gates.items()
    ]
    if own:
        yield Family("Gates of your own", tuple(own), (), Scale(0, 1))


def _family(title: str, results: Sequence[GateResult], told_once: frozenset[str]) -> Family:
    measured: list[GateResult | Part] = [*results, *(part for result in results for part in result.parts)]
    scale = scale_of(measured)
    rows = {result.gate: _row(result, scale) for result in results}
    seen = {
        result.gate
        for result in results
        if result.outcome is not Outcome.PASSED
        or result.warning
        or result.interval is not None
        or result.parts
        or result.gate == P0_GATE
    }
    return Family(
        title,
        tuple(row for gate, row in rows.items() if gate in seen and gate not in told_once),
        tuple(row for gate, row in rows.items() if gate not in seen),
        scale,
    )


@dataclass(frozen=True, slots=True)
class Stop:
    """One reason that stops several gates; ``stopped`` is the title of a family and the gates of it."""

    outcome: str
    reason: str
    total: int
    stopped: tuple[tuple[str, tuple[str, ...]], ...]


def stops(verdict: Verdict) -> Iterator[Stop]:
    """Yield each reason that several gates share, with those gates by family."""
    for shared in shared_reasons(verdict.results):
        by_title: dict[str, list[str]] = {}
        for gate in shared.gates:
            by_title.setdefault(_title(gate), []).append(label(gate))
        stopped = tuple((title, tuple(gates)) for title, gates in by_title.items())
        yield Stop(shared.outcome.value, shared.reason, len(shared.gates), stopped)


def _row(result: GateResult, scale: Scale) -> CheckRow:
    parts = tuple(
        CheckRow(part.name, "", part.measured, interval_text(part), "", part.outcome, part.reason, drawing(part, scale))
        for part in sorted(result.parts, key=lambda part: _ORDER.get(part.outcome, 0))[:_MOST_PARTS]
    )
    return CheckRow(
        label(result.gate),
        result.gate,
        result.measured,
        interval_text(result),
        result.required,
        _word(result),
        result.told,
        drawing(result, scale),
        parts,
    )


def _word(result: GateResult) -> str:
    if result.waived is not None:
        return "waived"
    return "warning" if result.warning else result.outcome.value


def _title(gate: str) -> str:
    if not is_packaged(gate):
        return "Other checks"
    name = family_of(gate).__name__
    return _TITLES.get(name) or _WORD.sub(" ", name).capitalize()

"""What every family of rules is: lines of criteria.yaml, the gates that they ask for, and how those are decided.

A family owns its lines from their text to their decision, so that adding one touches no other: a file here, a line in
the register, a definition in the JSON Schema, lines in ``gates/criteria.yaml`` and a test in ``gates/``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.observed import EvaluationObserved, Evidence
from mlflow_genie_plugin.gating.outcome import GateResult
from mlflow_genie_plugin.schemas.wording import did_you_mean, json_path

EVERY_SCOPE = frozenset(manifest.SCOPES)
Path = Sequence[str | int]
R = TypeVar("R", bound="Rule")


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be observed besides model and evaluation before the rules can decide.

    Attributes:
        baselines: References of the versions to compare with.
        metrics: Names of metrics, on the evaluation's run or on the model.
        run: What is logged on the evaluation's run; ``artifacts``: also the names of its artifacts.
        live: The live space as it is now.
    """

    baselines: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    run: bool = False
    artifacts: bool = False
    live: bool = False

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            tuple(dict.fromkeys((*self.baselines, *other.baselines))),
            tuple(dict.fromkeys((*self.metrics, *other.metrics))),
            self.run or other.run,
            self.artifacts or other.artifacts,
            self.live or other.live,
        )


class Rule:
    """One family of rules; an instance holds what one section of the criteria says about it.

    Attributes:
        LINES: The lines of a section that belong to the family; each must be there.
        HELP: Line → what to write when it is missing.
        STEMS: The ids of its gates, without the part in brackets.
        SCOPES: The scopes of evaluation that can answer it; elsewhere its lines may not stand.
        WITHOUT_EVALUATION: Stems of the gates that can be decided when there is no evaluation.
        WAIVABLE: Whether a person may waive a gate that did not pass; evidence itself, and P0, are never waived.
    """

    LINES: ClassVar[tuple[str, ...]] = ()
    HELP: ClassVar[Mapping[str, str]] = {}
    STEMS: ClassVar[tuple[str, ...]] = ()
    SCOPES: ClassVar[frozenset[str]] = EVERY_SCOPE
    WITHOUT_EVALUATION: ClassVar[frozenset[str]] = frozenset()
    WAIVABLE: ClassVar[bool] = True

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        """Yield what is wrong with the family's lines beyond what the JSON Schema says; any value may stand there."""
        return iter(())

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        """Return the family's part of a section without violations."""
        raise NotImplementedError

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        """Return the ids of the gates that have to be reported; they follow from the criteria alone."""
        raise NotImplementedError

    def switched_off(self) -> Mapping[str, str]:
        """Return what is off, with the reason."""
        return {}

    def needs(self) -> Needs:
        """Return what else has to be observed."""
        return Needs()

    def decide(self, gate: str, subject: Subject) -> GateResult:
        """Decide one of the gates in :meth:`asked`. Pure; only what is established is a pass."""
        raise NotImplementedError


@dataclass(frozen=True)
class ScopeCriteria:
    """The criteria for one evaluation scope: one instance per family that the scope can answer.

    ``custom_gates`` are the ids of a team's own gates, which only their own tests can decide.
    """

    rules: tuple[Rule, ...]
    custom_gates: tuple[str, ...] = ()

    def find(self, family: type[R]) -> R | None:
        """Return what the section says about a family; None where its scope cannot answer it."""
        return next((rule for rule in self.rules if isinstance(rule, family)), None)

    @property
    def gates(self) -> tuple[str, ...]:
        """The ids of all gates that are decided here; see also ``custom_gates``."""
        return tuple(gate for rule in self.rules for gate in rule.asked(self))

    @property
    def switched_off(self) -> dict[str, str]:
        """What is off, with the reason given; shown in every report."""
        return {name: reason for rule in self.rules for name, reason in rule.switched_off().items()}

    @property
    def needs(self) -> Needs:
        """What has to be observed besides model and evaluation."""
        total = Needs()
        for rule in self.rules:
            total |= rule.needs()
        return total


@dataclass(frozen=True, slots=True)
class StageCriteria:
    """The criteria of one stage, for every scope it accepts. ``sha256`` is that of the file's bytes."""

    stage: str
    scopes: Mapping[str, ScopeCriteria]
    sha256: str = field(compare=False)

    def section(self, scope: str | None) -> ScopeCriteria:
        """Return the criteria for ``scope``; those for ``full`` when the scope is not accepted (a gate says so)."""
        return self.scopes.get(scope or "", self.scopes["full"])


@dataclass(frozen=True, slots=True)
class Subject:
    """What a gate is decided on; ``earlier`` are the results of the gates before it, in the order of the register."""

    criteria: StageCriteria
    section: ScopeCriteria
    evidence: Evidence
    earlier: tuple[GateResult, ...] = ()

    @property
    def evaluation(self) -> EvaluationObserved:
        """The evaluation; asked only by gates that are not decided without one."""
        if self.evidence.evaluation is None:
            raise ValueError("a gate that needs an evaluation is undecided without one, and is not asked")
        return self.evidence.evaluation


def gate_id(stem: str, part: str) -> str:
    """Return the id of a rule asked for one part: ``threshold[result_correctness]``."""
    return f"{stem}[{part}]"


def stem_and_part(gate: str) -> tuple[str, str]:
    """Return ``threshold``, ``result_correctness`` of ``threshold[result_correctness]``; no part is an empty one."""
    stem, _, rest = gate.partition("[")
    return stem, rest.removesuffix("]")


def violation(path: Path, rule: str, message: str, fix: str = "") -> Violation:
    """Return a violation at a place of the criteria."""
    return Violation(json_path(list(path)), rule, message, fix=fix)


def number(value: Any) -> float | None:
    """Return ``value`` if it is a finite number, else None."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else None


def fraction(holder: Mapping[str, Any], name: str, path: Path, *, above_zero: bool = False) -> Iterator[Violation]:
    """Yield what is wrong with a fraction; that it is no number at all is the schema's to say."""
    value = holder.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    here = [*path, name]
    if not math.isfinite(value) or value < 0:
        yield violation(here, "not-a-fraction", f"{value} is not a fraction from 0 to 1")
    elif value > 1:
        fix = f"write {value / 100:g}, not {value:g}" if value <= 100 else ""
        yield violation(here, "percent", f"{value:g} is above 1", fix)
    elif above_zero and value == 0:
        fix = "write off: the reason, if this is not to be asked" if name == "target" else "write a fraction above 0"
        yield violation(here, "asks-nothing", "0 asks nothing", fix)


def limit(holder: Mapping[str, Any], name: str, path: Path) -> Iterator[Violation]:
    """Yield what is wrong with a limit that must be a finite number above 0."""
    value = holder.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not (math.isfinite(value) and value > 0):
        yield violation([*path, name], "no-limit", f"{value} is no limit", "write a number above 0")


def judge_names(names: Any, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
    """Yield what is wrong with a list of judges that a rule looks at: unknown ones, and those that are off."""
    judges = section.get("judges")
    for index, name in enumerate(names if isinstance(names, list) else []):
        here = [*path, index]
        if name not in manifest.JUDGES:
            yield violation(here, "unknown-judge", f"there is no judge {name!r}", did_you_mean(name, manifest.JUDGES))
        elif isinstance(judges, dict) and isinstance(judges.get(name), dict) and "off" in judges[name]:
            message = f"judge {name} is off in this section, so it cannot decide {path[-2]}"
            yield violation(here, "judge-is-off", message)


def off_of(line: Any) -> str | None:
    """Return the reason of a line that says ``off``."""
    return line.get("off") if isinstance(line, dict) else None

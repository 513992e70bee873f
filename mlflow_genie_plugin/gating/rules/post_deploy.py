"""After deployment: the live space answers as well as it did in the evaluation that its promotion was based on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.moments import minutes_between
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.rules.comparison import Comparison
from mlflow_genie_plugin.gating.rules.regression import Regression
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    fraction,
    gate_id,
    judge_names,
    off_of,
)
from mlflow_genie_plugin.gating.rules.thresholds import POINT

GATE = "post_deploy"
PROMOTION = "the promotion's evaluation"
FAIL = "fail"


@dataclass(frozen=True)
class PostDeploy(Rule):
    """One gate, for evaluations after deployment: no judge's share falls by more than the tolerance.

    Attributes:
        comparison: How the promotion's evaluation is compared with; None when it is off.
        only_warns: A loss is said in every report, and the gate passes.
    """

    comparison: Comparison | None
    only_warns: bool = False
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = (GATE,)
    HELP: ClassVar[Mapping[str, str]] = {
        GATE: f"write {GATE}: {{tolerance: 0.02, minimum_common: 0.8, then: fail}} or {GATE}: {{off: the reason}}"
    }
    STEMS: ClassVar[tuple[str, ...]] = (GATE,)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"held_out"})

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        line, here = section.get(GATE), [*path, GATE]
        if isinstance(line, dict):
            yield from fraction(line, "tolerance", here)
            yield from fraction(line, "minimum_common", here, above_zero=True)
            yield from judge_names(line.get("judges"), section, [*here, "judges"])

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section[GATE]
        if (off := off_of(line)) is not None:
            return cls(None, off=off)
        numbers = float(line["tolerance"]), float(line["minimum_common"])
        comparison = Comparison(POINT, *numbers, no_baseline_is_allowed=False, judges=tuple(line.get("judges", ())))
        return cls(comparison, only_warns=line["then"] != FAIL)

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return (GATE,) if self.comparison is not None else ()

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {GATE: self.off}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        if self.comparison is None:
            raise ValueError(f"{gate} is off and is not asked")
        promotion = subject.evidence.baselines.get(PROMOTION)
        if promotion is None or promotion.absent:
            why = promotion.absent if promotion is not None else "nobody looked for the promotion"
            return GateResult(gate, Outcome.UNDECIDED, f"there is nothing to compare with: {why}")
        before, now = promotion.evaluation, subject.evaluation
        if before is not None and before.run_id == now.run_id:
            reason = "this is the evaluation that the promotion was based on; evaluate the deployed space again"
            return GateResult(gate, Outcome.UNDECIDED, reason)
        if before is not None and not (minutes_between(before.finished_at, now.started_at) or 0) > 0:
            reason = "this evaluation does not begin after the promotion's; evaluate the deployed space again"
            return GateResult(gate, Outcome.UNDECIDED, reason)
        asked = Regression({PROMOTION: self.comparison})
        found = replace(asked.decide(gate_id("regression", PROMOTION), subject), gate=gate)
        if found.outcome is Outcome.FAILED and self.only_warns:
            warning = f"worse than when it was promoted: {found.reason}"
            return replace(found, outcome=Outcome.PASSED, warning=warning, reason=warning)
        return found

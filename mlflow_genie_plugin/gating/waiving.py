"""Applying waivers: a gate that did not pass stays what it is, and says on whose word and until when it may."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from mlflow_genie_plugin.gating.observed import Evidence
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, Waived
from mlflow_genie_plugin.gating.rules.handling import Handling
from mlflow_genie_plugin.gating.rules.register import family_of
from mlflow_genie_plugin.gating.rules.rule import ScopeCriteria
from mlflow_genie_plugin.gating.signed import Waiver


def waived_or_not(result: GateResult, section: ScopeCriteria, stage: str, evidence: Evidence) -> GateResult:
    """Return ``result`` with the waiver that covers it; a waiver that does nothing is named in the reason."""
    if result.outcome is Outcome.PASSED:
        return result
    about = [waiver for waiver in evidence.signoffs.waivers if waiver.is_about(result.gate, evidence.model_id, stage)]
    handling = section.find(Handling) or Handling()
    idle = []
    for waiver in sorted(about, key=lambda waiver: waiver.expires, reverse=True):
        why_not = _why_not(waiver, result.gate, evidence.today, handling.waiver_days)
        if not why_not:
            return replace(result, waived=Waived(waiver.expires.isoformat(), waiver.owner, waiver.reason))
        idle.append(f"; the waiver by {waiver.owner} {why_not}")
    return replace(result, reason=result.reason + "".join(idle)) if idle else result


def _why_not(waiver: Waiver, gate: str, today: date | None, longest_days: int) -> str:
    if not family_of(gate).WAIVABLE:
        return "does nothing: this gate can never be waived"
    return "cannot be held against a date" if today is None else waiver.why_not(today, longest_days)

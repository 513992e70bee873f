"""One reason that stops many gates, said once: without an evaluation it would stand in every report thirty times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlflow_genie_plugin.gating.outcome import GateResult, Outcome

# Two rows that say the same are read at once; a third is where nobody reads on.
_LEAST = 3


@dataclass(frozen=True, slots=True)
class SharedReason:
    """Why several gates did not pass: the same for all of them, and none of them measured anything."""

    outcome: Outcome
    reason: str
    gates: tuple[str, ...]


def shared_reasons(results: Iterable[GateResult]) -> tuple[SharedReason, ...]:
    """Return each reason that three gates or more have in common, in the order of the gates.

    A gate that measured something, names questions, has parts, carries a warning or is waived keeps its own place.
    """
    found: dict[tuple[Outcome, str], list[str]] = {}
    for result in results:
        has_own = result.measured or result.questions or result.parts or result.warning or result.waived
        if result.outcome is not Outcome.PASSED and not has_own:
            found.setdefault((result.outcome, result.reason), []).append(result.gate)
    return tuple(
        SharedReason(outcome, reason, tuple(gates))
        for (outcome, reason), gates in found.items()
        if len(gates) >= _LEAST
    )


def shared_gates(results: Iterable[GateResult]) -> frozenset[str]:
    """Return the gates whose reason is told once for all of them."""
    return frozenset(gate for shared in shared_reasons(results) for gate in shared.gates)

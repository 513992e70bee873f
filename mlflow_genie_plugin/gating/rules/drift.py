"""The live space still is what was evaluated, seen now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, short
from mlflow_genie_plugin.gating.rules.rule import Needs, Rule, ScopeCriteria, Subject, off_of


@dataclass(frozen=True)
class Drift(Rule):
    """``no_drift``: the live space has the version's ``behaviour`` (or ``content``) hash now; needs a workspace."""

    same: str = "behaviour"
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("drift",)
    HELP: ClassVar[Mapping[str, str]] = {"drift": "write drift: {same: behaviour} or drift: {off: the reason}"}
    STEMS: ClassVar[tuple[str, ...]] = ("no_drift",)
    WAIVABLE: ClassVar[bool] = False
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out"})
    WITHOUT_EVALUATION: ClassVar[frozenset[str]] = frozenset({"no_drift"})

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["drift"]
        return cls(line.get("same", "behaviour"), off_of(line))

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return self.STEMS if self.off is None else ()

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"drift": self.off}

    def needs(self) -> Needs:
        return Needs(live=self.off is None)

    def decide(self, gate: str, subject: Subject) -> GateResult:
        live, model = subject.evidence.live, subject.evidence.hashes
        required = f"same {self.same} hash"
        if live is None or live.problem:
            why = live.problem if live is not None else "nobody looked at it"
            return GateResult(gate, Outcome.UNDECIDED, f"the live space is not known: {why}", "-", required)
        pairs = {
            "behaviour": (live.behaviour, model.behaviour if model else None),
            "content": (live.content, model.content if model else None),
        }
        now, wanted = pairs[self.same]
        if not now or not wanted:
            return GateResult(gate, Outcome.UNDECIDED, f"a {self.same} hash is not known", "-", required)
        if now != wanted:
            reason = (
                f"the {self.same} hash of the live space is {short(now)}, the version's is {short(wanted)}; see what "
                f"differs: mlflow-genie drift {subject.evidence.model_id}"
            )
            return GateResult(gate, Outcome.FAILED, reason, short(now), required)
        return GateResult(
            gate, Outcome.PASSED, f"the live space has the version's {self.same} hash", short(now), required
        )

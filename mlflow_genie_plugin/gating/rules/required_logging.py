"""What has to be on record in MLflow before anybody may rely on the evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count
from mlflow_genie_plugin.gating.rules.rule import Needs, Rule, ScopeCriteria, Subject, off_of

KINDS = ("params", "metrics", "tags", "artifacts")


@dataclass(frozen=True)
class RequiredLogging(Rule):
    """``required_logging``: params, metrics, tags and artifacts by name, all of them with a value."""

    names: Mapping[str, tuple[str, ...]]
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("required_logging",)
    HELP: ClassVar[Mapping[str, str]] = {
        "required_logging": "write required_logging: {params: [], metrics: [], tags: [], artifacts: []} with the names "
        "that must be there, or required_logging: {off: the reason}"
    }
    STEMS: ClassVar[tuple[str, ...]] = ("required_logging",)
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out"})

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["required_logging"]
        return cls({kind: tuple(line.get(kind, ())) for kind in KINDS}, off_of(line))

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return self.STEMS if self.off is None else ()

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"required_logging": self.off}

    def needs(self) -> Needs:
        return Needs(run=self.off is None, artifacts=self.off is None and bool(self.names["artifacts"]))

    def decide(self, gate: str, subject: Subject) -> GateResult:
        run = subject.evidence.run
        wanted = sum(len(names) for names in self.names.values())
        if run is None:
            reason = "the evaluation is a file that no run holds, so nothing is logged with it"
            return GateResult(gate, Outcome.UNDECIDED, reason, "-", str(wanted))
        there: dict[str, set[str]] = {
            "params": {name for name, value in run.params.items() if value.strip()},
            "tags": {name for name, value in run.tags.items() if value.strip()},
            "metrics": set(run.metrics),
            "artifacts": set(run.artifacts or ()),
        }
        missing = [
            f"{kind.removesuffix('s')} {name}" for kind in KINDS for name in self.names[kind] if name not in there[kind]
        ]
        measured = f"{wanted - len(missing)}/{wanted}"
        if missing:
            reason = f"not logged on the evaluation's run: {', '.join(missing)}"
            return GateResult(gate, Outcome.FAILED, reason, measured, "all")
        return GateResult(gate, Outcome.PASSED, f"{count(wanted, 'name')} are on record", measured, "all")

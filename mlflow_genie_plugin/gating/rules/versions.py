"""The evaluation was made with the judges, prompts and benchmark set that are meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.observed import EvaluationObserved
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, short, some
from mlflow_genie_plugin.gating.rules.rule import (
    Path,
    Rule,
    ScopeCriteria,
    Subject,
    off_of,
    violation,
)
from mlflow_genie_plugin.gating.rules.thresholds import Thresholds
from mlflow_genie_plugin.schemas.wording import did_you_mean

CURRENT = "current"
RECORDED = "recorded"


@dataclass(frozen=True)
class Versions(Rule):
    """``judge_versions`` and ``prompt_versions``: those of this plugin or of the criteria.

    Attributes:
        judges: Judge → version; a judge without one must have the version that this plugin has.
        prompts: Prompt → version; None takes any version that is on record. Where it is given, no other prompt may
            have been used.
    """

    judges: Mapping[str, str]
    prompts: Mapping[str, str] | None = None
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("versions",)
    HELP: ClassVar[Mapping[str, str]] = {
        "versions": "write versions: {judges: current, prompts: recorded} or versions: {off: the reason}"
    }
    STEMS: ClassVar[tuple[str, ...]] = ("judge_versions", "prompt_versions")
    WAIVABLE: ClassVar[bool] = False

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        line = section.get("versions")
        judges = line.get("judges") if isinstance(line, dict) else None
        for name in judges if isinstance(judges, dict) else ():
            if name not in manifest.JUDGES:
                here = [*path, "versions", "judges", name]
                fix = did_you_mean(name, manifest.JUDGES)
                yield violation(here, "unknown-judge", f"there is no judge {name!r}", fix)

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["versions"]
        if (off := off_of(line)) is not None:
            return cls({}, off=off)
        judges, prompts = line["judges"], line["prompts"]
        return cls({} if judges == CURRENT else judges, None if prompts == RECORDED else prompts)

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return self.STEMS if self.off is None else ()

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"versions": self.off}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        if gate == "judge_versions":
            return self._judges(gate, subject)
        return self._prompts(gate, subject.evaluation)

    def _judges(self, gate: str, subject: Subject) -> GateResult:
        thresholds, recorded = subject.section.find(Thresholds), subject.evaluation.judges
        asked = (
            thresholds.judges_asked if thresholds is not None else tuple(n for n in manifest.JUDGES if n in recorded)
        )
        wrong = []
        for name in asked:
            wanted = self.judges.get(name, manifest.JUDGE_VERSIONS[name])
            used = recorded.get(name, {}).get("version")
            if used != wanted:
                wrong.append(f"{name} {f'version {used}' if used else 'did not run'}, needed is version {wanted}")
        if wrong:
            reason = f"{'; '.join(wrong)}: evaluate again with this version of the plugin"
            return GateResult(gate, Outcome.UNDECIDED, reason)
        return GateResult(gate, Outcome.PASSED, "every judge that is asked has the version needed")

    def _prompts(self, gate: str, evaluation: EvaluationObserved) -> GateResult:
        used = {
            name: (facts.get("llm_prompt", ""), facts.get("llm_prompt_version", ""), facts.get("llm_prompt_sha256", ""))
            for name, facts in evaluation.judges.items()
            if "llm_mode" in facts
        }
        unknown = [judge for judge, facts in used.items() if not all(facts)]
        if unknown:
            reason = f"which prompt asked a language model is not on record for {some(unknown)}"
            return GateResult(gate, Outcome.UNDECIDED, reason)
        wrong = [
            f"{prompt} version {version}, needed is {self.prompts.get(prompt, 'none of that name')}"
            for prompt, version, _ in used.values()
            if self.prompts is not None and self.prompts.get(prompt) != version
        ]
        if wrong:
            return GateResult(gate, Outcome.FAILED, "; ".join(wrong))
        said = some([f"{prompt} {version} ({short(digest)})" for prompt, version, digest in used.values()])
        return GateResult(gate, Outcome.PASSED, f"prompts on record: {said}" if used else "no language model was asked")


@dataclass(frozen=True)
class BenchmarkSets(Rule):
    """``benchmark_set``: the questions are one of the sets that the criteria name by their digest."""

    digests: tuple[str, ...] = ()
    off: str | None = None

    LINES: ClassVar[tuple[str, ...]] = ("benchmarks",)
    HELP: ClassVar[Mapping[str, str]] = {
        "benchmarks": "write benchmarks: {sha256: [the digest of the set]} or benchmarks: {off: the reason}"
    }
    STEMS: ClassVar[tuple[str, ...]] = ("benchmark_set",)
    WAIVABLE: ClassVar[bool] = False
    SCOPES: ClassVar[frozenset[str]] = frozenset({"full", "held_out"})

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        line = section["benchmarks"]
        return cls(tuple(line.get("sha256", ())), off_of(line))

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return self.STEMS if self.off is None else ()

    def switched_off(self) -> Mapping[str, str]:
        return {} if self.off is None else {"benchmarks": self.off}

    def decide(self, gate: str, subject: Subject) -> GateResult:
        used, required = subject.evaluation.benchmarks_sha256, " or ".join(short(digest) for digest in self.digests)
        if used in self.digests:
            return GateResult(gate, Outcome.PASSED, "the benchmark set is one of the criteria's", short(used), required)
        reason = f"the benchmark set has sha256 {used or 'unknown'}, which the criteria do not name"
        return GateResult(gate, Outcome.FAILED if used else Outcome.UNDECIDED, reason, short(used), required)

"""The verdict of one gate run: outcome per gate, bound to the digests of everything it was decided on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from mlflow_genie_plugin.errors import VerificationError
from mlflow_genie_plugin.gating.observed import Evidence
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, overall
from mlflow_genie_plugin.gating.rules.rule import StageCriteria
from mlflow_genie_plugin.gating.suite import suite_sha256
from mlflow_genie_plugin.schemas import require_format_version, violations_of

FORMAT_VERSION = 1
FILE_NAME = "verdict.json"
ARTIFACT = "gate/verdict.json"
RUN_TYPE = "genie_gate"
# Only an evaluation of all questions marks a version.
FULL = "full"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gate run decided.

    Attributes:
        results: Every gate of the manifest that was asked.
        custom_gates: Outcome of every gate that only its own test can decide.
        problems: Why the run as such cannot count (a gate that did not run, an edited file, …), by gate or topic.
        signoffs: Name → digest of the files beside the criteria that hold attestations and waivers.
        suite_files: Name → digest of the gate files and conftest files.
    """

    outcome: Outcome
    stage: str
    scope: str | None
    dry_run: bool
    decided_at: str
    model: Mapping[str, str | None]
    evaluation: Mapping[str, Any] | None
    criteria: Mapping[str, str]
    suite_files: Mapping[str, str]
    results: tuple[GateResult, ...]
    custom_gates: Mapping[str, Outcome] = field(default_factory=dict)
    switched_off: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str | None] = field(default_factory=dict)
    signoffs: Mapping[str, str] = field(default_factory=dict)

    @property
    def suite_sha256(self) -> str:
        return suite_sha256(self.suite_files)

    def _repr_html_(self) -> str:
        from mlflow_genie_plugin.gating.cell import verdict_cell  # it needs this class itself

        return verdict_cell(self)

    def result(self, gate: str) -> GateResult | None:
        """Return the result of one gate; None when it was not asked."""
        return next((result for result in self.results if result.gate == gate), None)

    def blocking(self) -> list[GateResult]:
        """Return the results that keep this verdict from being a pass: not passed, and not waived."""
        return [result for result in self.results if result.blocks]

    def not_passed(self) -> list[GateResult]:
        """Return the results that are not a pass."""
        return [result for result in self.results if result.outcome is not Outcome.PASSED]


def make_verdict(
    criteria: StageCriteria,
    criteria_name: str,
    evidence: Evidence,
    results: tuple[GateResult, ...],
    *,
    custom_gates: Mapping[str, Outcome],
    problems: Mapping[str, str],
    suite_files: Mapping[str, str],
    dry_run: bool,
    decided_at: str,
    provenance: Mapping[str, str | None],
) -> Verdict:
    """Return the verdict: failed if any gate failed, passed only if all passed and nothing is wrong with the run."""
    outcome = overall(results)
    if Outcome.FAILED in custom_gates.values():
        outcome = Outcome.FAILED
    if outcome is Outcome.PASSED and (problems or any(o is not Outcome.PASSED for o in custom_gates.values())):
        outcome = Outcome.UNDECIDED
    evaluation, hashes = evidence.evaluation, evidence.hashes
    return Verdict(
        outcome=outcome,
        stage=criteria.stage,
        scope=evaluation.scope if evaluation else None,
        dry_run=dry_run,
        decided_at=decided_at,
        model={
            "model_id": evidence.model_id,
            "name": evidence.model_name,
            "space_id": evidence.space_id,
            "content_sha256": hashes.content if hashes else None,
            "behaviour_sha256": hashes.behaviour if hashes else None,
            "snapshot_sha256": hashes.snapshot if hashes else None,
        },
        evaluation=None
        if evaluation is None
        else {
            "run_id": evaluation.run_id,
            "sha256": evaluation.sha256,
            "benchmarks_sha256": evaluation.benchmarks_sha256,
            "benchmarks_name": evaluation.benchmarks_name,
            "planned": evaluation.planned_count,
            "p0": None if evaluation.p0 is None else len(evaluation.p0),
            "attempts": evaluation.attempts,
            "runner": evaluation.runner,
        },
        criteria={"name": criteria_name, "sha256": criteria.sha256},
        suite_files=dict(suite_files),
        results=results,
        custom_gates=dict(custom_gates),
        switched_off=criteria.section(evaluation.scope if evaluation else None).switched_off,
        problems=dict(problems),
        provenance=dict(provenance),
        signoffs=dict(evidence.signoffs.files),
    )


def verdict_bytes(verdict: Verdict) -> bytes:
    """Return the bytes of verdict.json; equal verdicts give equal bytes."""
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "outcome": verdict.outcome.value,
        "stage": verdict.stage,
        "scope": verdict.scope,
        "dry_run": verdict.dry_run,
        "decided_at": verdict.decided_at,
        "model": dict(verdict.model),
        "evaluation": None if verdict.evaluation is None else dict(verdict.evaluation),
        "criteria": dict(verdict.criteria),
        "suite": {"sha256": verdict.suite_sha256, "files": dict(verdict.suite_files)},
        "gates": [asdict(result) for result in verdict.results],
        "custom_gates": {gate: outcome.value for gate, outcome in verdict.custom_gates.items()},
        "switched_off": dict(verdict.switched_off),
        "problems": dict(verdict.problems),
        "provenance": dict(verdict.provenance),
        "signoffs": dict(verdict.signoffs),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def parse_verdict(data: bytes, name: str = FILE_NAME) -> Verdict:
    """Return the verdict in ``data``.

    Raises:
        VerificationError: It is not JSON, breaks the format, or its own parts contradict each other.
        UnsupportedFormatError: Another ``format_version``.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise VerificationError(f"{name} is not JSON: {error}", next_step=_AGAIN) from error
    require_format_version(document, FORMAT_VERSION, name)
    if violations := violations_of(document, "verdict"):
        raise VerificationError(f"{name} is not a verdict: {violations[0]}", next_step=_AGAIN)
    results = tuple(GateResult.from_json(gate) for gate in document["gates"])
    suite = document.pop("suite")
    if suite["sha256"] != suite_sha256(suite["files"]):
        raise VerificationError(f"{name} names a suite digest that its files do not give", next_step=_AGAIN)
    rest = {key: document[key] for key in document if key not in {"format_version", "gates", "outcome", "custom_gates"}}
    return Verdict(
        **rest,
        outcome=Outcome(document["outcome"]),
        results=results,
        custom_gates={gate: Outcome(outcome) for gate, outcome in document["custom_gates"].items()},
        suite_files=suite["files"],
    )


_AGAIN = "run the gates again"

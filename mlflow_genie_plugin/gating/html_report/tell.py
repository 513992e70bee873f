"""The page about a version whenever somebody asks: of its latest gate run, or of what the gates would say now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.gating import suite
from mlflow_genie_plugin.gating.baseline import explained
from mlflow_genie_plugin.gating.cell import verdict_cell
from mlflow_genie_plugin.gating.criteria import read_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.html_report.gather import gather, past_run
from mlflow_genie_plugin.gating.html_report.sheet import Sheet
from mlflow_genie_plugin.gating.manifest import STAGES
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.provenance import provenance
from mlflow_genie_plugin.gating.signoffs import signoffs_beside
from mlflow_genie_plugin.gating.standing import gate_runs
from mlflow_genie_plugin.gating.surroundings import with_surroundings
from mlflow_genie_plugin.gating.verdict import ARTIFACT, make_verdict, parse_verdict
from mlflow_genie_plugin.gating.with_signoffs import with_signoffs
from mlflow_genie_plugin.registry import ModelRecord, RunRecord, download_run_artifact, resolve_model


@dataclass(frozen=True)
class Told:
    """What there is to tell about a version; ``gate_run_id`` is None when no gate run has decided on it."""

    sheet: Sheet
    gate_run_id: str | None

    def _repr_html_(self) -> str:
        return verdict_cell(self.sheet.verdict, self.sheet.next_step)


def tell(
    reference: str,
    stage: str | None = None,
    *,
    criteria: Path | None = None,
    folder: Path,
    clock: Clock = SYSTEM_CLOCK,
) -> Told:
    """Return what the page of a version says.

    Args:
        reference: The version.
        stage: Only gate runs for this stage; default: the latest one for any.
        criteria: What to decide by when no gate run has decided; default: what a gate run in ``folder`` would use.
        folder: The working folder.
        clock: For the time of a decision that is made here.

    Raises:
        ModelNotFoundError, NotAGenieModelError: There is no such version.
        VerificationError: The verdict of the gate run is not a verdict.
        InvalidCriteriaError, UnreadableFileError: The criteria cannot be used.
        TrackingUnavailableError: MLflow cannot be reached.
    """
    model = resolve_model(reference)
    runs = gate_runs(model, stage)
    if not runs:
        return _decided_here(model, stage or STAGES[0], criteria, folder, clock)
    return _of_run(model, runs[0])


def _of_run(model: ModelRecord, run: RunRecord) -> Told:
    data = download_run_artifact(run.run_id, ARTIFACT)
    verdict = parse_verdict(data, f"{ARTIFACT} of run {run.run_id}")
    evaluation = verdict.evaluation or {}
    collected = collect(model, evaluation.get("run_id") or None)
    origin = f"Gate run {run.run_id} of {past_run(run).when} UTC."
    recorded = run.tags.get("genie.gate.verdict_sha256")
    if recorded is not None and recorded != sha256_of_bytes(data):
        origin += " Its verdict.json is not the one it recorded: believe nothing here, run the gates again."
    elif _changed(collected, evaluation.get("sha256")):
        origin += " The evaluation is no longer what it was decided on: run mlflow-genie verify."
    sheet = gather(verdict, collected, explained(verdict, collected), origin=origin, without_run=run.run_id)
    return Told(sheet, run.run_id)


def _changed(collected: Collected, sha256: str | None) -> bool:
    now = collected.evidence.evaluation
    return sha256 is not None and (now is None or now.sha256 != sha256)


def _decided_here(model: ModelRecord, stage: str, criteria: Path | None, folder: Path, clock: Clock) -> Told:
    path = criteria or suite.find_criteria(None, [], folder, folder)
    rules = read_criteria(path, stage)
    collected = with_signoffs(with_surroundings(collect(model), rules, clock), rules, signoffs_beside(path))
    scope = collected.evidence.evaluation.scope if collected.evidence.evaluation else None
    verdict = make_verdict(
        rules,
        suite.shown_name(path.absolute(), folder),
        collected.evidence,
        decide(rules, collected.evidence),
        custom_gates=dict.fromkeys(rules.section(scope).custom_gates, Outcome.UNDECIDED),
        problems={},
        suite_files={},
        dry_run=True,
        decided_at=iso_utc(clock.now()),
        provenance=provenance(folder),
    )
    origin = "No gate run has decided on this version; this page says what the gates would say now."
    return Told(gather(verdict, collected, explained(verdict, collected), origin=origin), None)

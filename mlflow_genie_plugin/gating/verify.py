"""Verifying a mark in another process: everything is recomputed from MLflow and a trusted suite, no tag is believed.

A green pytest can be faked by code that runs inside it. What is checked here is the evidence itself: hashes of model
and evaluation, the decision on findings judged again, criteria and gate files of a trusted place, the champion's
questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.clock import SYSTEM_CLOCK, Clock, iso_utc
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.attempts import all_evaluations, attempt_notes, decision_check, latest_check
from mlflow_genie_plugin.gating.cell import table
from mlflow_genie_plugin.gating.checks import Check, baselines_check, custom_check, evidence_checks
from mlflow_genie_plugin.gating.claims import Claim, claim_of_file, claim_of_mark, verdict_checks
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.mark import read_mark
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, some
from mlflow_genie_plugin.gating.provenance import provenance
from mlflow_genie_plugin.gating.publish import Published, publish
from mlflow_genie_plugin.gating.questions import benchmarks_check, champion_check
from mlflow_genie_plugin.gating.rejudge import Rejudged, rejudge
from mlflow_genie_plugin.gating.rules.handling import approval_tag_of
from mlflow_genie_plugin.gating.rules.rule import StageCriteria
from mlflow_genie_plugin.gating.signoffs import signoffs_from
from mlflow_genie_plugin.gating.surroundings import with_surroundings
from mlflow_genie_plugin.gating.trusted_suite import TrustedSuite, trusted_suite
from mlflow_genie_plugin.gating.verdict import Verdict, make_verdict
from mlflow_genie_plugin.gating.version_marks import versions_check
from mlflow_genie_plugin.gating.with_signoffs import with_signoffs
from mlflow_genie_plugin.registry import ModelRecord, resolve_model


@dataclass(frozen=True)
class Verification:
    """What verifying one model version for one stage found."""

    model: ModelRecord
    stage: str
    suite: str
    checks: tuple[Check, ...]
    results: tuple[GateResult, ...]
    notes: tuple[str, ...] = ()
    published: Published | None = None
    collected: Collected | None = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        rows = [(check.name, check.outcome.value, check.found) for check in self.checks]
        title = f"{self.outcome.value}: {self.model.model_id} for stage {self.stage}, suite {self.suite}"
        return table(title, ("check", "outcome", "found"), rows)

    @property
    def outcome(self) -> Outcome:
        """Failed if any check failed, passed only if every one passed."""
        outcomes = {check.outcome for check in self.checks}
        if Outcome.FAILED in outcomes:
            return Outcome.FAILED
        return Outcome.PASSED if outcomes == {Outcome.PASSED} else Outcome.UNDECIDED


def verify(
    reference: str | ModelRecord,
    stage: str | None = None,
    *,
    suite: str | None = None,
    benchmarks: str | None = None,
    champion: str | None = None,
    verdict_file: Path | None = None,
    folder: Path | None = None,
    write_mark: bool = False,
    verdict_folder: Path | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Verification:
    """Recompute whether a model version may carry the mark of ``stage``.

    Args:
        reference: The model version.
        stage: Default: the highest stage it has a mark for.
        suite: The trusted suite: a folder, a git ref or ``GIT_REF:DIR``. Default: ``gates/`` here, else the installed
            one.
        benchmarks: The benchmarks that had to be asked: a file of the same folder or commit as the suite. None leaves
            that to the comparison with the champion.
        champion: A version whose questions may not be lost, besides those that alias and stage name.
        verdict_file: The verdict.json of a gate run that could not mark; default: the one the mark names.
        folder: The working folder.
        write_mark: Write the mark when everything is verified; it need not exist then.
        verdict_folder: Where ``write_mark`` leaves the new verdict.json.
        clock: For the time in the new verdict.

    Raises:
        ModelNotFoundError, NotAGenieModelError: No such model version.
        UsageError, UnreadableFileError, InvalidCriteriaError, InvalidBenchmarksError: What is trusted cannot be used.
        TrackingUnavailableError: MLflow cannot be reached.
    """
    model = resolve_model(reference) if isinstance(reference, str) else reference
    folder = folder or Path.cwd()
    stage = stage or _highest_marked(model)
    trusted = trusted_suite(suite, folder)
    criteria = parse_criteria(trusted.criteria(), stage, f"{trusted.criteria_name} of {trusted.shown}")
    wanted = None if benchmarks is None else trusted.named(benchmarks)
    # A mark to be written is decided anew, on the latest evaluation: what an older one says is no argument for it.
    claim = Claim(None, ()) if write_mark else claim_of_mark(model, read_mark(model.tags, stage))
    if verdict_file is not None:
        claim = claim_of_file(verdict_file)
    verdict = claim.verdict
    run_id = verdict.evaluation["run_id"] if verdict is not None and verdict.evaluation else None
    # What is signed counts only where it is trusted: an attestation or waiver of the change under test is none.
    signoffs = signoffs_from(trusted.beside)
    collected = with_surroundings(collect(model, run_id, whole=True), criteria, clock)
    collected = with_signoffs(collected, criteria, signoffs)
    rejudged = rejudge(collected)
    results = decide(criteria, rejudged.evidence)
    evaluations = all_evaluations(model)
    checks = (
        *claim.checks,
        *verdict_checks(verdict, model, stage, collected, criteria, trusted),
        *evidence_checks(collected, criteria, results, rejudged),
        baselines_check(collected),
        latest_check(collected, evaluations, clock),
        *(() if verdict is None else (decision_check(model, verdict, evaluations, clock),)),
        custom_check(criteria, collected, verdict),
        *(() if wanted is None else (benchmarks_check(collected, wanted, str(benchmarks)),)),
        champion_check(collected, champion),
        *(() if write_mark else (versions_check(model, stage, approval_tag_of(criteria)),)),
    )
    notes = (*_notes(rejudged), *attempt_notes(collected, evaluations))
    found = Verification(model, stage, trusted.shown, checks, results, notes, collected=collected)
    if not write_mark or found.outcome is not Outcome.PASSED:
        return found
    fresh = _fresh_verdict(criteria, collected, verdict, trusted, folder, clock)
    into = verdict_folder or folder / "genie-verdict"
    return replace(found, published=publish(fresh, collected, into, approval_tag=approval_tag_of(criteria)))


def _fresh_verdict(
    criteria: StageCriteria,
    collected: Collected,
    verdict: Verdict | None,
    trusted: TrustedSuite,
    folder: Path,
    clock: Clock,
) -> Verdict:
    """Return the verdict of this verification; only what no one else can know is taken over from a gate run's."""
    name = trusted.recorded_criteria if verdict is None else verdict.criteria["name"]
    return make_verdict(
        criteria,
        name,
        collected.evidence,
        decide(criteria, collected.evidence),
        custom_gates={} if verdict is None else verdict.custom_gates,
        problems={},
        suite_files={name: sha256_of_bytes(trusted.criteria())} if verdict is None else verdict.suite_files,
        dry_run=False,
        decided_at=iso_utc(clock.now()),
        provenance={**provenance(folder), "decided_by": f"mlflow-genie verify --mark, suite {trusted.shown}"},
    )


def _highest_marked(model: ModelRecord) -> str:
    marked = [stage for stage in manifest.STAGES if read_mark(model.tags, stage) is not None]
    return marked[-1] if marked else manifest.STAGES[0]


def _notes(rejudged: Rejudged) -> Iterator[str]:
    if rejudged.unconfirmed:
        yield (
            f"{count(len(rejudged.unconfirmed), 'finding')} could not be judged again because rows are not stored "
            f"(counted as no finding): {some(rejudged.unconfirmed)}; evaluate with --store-rows all to confirm them"
        )

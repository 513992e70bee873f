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
from mlflow_genie_plugin.errors import UnreadableFileError
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.checks import (
    Check,
    Claim,
    champion_check,
    claim_of_file,
    claim_of_mark,
    custom_check,
    evidence_checks,
    latest_check,
    mark_check,
    verdict_checks,
)
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected, collect
from mlflow_genie_plugin.gating.mark import read_mark
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, some
from mlflow_genie_plugin.gating.provenance import provenance
from mlflow_genie_plugin.gating.publish import Published, publish
from mlflow_genie_plugin.gating.rejudge import Rejudged, rejudge
from mlflow_genie_plugin.gating.trusted_suite import trusted_suite
from mlflow_genie_plugin.gating.verdict import make_verdict
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
        suite: The trusted suite: a folder or a git ref. Default: ``gates/`` here, else the installed one.
        verdict_file: The verdict.json of a gate run that could not mark; default: the one the mark names.
        folder: The working folder.
        write_mark: Write the mark when everything is verified; it need not exist then.
        verdict_folder: Where ``write_mark`` leaves the new verdict.json.
        clock: For the time in the new verdict.

    Raises:
        ModelNotFoundError, NotAGenieModelError: No such model version.
        UsageError, InvalidCriteriaError: The trusted suite cannot be used.
        TrackingUnavailableError: MLflow cannot be reached.
    """
    model = resolve_model(reference) if isinstance(reference, str) else reference
    folder = folder or Path.cwd()
    stage = stage or _highest_marked(model)
    mark = read_mark(model.tags, stage)
    claim: Claim | None
    if verdict_file is not None:
        claim = claim_of_file(verdict_file)
    else:
        # A mark to be written is decided anew, on the latest evaluation: what an older one says is no argument for it.
        claim = None if write_mark else claim_of_mark(model, mark)
    verdict = claim.verdict if claim is not None else None
    trusted = trusted_suite(suite, folder, verdict.criteria["name"] if verdict else None)
    criteria_bytes = trusted.read(trusted.criteria_name)
    if criteria_bytes is None:
        raise UnreadableFileError(f"{trusted.shown} has no {trusted.criteria_name}", next_step="give another --suite")
    criteria = parse_criteria(criteria_bytes, stage, f"{trusted.criteria_name} of {trusted.shown}")
    run_id = verdict.evaluation["run_id"] if verdict is not None and verdict.evaluation else None
    collected = collect(model, run_id)
    rejudged = rejudge(collected)
    results = decide(criteria, rejudged.evidence)
    checks = [
        *([claim.check] if claim is not None else ()),
        *(() if write_mark or verdict_file is not None else [mark_check(mark)]),
        *verdict_checks(verdict, model, stage, collected, criteria, trusted),
        *evidence_checks(collected, criteria, results, rejudged),
        latest_check(collected),
        custom_check(criteria, collected, verdict),
        champion_check(model, collected),
    ]
    found = Verification(
        model, stage, trusted.shown, tuple(checks), results, tuple(_notes(rejudged)), collected=collected
    )
    if not write_mark or found.outcome is not Outcome.PASSED:
        return found
    files = {trusted.criteria_name: sha256_of_bytes(criteria_bytes)} if verdict is None else dict(verdict.suite_files)
    fresh = make_verdict(
        criteria,
        trusted.criteria_name,
        collected.evidence,
        decide(criteria, collected.evidence),
        custom_gates=verdict.custom_gates if verdict is not None else {},
        problems={},
        suite_files=files,
        dry_run=False,
        decided_at=iso_utc(clock.now()),
        provenance={**provenance(folder), "decided_by": f"mlflow-genie verify --mark, suite {trusted.shown}"},
    )
    return replace(found, published=publish(fresh, collected, verdict_folder or folder / "genie-verdict"))


def _highest_marked(model: ModelRecord) -> str:
    marked = [stage for stage in manifest.STAGES if read_mark(model.tags, stage) is not None]
    return marked[-1] if marked else manifest.STAGES[0]


def _notes(rejudged: Rejudged) -> Iterator[str]:
    if rejudged.unconfirmed:
        yield (
            f"{count(len(rejudged.unconfirmed), 'finding')} could not be judged again because rows are not stored "
            f"(counted as no finding): {some(rejudged.unconfirmed)}; evaluate with --store-rows all to confirm them"
        )

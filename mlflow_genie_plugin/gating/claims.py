"""What a mark and its verdict claim, held against what is found: each mismatch by its name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError, UnreadableFileError
from mlflow_genie_plugin.gating.checks import Check, checked
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.mark import Mark, mark_tags
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, short, some
from mlflow_genie_plugin.gating.rules.rule import StageCriteria
from mlflow_genie_plugin.gating.trusted_suite import TrustedSuite
from mlflow_genie_plugin.gating.verdict import ARTIFACT, FULL, Verdict, parse_verdict
from mlflow_genie_plugin.registry import ModelRecord, download_run_artifact


@dataclass(frozen=True, slots=True)
class Claim:
    """The verdict that is to be verified: the mark's, or one that a gate run left in a file."""

    verdict: Verdict | None
    checks: tuple[Check, ...]


def claim_of_mark(model: ModelRecord, mark: Mark | None) -> Claim:
    """Return the verdict that a mark names, and whether the mark says what that verdict says."""
    if mark is None or not mark.run_id:
        nothing = "no gate run is named, so there is no verdict to verify"
        return Claim(None, (_mark_check(mark), Check("verdict", Outcome.UNDECIDED, nothing)))
    try:
        data = download_run_artifact(mark.run_id, ARTIFACT, ModelNotFoundError)
        verdict = parse_verdict(data, f"{ARTIFACT} of run {mark.run_id}")
    except ModelNotFoundError as error:
        found = f"the mark of {model.model_id} names it, but {error.what}"
        return Claim(None, (_mark_check(mark), Check("verdict", Outcome.FAILED, found)))
    except GenieError as error:
        return Claim(None, (_mark_check(mark), Check("verdict", Outcome.FAILED, error.what)))
    digest = sha256_of_bytes(data)
    if digest != mark.verdict_sha256:
        found = f"verdict.json has sha256 {short(digest)}, the mark says {short(mark.verdict_sha256)}"
        return Claim(verdict, (_mark_check(mark), Check("verdict", Outcome.FAILED, found)))
    wanted = mark_tags(verdict, mark.run_id, digest, {})
    own = f"genie.gate.{mark.stage}."
    wrong = [
        f"{key} is {_word(model.tags.get(key, ''))}, the verdict gives {_word(value)}"
        for key, value in wanted.items()
        if key.startswith(own) and model.tags.get(key, "") != value
    ]
    found = f"verdict.json of run {mark.run_id} is the one the mark names"
    return Claim(
        verdict,
        (
            _mark_check(mark),
            Check("verdict", Outcome.PASSED, found),
            checked("mark's tags", wrong, f"all {len(wanted)} tags say what the verdict says"),
        ),
    )


def claim_of_file(path: Path) -> Claim:
    """Return the verdict in a file.

    Raises:
        UnreadableFileError: It cannot be read.
        VerificationError: It is no verdict.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error
    return Claim(parse_verdict(data, str(path)), (Check("verdict", Outcome.PASSED, f"{path} is a verdict"),))


def verdict_checks(
    verdict: Verdict | None,
    model: ModelRecord,
    stage: str,
    collected: Collected,
    criteria: StageCriteria,
    trusted: TrustedSuite,
) -> Iterator[Check]:
    """Hold everything a verdict says against model, evaluation, criteria and gate files; nothing without a verdict."""
    if verdict is None:
        return
    wrong = [
        f"{name}: the verdict says {_word(says)}, needed is {_word(needed)}"
        for name, says, needed in _pairs(verdict, model, stage, collected)
        if says != needed
    ]
    yield checked("verdict's claims", wrong, "model, evaluation and stage are those of the verdict")
    if verdict.criteria["sha256"] == criteria.sha256:
        yield Check("criteria", Outcome.PASSED, f"the gates used the criteria of {trusted.shown}")
        yield _numbers_check(verdict, decide(criteria, collected.evidence))
    else:
        found = f"the gates used criteria {short(verdict.criteria['sha256'])}, trusted are {short(criteria.sha256)}"
        yield Check("criteria", Outcome.FAILED, found)
    changed = [
        f"{name} is not the one of {trusted.shown}"
        for name, digest in verdict.suite_files.items()
        if _digest(trusted.counterpart(name, verdict.criteria["name"])) != digest
    ]
    yield checked("gate files", changed, f"{count(len(verdict.suite_files), 'file')} as in {trusted.shown}")


def _mark_check(mark: Mark | None) -> Check:
    if mark is None:
        return Check("mark", Outcome.UNDECIDED, "the model has no mark for this stage; run the gates")
    if not mark.is_positive:
        return Check("mark", Outcome.FAILED, f"the mark says {mark.verdict}")
    return Check("mark", Outcome.PASSED, "the mark says passed")


def _pairs(
    verdict: Verdict, model: ModelRecord, stage: str, collected: Collected
) -> Iterator[tuple[str, object, object]]:
    """Yield what the verdict says and what it would have to say."""
    evaluation, hashes = collected.evidence.evaluation, collected.evidence.hashes
    claimed = verdict.evaluation or {}
    yield "outcome", verdict.outcome.value, Outcome.PASSED.value
    yield "stage", verdict.stage, stage
    yield "model", verdict.model["model_id"], model.model_id
    yield "model's name", verdict.model["name"], model.name
    yield "space", verdict.model["space_id"], collected.evidence.space_id
    yield "content hash", verdict.model["content_sha256"], hashes.content if hashes else None
    yield "behaviour hash", verdict.model["behaviour_sha256"], hashes.behaviour if hashes else None
    yield "snapshot hash", verdict.model["snapshot_sha256"], hashes.snapshot if hashes else None
    yield "evaluation", claimed.get("run_id"), evaluation.run_id if evaluation else None
    yield "evaluation digest", claimed.get("sha256"), evaluation.sha256 if evaluation else None
    yield "benchmarks digest", claimed.get("benchmarks_sha256"), evaluation.benchmarks_sha256 if evaluation else None
    yield "benchmarks", claimed.get("benchmarks_name"), evaluation.benchmarks_name if evaluation else None
    yield "planned questions", claimed.get("planned"), evaluation.planned_count if evaluation else None
    p0 = evaluation.p0 if evaluation else None
    yield "P0 questions", claimed.get("p0"), None if p0 is None else len(p0)
    yield "runner", claimed.get("runner"), evaluation.runner if evaluation else None
    yield "scope", verdict.scope, FULL
    yield "dry run", verdict.dry_run, False
    yield "problems", dict(verdict.problems), {}


def _numbers_check(verdict: Verdict, decided: tuple[GateResult, ...]) -> Check:
    """Hold the gates in the verdict against the same decision made now; sentences and ages may differ, results not."""
    said = {result.gate: result for result in verdict.results}
    now = {result.gate: result for result in decided}
    wrong = [f"{gate} is not among its gates" for gate in now if gate not in said]
    wrong += [f"it has a gate {gate}, which the criteria do not ask" for gate in said if gate not in now]
    for gate, result in now.items():
        claimed = said.get(gate)
        if claimed is None:
            continue
        if claimed.outcome is not result.outcome:
            wrong.append(f"{gate}: the verdict says {claimed.outcome}, computed is {result.outcome}")
        elif (claimed.waived is None) != (result.waived is None):
            wrong.append(f"{gate}: the verdict says {claimed.said}, computed is {result.said}")
        elif not _same_share(claimed.value, result.value):
            wrong.append(f"{gate}: the verdict says {_share(claimed.value)}, computed is {_share(result.value)}")
        elif set(claimed.questions) != set(result.questions):
            differing = sorted(set(claimed.questions) ^ set(result.questions))
            wrong.append(f"{gate}: the verdict names other questions ({some(differing)})")
    return checked("verdict's numbers", wrong, f"the results of its {len(now)} gates are those computed now")


def _same_share(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-9)


def _share(value: float | None) -> str:
    return "no share" if value is None else f"{value:.4f}"


def _digest(data: bytes | None) -> str | None:
    return sha256_of_bytes(data) if data is not None else None


def _word(value: object) -> str:
    if isinstance(value, str) and len(value) == 64:
        return short(value)
    if isinstance(value, Mapping):
        return some([f"{key} ({text})" for key, text in value.items()]) or "none"
    return str(value) or "empty"

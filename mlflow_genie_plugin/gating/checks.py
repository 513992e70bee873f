"""What is held against what when a mark is verified; each check says what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError, UnreadableFileError
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import STATUS_TAG, Collected, collect, evaluation_runs
from mlflow_genie_plugin.gating.mark import Mark
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, overall, short, some
from mlflow_genie_plugin.gating.publish import FULL
from mlflow_genie_plugin.gating.rejudge import Rejudged
from mlflow_genie_plugin.gating.rules.rule import StageCriteria
from mlflow_genie_plugin.gating.trusted_suite import TrustedSuite
from mlflow_genie_plugin.gating.verdict import ARTIFACT, Verdict, parse_verdict
from mlflow_genie_plugin.registry import ModelRecord, download_run_artifact, get_version_by_alias, versions_of_model

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified: what, the outcome, and what was found."""

    name: str
    outcome: Outcome
    found: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The verdict that is to be verified: the mark's, or one that a gate run left in a file."""

    verdict: Verdict | None
    check: Check


def claim_of_mark(model: ModelRecord, mark: Mark | None) -> Claim:
    if mark is None or not mark.run_id:
        return Claim(
            None, Check("verdict", Outcome.UNDECIDED, "no gate run is named, so there is no verdict to verify")
        )
    try:
        data = download_run_artifact(mark.run_id, ARTIFACT, ModelNotFoundError)
        verdict = parse_verdict(data, f"{ARTIFACT} of run {mark.run_id}")
    except ModelNotFoundError as error:
        return Claim(None, Check("verdict", Outcome.FAILED, f"the mark of {model.model_id} names it, but {error.what}"))
    except GenieError as error:
        return Claim(None, Check("verdict", Outcome.FAILED, error.what))
    digest = sha256_of_bytes(data)
    if digest != mark.verdict_sha256:
        found = f"verdict.json has sha256 {short(digest)}, the mark says {short(mark.verdict_sha256)}"
        return Claim(verdict, Check("verdict", Outcome.FAILED, found))
    return Claim(
        verdict, Check("verdict", Outcome.PASSED, f"verdict.json of run {mark.run_id} is the one the mark names")
    )


def claim_of_file(path: Path) -> Claim:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from error
    return Claim(parse_verdict(data, str(path)), Check("verdict", Outcome.PASSED, f"{path} is a verdict"))


def mark_check(mark: Mark | None) -> Check:
    if mark is None:
        return Check("mark", Outcome.UNDECIDED, "the model has no mark for this stage; run the gates")
    if not mark.is_positive:
        return Check("mark", Outcome.FAILED, f"the mark says {mark.verdict}")
    return Check("mark", Outcome.PASSED, "the mark says passed")


def verdict_checks(
    verdict: Verdict | None,
    model: ModelRecord,
    stage: str,
    collected: Collected,
    criteria: StageCriteria,
    trusted: TrustedSuite,
) -> Iterator[Check]:
    if verdict is None:
        return
    evaluation, hashes = collected.evidence.evaluation, collected.evidence.hashes
    claimed = verdict.evaluation or {}
    pairs: list[tuple[str, object, object]] = [
        ("outcome", verdict.outcome.value, Outcome.PASSED.value),
        ("stage", verdict.stage, stage),
        ("model", verdict.model["model_id"], model.model_id),
        ("content hash", verdict.model["content_sha256"], hashes.content if hashes else None),
        ("behaviour hash", verdict.model["behaviour_sha256"], hashes.behaviour if hashes else None),
        ("snapshot hash", verdict.model["snapshot_sha256"], hashes.snapshot if hashes else None),
        ("evaluation digest", claimed.get("sha256"), evaluation.sha256 if evaluation else None),
        ("benchmarks digest", claimed.get("benchmarks_sha256"), evaluation.benchmarks_sha256 if evaluation else None),
        ("scope", verdict.scope, FULL),
        ("dry run", verdict.dry_run, False),
        ("problems", dict(verdict.problems), {}),
    ]
    wrong = [
        f"{name}: the verdict says {_word(says)}, needed is {_word(needed)}"
        for name, says, needed in pairs
        if says != needed
    ]
    yield _check("verdict's claims", wrong, "model, evaluation and stage are those of the verdict")
    if verdict.criteria["sha256"] == criteria.sha256:
        yield Check("criteria", Outcome.PASSED, f"the gates used the criteria of {trusted.shown}")
    else:
        found = f"the gates used criteria {short(verdict.criteria['sha256'])}, trusted are {short(criteria.sha256)}"
        yield Check("criteria", Outcome.FAILED, found)
    changed = [name for name, digest in verdict.suite_files.items() if _digest(trusted.read(name)) != digest]
    yield _check("gate files", [f"{name} is not the one of {trusted.shown}" for name in changed],
                 f"{count(len(verdict.suite_files), 'file')} as in {trusted.shown}")  # fmt: skip


def evidence_checks(
    collected: Collected, criteria: StageCriteria, results: tuple[GateResult, ...], rejudged: Rejudged
) -> Iterator[Check]:
    recorded = decide(criteria, collected.evidence)
    for name, decided in (("decision", recorded), ("decision on findings judged again", results)):
        outcome = overall(decided)
        wrong = [f"{result.gate}: {result.reason}" for result in decided if result.outcome is not Outcome.PASSED]
        yield Check(name, outcome, "; ".join(wrong) or f"all {len(decided)} gates pass")
    if rejudged.problem:
        yield Check("findings", Outcome.UNDECIDED, rejudged.problem)
    elif rejudged.differing:
        first, how = next(iter(rejudged.differing.items()))
        found = f"{count(len(rejudged.differing), 'finding')} not confirmed, first {first}: {how}"
        yield Check("findings", Outcome.FAILED, found)
    else:
        yield Check("findings", Outcome.PASSED, "the judges of this version say the same about the recorded answers")


def latest_check(collected: Collected) -> Check:
    name = "latest evaluation"
    run = collected.run
    if run is None:
        return Check(name, Outcome.UNDECIDED, "there is no evaluation run")
    for other in evaluation_runs(collected.model):
        if other.run_id == run.run_id:
            return Check(name, Outcome.PASSED, "no later complete evaluation was left out")
        if other.tags.get(STATUS_TAG) == "complete" and other.tags.get("genie.evaluation.scope", FULL) == FULL:
            found = f"run {other.run_id} is a later complete evaluation that the gates did not look at"
            return Check(name, Outcome.FAILED, f"{found}; run the gates again")
    return Check(name, Outcome.FAILED, f"run {run.run_id} is not an evaluation of this model")


def custom_check(criteria: StageCriteria, collected: Collected, verdict: Verdict | None) -> Check:
    evaluation = collected.evidence.evaluation
    asked = criteria.section(evaluation.scope if evaluation else None).custom_gates
    reported = verdict.custom_gates if verdict is not None else {}
    wrong = [gate for gate in asked if reported.get(gate) is not Outcome.PASSED]
    if wrong:
        return Check("custom gates", Outcome.UNDECIDED, f"no verdict says that {some(wrong)} passed")
    found = f"{some(asked)} passed in the gate run; they are not computed again" if asked else "the criteria name none"
    return Check("custom gates", Outcome.PASSED, found)


def champion_check(model: ModelRecord, collected: Collected) -> Check:
    name, evaluation = "champion's questions", collected.evidence.evaluation
    problems, seen = [], []
    for registered in sorted({version.name for version in versions_of_model(model.model_id)}):
        try:
            champion = get_version_by_alias(registered, CHAMPION).model_id
        except ModelNotFoundError:
            continue
        if champion is None or champion == model.model_id:
            continue
        seen.append(champion)
        before = collect(champion).evidence.evaluation
        if before is None or before.p0 is None or evaluation is None or evaluation.p0 is None:
            return Check(name, Outcome.UNDECIDED, f"the questions of champion {champion} cannot be read")
        if gone := sorted(set(before.p0) - set(evaluation.p0)):
            problems.append(f"P0 questions of champion {champion} are gone: {some(gone)}")
        if evaluation.planned_count < before.planned_count:
            problems.append(f"{evaluation.planned_count} questions, champion {champion} had {before.planned_count}")
    if problems:
        help_ = "; if they were taken out on purpose, evaluate the champion on the new set"
        return Check(name, Outcome.FAILED, "; ".join(problems) + help_)
    return Check(
        name, Outcome.PASSED, f"none lost against {some(seen)}" if seen else "there is no champion to lose any"
    )


def _check(name: str, wrong: list[str], right: str) -> Check:
    return Check(name, Outcome.FAILED, "; ".join(wrong)) if wrong else Check(name, Outcome.PASSED, right)


def _digest(data: bytes | None) -> str | None:
    return sha256_of_bytes(data) if data is not None else None


def _word(value: object) -> str:
    if isinstance(value, str) and len(value) == 64:
        return short(value)
    if isinstance(value, Mapping):
        return some([f"{key} ({text})" for key, text in value.items()]) or "none"
    return str(value)

"""Writing a verdict down: the file, the gate's own run in MLflow, and last of all the mark on the model."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from mlflow_genie_plugin.atomic_files import write_bytes_atomically
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import GenieError, TrackingRefusedError, UnwritableFileError
from mlflow_genie_plugin.gating.baseline import explained
from mlflow_genie_plugin.gating.evidence import Collected, current_digest
from mlflow_genie_plugin.gating.explanation import Explanation
from mlflow_genie_plugin.gating.html_report.pages import PAGE_ARTIFACT, PAGE_NAME, report_pages
from mlflow_genie_plugin.gating.mark import REVOKED, mark_tags, verdict_key
from mlflow_genie_plugin.gating.note import markdown
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.phrases import WORDS
from mlflow_genie_plugin.gating.standing import DECIDED_TAG, why_not_to_mark, withdraw_if_contradicted
from mlflow_genie_plugin.gating.verdict import ARTIFACT, FILE_NAME, RUN_TYPE, Verdict, verdict_bytes
from mlflow_genie_plugin.gating.version_marks import follow_mark, marks_versions, tag_versions, version_plan
from mlflow_genie_plugin.registry import RunRecord, create_run, get_model, log_artifacts, set_model_tags, set_terminated


@dataclass(frozen=True, slots=True)
class Published:
    """Where a verdict went.

    Attributes:
        file: The local verdict.json; None when it could not be written.
        page: The local report.html, likewise.
        run_id: The gate's run; None when none was made.
        marked: Whether the model's mark now says what the verdict says.
        refused: The tracking server lets this identity read only; ``problem`` is empty then.
        problem: Why the model, or with ``marked`` a registered version, does not say what it should; else empty.
        note: What else should be said (no local file, an evaluation that never marks).
    """

    file: Path | None = None
    run_id: str | None = None
    marked: bool = False
    refused: bool = False
    problem: str = ""
    note: str = ""
    page: Path | None = None


def publish(
    verdict: Verdict,
    collected: Collected,
    folder: Path,
    explanation: Explanation | None = None,
    approval_tag: str | None = None,
) -> Published:
    """Write ``verdict`` to ``folder``, to a run of its own and, if it may mark, onto the model.

    The order matters: a mark is written only when the verdict it points to is stored and the evaluation still is what
    was judged. A dry run writes the local files only.

    Args:
        verdict: What was decided.
        collected: What it was decided on.
        folder: Where the local files go, in a folder of the stage's name.
        explanation: Why, where that is known already.
        approval_tag: The tag of registered versions that a deployment job waits for; None for none.
    """
    why = explanation or explained(verdict, collected)
    data, pages = verdict_bytes(verdict), report_pages(verdict, collected, why)
    file, note = _write_locally(folder / verdict.stage / FILE_NAME, data)
    page, page_note = _write_locally(folder / verdict.stage / PAGE_NAME, pages.local) if pages.local else (None, "")
    if verdict.dry_run:
        published = Published(file, note=version_plan(verdict, collected.model, approval_tag))
    else:
        published = _publish(verdict, collected, data, file, markdown(verdict, why), pages.full, approval_tag)
    notes = filter(None, (note, pages.problem, page_note, published.note))
    return replace(published, page=page, note="; ".join(notes))


def _publish(
    verdict: Verdict,
    collected: Collected,
    data: bytes,
    file: Path | None,
    note: str,
    page: bytes,
    approval_tag: str | None,
) -> Published:
    try:
        run = _store(verdict, collected, data, note, page)
        # As it is now: what other gate runs wrote since the evidence was collected counts too.
        model = get_model(collected.model.model_id)
        marks = marks_versions(verdict)
        problem = _changed_meanwhile(verdict) or (why_not_to_mark(verdict, model) if marks else "")
        passed = verdict.outcome is Outcome.PASSED
        set_terminated(run.run_id, "FINISHED" if passed and not problem else "FAILED")
        if passed and not marks:
            note = f"an evaluation of scope {verdict.scope} never marks a version"
            return Published(file, run.run_id, problem=problem, note=note)
        if problem or not marks:
            return Published(file, run.run_id, problem=problem)
        tags = mark_tags(verdict, run.run_id, sha256_of_bytes(data), model.tags)
        # What takes an approval back goes to the registered versions first, what gives one goes there last.
        if not passed:
            tag_versions(model, tags, verdict.outcome, approval_tag)
        set_model_tags(model.model_id, tags)
        if passed and (problem := withdraw_if_contradicted(verdict, model, run)):
            tag_versions(model, {verdict_key(verdict.stage): REVOKED}, Outcome.UNDECIDED, approval_tag)
            return Published(file, run.run_id, problem=problem)
        problem = follow_mark(model, tags, verdict.stage, approval_tag)
    except TrackingRefusedError as error:
        return Published(file, refused=True, problem="" if file else f"no verdict could be kept: {error.what}")
    except GenieError as error:
        return Published(file, problem=error.what)
    return Published(file, run.run_id, marked=True, problem=problem)


def _write_locally(path: Path, data: bytes) -> tuple[Path | None, str]:
    try:
        return write_bytes_atomically(path, data), ""
    except UnwritableFileError as error:
        return None, f"no local {path.name}: {error.what}"


def _store(verdict: Verdict, collected: Collected, data: bytes, note: str, page: bytes) -> RunRecord:
    evaluation = verdict.evaluation or {}
    tags = {
        "mlflow.runType": RUN_TYPE,
        "genie.gate.verdict": verdict.outcome.value,
        "genie.gate.stage": verdict.stage,
        "genie.gate.model_id": verdict.model["model_id"],
        "genie.gate.evaluation_run_id": evaluation.get("run_id", ""),
        "genie.gate.verdict_sha256": sha256_of_bytes(data),
        DECIDED_TAG: verdict.decided_at,
    }
    if commit := verdict.provenance.get("git_commit"):
        tags["mlflow.source.git.commit"] = commit
    run = create_run(
        f"gate {verdict.stage} · {verdict.model['name']} · {WORDS[verdict.outcome]}",
        experiment_id=collected.model.experiment_id,
        tags=tags,
        description=note,
        find_commit=False,
    )
    try:
        log_artifacts(run.run_id, {ARTIFACT: data} | ({PAGE_ARTIFACT: page} if page else {}))
    except GenieError:
        with contextlib.suppress(GenieError):
            set_terminated(run.run_id, "FAILED")
        raise
    return run


def _changed_meanwhile(verdict: Verdict) -> str:
    if verdict.outcome is not Outcome.PASSED or verdict.evaluation is None:
        return ""
    now = current_digest(verdict.evaluation["run_id"])
    if now == verdict.evaluation["sha256"]:
        return ""
    return "the evaluation's result file was changed while the gates ran; nothing was marked"

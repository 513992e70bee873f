"""The mark: tags on the model that say what its last gate run for a stage decided.

A mark is a claim, not a proof: whoever may write to the model can set any tag. Every reader that acts on a mark has it
verified first; the digests in it say against what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.verdict import Verdict

PREFIX = "genie.gate"
REVOKED = "revoked"
_FIELDS = ("verdict", "run_id", "verdict_sha256", "evaluation_run_id", "evaluation_sha256", "model_id", "decided_at")


@dataclass(frozen=True, slots=True)
class Mark:
    """The claims of one mark; an absent tag is an empty string."""

    stage: str
    verdict: str
    run_id: str
    verdict_sha256: str
    evaluation_run_id: str
    evaluation_sha256: str
    model_id: str
    decided_at: str

    @property
    def is_positive(self) -> bool:
        return self.verdict == Outcome.PASSED.value


def read_mark(tags: Mapping[str, str], stage: str) -> Mark | None:
    """Return the mark for ``stage`` among a model's tags, None when there is none."""
    if _key(stage, "verdict") not in tags:
        return None
    return Mark(stage, *(tags.get(_key(stage, name), "") for name in _FIELDS))


def mark_tags(verdict: Verdict, gate_run_id: str, verdict_sha256: str, current: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that replace the stage's mark with this verdict, all to be written in one request.

    A failed verdict also takes back the positive marks of the later stages: what may not become a candidate may not
    stay approved for production.

    Args:
        verdict: The verdict to mark.
        gate_run_id: The run that holds it.
        verdict_sha256: The digest of its bytes there.
        current: The model's tags now.
    """
    evaluation = verdict.evaluation or {}
    facts: dict[str, str | None] = {
        "verdict": verdict.outcome.value,
        "run_id": gate_run_id,
        "verdict_sha256": verdict_sha256,
        "model_id": verdict.model["model_id"],
        "evaluation_run_id": evaluation.get("run_id"),
        "evaluation_sha256": evaluation.get("sha256"),
        "config_sha256": verdict.model["content_sha256"],
        "criteria_sha256": verdict.criteria["sha256"],
        "suite_sha256": verdict.suite_sha256,
        "decided_at": verdict.decided_at,
        "waived": ", ".join(result.gate for result in verdict.results if result.waived is not None),
        **{name: verdict.provenance.get(name) for name in ("plugin_version", "git_commit", "ci_url")},
    }
    # Every field is written, also the empty ones: a value of an older mark must not survive next to the new verdict.
    tags = {_key(verdict.stage, name): value or "" for name, value in facts.items()}
    if verdict.outcome is Outcome.FAILED:
        later = manifest.STAGES[manifest.STAGES.index(verdict.stage) + 1 :]
        for stage in later:
            older = read_mark(current, stage)
            if older is not None and older.is_positive:
                tags[_key(stage, "verdict")] = REVOKED
    return tags


def touches_mark(verdict: Verdict) -> bool:
    """Return whether a verdict replaces the mark of its stage.

    An incomplete run says nothing about the version: an older mark stays as it is. A decision that did not pass,
    complete or not, takes the older mark away.
    """
    return verdict.outcome is not Outcome.UNDECIDED or bool(verdict.blocking())


def verdict_key(stage: str) -> str:
    """Return the tag that says what the mark of a stage is."""
    return _key(stage, "verdict")


def _key(stage: str, name: str) -> str:
    return f"{PREFIX}.{stage}.{name}"

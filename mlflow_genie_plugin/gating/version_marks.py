"""Carrying a verdict to the registered versions that are the model: the gate's tags, and a deployment job's approval.

A Databricks deployment job reads a tag of the version that is named like its approval task, and goes on only when that
says ``approved``. The tags are planned first, written, and read back; what was not written is raised and never passed
over, because a job may act on an older approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow_genie_plugin.errors import GenieError, TrackingUnavailableError, UnverifiedWriteError
from mlflow_genie_plugin.gating.checks import Check, checked
from mlflow_genie_plugin.gating.mark import PREFIX, REVOKED, mark_tags, read_mark, touches_mark
from mlflow_genie_plugin.gating.outcome import Outcome, count
from mlflow_genie_plugin.gating.verdict import FULL, Verdict
from mlflow_genie_plugin.registry import (
    VersionRecord,
    delete_version_tag,
    get_model,
    get_version,
    set_version_tags,
    versions_of_model,
)

if TYPE_CHECKING:
    from mlflow_genie_plugin.registry import ModelRecord

APPROVED = "approved"
REJECTED = "rejected"
# Which tag an approval was written to: a run for an earlier stage that revokes it does not read that stage's criteria.
_APPROVAL_TAG = "approval_tag"
# Each try after the first is for another gate run that wrote meanwhile; that ends when the other one does.
_TRIES = 8
_COPIED = ("verdict", "run_id", "verdict_sha256", "model_id", "decided_at")


@dataclass(frozen=True, slots=True)
class TagChange:
    """One tag of one registered version as it shall be; ``value`` None: it shall not be there."""

    name: str
    version: str
    key: str
    value: str | None

    @property
    def withdraws(self) -> bool:
        """Whether it takes something back, which is done before anything is given."""
        return self.value is None or self.value in (REJECTED, REVOKED)

    def __str__(self) -> str:
        said = "remove" if self.value is None else f"set to {self.value!r}"
        return f"version {self.version} of {self.name}: {self.key} {said}"


def marks_versions(verdict: Verdict) -> bool:
    """Return whether a verdict replaces the mark of its stage; a pass on a part of the questions never does."""
    return touches_mark(verdict) and (verdict.scope == FULL or verdict.outcome is not Outcome.PASSED)


def tag_versions(model: ModelRecord, tags: Mapping[str, str], outcome: Outcome, approval_tag: str | None) -> str:
    """Write on every registered version that is ``model`` what its mark says; return what they do not show then."""
    try:
        write_changes(planned_changes(versions_of_model(model.model_id), tags, outcome, approval_tag))
    except GenieError as error:
        return error.what
    return ""


def follow_mark(model: ModelRecord, tags: Mapping[str, str], stage: str, approval_tag: str | None) -> str:
    """Bring the registered versions in line with the model's mark as it is now; return what they do not show then.

    Tags of a version are written one by one, so two gate runs of one model can mix theirs, and the slower one would
    put what it decided over the mark of the other. A run ends only once it has seen the versions say what the mark
    says: the last one leaves them whole.

    Args:
        model: The model that was marked.
        tags: What this run wrote on it.
        stage: The stage it was for.
        approval_tag: The tag that a deployment job waits for at this stage; None for none.
    """
    problem = ""
    for _ in range(_TRIES):
        try:
            if not (versions := versions_of_model(model.model_id)):
                return ""
            now = get_model(model.model_id).tags
            mark = {key: now.get(key, value) for key, value in tags.items()}
            said = mark[f"{PREFIX}.{stage}.verdict"]
            outcome = Outcome(said) if said in set(Outcome) else Outcome.UNDECIDED
            changes = planned_changes(versions, mark, outcome, approval_tag)
            if not changes:
                return ""
            write_changes(changes)
        except UnverifiedWriteError as error:
            problem = error.what
        except GenieError as error:
            return error.what
    return problem or f"registered versions of {model.model_id} are written to by others all the time"


def version_plan(verdict: Verdict, model: ModelRecord, approval_tag: str | None) -> str:
    """Return in words what a run that is no dry run would change on registered versions; empty for nothing."""
    if not marks_versions(verdict):
        return ""
    tags = mark_tags(verdict, "", "", model.tags)
    try:
        changes = planned_changes(versions_of_model(model.model_id), tags, verdict.outcome, approval_tag)
    except GenieError as error:
        return f"which registered versions would be changed is not known: {error.what}"
    telling = [str(change) for change in changes if change.key.endswith(".verdict") or PREFIX not in change.key]
    return f"would change {'; '.join(telling)}" if telling else ""


def versions_check(model: ModelRecord, stage: str, approval_tag: str | None) -> Check:
    """Say whether a registered version claims what the model's mark does not say, in particular an approval.

    A version without these tags claims nothing; it may have been registered after the model was marked.
    """
    mark, wrong, versions = read_mark(model.tags, stage), [], versions_of_model(model.model_id)
    for version in versions:
        name = f"version {version.version} of {version.name}"
        for field in _COPIED:
            key = f"{PREFIX}.{stage}.{field}"
            if key in version.tags and version.tags[key] != model.tags.get(key, ""):
                wrong.append(f"{name} says {key} {version.tags[key]!r}, the model {model.tags.get(key, '')!r}")
        # A job may still wait for the name that an earlier run wrote to.
        for approval in dict.fromkeys((approval_tag, version.tags.get(f"{PREFIX}.{stage}.{_APPROVAL_TAG}"))):
            # The deployment job compares in lower case.
            approved = approval is not None and version.tags.get(approval, "").strip().lower() == APPROVED
            if approved and (mark is None or not mark.is_positive):
                wrong.append(f"{name} is approved ({approval}), and the model is not marked")
    right = f"nothing else is claimed by {count(len(versions), 'version')}"
    return checked("registered versions", wrong, right if versions else "the model is not registered")


def planned_changes(
    versions: Iterable[VersionRecord], tags: Mapping[str, str], outcome: Outcome, approval_tag: str | None
) -> tuple[TagChange, ...]:
    """Return what has to change on the registered versions so that they say what the model's mark says.

    Args:
        versions: Every registered version that is this model.
        tags: The tags that the mark writes on the model, also those that revoke later stages.
        outcome: The verdict's.
        approval_tag: The tag that a deployment job waits for at this stage; None for none.
    """
    return tuple(
        change
        for version in versions
        for change in _changes(version, tags, outcome, approval_tag)
        if version.tags.get(change.key) != change.value
    )


def write_changes(changes: Iterable[TagChange]) -> None:
    """Write the changes, those that take something back first, and prove them by reading the versions again.

    Every change is tried also after one that failed: a refused tag must not leave an older approval elsewhere.

    Raises:
        TrackingUnavailableError: A tag could not be written; the message names every one.
        UnverifiedWriteError: The versions do not show what was written.
    """
    planned = sorted(changes, key=lambda change: not change.withdraws)
    failed: dict[TagChange, GenieError] = {}
    for change in planned:
        try:
            if change.value is None:
                delete_version_tag(change.name, change.version, change.key)
            else:
                set_version_tags(change.name, change.version, {change.key: change.value})
        except GenieError as error:
            failed[change] = error
    if failed:
        first = next(iter(failed.values()))
        raise TrackingUnavailableError(
            f"registered versions do not say what the verdict says ({'; '.join(map(str, failed))}): {first.what}",
            next_step=first.next_step or "ask for the right to tag the registered model, then run the gates again",
        )
    if unproven := [change for change in planned if not _shows(change)]:
        raise UnverifiedWriteError(
            f"registered versions do not show what was written: {'; '.join(map(str, unproven))}",
            next_step="run the gates again; somebody else may write to these versions",
        )


def _changes(
    version: VersionRecord, tags: Mapping[str, str], outcome: Outcome, approval_tag: str | None
) -> Iterator[TagChange]:
    def change(key: str, value: str | None) -> TagChange:
        return TagChange(version.name, version.version, key, value)

    stage = ""
    for key, value in tags.items():
        _, _, rest = key.partition(f"{PREFIX}.")
        own_stage, _, field = rest.partition(".")
        if field in _COPIED:
            yield change(key, value)
        if field == "verdict" and value == REVOKED:
            recorded = version.tags.get(f"{PREFIX}.{own_stage}.{_APPROVAL_TAG}")
            if recorded:
                yield change(recorded, REJECTED)
        elif field == "verdict":
            stage = own_stage
    if not stage:
        return
    marker = f"{PREFIX}.{stage}.{_APPROVAL_TAG}"
    former = version.tags.get(marker)
    if former and former != approval_tag:
        yield change(former, None)
    if approval_tag is None:
        if former:
            yield change(marker, None)
        return
    yield change(marker, approval_tag)
    yield change(approval_tag, {Outcome.PASSED: APPROVED, Outcome.FAILED: REJECTED}.get(outcome))


def _shows(change: TagChange) -> bool:
    return get_version(change.name, change.version).tags.get(change.key) == change.value

"""Where a version comes from: choosing and proving its parent, and walking the chain back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow_genie_plugin.errors import GenieError, ModelNotFoundError, UsageError
from mlflow_genie_plugin.flavor.layout import MODEL_TYPE
from mlflow_genie_plugin.flavor.load import Snapshot, read_snapshot
from mlflow_genie_plugin.registry import ModelRecord, current_experiment_id, resolve_model, search_models
from mlflow_genie_plugin.snapshot.describe import NONE

# When a restore made the version live again: milliseconds since the epoch. A new version made afterwards comes from it.
LIVE_SINCE = "genie.live_since"
LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent chosen for a new version; ``snapshot`` is None for the first. ``reason`` says how it was chosen."""

    snapshot: Snapshot | None
    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """One version in a chain. ``problem`` says why the chain cannot be followed or trusted here."""

    model_id: str
    record: ModelRecord | None
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        params = self.record.params if self.record else {}
        tags = self.record.tags if self.record else {}
        return {
            "model_id": self.model_id,
            "name": self.record.name if self.record else None,
            "iteration": _number(params.get("iteration")),
            "domain": params.get("domain"),
            "space_id": params.get("space_id"),
            "config_sha256": params.get("config_sha256"),
            "behaviour_sha256": params.get("behaviour_sha256"),
            "parent_model_id": parent_of(self.record) if self.record else None,
            "tags": {key: value for key, value in tags.items() if not key.startswith("mlflow.")},
            "problem": self.problem,
        }


def versions_of_space(space_id: str, experiment_id: str | None = None) -> list[ModelRecord]:
    """Return the finished versions of a space in one experiment (default: the current), the latest live one first."""
    found = search_models(experiment_ids=[experiment_id or current_experiment_id()], params={"space_id": space_id})
    ours = [record for record in found if record.model_type == MODEL_TYPE]
    return sorted(ours, key=live_since, reverse=True)


def live_since(record: ModelRecord) -> int:
    """Return when this version last became what the space holds: at its creation, or when it was restored."""
    restored = record.tags.get(LIVE_SINCE, "")
    return max(record.creation_timestamp, int(restored) if restored.isdigit() else 0)


def choose_parent(wanted: str | None, space_id: str, experiment_id: str, *, allow_other_space: bool = False) -> Parent:
    """Return the parent of a new version of ``space_id``, proven to be an untouched version of the same space.

    Args:
        wanted: A model reference, ``none``, or ``latest`` (also None): the version that last was what the space holds.
        space_id: The space of the new version.
        experiment_id: Where ``latest`` looks.
        allow_other_space: Accept a parent that is a version of another space.

    Raises:
        ModelNotFoundError: The model named does not exist.
        NotAGenieModelError: It has another flavor.
        TamperedModelError: Its files are not what was recorded.
        UsageError: It is a version of another space.
    """
    if wanted == NONE:
        return Parent(None, "no parent, as asked")
    if wanted is None or wanted == LATEST:
        versions = versions_of_space(space_id, experiment_id)
        if not versions:
            return Parent(None, "no parent: this is the first version of the space in this experiment")
        return Parent(read_snapshot(versions[0]), "the latest version of this space")
    snapshot = read_snapshot(wanted)
    if snapshot.space_id != space_id and not allow_other_space:
        raise UsageError(
            f"parent {snapshot.model_id} is a version of space {snapshot.space_id}, not of {space_id}",
            next_step="give a version of the same space, or allow another one with --parent-of-other-space",
        )
    return Parent(snapshot, "as asked")


def next_iteration(parent: Snapshot | None, domain: str, space_id: str, experiment_id: str) -> int:
    """Return the parent's iteration + 1, or the next number of the domain's versions of this space, or 1."""
    if parent is not None:
        number = _number(parent.model.params.get("iteration"))
        if number is not None:
            return number + 1
    found = search_models(experiment_ids=[experiment_id], params={"domain": domain, "space_id": space_id})
    return max((_number(record.params.get("iteration")) or 0 for record in found), default=0) + 1


def lineage(reference: str, *, get: Callable[[str], ModelRecord] = resolve_model, limit: int = 1000) -> list[Link]:
    """Return the chain from a version back to its first ancestor, the version itself first.

    A chain that cannot be followed ends with a link whose ``problem`` says why: the parent is gone, is no saved space,
    was named before (a cycle), or is a version of another space (said, and followed).

    Raises:
        ModelNotFoundError: ``reference`` itself does not exist.
    """
    chain: list[Link] = []
    seen: set[str] = set()
    record: ModelRecord | None = get(reference)
    while record is not None:
        seen.add(record.model_id)
        chain.append(Link(record.model_id, record, _problem(record, chain)))
        parent = parent_of(record)
        record = None
        if parent is None:
            break
        if parent in seen:
            chain.append(Link(parent, None, "the chain is a circle: this version is its own ancestor"))
        elif len(chain) >= limit:
            chain.append(Link(parent, None, f"the chain is longer than {limit} versions; the rest is not shown"))
        else:
            try:
                record = get(parent)
            except ModelNotFoundError as error:
                chain.append(Link(parent, None, f"the chain is broken: {error.what}"))
    return chain


def parent_of(record: ModelRecord) -> str | None:
    """Return the id of the parent that was recorded at creation."""
    parent = record.params.get("parent_model_id", NONE)
    return None if parent == NONE else parent


def require_parent(snapshot: Snapshot) -> Snapshot:
    """Return the parent of a version, proven.

    Raises:
        UsageError: It has none.
        GenieError: The parent is gone or not what was recorded.
    """
    if snapshot.parent_model_id is None:
        raise UsageError(
            f"model {snapshot.model_id} has no parent to go back to",
            next_step="name the version to restore: mlflow-genie restore MODEL",
        )
    return read_snapshot(snapshot.parent_model_id)


def _problem(record: ModelRecord, chain: Sequence[Link]) -> str | None:
    if "snapshot_sha256" not in record.params:
        return "this is no saved space: it has no recorded hashes"
    child = chain[-1].record if chain else None
    if child is not None and child.params.get("space_id") != record.params.get("space_id"):
        return f"the version after it is of another space, {child.params.get('space_id')}"
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def verify_chain(links: Sequence[Link]) -> list[Link]:
    """Return the links with every version's files held against its params; a failure is its ``problem``."""
    checked = []
    for link in links:
        if link.record is None or link.problem is not None:
            checked.append(link)
            continue
        try:
            read_snapshot(link.record)
            checked.append(link)
        except GenieError as error:
            checked.append(Link(link.model_id, link.record, error.what))
    return checked

"""What a restore would do, worked out without doing it: the target, the changes, and what it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
from mlflow_genie_plugin.schemas import require_format_version, violations_of

FORMAT_VERSION = 1
# Option name → attribute of the envelope.
DEPLOYMENT_FIELDS = {
    "title": "title",
    "description": "description",
    "warehouse": "warehouse_id",
    "folder": "parent_path",
}
_ALIASES = {"warehouse_id": "warehouse", "parent_path": "folder"}


@dataclass(frozen=True)
class RestorePlan:
    """A restore, planned.

    Attributes:
        space_id: The space that would be written.
        space_title: Its title now.
        model_id: The version that would be put back.
        snapshot_sha256: Digest of that version's file.
        live_etag: The server's version of the config the plan was made for.
        live_content_sha256: Content hash of that config.
        live_behaviour_sha256: Behaviour hash of that config.
        target_content_sha256: What the space must show afterwards.
        target_behaviour_sha256: What the space must show afterwards.
        keep_benchmarks: Whether the live benchmark questions stay.
        include: Deployment fields that were asked for.
        field_changes: Deployment field → (now, afterwards), only those that differ.
        not_recorded: Fields asked for that the version has no value of; they stay as they are.
        changes: The difference for machines.
        text: The difference for a person.
        target: The document that would be written; not part of the plan file.
    """

    space_id: str
    space_title: str
    model_id: str
    snapshot_sha256: str
    live_etag: str | None
    live_content_sha256: str
    live_behaviour_sha256: str
    target_content_sha256: str
    target_behaviour_sha256: str
    keep_benchmarks: bool
    include: tuple[str, ...]
    field_changes: dict[str, tuple[str | None, str]]
    not_recorded: tuple[str, ...]
    changes: dict[str, Any] = field(compare=False)
    text: str = field(compare=False)
    target: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def changes_config(self) -> bool:
        return self.live_content_sha256 != self.target_content_sha256

    @property
    def nothing_to_do(self) -> bool:
        return not self.changes_config and not self.field_changes

    def to_json(self) -> dict[str, Any]:
        """Return the plan file: everything but the target document, sealed with a digest."""
        body: dict[str, Any] = {"format_version": FORMAT_VERSION, "kind": "restore"}
        for entry in fields(self):
            if entry.name != "target":
                value = getattr(self, entry.name)
                body[entry.name] = list(value) if isinstance(value, tuple) else value
        body["field_changes"] = {name: list(pair) for name, pair in self.field_changes.items()}
        return {**body, "digest": sha256_of_json(body)}

    def render(self) -> str:
        """Return the plan for a person."""
        lines = [f"Plan: put back model {self.model_id}", f'  into "{self.space_title}" ({self.space_id})']
        if self.changes_config:
            lines += [f"  {line}" for line in self.text.splitlines()]
        else:
            lines.append("  = the configuration is already the same")
        for name, (now, then) in self.field_changes.items():
            lines.append(f"  ~ {name}: {_short(now)} -> {_short(then)}")
        lines += [f"  = {name} stays: the model has none recorded" for name in self.not_recorded]
        lines.append(
            "  = benchmark questions stay as they are now"
            if self.keep_benchmarks
            else "  ! benchmark questions become those of the model"
        )
        lines.append("  = conversations and permissions are not touched")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.render())}</pre>"


def read_plan(document: Any, what: str) -> RestorePlan:
    """Return the plan in a plan file; its ``target`` is worked out again when it is applied.

    Raises:
        UnreadableFileError: It is no plan, or was edited after it was saved.
        UnsupportedFormatError: Another version of this package wrote it.
    """
    require_format_version(document, FORMAT_VERSION, what)
    if violations := violations_of(document, "restore_plan"):
        raise UnreadableFileError(f"{what} is no restore plan: {violations[0]}", next_step=_PLAN_AGAIN)
    body = {key: value for key, value in document.items() if key != "digest"}
    if document["digest"] != sha256_of_json(body):
        raise UnreadableFileError(f"{what} was changed after it was saved", next_step=_PLAN_AGAIN)
    values = {entry.name: body[entry.name] for entry in fields(RestorePlan) if entry.name != "target"}
    values["include"] = tuple(values["include"])
    values["not_recorded"] = tuple(values["not_recorded"])
    values["field_changes"] = {name: (pair[0], pair[1]) for name, pair in values["field_changes"].items()}
    return RestorePlan(**values)


def differences(planned: RestorePlan, now: RestorePlan) -> list[str]:
    """Return what changed between a plan and the same plan made now, in words; empty when nothing did."""
    found = []
    if planned.snapshot_sha256 != now.snapshot_sha256:
        found.append("the model is another one")
    if planned.live_content_sha256 != now.live_content_sha256:
        found.append(
            f"the space's configuration changed (planned for {planned.live_content_sha256[:12]}, "
            f"now {now.live_content_sha256[:12]})"
        )
    elif planned.live_etag != now.live_etag:
        found.append(f"the space was written meanwhile (planned for etag {planned.live_etag}, now {now.live_etag})")
    found += [
        f"{name} of the space changed"
        for name in sorted(planned.field_changes.keys() | now.field_changes.keys())
        if planned.field_changes.get(name) != now.field_changes.get(name)
    ]
    if not found and planned != now:
        found.append("the plan made now is another one")
    if not found and (planned.text != now.text or sha256_of_json(planned.changes) != sha256_of_json(now.changes)):
        # It is what a reviewer read; the digest of a plan file finds accidents, not somebody who computes it anew.
        found.append("the changes it shows are not those it would make")
    return found


def clean_include(include: Sequence[str]) -> tuple[str, ...]:
    """Return the deployment fields named, each once, in a fixed order.

    Raises:
        UsageError: A name is none of them.
    """
    names = {_ALIASES.get(name.strip(), name.strip()) for name in include}
    if unknown := sorted(names - DEPLOYMENT_FIELDS.keys()):
        raise UsageError(
            f"{', '.join(unknown)}: no such deployment field", next_step=f"choose from {', '.join(DEPLOYMENT_FIELDS)}"
        )
    return tuple(name for name in DEPLOYMENT_FIELDS if name in names)


def same_folder(first: str | None, second: str | None) -> bool:
    """Return whether two folder paths are the same: the workspace returns them without the ``/Workspace`` prefix."""
    return folder_of(first) == folder_of(second)


def folder_of(path: str | None) -> str:
    return (path or "").removeprefix("/Workspace").rstrip("/")


def _short(text: str | None) -> str:
    shown = repr(text or "")
    return shown if len(shown) <= 60 else shown[:57] + "…'"


_PLAN_AGAIN = "make the plan again: mlflow-genie restore MODEL --plan FILE"

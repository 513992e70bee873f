"""What is told of a model version just created: to people, to machines, to notebooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.space.diff import SpaceDiff


@dataclass(frozen=True)
class SnapshotRecord:
    """A model version just created.

    Attributes:
        parent_reason: How the parent was chosen.
        registered: ``NAME/VERSION`` when it was registered.
        violations: What the validator says about the config; the version exists regardless.
        captures: Status of columns, tags and routines: ok, failed or not_requested, with the reason of a failure.
        changes: The difference to the parent; None without one.
    """

    model_id: str
    name: str
    run_id: str
    space_id: str
    domain: str
    iteration: int
    config_sha256: str
    behaviour_sha256: str
    snapshot_sha256: str
    parent_model_id: str | None
    parent_reason: str
    title: str | None = None
    registered: str | None = None
    violations: tuple[Violation, ...] = ()
    captures: dict[str, str] = field(default_factory=dict)
    changes: SpaceDiff | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the record for machines."""
        return {
            **{key: getattr(self, key) for key in _RECORD_KEYS},
            "change_count": len(self.changes.changes) if self.changes is not None else None,
            "violations": [
                {"path": v.path, "rule": v.rule, "severity": v.severity, "message": v.message} for v in self.violations
            ],
        }

    def _repr_html_(self) -> str:
        rows = {"model": self.model_id, "name": self.name, "config": self.config_sha256[:12], "run": self.run_id}
        cells = "".join(f"<tr><th>{key}</th><td>{escape(value)}</td></tr>" for key, value in rows.items())
        return f"<table>{cells}</table>"


_RECORD_KEYS = (
    "model_id", "name", "run_id", "space_id", "title", "domain", "iteration", "config_sha256", "behaviour_sha256",
    "snapshot_sha256", "parent_model_id", "parent_reason", "registered", "captures",
)  # fmt: skip

"""Lines of the criteria that are no gates: how long a waiver may run, and the tag that a deployment job waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from mlflow_genie_plugin.errors import Violation
from mlflow_genie_plugin.gating.rules.rule import Path, Rule, ScopeCriteria, StageCriteria, violation
from mlflow_genie_plugin.gating.signed import LONGEST_WAIVER_DAYS


@dataclass(frozen=True)
class Handling(Rule):
    """What happens besides deciding. Both lines may be left out: the file is no laxer without them.

    Attributes:
        waiver_days: The longest that a waiver may run, in days.
        approval_tag: The tag of registered versions that says ``approved`` or ``rejected``; None for none.
    """

    waiver_days: int = LONGEST_WAIVER_DAYS
    approval_tag: str | None = None

    @classmethod
    def violations(cls, section: Mapping[str, Any], path: Path) -> Iterator[Violation]:
        if "approval_tag" in section and path[-1] != "full":
            message = f"an evaluation of scope {path[-1]} never marks a version, so it approves none"
            yield violation([*path, "approval_tag"], "not-measured", message)

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        return cls(section.get("waiver_days", LONGEST_WAIVER_DAYS), section.get("approval_tag"))

    def asked(self, section: ScopeCriteria) -> tuple[str, ...]:
        return ()


def approval_tag_of(criteria: StageCriteria) -> str | None:
    """Return the tag that a deployment job waits for at this stage; None for none."""
    handling = criteria.scopes["full"].find(Handling)
    return handling.approval_tag if handling is not None else None

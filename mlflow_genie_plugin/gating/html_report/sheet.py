"""Everything the report page shows, as values: gathered once, then written without asking anybody again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow_genie_plugin.gating.explanation import Explanation
from mlflow_genie_plugin.gating.observed import Evidence
from mlflow_genie_plugin.gating.verdict import Verdict

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import EvaluationResult


@dataclass(frozen=True, slots=True)
class PastRun:
    """An earlier gate run of the same version, as its tags say; ``when`` is UTC."""

    run_id: str
    when: str
    stage: str
    outcome: str
    evaluation_run_id: str
    commit: str


@dataclass(frozen=True)
class Sheet:
    """What one page says.

    Attributes:
        about: The evaluation without its questions; None when there is none.
        history: Earlier gate runs of the version, newest first.
        rows: Whether result rows may stand on the page; they are the customer's data.
        origin: Where the verdict comes from, when it is not this very gate run; empty otherwise.
        next_step: The command that comes next.
    """

    verdict: Verdict
    evidence: Evidence
    explanation: Explanation
    about: EvaluationResult | None = None
    history: tuple[PastRun, ...] = ()
    rows: bool = True
    origin: str = ""
    next_step: str = ""

    @property
    def evaluation_facts(self) -> Mapping[str, str]:
        """What the evaluation says about how it was made: runner, times, stored rows."""
        if self.about is None:
            return {}
        names = ("kind", "version", "started_at", "finished_at", "store_rows", "times")
        return {name: str(self.about.runner[name]) for name in names if self.about.runner.get(name) is not None}

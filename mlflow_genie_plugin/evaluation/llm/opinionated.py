"""A deterministic judge with a model's opinion on top; for everything else it is that judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlflow_genie_plugin.evaluation.judge import Judge, JudgedCase
from mlflow_genie_plugin.evaluation.llm.opinion import Opinionist, with_opinion
from mlflow_genie_plugin.evaluation.result import Finding


@dataclass
class OpinionatedJudge:
    """Gives the inner judge's finding with the opinion that ``opinionist`` has on it."""

    inner: Judge
    opinionist: Opinionist
    name: str = field(init=False)
    version: str = field(init=False)

    def __post_init__(self) -> None:
        self.name, self.version = self.inner.name, self.inner.version

    @property
    def facts(self) -> Mapping[str, str]:
        """Model, prompt and its version, for the judge's entry in the result."""
        asked = self.opinionist.asked(self.inner.name)
        return {} if asked is None else asked.facts()

    def judge(self, case: JudgedCase) -> Finding:
        return with_opinion(self.inner.judge(case), case, self.opinionist)


def opinionated(judges: Sequence[Judge], opinionist: Opinionist) -> tuple[Judge, ...]:
    """Return the judges, those whose model is asked with opinions on top."""
    return tuple(
        judge if opinionist.asked(judge.name) is None else OpinionatedJudge(judge, opinionist) for judge in judges
    )

"""Where judging runs: in this process, or on Spark. The results are the same bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.judge import Judge
from mlflow_genie_plugin.evaluation.judging import judge_questions
from mlflow_genie_plugin.evaluation.result import QuestionResult

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase

ENGINES = ("local", "spark")


class JudgingEngine(Protocol):
    """Judges cases: one result for each, in their order."""

    def require_ready(self, judges: Sequence[Judge]) -> None:
        """Raise before anything is asked when judging could not run afterwards."""
        ...

    def judge(
        self, cases: Iterable[JudgedCase], judges: Sequence[Judge], store_rows: str
    ) -> tuple[QuestionResult, ...]:
        """Return the results, as :func:`~mlflow_genie_plugin.evaluation.judging.judge_questions` gives them."""
        ...


class LocalEngine:
    """Judges in this process, one case after the other."""

    def require_ready(self, judges: Sequence[Judge]) -> None:
        """Do nothing: this process is always ready."""

    def judge(
        self, cases: Iterable[JudgedCase], judges: Sequence[Judge], store_rows: str
    ) -> tuple[QuestionResult, ...]:
        return tuple(judge_questions(cases, judges, store_rows))


def engine_named(name: str) -> JudgingEngine:
    """Return the engine of that name.

    Raises:
        UsageError: There is none.
    """
    if name == "local":
        return LocalEngine()
    if name == "spark":
        from mlflow_genie_plugin.evaluation.engines.spark import SparkEngine

        return SparkEngine()
    raise UsageError(f"there is no engine {name!r}", next_step=f"the engines are {', '.join(ENGINES)}")

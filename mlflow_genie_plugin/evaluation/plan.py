"""What is to be evaluated, fixed before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.asking.journal_state import Turn
from mlflow_genie_plugin.evaluation.benchmark import Benchmark, BenchmarkSet, select
from mlflow_genie_plugin.evaluation.engines.engine import engine_named
from mlflow_genie_plugin.evaluation.judge import Judge
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.judges.native_assessment import JUDGE as NATIVE_JUDGE
from mlflow_genie_plugin.evaluation.judging import STORE_ROWS
from mlflow_genie_plugin.evaluation.patched import patched_objects
from mlflow_genie_plugin.flavor.load import Snapshot, read_snapshot
from mlflow_genie_plugin.settings import Settings


@dataclass(frozen=True)
class EvaluationPlan:
    """What is to be evaluated, fixed before anything is asked.

    Attributes:
        snapshot: The verified model version.
        benchmark_set: All questions.
        benchmarks: The questions of the scope.
        scope: ``full``, ``slice``, ``p0`` or ``held_out``; ``patched`` names what a slice is about.
        judges: Who judges.
        space_id: The space that is asked.
        store_rows: ``all``, ``sample`` or ``none`` of the result rows go into the result file.
        traces: Whether every question becomes a trace in MLflow.
        times: How often each question is asked; the first answer is judged, repeatability looks at all.
        runner: ``conversation`` asks each question in a conversation, ``native`` lets Genie run its own benchmarks.
        needs_review: What a native assessment NEEDS_REVIEW counts as: ``fail`` or ``abstain``.
        engine: Where judging runs, ``local`` or ``spark``; it changes nothing in the result.
    """

    snapshot: Snapshot
    benchmark_set: BenchmarkSet
    benchmarks: tuple[Benchmark, ...]
    scope: str
    patched: tuple[str, ...]
    judges: tuple[Judge, ...]
    space_id: str
    store_rows: str = "all"
    traces: bool = True
    engine: str = "local"
    times: int = 1
    runner: str = "conversation"
    needs_review: str = "fail"

    @property
    def askings(self) -> int:
        """How many questions are put to the space in all."""
        return len(self.benchmarks) * self.times

    @property
    def turns(self) -> Iterator[Turn]:
        return (Turn(item.id, number) for number in range(self.times) for item in self.benchmarks)

    def minutes(self, settings: Settings) -> float:
        """Return about how long asking takes by the quota alone."""
        if settings.questions_per_minute == 0:
            return 0.0
        return max(0.0, (self.askings - 1) // max(1, int(settings.questions_per_minute)))


def plan_evaluation(
    reference: str,
    benchmark_set: BenchmarkSet,
    *,
    scope: str = "full",
    patched: Iterable[str] = (),
    judges: Iterable[str] | None = None,
    space_id: str | None = None,
    store_rows: str = "all",
    traces: bool = True,
    engine: str = "local",
    times: int = 1,
    runner: str = "conversation",
    needs_review: str = "fail",
    patched_from: str | None = None,
) -> EvaluationPlan:
    """Fix what is to be evaluated, without contacting the workspace.

    Raises:
        UsageError: Unknown scope or judge, or nothing to ask.
        SparkUnavailableError: ``engine`` is ``spark``, and PySpark or Java is missing.
        ModelNotFoundError, NotAGenieModelError, TamperedModelError: From reading the model version.
    """
    names = tuple(patched)
    if patched_from is not None:
        if names:
            raise UsageError("the patched objects are given twice", next_step="use --patched or --patched-from")
        names = patched_objects(read_snapshot(patched_from).config, read_snapshot(reference).config)
    chosen = select(benchmark_set, scope, names)
    if store_rows not in STORE_ROWS:
        raise UsageError(f"store_rows is {store_rows!r}", next_step=f"use one of {', '.join(STORE_ROWS)}")
    if times < 1:
        raise UsageError(f"a question cannot be asked {times} times", next_step="ask it once or more often")
    selected_judges = JUDGES.choose(judges)
    if runner == "native":
        selected_judges = (
            *selected_judges,
            *(item for item in JUDGES.choose([NATIVE_JUDGE]) if item not in selected_judges),
        )
    engine_named(engine).require_ready(selected_judges)
    snapshot = read_snapshot(reference)
    return EvaluationPlan(
        snapshot,
        benchmark_set,
        chosen,
        scope,
        names,
        selected_judges,
        space_id or snapshot.space_id,
        store_rows,
        traces,
        engine,
        times,
        runner,
        needs_review,
    )

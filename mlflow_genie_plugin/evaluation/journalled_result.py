"""The result of what a journal holds: every question judged, with what a language model said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import mlflow_genie_plugin
from mlflow_genie_plugin.evaluation.asking.journal_state import JournalState, Turn
from mlflow_genie_plugin.evaluation.evaluated import make_result
from mlflow_genie_plugin.evaluation.judged_case import JudgedCase
from mlflow_genie_plugin.evaluation.llm.results import OpinionSource, result_with_opinions
from mlflow_genie_plugin.evaluation.plan import EvaluationPlan
from mlflow_genie_plugin.evaluation.progress import Progress
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.result import EvaluationResult
from mlflow_genie_plugin.evaluation.space_assets import SpaceAssets
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord


def journalled_result(
    plan: EvaluationPlan,
    state: JournalState,
    assets: SpaceAssets,
    before: str,
    source: OpinionSource | None,
    progress: Progress,
) -> EvaluationResult:
    """Return the result of an evaluation whose asking is finished.

    Args:
        plan: What was to be asked.
        state: What the journal holds.
        assets: What the space offers.
        before: The live space's behaviour hash before asking; the result is invalid where it was another afterwards.
        source: Where a language model's opinions come from; None where none are asked for.
        progress: Told when opinions are asked for, and when storing begins.
    """
    finished = state.finished or {}
    after = finished["behaviour_sha256_after"]
    cases: Iterable[JudgedCase] = (
        JudgedCase(item, answers[0], state.expected[item.id], assets, state.schema, plan.snapshot.config, answers[1:])
        for item in plan.benchmarks
        for answers in (_answers(plan, state, item),)
    )
    changed = None if after == before else (
        f"the live space changed while it was asked: its behaviour hash was {before[:12]} and is {after[:12]} now"
    )  # fmt: skip
    # Asking for opinions goes over the cases once more; without, they need not all be held at once.
    again = [] if source is None else list(cases)
    result = make_result(
        plan,
        cases if source is None else again,
        schema=state.schema,
        evaluation_id=state.begun["evaluation_id"],
        live={"behaviour_sha256_before": before, "behaviour_sha256_after": after},
        invalid_reason=changed,
        runner={
            "kind": plan.runner,
            "version": mlflow_genie_plugin.__version__,
            "started_at": state.begun["started_at"],
            "finished_at": finished["finished_at"],
            "questions_per_minute": finished["questions_per_minute"],
            "continued": finished["continued"],
            "times": plan.times,
            **({"native_runs": list(state.native_runs.values())} if state.native_runs else {}),
        },
    )
    if source is None:
        return result
    result = result_with_opinions(result, again, source, progress)
    progress.storing()
    return result


def _answers(plan: EvaluationPlan, state: JournalState, item: Benchmark) -> tuple[AnswerRecord, ...]:
    """Return the answers to a question in the order of asking; a native one with the policy it is judged by."""
    return tuple(
        answer
        if answer.native is None
        else replace(answer, native={**answer.native, "needs_review": plan.needs_review})
        for number in range(plan.times)
        for answer in (state.answers[Turn(item.id, number)],)
    )

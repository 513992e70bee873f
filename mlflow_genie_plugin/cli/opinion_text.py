"""What a person reads about the opinions of a language model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import EvaluationResult


def opinion_line(opinion: Mapping[str, Any] | None) -> str | None:
    """Return what a model said beside a finding; None where nothing was said or the finding itself says it."""
    if opinion is None or opinion["settled"]:
        return None
    if opinion["outcome"] == "errored":
        # A finding that was to be settled says so itself; an arbitration stays what it was.
        if opinion["mode"] == "settle" and "verdict" not in opinion["deterministic"]:
            return None
        return f"{opinion['model']} gave no usable word: {opinion['problem_text']}"
    named = f" ({opinion['failure_type']})" if opinion["failure_type"] else ""
    return f"{opinion['model']} says {opinion['outcome'].replace('_', ' ')}{named}: {opinion['rationale']}"


def opinion_totals(result: EvaluationResult, run_id: str) -> Iterator[str]:
    """Yield one line on all opinions of an evaluation, and where some did not come, why and what to do."""
    from mlflow_genie_plugin.evaluation.llm.results import opinion_tally, opinions_in

    tally = opinion_tally(result)
    if tally is None:
        return
    records = opinions_in(result)
    models = ", ".join(sorted({record["model"] for record in records}))
    counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in tally.items() if count)
    yield f"opinions of {models}: {counts}"
    if tally["no_answer"]:
        problems = Counter(record["problem_text"] for record in records if record["problem"])
        (most, count), others = problems.most_common(1)[0], len(problems) - 1
        yield f"  no answer: {most} ({count})" + (f", and {others} other reasons" if others else "")
        yield f"  To ask only the model again: the same command with --runner recorded --answers {run_id}"

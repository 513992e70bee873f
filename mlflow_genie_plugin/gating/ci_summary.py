"""What a gate run leaves on a GitHub Actions page: the job summary, and one annotation a gate that did not pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mlflow_genie_plugin.gating.explanation import Explanation
from mlflow_genie_plugin.gating.note import markdown
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.phrases import headline, problems_by_text, stopped
from mlflow_genie_plugin.gating.shared_reasons import shared_gates, shared_reasons
from mlflow_genie_plugin.gating.text import cut, plain
from mlflow_genie_plugin.gating.verdict import Verdict

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
ACTIONS_VARIABLE = "GITHUB_ACTIONS"
# GitHub drops a summary that is larger, all of it.
MOST_SUMMARY_BYTES = 1_048_576
# GitHub shows no more than ten of a step.
MOST_ANNOTATIONS = 10
_LEAST_BYTES = 1_000
_QUESTIONS = 50
_QUERIES = 5
_ANNOTATION = 1_000


def add_step_summary(verdict: Verdict, explanation: Explanation, environ: Mapping[str, str]) -> str:
    """Append the verdict to the job's summary where there is one.

    Returns:
        What to tell when it could not be written; empty otherwise, and also where there is no summary.
    """
    name = environ.get(SUMMARY_VARIABLE)
    if not name:
        return ""
    path = Path(name)
    try:
        written = path.stat().st_size if path.exists() else 0
        text = step_summary(verdict, explanation, MOST_SUMMARY_BYTES - written)
        if not text:
            return "the job summary is full, so the verdict is not in it"
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        return f"the job summary could not be written: {error.strerror or error}"
    return ""


def step_summary(verdict: Verdict, explanation: Explanation, room: int = MOST_SUMMARY_BYTES) -> str:
    """Return the verdict as Markdown of at most ``room`` bytes; nothing when not even the verdict fits."""
    title = f"\n## {headline(verdict)}\n\n"
    left = room - len(title.encode()) - 1
    if left < _LEAST_BYTES:
        return ""
    return f"{title}{markdown(verdict, explanation, most_bytes=left, questions=_QUESTIONS, queries=_QUERIES)}\n"


def annotation_lines(verdict: Verdict) -> list[str]:
    """Return workflow commands, one for each gate that did not pass and each reason why the run does not count."""
    found = list(_told(verdict))
    if len(found) > MOST_ANNOTATIONS:
        rest = f"{len(found) - MOST_ANNOTATIONS + 1} more gates did not pass; the job summary names them"
        found = [*found[: MOST_ANNOTATIONS - 1], ("genie gate", rest)]
    return [f"::error title={_property(title)}::{_data(text)}" for title, text in found]


def wants_annotations(environ: Mapping[str, str]) -> bool:
    """Return whether this runs in GitHub Actions; elsewhere such lines would only be noise."""
    return environ.get(ACTIONS_VARIABLE) == "true"


def _told(verdict: Verdict) -> Iterator[tuple[str, str]]:
    shared, told_once = shared_reasons(verdict.results), shared_gates(verdict.results)
    for outcome in (Outcome.FAILED, Outcome.UNDECIDED):
        for reason in shared:
            if reason.outcome is outcome:
                yield "genie gate", f"{outcome.value}: {reason.reason}; it {stopped(reason)}"
        for result in verdict.blocking():
            if result.outcome is outcome and result.gate not in told_once:
                yield f"genie gate {result.gate}", f"{outcome.value}: {result.reason}"
        for gate, own in verdict.custom_gates.items():
            if own is outcome:
                yield f"genie gate {gate}", f"{outcome.value}, as its own test reports"
    for problem, gates in problems_by_text(verdict).items():
        yield "genie gate run does not count", f"{problem}: {', '.join(gates)}"


def _data(text: str) -> str:
    escaped = cut(plain(text), _ANNOTATION).replace("%", "%25")
    return escaped.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

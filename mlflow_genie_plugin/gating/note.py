"""The gate run as Markdown: the description of its run in MLflow, and a CI summary; the same sentences as elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_genie_plugin.gating.explanation import Explained, Explanation
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count
from mlflow_genie_plugin.gating.phrases import (
    ENDINGS,
    WORDS,
    cause_line,
    change_lines,
    counting,
    ending,
    interval_text,
    label,
    not_shown,
    problems_by_text,
    question_line,
    reason_line,
    rows_worth_showing,
    sentence,
    stopped,
    subject,
)
from mlflow_genie_plugin.gating.shared_reasons import shared_reasons
from mlflow_genie_plugin.gating.text import block, cut, markdown_text, plain
from mlflow_genie_plugin.gating.verdict import Verdict

# Databricks takes no more in one tag, and the description is one.
NOTE_BYTES = 5_000
_CHANGES = 10
_CAUSES = 3
_SQL_CHARACTERS = 4_000


def markdown(
    verdict: Verdict, explanation: Explanation, *, most_bytes: int = NOTE_BYTES, questions: int = 12, queries: int = 0
) -> str:
    """Return the verdict as Markdown in which nothing of what a model or a person wrote is Markdown.

    Args:
        verdict: What was decided.
        explanation: Why.
        most_bytes: The size of the text; parts that do not fit are left out from the end, and that is said.
        questions: How many of the questions that count against the version are listed.
        queries: Of how many of them both queries are shown.
    """
    parts = [part for part in _parts(verdict, explanation, questions, queries) if part]
    text = ""
    for number, part in enumerate(parts):
        rest = f"{count(len(parts) - number, 'part')} left out; report.html has all.\n"
        if len(f"{text}{part}\n\n{rest}".encode()) > most_bytes:
            return text + rest
        text += f"{part}\n\n"
    return text.rstrip("\n") + "\n"


def _parts(verdict: Verdict, explanation: Explanation, questions: int, queries: int) -> Iterator[str]:
    yield f"**{WORDS[verdict.outcome]}** for stage {markdown_text(verdict.stage)}"
    yield markdown_text(cut(sentence(verdict), 600))
    yield "\n\n".join(markdown_text(line) for line in subject(verdict))
    problems = problems_by_text(verdict).items()
    listed = [
        f"- {markdown_text(cut(plain(', '.join(gates)), 300))}: {markdown_text(text)}" for text, gates in problems
    ]
    yield _section("This gate run does not count:", listed)
    yield from _tables(verdict)
    off = verdict.switched_off.items()
    yield "\n".join(f"- off: {markdown_text(name)}, because {markdown_text(why)}" for name, why in off)
    if verdict.outcome is not Outcome.PASSED:
        yield from _why(explanation)
    shown = explanation.against[:questions]
    if shown:
        yield f"{markdown_text(counting(explanation))}:"
        # One part a question, so that a long list ends at the limit and not before it begins.
        for item in shown:
            yield f"- {markdown_text(question_line(item))}: {markdown_text(reason_line(item))}"
        for item in shown[:queries]:
            yield _queries(item)
        if len(explanation.against) > len(shown):
            yield f"and {len(explanation.against) - len(shown):,} more"


def _why(explanation: Explanation) -> Iterator[str]:
    changes = [markdown_text(line) for line in change_lines(explanation, _CHANGES)]
    if changes:
        yield _section(changes[0], [f"- {line}" for line in changes[1:]]) or changes[0]
    causes = [
        f"- {markdown_text(cause_line(cause, explanation))}"
        + (f"; {markdown_text(cut(plain(cause.fix), 300))}" if cause.fix else "")
        for cause in explanation.likely_causes[:_CAUSES]
    ]
    yield _section("Likely causes:", causes)


def _section(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, "", *lines]) if lines else ""


def _tables(verdict: Verdict) -> Iterator[str]:
    for shared in shared_reasons(verdict.results):
        yield f"{ENDINGS[shared.outcome]}: {markdown_text(cut(plain(shared.reason), 600))}"
        yield markdown_text(cut(stopped(shared), 1_200))
    shown = rows_worth_showing(verdict)
    custom = [
        f"| {markdown_text(gate)} |  |  |  | {ENDINGS[outcome]} | reported by its own test |"
        for gate, outcome in verdict.custom_gates.items()
    ]
    if shown or custom:
        head = ["| check | measured | 95 % | required | outcome | |", "|---|---|---|---|---|---|"]
        yield "\n".join([*head, *map(_row, shown), *custom])
    if quiet := not_shown(verdict):
        yield f"{count(quiet, 'other check')} passed"


def _row(result: GateResult) -> str:
    cells = (label(result.gate), result.measured, interval_text(result), result.required)
    shown = " | ".join(markdown_text(cell) for cell in cells)
    return f"| {shown} | {ending(result)} | {markdown_text(cut(plain(result.told), 300))} |"


def _queries(item: Explained) -> str:
    if item.row is None:
        return ""
    answer = item.row.answer.sql or "(no query)"
    return "\n\n".join(
        [
            f"{markdown_text(item.question_id)}, expected:",
            _fenced(item.row.expected_sql),
            "Genie:",
            _fenced(answer),
        ]
    )


def _fenced(sql: str) -> str:
    text = cut(block(sql), _SQL_CHARACTERS)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}sql\n{text}\n{fence}"

"""The gate run on the terminal: what failed, by how much, which questions, why, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_genie_plugin.gating.explanation import Explained, Explanation
from mlflow_genie_plugin.gating.outcome import NOT_ASSESSED, GateResult, Outcome, count
from mlflow_genie_plugin.gating.phrases import (
    ENDINGS,
    cause_line,
    change_lines,
    counting,
    ending,
    interval_text,
    label,
    not_shown,
    parts_against,
    problems_by_text,
    question_line,
    reason_line,
    rows_worth_showing,
    stopped,
    subject,
)
from mlflow_genie_plugin.gating.shared_reasons import shared_reasons
from mlflow_genie_plugin.gating.text import WIDTH, cut, plain, side_by_side, wrapped
from mlflow_genie_plugin.gating.verdict import Verdict

_SHOWN_QUESTIONS = 5
_SHOWN_SQL = 2
_SHOWN_PARTS = 5
_SHOWN_CHANGES = 8
_SHOWN_CAUSES = 3
_ENDING_COLUMN = 84


def terminal_lines(verdict: Verdict, explanation: Explanation, width: int = WIDTH) -> list[str]:
    """Return the summary for the terminal, no line longer than 98 columns.

    Args:
        verdict: What was decided.
        explanation: The questions behind it, what changed and what is to blame.
        width: Columns of the terminal; in a narrow one two queries stand below each other.
    """
    lines = [line for text in subject(verdict) for line in wrapped(text, indent="  ")]
    lines.extend(_problems(verdict))
    lines.extend(_table(verdict))
    for name, reason in verdict.switched_off.items():
        lines.extend(wrapped(f"  off: {plain(name)} ({plain(reason)})"))
    lines.extend(_questions(explanation, min(width, WIDTH)))
    if verdict.outcome is not Outcome.PASSED:
        lines.extend(_changes(explanation))
        lines.extend(_causes(explanation))
    return lines


def _table(verdict: Verdict) -> Iterator[str]:
    for shared in shared_reasons(verdict.results):
        yield from wrapped(f"  {ENDINGS[shared.outcome]}: {plain(shared.reason)}", indent="      ")
        yield from wrapped(f"      {stopped(shared)}", indent="        ")
    shown = rows_worth_showing(verdict)
    width = min(40, max([20, *(len(label(result.gate)) for result in shown)]))
    number = min(24, max([8, *(len(plain(result.measured)) for result in shown)]))
    if shown:
        yield f"  {'check':<{width}} {'measured':>{number}}   {'interval 95 %':<15} required"
    for result in shown:
        line = f"  {label(result.gate):<{width}} {plain(result.measured):>{number}}   {interval_text(result):<15}"
        line = f"{line} {plain(result.required)}".rstrip()
        if len(line) > _ENDING_COLUMN:
            yield from wrapped(line, indent="      ")
            line = ""
        yield f"{line:<{_ENDING_COLUMN}} {ending(result)}"
        is_said_by_parts = bool(parts_against(result)) and result.waived is None and not result.warning
        if (result.outcome is not Outcome.PASSED or result.warning) and not is_said_by_parts:
            yield from wrapped(f"      {plain(result.told)}", indent="      ")
        yield from _parts(result)
    for gate, outcome in verdict.custom_gates.items():
        yield f"  {cut(plain(gate), _ENDING_COLUMN - 3):<{_ENDING_COLUMN - 2}} {ENDINGS[outcome]}"
    if quiet := not_shown(verdict):
        yield f"  {count(quiet, 'other check')} passed"


def _parts(result: GateResult) -> Iterator[str]:
    against = parts_against(result)
    for part in against[:_SHOWN_PARTS]:
        named = "" if part.reason.startswith(part.name) else f"{plain(part.name)}: "
        yield from wrapped(f"      {part.outcome}: {named}{cut(plain(part.reason), 240)}", indent="        ")
    if len(against) > _SHOWN_PARTS:
        yield f"      and {len(against) - _SHOWN_PARTS} more"
    small = [plain(part.name) for part in result.parts if part.outcome == NOT_ASSESSED]
    if small:
        yield from wrapped(f"      not assessed: {cut(', '.join(small), 180)}", indent="        ")


def _problems(verdict: Verdict) -> Iterator[str]:
    for number, (problem, gates) in enumerate(problems_by_text(verdict).items()):
        if number == 0:
            yield "This gate run does not count:"
        named = f"{count(len(gates), 'gate')}: " if len(gates) > 1 else ""
        yield from wrapped(f"  {named}{plain(problem)}: {plain(', '.join(gates))}")


def _questions(explanation: Explanation, width: int) -> Iterator[str]:
    against: Sequence[Explained] = explanation.against
    if not against:
        return
    shown = against[:_SHOWN_QUESTIONS]
    yield from wrapped(counting(explanation) + (":" if len(shown) == len(against) else f"; the first {len(shown)}:"))
    for number, item in enumerate(shown):
        yield from wrapped(f"  {question_line(item)}", indent="      ")
        yield from wrapped(f"      {reason_line(item)}", indent="      ")
        if number < _SHOWN_SQL and item.row is not None:
            answer = item.row.answer.sql or f"(no query: {item.row.answer.error or item.row.answer.status})"
            yield from side_by_side(
                ("expected", item.row.expected_sql), ("Genie", answer), width=width, indent="      "
            )


def _changes(explanation: Explanation) -> Iterator[str]:
    for line in change_lines(explanation, _SHOWN_CHANGES):
        yield from wrapped(line)


def _causes(explanation: Explanation) -> Iterator[str]:
    causes = explanation.likely_causes[:_SHOWN_CAUSES]
    for number, cause in enumerate(causes):
        if number == 0:
            yield "Likely cause:" if len(causes) == 1 else "Likely causes:"
        yield from wrapped(f"  {cause_line(cause, explanation)}", indent="      ")
        if cause.fix:
            yield from wrapped(f"      {cut(plain(cause.fix), 240)}", indent="      ")

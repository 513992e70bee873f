"""The gate run in words: the same verdict for the terminal and for MLflow's run page.

Questions and judges' words come from a model: they are shown on one line each, without control characters, and in
Markdown without anything that Markdown would act on.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Mapping

from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.observed import FAILED, PASSED, Evidence, QuestionObserved
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, count, percent, short
from mlflow_genie_plugin.gating.rules.outcomes import believed_outcome
from mlflow_genie_plugin.gating.verdict import Verdict

WIDTH = 98
WORDS = {Outcome.PASSED: "PASS", Outcome.FAILED: "FAIL", Outcome.UNDECIDED: "UNDECIDED"}
_ENDINGS = {Outcome.PASSED: "pass", Outcome.FAILED: "FAIL", Outcome.UNDECIDED: "undecided"}
_SHOWN_QUESTIONS = 5
_ENDING_COLUMN = 84
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>()#+-.!|~&$:"})


def headline(verdict: Verdict, note: str = "") -> str:
    """Return ``genie gate: FAIL``, with a note such as ``dry run`` where one belongs to it."""
    return f"genie gate: {WORDS[verdict.outcome]}" + (f" ({note})" if note else "")


def terminal_lines(verdict: Verdict, evidence: Evidence, newly_wrong: Mapping[str, str] | None = None) -> list[str]:
    """Return the summary for the terminal, no line longer than 98 columns.

    Args:
        verdict: What was decided.
        evidence: What it was decided on; its questions are shown when they count against the model.
        newly_wrong: Question id → id of the version that had it right; None when there is nothing to compare with.
    """
    lines = [*_subject(verdict), *_problems(verdict)]
    table = [result for result in verdict.results if _is_worth_a_row(result)]
    if table:
        lines.append(f"  {'check':<22} {'measured':>9}   {'interval 95 %':<15} required")
    for result in table:
        lines.extend(_row(result))
    for gate, outcome in verdict.custom_gates.items():
        lines.append(f"  {plain(gate):<{_ENDING_COLUMN - 2}} {_ENDINGS[outcome]}")
    quiet = len(verdict.results) - len(table)
    if quiet:
        lines.append(f"  {count(quiet, 'other check')} passed")
    for name, reason in verdict.switched_off.items():
        lines.extend(wrapped(f"  off: {name}, because {plain(reason)}"))
    lines.extend(_questions(verdict, evidence, newly_wrong))
    return lines


def markdown(verdict: Verdict, evidence: Evidence) -> str:
    """Return the verdict for the description of the gate's run in MLflow."""
    rows = [
        f"| {markdown_text(result.gate)} | {markdown_text(result.measured)} | {_interval(result)} "
        f"| {markdown_text(result.required)} | {_ENDINGS[result.outcome]} | {markdown_text(result.reason)} |"
        for result in verdict.results
    ]
    custom = [
        f"| {markdown_text(gate)} | | | | {_ENDINGS[outcome]} | reported by its own test |"
        for gate, outcome in verdict.custom_gates.items()
    ]
    problems = [f"- {markdown_text(gate)}: {markdown_text(text)}" for gate, text in verdict.problems.items()]
    off = [f"- off: {markdown_text(name)}, because {markdown_text(why)}" for name, why in verdict.switched_off.items()]
    wrong = [f"- {markdown_text(text)}" for text in _question_texts(verdict, evidence, None)]
    parts = [
        f"**{WORDS[verdict.outcome]}** for stage {verdict.stage}",
        "\n\n".join(markdown_text(line) for line in _subject(verdict)),
        "\n".join(["| check | measured | 95 % | required | outcome | |", "|---|---|---|---|---|---|", *rows, *custom]),
        "\n".join(off),
        "\n".join(["This gate run does not count:", "", *problems]) if problems else "",
        "\n".join(["Questions that count against the version:", "", *wrong]) if wrong else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """Return ``text`` on one line, every control or formatting character replaced by a blank."""
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in text).split())


def markdown_text(text: str) -> str:
    """Return ``text`` as Markdown that shows it literally, on one line."""
    return plain(text).translate(_MARKDOWN)


def _subject(verdict: Verdict) -> list[str]:
    model, evaluation = verdict.model, verdict.evaluation
    lines = [f"{plain(model['name'] or '')} ({model['model_id']}) for stage {verdict.stage}"]
    if evaluation is None:
        lines.append("no evaluation")
    else:
        name = plain(evaluation["benchmarks_name"]) or "the benchmark set"
        lines.append(
            f"{count(evaluation['planned'], 'question')} of {name} "
            f"({short(evaluation['benchmarks_sha256'])}), scope {plain(verdict.scope or '')}, "
            f"evaluation run {plain(evaluation['run_id'])}, attempt {evaluation['attempts']}"
        )
    lines.append(f"criteria {plain(verdict.criteria['name'])} ({short(verdict.criteria['sha256'])})")
    return [part for line in lines for part in wrapped(line, indent="  ")]


def _row(result: GateResult) -> list[str]:
    line = f"  {_label(result.gate):<22} {result.measured:>9}   {_interval(result):<15} {result.required}".rstrip()
    if len(line) > _ENDING_COLUMN:
        lines = [line, f"{'':<{_ENDING_COLUMN}} {_ENDINGS[result.outcome]}"]
    else:
        lines = [f"{line:<{_ENDING_COLUMN}} {_ENDINGS[result.outcome]}"]
    if result.outcome is not Outcome.PASSED:
        lines.extend(wrapped(f"      {plain(result.reason)}", indent="      "))
    return lines


def _label(gate: str) -> str:
    if gate == manifest.P0_GATE:
        return "priority P0"
    return gate.removeprefix("threshold[").removesuffix("]") if gate.startswith("threshold[") else gate


def _is_worth_a_row(result: GateResult) -> bool:
    return result.outcome is not Outcome.PASSED or result.interval is not None or result.gate == manifest.P0_GATE


def _problems(verdict: Verdict) -> list[str]:
    gates_by_problem: dict[str, list[str]] = {}
    for gate, problem in verdict.problems.items():
        gates_by_problem.setdefault(problem, []).append(gate)
    lines = ["This gate run does not count:"] if gates_by_problem else []
    for problem, gates in gates_by_problem.items():
        named = f"{count(len(gates), 'gate')}: " if len(gates) > 1 else ""
        lines.extend(wrapped(f"  {named}{plain(problem)}: {plain(', '.join(gates))}"))
    return lines


def _interval(result: GateResult) -> str:
    if result.interval is None:
        return ""
    low, high = result.interval
    return f"{percent(low).removesuffix(' %')} - {percent(high).removesuffix(' %')}"


def _questions(verdict: Verdict, evidence: Evidence, newly_wrong: Mapping[str, str] | None) -> list[str]:
    texts = _question_texts(verdict, evidence, newly_wrong)
    if not texts:
        return []
    if newly_wrong is None:
        heading = f"{_counting(len(texts))} against it"
    else:
        heading = f"{_counting(len(texts))} against it, {len(newly_wrong)} newly wrong"
    shown = texts[:_SHOWN_QUESTIONS]
    lines = [heading + (":" if len(shown) == len(texts) else f"; the first {len(shown)}:")]
    for text in shown:
        lines.extend(wrapped(f"  {text}", indent="      "))
    return lines


def _counting(questions: int) -> str:
    return "1 question counts" if questions == 1 else f"{questions} questions count"


def _question_texts(verdict: Verdict, evidence: Evidence, newly_wrong: Mapping[str, str] | None) -> list[str]:
    if evidence.evaluation is None:
        return []
    against = {name for result in verdict.not_passed() for name in result.questions}
    newly = newly_wrong or {}
    chosen = [question for question in evidence.evaluation.questions if question.question_id in against]
    # P0 first, then what the parent had right, then the order of the benchmark set.
    chosen.sort(key=lambda question: (question.priority != "P0", question.question_id not in newly))
    return [_question_text(question, newly) for question in chosen]


def _question_text(question: QuestionObserved, newly: Mapping[str, str]) -> str:
    reasons = [
        f"{judge}: {finding.reason or finding.outcome}"
        for judge, finding in question.findings.items()
        if believed_outcome(question, judge) != PASSED
    ]
    # A failed finding says more than a judge that could not decide.
    reasons.sort(key=lambda text: believed_outcome(question, text.partition(":")[0]) != FAILED)
    was_right = f" (right in {newly[question.question_id]})" if question.question_id in newly else ""
    asked = plain(question.question)
    asked = asked if len(asked) <= 70 else f"{asked[:67]}..."
    said = plain(reasons[0]) if reasons else "no finding"
    said = said if len(said) <= 160 else f"{said[:157]}..."
    return f"{plain(question.question_id)} {question.priority}  {asked}{was_right}  {said}"


def wrapped(line: str, indent: str = "    ") -> Iterable[str]:
    """Return ``line`` in pieces of at most 98 columns, the first with its own indentation."""
    own = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line.strip(), WIDTH, initial_indent=own, subsequent_indent=indent, break_on_hyphens=False) or [
        line
    ]

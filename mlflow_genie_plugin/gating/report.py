"""The gate run in words for the terminal: what failed, by how much, which questions, why, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.explanation import Cause, Explained, Explanation, Group
from mlflow_genie_plugin.gating.outcome import NOT_ASSESSED, GateResult, Outcome, Part, count, percent, short
from mlflow_genie_plugin.gating.shared_reasons import SharedReason, shared_gates, shared_reasons
from mlflow_genie_plugin.gating.text import WIDTH, cut, plain, side_by_side, wrapped
from mlflow_genie_plugin.gating.verdict import Verdict

WORDS = {Outcome.PASSED: "PASS", Outcome.FAILED: "FAIL", Outcome.UNDECIDED: "UNDECIDED"}
ENDINGS = {Outcome.PASSED: "pass", Outcome.FAILED: "FAIL", Outcome.UNDECIDED: "undecided"}
_SHOWN_QUESTIONS = 5
_SHOWN_SQL = 2
_SHOWN_PARTS = 5
_SHOWN_CHANGES = 8
_SHOWN_CAUSES = 3
_PASSED_ROWS = 12
_ENDING_COLUMN = 84


def headline(verdict: Verdict, note: str = "") -> str:
    """Return ``genie gate: FAIL``, with a note such as ``dry run`` where one belongs to it."""
    return f"genie gate: {WORDS[verdict.outcome]}" + (f" ({note})" if note else "")


def sentence(verdict: Verdict) -> str:
    """Return the verdict in one sentence: what did not pass first."""
    not_passed = verdict.blocking()
    for outcome in (Outcome.FAILED, Outcome.UNDECIDED):
        found = [result for result in not_passed if result.outcome is outcome]
        if found:
            said = "failed" if outcome is Outcome.FAILED else "cannot be decided"
            alike = shared_gates(found) == {result.gate for result in found}
            first = "" if alike else f", first {label(found[0].gate)}"
            return f"{count(len(found), 'check')} {said}{first}: {plain(found[0].reason)}"
    custom = [gate for gate, outcome in verdict.custom_gates.items() if outcome is not Outcome.PASSED]
    if custom:
        return f"{count(len(custom), 'gate')} of your own did not pass: {plain(', '.join(custom))}"
    if verdict.problems:
        gate, problem = next(iter(verdict.problems.items()))
        return f"This gate run does not count: {plain(gate)}: {plain(problem)}"
    waived = [result for result in verdict.results if result.waived is not None]
    passed = len(verdict.results) + len(verdict.custom_gates) - len(waived)
    if waived:
        rest = f" and {len(waived) - 1} more" if len(waived) > 1 else ""
        first = f"{label(waived[0].gate)} {plain(waived[0].said)}"
        return f"{count(passed, 'check')} passed, {len(waived)} waived: {first}{rest}"
    return f"All {count(passed, 'check')} passed"


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


def not_shown(verdict: Verdict) -> int:
    """Return how many checks passed and are no more than a number."""
    return len(verdict.results) - len(rows_worth_showing(verdict)) - len(shared_gates(verdict.results))


def stopped(shared: SharedReason) -> str:
    """Return the checks that one reason stops: ``stops 30 checks: evaluation_intact, …``."""
    return f"stops {count(len(shared.gates), 'check')}: {', '.join(map(label, shared.gates))}"


def subject(verdict: Verdict) -> list[str]:
    """Return what was decided on, a line each: the version, the evaluation, the criteria."""
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
    return [*lines, f"criteria {plain(verdict.criteria['name'])} ({short(verdict.criteria['sha256'])})"]


def rows_worth_showing(verdict: Verdict) -> list[GateResult]:
    """Return what did not pass for a reason of its own, and the P0 rule and shares that did; the rest is a number."""
    worthy = [r for r in verdict.results if r.outcome is Outcome.PASSED and (r.interval or r.gate == manifest.P0_GATE)]
    shown = {result.gate for result in worthy[:_PASSED_ROWS]}
    told_once = shared_gates(verdict.results)
    return [
        result
        for result in verdict.results
        if (result.outcome is not Outcome.PASSED and result.gate not in told_once)
        or result.warning
        or result.gate in shown
    ]


def label(gate: str) -> str:
    """Return a gate's id as people say it: the judge's name for its threshold."""
    if gate == manifest.P0_GATE:
        return "priority P0"
    return gate.removeprefix("threshold[").removesuffix("]") if gate.startswith("threshold[") else plain(gate)


def ending(result: GateResult) -> str:
    """Return a gate's outcome in one word: ``pass``, ``FAIL``, ``undecided``, ``waived`` or ``warning``."""
    if result.waived is not None:
        return "waived"
    return "warning" if result.warning else ENDINGS[result.outcome]


def interval_text(result: GateResult | Part) -> str:
    """Return ``91.6 - 99.7`` (percent), ``-17.0 to -1.7`` (points of a difference), or nothing where there is none."""
    if result.interval is None:
        return ""
    low, high = result.interval
    if low < 0:
        return f"{low * 100:+.1f} to {high * 100:+.1f}"
    return f"{percent(low).removesuffix(' %')} - {percent(high).removesuffix(' %')}"


def counting(explanation: Explanation) -> str:
    """Return how many questions count against the version, and how many of them are newly wrong."""
    number, baseline = len(explanation.against), explanation.baseline
    said = "1 question counts" if number == 1 else f"{number:,} questions count"
    if baseline is None:
        return f"{said} against it"
    return (
        f"{said} against it, {explanation.count(Group.NEWLY_WRONG):,} newly wrong "
        f"(right in {baseline.role} {baseline.model_id})"
    )


def question_line(item: Explained) -> str:
    """Return a question on one line: id, priority, text, and whether it was right before."""
    newly = " (newly wrong)" if item.group is Group.NEWLY_WRONG else ""
    return f"{plain(item.question_id)} {plain(item.observed.priority)}  {cut(plain(item.observed.question), 70)}{newly}"


def reason_line(item: Explained) -> str:
    """Return the most telling reason, and which judge gives it."""
    judge = f"{plain(item.judge)}: " if item.judge else ""
    return cut(f"{judge}{plain(item.reason)}", 220)


def cause_line(cause: Cause, explanation: Explanation) -> str:
    """Return what is to blame: ``measure 'revenue', changed since parent: behind 9 wrong answers``."""
    since = explanation.changed_since
    changed = f", {cause.change.action} since {since.role}" if cause.change is not None and since else ""
    behind = count(len(cause.questions), "wrong answer")
    return f"{plain(cause.item)}{changed}: behind {behind}"


def change_lines(explanation: Explanation, most: int) -> Iterator[str]:
    """Yield what changed in the space since the baseline: a count, then one line an item, at most ``most`` of them."""
    since = explanation.changed_since
    if since is None or since.diff is None:
        return
    counts = since.diff.counts()
    said = ", ".join(f"{counts[action]} {action}" for action in ("added", "removed", "changed"))
    yield f"Changed since {since.role} {since.model_id}: {said if since.diff.changes else 'nothing in the config'}"
    for change in since.diff.changes[:most]:
        yield f"  {change.sign} {change.kind} {cut(plain(change.label), 80)}"
    if len(since.diff.changes) > most:
        yield f"  and {len(since.diff.changes) - most} more"


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


def parts_against(result: GateResult) -> list[Part]:
    """Return the parts of a gate that did not pass; where there are any, they say what its reason says in one go."""
    return [part for part in result.parts if part.outcome not in {Outcome.PASSED, NOT_ASSESSED}]


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


def problems_by_text(verdict: Verdict) -> dict[str, list[str]]:
    """Return why the run does not count → the gates that say so; often one reason stands for all of them."""
    found: dict[str, list[str]] = {}
    for gate, problem in verdict.problems.items():
        found.setdefault(problem, []).append(gate)
    return found


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

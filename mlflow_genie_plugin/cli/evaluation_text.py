"""What a person reads about an evaluation: before it begins, and when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlflow_genie_plugin.cli.opinion_text import opinion_line, opinion_totals

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.changes import EvaluationChanges
    from mlflow_genie_plugin.evaluation.finding import Finding
    from mlflow_genie_plugin.evaluation.plan import EvaluationPlan
    from mlflow_genie_plugin.evaluation.result import EvaluationResult, QuestionResult
    from mlflow_genie_plugin.settings import Settings

_WRONG_SHOWN = 10
_CHANGED_SHOWN = 10
_KINDS = {
    "newly_wrong": "newly wrong",
    "newly_right": "newly right",
    "other_query_other_result": "other query, other result",
    "other_query_same_result": "other query, same result",
}


def announcement(plan: EvaluationPlan, settings: Settings) -> str:
    """Return ``Asking 48 questions 3 times each, about 28 min (the quota is 5 per minute).``."""
    return f"Asking {_amount(plan)}{_duration(plan, settings)}."


def estimate(plan: EvaluationPlan, settings: Settings) -> str:
    """Return what an evaluation takes in time and money."""
    lines = [f"{_amount(plan)}{_duration(plan, settings)}."]
    if plan.runner == "native":
        lines.append(f"Genie runs its own benchmark questions, {_plural(plan.times, 'evaluation run')}, and asks for")
        lines.append("CAN EDIT on the space.")
    each = f"{plan.askings:,} Genie questions" if plan.askings > 1 else "One Genie question"
    lines.append(f"{each} with at least one query each on the space's warehouse, and {len(plan.benchmarks):,} queries")
    lines.append("with the expected SQL. The warehouse is billed while it runs; Databricks bills Genie questions that")
    lines.append("a service principal asks. Nothing was asked.")
    return "\n".join(lines)


def summary(result: EvaluationResult, run_id: str) -> str:
    """Return scores by judge, then the questions that are not right."""
    return "\n".join(_summary(result, run_id))


def changes_text(changes: EvaluationChanges, run_id: str) -> str:
    """Return which questions are answered otherwise than in an earlier evaluation."""
    lines = [f"compared with {run_id} (right: {', '.join(changes.judged_by)}):"]
    for kind, words in _KINDS.items():
        found = changes.of_kind(kind)
        if not found:
            continue
        lines.append(f"  {words}: {len(found)}")
        lines += [
            f"    {change.question_id} {change.priority}  {cut(change.question, 70)}"
            for change in found[:_CHANGED_SHOWN]
        ]
        if len(found) > _CHANGED_SHOWN:
            lines.append(f"    and {len(found) - _CHANGED_SHOWN} more (--json lists them all)")
    lines.append(f"  unchanged: {changes.unchanged}")
    if changes.not_compared:
        lines.append(f"  not compared, because only one of the two asked it so: {len(changes.not_compared)}")
    return "\n".join(lines)


def _summary(result: EvaluationResult, run_id: str) -> Iterator[str]:
    from mlflow_genie_plugin.evaluation.percent import percent

    yield f"evaluation {run_id}  {result.status}  {_plural(result.planned, 'question')} ({result.benchmarks['scope']})"
    width = max(len(name) for name in result.judges)
    yield f"  {'judge':<{width}}  score    right  wrong  undecided  error"
    for name, counts in result.scores.items():
        if name not in result.judges_asked:
            yield f"  {name:<{width}}  not asked (--repeats 3 asks each question three times)"
            continue
        yield (
            f"  {name:<{width}}  {percent(counts.score):>7}  {counts.passed:5}  {counts.failed:5}  "
            f"{counts.abstained:9}  {counts.errored + counts.missing:5}"
        )
    yield from _repeatability(result)
    yield from opinion_totals(result, run_id)
    yield from _wrong(result)
    yield from _proposals(result, run_id)
    if result.status == "complete":
        yield _next(result)


def _next(result: EvaluationResult) -> str:
    from mlflow_genie_plugin.evaluation.judges import JUDGES

    lacking = [judge.name for judge in JUDGES.choose() if judge.name not in result.judges]
    if lacking:
        return f"A gate asks for all judges, here without {', '.join(lacking)}: evaluate again without --judge"
    return f"Gate it:  pytest gates/ --model-id={result.model_id}"


def _repeatability(result: EvaluationResult) -> Iterator[str]:
    from mlflow_genie_plugin.evaluation.repeatability import summarise

    found = summarise(result)
    if found is None:
        return
    bands = ", ".join(
        f"{'not judged' if band == 'NONE' else band.lower()} {count} ({100 * count / found.planned:.0f} %)"
        for band, count in found.bands.items()
        if count
    )
    yield f"asked {found.times} times each: {bands}"
    if found.flip_rate is not None:
        yield f"  flip rate {100 * found.flip_rate:.1f} % (answers that are right where most are wrong, or the reverse)"


def _wrong(result: EvaluationResult) -> Iterator[str]:
    from mlflow_genie_plugin.evaluation.ruling import ruling_line

    wrong = [
        question
        for question in sorted(result.questions, key=lambda item: (item.priority, item.question_id))
        if not question.is_right(result.judges)
    ]
    yield "not right:" if wrong else "every answer passes every judge"
    for question in wrong[:_WRONG_SHOWN]:
        yield f"  {question.question_id} {question.priority}  {cut(question.question, 70)}"
        yield from _findings(question)
        if (advice := _advice(question)) is not None:
            yield f"      in the space: {cut(advice, 300)}"
        if (ruling := ruling_line(question)) is not None:
            yield f"      arbiter: {cut(ruling, 300)}"
            if (said := opinion_line((question.arbitration or {}).get("opinion"))) is not None:
                yield f"        {cut(said, 300)}"
    if len(wrong) > _WRONG_SHOWN:
        yield f"  and {len(wrong) - _WRONG_SHOWN} more (--json lists them all)"


def _findings(question: QuestionResult) -> Iterator[str]:
    """Yield a line for each finding that is not a pass; judges that say the same share one."""
    said_by: dict[tuple[str, str, str | None], list[str]] = {}
    for judge, finding in question.findings.items():
        if not (finding.passed or finding.not_asked):
            text = cut(finding.rationale + _values(finding), 300)
            said_by.setdefault((_weight(finding), text, opinion_line(finding.opinion)), []).append(judge)
    for (weight, text, opinion), judges in said_by.items():
        names = "every judge" if len(judges) == len(question.findings) > 1 else ", ".join(judges)
        yield f"      {names}{weight}: {text}"
        if opinion is not None:
            yield f"        {cut(opinion, 300)}"


def _weight(finding: Finding) -> str:
    """Return `` (critical, 80 % sure)``: how bad it is, and how sure the judge is where it is not certain."""
    sure = finding.confidence
    parts = [finding.severity, None if sure is None or sure == 1 else f"{100 * sure:.0f} % sure"]
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""


def _advice(question: QuestionResult) -> str | None:
    """Return what to change in the space, and what is to blame: the word of the first judge that knows it."""
    for finding in question.findings.values():
        if finding.fix is not None and not finding.passed:
            blame = f" (to blame: {', '.join(finding.blame)})" if finding.blame else ""
            return f"{finding.fix}{blame}"
    return None


def _proposals(result: EvaluationResult, run_id: str) -> Iterator[str]:
    from mlflow_genie_plugin.evaluation.corrections import proposals_of

    count = len(proposals_of(result, run_id=run_id, evaluation_sha256=""))
    if count:
        yield f"The arbiter proposes {_plural(count, 'correction')} of the benchmarks; none was made. Look:"
        yield f"  mlflow-genie evaluate review {run_id} --benchmarks FILE"


def _values(finding: Finding) -> str:
    """Return the two values of an answer that is a single cell; the rationale itself never holds cell values."""
    if finding.failure_type != "SINGLE_CELL_DIFFERENCE":
        return ""
    from mlflow_genie_plugin.evaluation.cells import decode_cell

    cells = [finding.evidence.get(key) for key in ("missing_rows", "extra_rows")]
    if not all(isinstance(rows, list) and len(rows) == 1 for rows in cells):
        return ""
    wanted, got = (str(decode_cell(rows[0][0])) for rows in cells if rows)
    return f": expected {cut(wanted, 60)}, got {cut(got, 60)}"


def _amount(plan: EvaluationPlan) -> str:
    text = _plural(len(plan.benchmarks), "question")
    return text if plan.times == 1 else f"{text} {plan.times} times each"


def _duration(plan: EvaluationPlan, settings: Settings) -> str:
    if plan.runner == "native":
        return " through Genie's own evaluation runs, whose pace is Genie's"
    quota = settings.questions_per_minute
    if quota == 0:
        return ", without a quota"
    return f", about {max(1, round(plan.minutes(settings)))} min (the quota is {quota:g} per minute)"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def cut(text: str, length: int) -> str:
    """Return the text on one line of at most ``length`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 2]} …"

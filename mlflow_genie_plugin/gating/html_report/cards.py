"""One question as the page shows it: both queries, how they differ, both results, and every judge's word."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.cells import decode_cell
from mlflow_genie_plugin.evaluation.result import OVERALL_JUDGE
from mlflow_genie_plugin.evaluation.ruling import ruling_line
from mlflow_genie_plugin.gating.explanation import Explained
from mlflow_genie_plugin.gating.rules.outcomes import believed_outcome
from mlflow_genie_plugin.gating.text import block, cut, plain

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.result import QuestionResult
    from mlflow_genie_plugin.evaluation.stored_result import StoredResult

ROWS = 20
_COLUMNS = 12
_CELL = 80
_SQL = 4_000
_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class ResultTable:
    """A result, cut to what a page can hold. ``rows`` holds whether a row differs, and its cells.

    ``problem`` says why there is no table; ``more_columns`` is what was left out.
    """

    caption: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[bool, tuple[str, ...]], ...] = ()
    more_columns: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the two queries differ, clause by clause, as the judge of logic found it."""

    clause: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class JudgeLine:
    """One judge's word on the question."""

    judge: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the page says about one question; all texts are plain, and still to be escaped."""

    question_id: str
    priority: str
    question: str
    category: str
    judge: str
    reason: str
    gates: str
    expected_sql: str
    answer_sql: str
    answer_text: str
    answer_problem: str
    differences: tuple[Difference, ...]
    expected: ResultTable | None
    answer: ResultTable | None
    judges: tuple[JudgeLine, ...]
    fixes: tuple[str, ...]
    arbiter: str
    latency: str


def card_of(item: Explained, *, rows: bool) -> Card:
    """Return the card of a question.

    Args:
        item: The question.
        rows: Whether result rows may be shown.
    """
    row = item.row
    missing, extra = _differing(row)
    return Card(
        question_id=plain(item.question_id),
        priority=item.observed.priority,
        question=cut(plain(item.observed.question), _TEXT),
        category=plain(row.category or "") if row else "",
        judge=plain(item.judge),
        reason=cut(plain(item.reason), _TEXT),
        gates=", ".join(item.gates),
        expected_sql=cut(block(row.expected_sql), _SQL) if row else "",
        answer_sql=cut(block(row.answer.sql or ""), _SQL) if row else "",
        answer_text=cut(plain(row.answer.text or ""), _TEXT) if row else "",
        answer_problem=_answer_problem(row),
        differences=tuple(_differences(row)),
        expected=_table("Expected", row.expected, missing, rows=rows) if row else None,
        answer=_table("Genie", row.answer, extra, rows=rows) if row else None,
        judges=tuple(_judges(item)),
        fixes=tuple(_fixes(row)),
        arbiter=cut(plain(ruling_line(row) or ""), _TEXT) if row else "",
        latency=seconds(row.answer.latency_seconds) if row else "",
    )


def seconds(value: float) -> str:
    """Return a duration as ``3.2 s``, short ones in milliseconds."""
    return f"{value:.1f} s" if value >= 0.1 else f"{1000 * value:.0f} ms"


def _answer_problem(row: QuestionResult | None) -> str:
    if row is None:
        return ""
    if row.answer.sql and row.answer.sql.strip():
        return ""
    said = row.answer.error or ("it asked back" if row.answer.is_clarification else "there is no query")
    return f"{row.answer.status.lower()}: {cut(plain(said), _TEXT)}"


def _differences(row: QuestionResult | None) -> Iterator[Difference]:
    finding = row.findings.get("logical_accuracy") if row is not None else None
    facets = finding.evidence.get("facets") if finding is not None else None
    seen = set()
    for facet in facets if isinstance(facets, list) else ():
        if isinstance(facet, Mapping) and not facet.get("only_form"):
            sides = (facet.get("clause"), facet.get("expected"), facet.get("actual"))
            clause, expected, actual = (cut(plain(str(side or "")), 400) for side in sides)
            # Two facets may name the same places, an aggregate and the column it stands in.
            if (clause, expected, actual) not in seen:
                seen.add((clause, expected, actual))
                yield Difference(clause, expected or "nothing", actual or "nothing")


def _judges(item: Explained) -> Iterator[JudgeLine]:
    for judge, observed in item.observed.findings.items():
        yield JudgeLine(
            plain(judge),
            "not asked" if observed.not_asked else believed_outcome(item.observed, judge),
            cut(plain(observed.reason), _TEXT) + (" (a language model's word)" if observed.settled else ""),
        )


def _fixes(row: QuestionResult | None) -> Iterator[str]:
    """Yield what findings say to change in the space, each once, however many judges say it."""
    findings = row.findings.values() if row is not None else ()
    texts = ((finding.fix or "", ", ".join(finding.blame)) for finding in findings if not finding.passed)
    for fix, blame in dict.fromkeys(texts):
        if fix or blame:
            yield cut(plain(f"{blame}: {fix}" if fix and blame else fix or f"look at {blame}"), _TEXT)


def _differing(row: QuestionResult | None) -> tuple[set[str], set[str]]:
    """Return the rows that only one side has, as far as the judge kept them, in a form that can be looked up."""
    finding = row.findings.get(OVERALL_JUDGE) if row is not None else None
    evidence: Mapping[str, Any] = finding.evidence if finding is not None else {}
    sides = (evidence.get("missing_rows"), evidence.get("extra_rows"))
    one, other = ({json.dumps(cells) for cells in side} if isinstance(side, list) else set() for side in sides)
    return one, other


def _table(title: str, side: StoredResult, differing: set[str], *, rows: bool) -> ResultTable:
    if side.columns is None:
        return ResultTable(title, problem=cut(plain(side.error or "no result"), _TEXT))
    number = side.row_count if side.row_count is not None else 0
    counted = f"{title}: {number:,} row{'' if number == 1 else 's'}" + (", cut off" if side.truncated else "")
    if side.rows is None:
        return ResultTable(counted, problem="the rows were not stored")
    if not rows:
        return ResultTable(counted, problem="rows are left out of this copy")
    shown = side.rows[:ROWS]
    caption = counted if number <= len(shown) else f"{counted}, the first {len(shown)}"
    names = [plain(column.name) for column in side.columns]
    return ResultTable(
        caption,
        tuple(cut(name, _CELL) for name in names[:_COLUMNS]),
        tuple((json.dumps(list(cells)) in differing, _cells(cells)) for cells in shown),
        max(0, len(names) - _COLUMNS),
    )


def _cells(cells: Sequence[Any]) -> tuple[str, ...]:
    return tuple("NULL" if cell is None else cut(plain(_shown(cell)), _CELL) for cell in cells[:_COLUMNS])


def _shown(cell: Any) -> str:
    try:
        return str(decode_cell(cell))
    except ValueError as error:
        return f"(unreadable: {error})"

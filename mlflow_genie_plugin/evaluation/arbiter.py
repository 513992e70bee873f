"""Who is right where the answer's result is not the expected one: ordered rules, the first that hits decides.

The arbiter changes no finding and no score. It never assumes that the ground truth is right: where no rule hits, its
word is ``undetermined``. What it proposes to correct is for a person to decide, and never about P0 or held_out
questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.evaluation.asset_use import assets_of_query
from mlflow_genie_plugin.evaluation.finding import Finding, Outcome
from mlflow_genie_plugin.evaluation.question_slots import slots_of
from mlflow_genie_plugin.evaluation.result import OVERALL_JUDGE
from mlflow_genie_plugin.evaluation.ruling import BOTH, GENIE, GROUND_TRUTH, HIGH, LOW, NEITHER, UNDETERMINED, Ruling
from mlflow_genie_plugin.evaluation.slots_met import meets
from mlflow_genie_plugin.evaluation.space_rules import broken_rule
from mlflow_genie_plugin.evaluation.warehouse_messages import in_a_sentence
from mlflow_genie_plugin.sql_dialect import SqlParseError, parameters_in, read_only_reason

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.judged_case import JudgedCase


_QUALITY = ("syntax_validity", "schema_accuracy")
_COMPLETE = "completeness"


Findings = Mapping[str, Finding]
Rule = Callable[["JudgedCase", Findings], Ruling | None]


def arbitrate(case: JudgedCase, findings: Findings) -> dict[str, Any] | None:
    """Return the ruling on one question, or None when there is nothing to rule on.

    There is something to rule on when result_correctness judged and did not pass, and Genie answered with a query.

    Args:
        case: The question with both queries and both results.
        findings: What the judges found.
    """
    overall = findings.get(OVERALL_JUDGE)
    answered = case.answer.query_failed or (case.answer.status == "COMPLETED" and bool((case.answer.sql or "").strip()))
    if overall is None or overall.passed or not answered:
        return None
    try:
        ruling = next((found for rule in RULES if (found := rule(case, findings)) is not None), _OPEN)
    except SqlParseError as error:
        ruling = replace(_OPEN, rationale=f"the queries cannot be read closely enough to say who is right: {error}")
    except Exception as error:  # noqa: BLE001 - an arbiter that breaks decides nothing, visibly, and stops no evaluation
        ruling = Ruling(UNDETERMINED, "error", LOW, f"the arbiter failed: {type(error).__name__}: {error}")
    if case.benchmark.priority == "P0" or case.benchmark.split == "held_out":
        ruling = replace(ruling, proposal=None)
    return ruling.to_json()


_OPEN = Ruling(UNDETERMINED, "f", LOW, "nothing shows which of the two queries is right; a person has to look")


def _a_ground_truth_broken(case: JudgedCase, findings: Findings) -> Ruling | None:
    """The expected query has no result, or reads what the space does not offer."""
    reason = _broken(case)
    if reason is None:
        return None
    # An expected query outside the space ran all the same: that the answer lacks what it has speaks against neither.
    counted = (*_QUALITY, _COMPLETE) if case.expected.error is not None else _QUALITY
    if any(_failed(findings, name) for name in counted) or _answer_fails(case, findings):
        return Ruling(NEITHER, "a", HIGH, f"{reason}, and the answer fails as well")
    unmet = [slot.text for slot in slots_of(case.benchmark.question) if meets(slot, case.answer_tree) is False]
    if unmet:
        return Ruling(NEITHER, "a", LOW, f'{reason}, and the answer leaves out "{unmet[0]}"')
    if all(_passed(findings, name) for name in _QUALITY):
        # Without a right result to compare with, completeness can only look at the question.
        sure = HIGH if _passed(findings, _COMPLETE) else LOW
        return Ruling(
            GENIE, "a", sure, f"{reason}; the answer runs and gives all that the question names", _new_sql(case)
        )
    return Ruling(UNDETERMINED, "a", LOW, f"{reason}, and whether the answer is right was not judged")


def _b_answer_fails(case: JudgedCase, findings: Findings) -> Ruling | None:
    """The answer's query does not run, or names what does not exist."""
    reason = _answer_fails(case, findings)
    return None if reason is None else Ruling(GROUND_TRUTH, "b", HIGH, f"{reason}, the expected query runs")


def _c_harmless(case: JudgedCase, findings: Findings) -> Ruling | None:  # noqa: ARG001 - all rules are called alike
    """The difference leaves both right: order, further columns, rounding, ties at a limit."""
    from mlflow_genie_plugin.evaluation.harmless import harmless_difference

    found = harmless_difference(case)
    if found is None:
        return None
    proposal = None if found.field is None else {"field": found.field, "value": found.value}
    return Ruling(BOTH, "c", found.confidence, found.rationale, proposal)


def _d_ground_truth_misses(case: JudgedCase, findings: Findings) -> Ruling | None:  # noqa: ARG001
    """The expected query finds nothing where the answer does, or leaves out what the question says.

    Not when the answer itself leaves out what the expected query has: then an empty result may well be right.
    """
    by_expected, by_answer = _missed(case)
    if by_answer is not None:
        return None
    if by_expected is not None:
        text = f'the question says "{by_expected}", which the answer follows and the expected query does not'
        return Ruling(GENIE, "d", LOW, text, _new_sql(case))
    if case.expected.has_result and case.expected.row_count == 0 and (case.answer.row_count or 0) > 0:
        return Ruling(GENIE, "d", LOW, "the expected query finds no rows, the answer does", _new_sql(case))
    return None


def _e_answer_misses(case: JudgedCase, findings: Findings) -> Ruling | None:  # noqa: ARG001
    """The answer leaves out what the question says, or breaks a rule of the space; the expected query does neither."""
    by_expected, by_answer = _missed(case)
    if by_answer is None or by_expected is not None:
        return None
    sure = HIGH if _differs_for_sure(case) else LOW
    return Ruling(GROUND_TRUTH, "e", sure, by_answer)


RULES: tuple[Rule, ...] = (
    _a_ground_truth_broken,
    _b_answer_fails,
    _c_harmless,
    _d_ground_truth_misses,
    _e_answer_misses,
)


def _broken(case: JudgedCase) -> str | None:
    """Return what is wrong with the expected query by itself."""
    if case.expected.error is not None:
        return f"the expected query fails ({in_a_sentence(case.expected.error)})"
    if not (case.assets.tables or case.assets.metric_views or case.assets.functions):
        return None
    try:
        used = assets_of_query(case.benchmark.expected_sql, case.assets, case.schema)
    except SqlParseError:
        return None
    outside = sorted(asset.name for asset in used if not asset.in_space)
    return f"the expected query reads {', '.join(outside)}, which the space does not list" if outside else None


def _answer_fails(case: JudgedCase, findings: Findings) -> str | None:
    if case.answer.compiles is False or case.answer.query_failed:
        return f"the answer's query does not run ({in_a_sentence(case.answer.compile_error or case.answer.error)})"
    for name in _QUALITY:
        if _failed(findings, name):
            return f"the answer's query cannot be right ({name}: {findings[name].rationale})"
    return None


def _missed(case: JudgedCase) -> tuple[str | None, str | None]:
    """Return what only the expected query leaves out, and in a sentence what only the answer leaves out.

    What both leave out, or what cannot be told, speaks for neither.
    """
    followed = [
        (slot, meets(slot, case.expected_tree), meets(slot, case.answer_tree))
        for slot in slots_of(case.benchmark.question)
    ]
    by_expected = next((slot.text for slot, expected, met in followed if expected is False and met is True), None)
    said = next((slot.text for slot, expected, met in followed if expected is True and met is False), None)
    if said is not None:
        return by_expected, f'the question says "{said}", which the expected query follows and the answer does not'
    rule = None if case.config is None else broken_rule(case.config, case.expected_tree, case.answer_tree)
    if rule is not None:
        return by_expected, f"the space has {rule}, which the expected query keeps and the answer does not"
    return by_expected, None


def _differs_for_sure(case: JudgedCase) -> bool:
    comparison = case.comparison
    return (comparison is not None and comparison.outcome == "different") or case.refutation.outcome == "different"


def _new_sql(case: JudgedCase) -> dict[str, Any] | None:
    """Return the proposal to expect what Genie wrote; None when that is no query that stands by itself."""
    sql = (case.answer.sql or "").strip()
    try:
        alone = read_only_reason(sql) is None and not parameters_in(sql)
    except SqlParseError:
        return None
    return {"field": "expected_sql", "value": sql} if alone else None


def _passed(findings: Findings, name: str) -> bool:
    return name in findings and findings[name].passed


def _failed(findings: Findings, name: str) -> bool:
    return name in findings and findings[name].outcome is Outcome.FAILED

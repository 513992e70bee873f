from __future__ import annotations

import dataclasses
import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import UnsupportedFormatError, VerificationError
from mlflow_genie_plugin.gating.cell import verdict_cell
from mlflow_genie_plugin.gating.ci_summary import annotation_lines
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.explain import explain
from mlflow_genie_plugin.gating.explanation import Baseline
from mlflow_genie_plugin.gating.mark import mark_tags, read_mark
from mlflow_genie_plugin.gating.note import NOTE_BYTES, markdown
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, Part, Waived
from mlflow_genie_plugin.gating.phrases import headline, label, not_shown, sentence
from mlflow_genie_plugin.gating.question_observed import FindingObserved
from mlflow_genie_plugin.gating.report import terminal_lines
from mlflow_genie_plugin.gating.shared_reasons import SharedReason, shared_gates, shared_reasons
from mlflow_genie_plugin.gating.text import WIDTH, inert, markdown_text, plain, side_by_side, wrapped
from mlflow_genie_plugin.gating.verdict import make_verdict, parse_verdict, verdict_bytes

HOSTILE = "Revenue?\x1b[31m\n| x | <script>alert(1)</script> ![](http://evil) **bold** \u202e"


def told(verdict, evidence, baselines=(), width=WIDTH):
    return terminal_lines(verdict, explain(verdict, evidence, {}, baselines), width)


def spoiled(evidence, observed, count=50):
    questions = [
        dataclasses.replace(
            observed(n),
            question=HOSTILE * 20,
            findings={**observed(n).findings, "result_correctness": FindingObserved("failed", None, HOSTILE * 20)},
        )
        for n in range(count)
    ]
    return evidence(count=count, questions=questions)


def test_a_pass_is_short_and_names_numbers_and_limits(evidence, verdict_of):
    found = evidence()
    lines = told(verdict_of(found), found)
    assert len(lines) <= 24
    assert any("result_correctness" in line and "100.0 %" in line and ">= 85.0 %" in line for line in lines)
    assert headline(verdict_of(found)) == "genie gate: PASS"


def test_a_question_that_a_judge_said_nothing_about_says_which_judge(evidence, observed, verdict_of):
    whole = [observed(n) for n in range(30)]
    without = ("syntax_validity", "completeness")
    silent = [
        dataclasses.replace(each, findings={name: it for name, it in each.findings.items() if name not in without})
        for each in whole
    ]
    found = evidence(count=30, questions=silent)
    explanation = explain(verdict_of(found), found, {})
    assert {item.reason for item in explanation.against} == {"no finding of syntax_validity, completeness"}
    assert "      no finding of syntax_validity, completeness" in told(verdict_of(found), found)


def test_no_line_is_wider_than_a_terminal_and_none_carries_control_characters(evidence, observed, verdict_of):
    found = spoiled(evidence, observed)
    problems = {gate.gate: "it did not run" for gate in verdict_of(found).results}
    before = Baseline("parent", "m-0", right={f"q{n:03d}": n < 9 for n in range(50)})
    lines = told(verdict_of(found, problems=problems), found, [before])
    assert all(len(line) <= WIDTH for line in lines)
    assert not any(unicodedata.category(c)[0] == "C" for line in lines for c in line)
    assert "50 questions count against it, 9 newly wrong (right in parent m-0); the first 5:" in lines


def test_markdown_shows_hostile_text_literally(evidence, observed, verdict_of):
    found = spoiled(evidence, observed)
    verdict = verdict_of(found)
    text = markdown(verdict, explain(verdict, found, {}))
    assert "<script>" not in text
    assert "![](" not in text
    assert "\x1b" not in text
    assert "**FAIL** for stage candidate" in text


def test_the_note_fits_one_tag_and_says_what_it_leaves_out(evidence, observed, verdict_of):
    found = spoiled(evidence, observed, count=500)
    verdict = verdict_of(found)
    text = markdown(verdict, explain(verdict, found, {}), questions=500)
    assert len(text.encode()) <= NOTE_BYTES
    assert text.endswith("left out; report.html has all.\n")


@given(st.text())
def test_untrusted_text_becomes_one_printable_line(text):
    for shown in (plain(text), markdown_text(text)):
        assert "\n" not in shown
        assert not any(unicodedata.category(c)[0] == "C" for c in shown)


@pytest.mark.parametrize("line", ["::error::x", "  ::add-mask::x", "a ##[error]x", "##vso[task.complete]x"])
def test_no_line_is_a_command_to_a_ci_runner(line):
    for shown in [inert(line), *wrapped(line), *side_by_side(("a", line), ("b", f"SELECT 1\n{line}"), width=60)]:
        assert not shown.lstrip().startswith("::")
        assert "##" not in shown


@given(st.text(), st.text(), st.integers(min_value=30, max_value=WIDTH))
def test_two_queries_fit_the_terminal_whatever_stands_in_them(one, other, width):
    lines = side_by_side(("expected", one), ("Genie", other), width=width, indent="      ")
    assert all(len(line) <= width for line in lines)
    assert not any(unicodedata.category(c)[0] == "C" for line in lines for c in line)


def test_two_queries_stand_beside_each_other_or_below_each_other_in_a_narrow_terminal():
    wide = side_by_side(("expected", "SELECT 1"), ("Genie", "SELECT 2"), width=98)
    assert any("SELECT 1" in line and "SELECT 2" in line for line in wide)
    assert side_by_side(("expected", "SELECT 1"), ("Genie", "SELECT 2"), width=60) == [
        "expected",
        "  SELECT 1",
        "Genie",
        "  SELECT 2",
    ]


def test_a_reason_that_stops_many_checks_is_said_once_with_all_of_them(evidence, verdict_of):
    found = evidence(model={"evaluation": None, "evaluation_problem": "it was never evaluated"})
    verdict = verdict_of(found)
    stopped = [label(result.gate) for result in verdict.results if result.outcome is not Outcome.PASSED]
    assert len(stopped) > 20
    texts = {
        "terminal": " ".join(" ".join(told(verdict, found)).split()),
        "note": shown_markdown(markdown(verdict, explain(verdict, found, {}))),
        "cell": verdict_cell(verdict, "next"),
        "annotations": "\n".join(annotation_lines(verdict)),
    }
    sentences = {"terminal": 0, "note": 1, "cell": 1, "annotations": 0}  # the verdict's own sentence
    for name, text in texts.items():
        assert text.count("there is no evaluation to look at: it was never evaluated") == 1 + sentences[name], name
        assert f"stops {len(stopped)} checks: {', '.join(stopped)}" in text, name
    assert sentence(verdict) == (
        f"{len(stopped)} checks cannot be decided: there is no evaluation to look at: it was never evaluated"
    )
    assert not_shown(verdict) == len(verdict.results) - len(stopped)


def test_only_gates_that_say_no_more_than_the_shared_reason_lose_their_row():
    def gate(name, **changes):
        return GateResult(name, **{"outcome": Outcome.UNDECIDED, "reason": "why", **changes})

    own = [
        gate("measured", measured="80 %"),
        gate("questions", questions=("q1",)),
        gate("parts", parts=(Part("p", "failed", "because"),)),
        gate("waived", waived=Waived("2026-12-01", "ana@example.com", "known")),
        gate("passed", outcome=Outcome.PASSED),
        gate("warning", warning="careful"),
        gate("failed", outcome=Outcome.FAILED),
        gate("other", reason="another"),
    ]
    assert shared_reasons([*own, gate("a"), gate("b")]) == ()
    results = [gate("a"), *own, gate("b"), gate("c")]
    assert shared_reasons(results) == (SharedReason(Outcome.UNDECIDED, "why", ("a", "b", "c")),)
    assert shared_gates(results) == {"a", "b", "c"}


# What the description of a run in MLflow takes a backslash off; before any other character it is shown.
UNESCAPED = "\\`*_{}[]()#+-.!|~<"


def shown_markdown(text):
    return html.unescape(re.sub(rf"\\([{re.escape(UNESCAPED)}])", r"\1", text))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_markdown_has_no_backslash_that_mlflow_would_show(text):
    assert shown_markdown(markdown_text(text)) == text


def test_what_is_off_is_said(criteria_bytes, evidence):
    text = criteria_bytes.replace(b"{target: 0.95, floor: 0.85}", b"{off: no metric views yet}")
    criteria = parse_criteria(text, "candidate")
    verdict = make_verdict(
        criteria, "c", evidence(), decide(criteria, evidence()), custom_gates={}, problems={}, suite_files={},
        dry_run=False, decided_at="2026-11-20T10:00:00.000Z", provenance={},
    )  # fmt: skip
    assert "  off: asset_routing (no metric views yet)" in told(verdict, evidence())


def test_a_notebook_shows_a_verdict_small_and_escaped(evidence, observed, verdict_of):
    verdict = verdict_of(spoiled(evidence, observed), problems={HOSTILE: HOSTILE})
    verdict = dataclasses.replace(verdict, model={**verdict.model, "name": HOSTILE})
    cell = verdict._repr_html_()
    assert cell.startswith("<p><strong>FAIL</strong> ")
    assert "<script>" not in cell
    assert "&lt;script&gt;" in cell
    assert len(cell) < 20_000


def test_what_a_gate_is_made_of_is_told_part_by_part_and_not_twice(evidence, verdict_of):
    parts = (
        Part("category=ranking", "failed", "3 of 10 right", "30.0 %", 0.3, (0.1, 0.6)),
        Part("category=listing", "passed", "9 of 10 right"),
        Part("category=rare", "not assessed", "2 questions, at least 10 are needed"),
    )
    result = GateResult("slices[category]", Outcome.FAILED, "category=ranking: 3 of 10 right", parts=parts)
    verdict = dataclasses.replace(verdict_of(evidence()), results=(result,))
    lines = told(verdict, evidence())
    assert "      failed: category=ranking: 3 of 10 right" in lines
    assert "      not assessed: category=rare" in lines
    assert sum("3 of 10 right" in line for line in lines) == 1
    assert not any("category=listing" in line for line in lines)


def test_a_verdict_reads_back_as_it_was(evidence, observed, verdict_of):
    verdict = verdict_of(spoiled(evidence, observed), custom_gates={"latency": Outcome.PASSED})
    assert parse_verdict(verdict_bytes(verdict)) == verdict
    assert verdict_bytes(parse_verdict(verdict_bytes(verdict))) == verdict_bytes(verdict)


def test_a_verdict_of_another_format_or_with_contradictions_is_refused(evidence, verdict_of):
    data = verdict_bytes(verdict_of(evidence()))
    with pytest.raises(UnsupportedFormatError, match="format_version 2"):
        parse_verdict(data.replace(b'"format_version": 1', b'"format_version": 2'))
    with pytest.raises(VerificationError, match="not a verdict"):
        parse_verdict(data.replace(b'"outcome": "passed"', b'"outcome": "pass"', 1))
    with pytest.raises(VerificationError, match="suite digest"):
        parse_verdict(data.replace(b"gates/test_p0.py", b"gates/test_p1.py"))
    with pytest.raises(VerificationError, match="not JSON"):
        parse_verdict(data[:-10])


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.PASSED),
        ({"problems": {"p0": "it did not run"}}, Outcome.UNDECIDED),
        ({"custom_gates": {"latency": Outcome.UNDECIDED}}, Outcome.UNDECIDED),
        ({"custom_gates": {"latency": Outcome.FAILED}}, Outcome.FAILED),
    ],
)
def test_only_a_whole_run_of_passed_gates_passes(evidence, verdict_of, changes, outcome):
    assert verdict_of(evidence(), **changes).outcome is outcome


def test_a_failed_mark_takes_back_the_positive_marks_of_later_stages_only(evidence, observed, verdict_of):
    current = {f"genie.gate.{stage}.verdict": "passed" for stage in ("candidate", "experiment", "production")}
    tags = mark_tags(verdict_of(spoiled(evidence, observed), "experiment"), "run", "0" * 64, current)
    assert tags["genie.gate.experiment.verdict"] == "failed"
    assert tags["genie.gate.production.verdict"] == "revoked"
    assert "genie.gate.candidate.verdict" not in tags
    assert read_mark({**current, **tags}, "experiment").run_id == "run"
    assert all(isinstance(value, str) and len(value) < 250 for value in tags.values())

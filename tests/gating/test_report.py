from __future__ import annotations

import dataclasses
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import UnsupportedFormatError, VerificationError
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.mark import mark_tags, read_mark
from mlflow_genie_plugin.gating.observed import FindingObserved
from mlflow_genie_plugin.gating.outcome import Outcome
from mlflow_genie_plugin.gating.report import WIDTH, headline, markdown, markdown_text, plain, terminal_lines
from mlflow_genie_plugin.gating.verdict import make_verdict, parse_verdict, verdict_bytes

HOSTILE = "Revenue?\x1b[31m\n| x | <script>alert(1)</script> ![](http://evil) **bold** \u202e"


@pytest.fixture
def verdict_of(criteria_bytes):
    def make(evidence, stage="candidate", **changes):
        criteria = parse_criteria(criteria_bytes, stage)
        facts = {"custom_gates": {}, "problems": {}, "suite_files": {"gates/test_p0.py": "a" * 64}, "dry_run": False}
        facts |= {"decided_at": "2026-11-20T10:00:00.000Z", "provenance": {"plugin_version": "0.1.0"}}
        results = decide(criteria, evidence)
        return make_verdict(criteria, "gates/criteria.yaml", evidence, results, **{**facts, **changes})

    return make


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
    lines = terminal_lines(verdict_of(found), found)
    assert len(lines) <= 12
    assert any("result_correctness" in line and "100.0 %" in line and ">= 85.0 %" in line for line in lines)
    assert headline(verdict_of(found)) == "genie gate: PASS"


def test_no_line_is_wider_than_a_terminal_and_none_carries_control_characters(evidence, observed, verdict_of):
    found = spoiled(evidence, observed)
    problems = {gate.gate: "it did not run" for gate in verdict_of(found).results}
    lines = terminal_lines(verdict_of(found, problems=problems), found, {f"q{n:03d}": "m-0" for n in range(9)})
    assert all(len(line) <= WIDTH for line in lines)
    assert not any(unicodedata.category(c)[0] == "C" for line in lines for c in line)
    assert "50 questions count against it, 9 newly wrong; the first 5:" in lines


def test_markdown_shows_hostile_text_literally(evidence, observed, verdict_of):
    found = spoiled(evidence, observed)
    text = markdown(verdict_of(found), found)
    assert "<script>" not in text
    assert "![](" not in text
    assert "\x1b" not in text
    assert "**FAIL** for stage candidate" in text


@given(st.text())
def test_untrusted_text_becomes_one_printable_line(text):
    for shown in (plain(text), markdown_text(text)):
        assert "\n" not in shown
        assert not any(unicodedata.category(c)[0] == "C" for c in shown)


def test_what_is_off_is_said(criteria_bytes, evidence):
    text = criteria_bytes.replace(b"{target: 0.95, floor: 0.85}", b"{off: no metric views yet}")
    criteria = parse_criteria(text, "candidate")
    verdict = make_verdict(
        criteria, "c", evidence(), decide(criteria, evidence()), custom_gates={}, problems={}, suite_files={},
        dry_run=False, decided_at="2026-11-20T10:00:00.000Z", provenance={},
    )  # fmt: skip
    assert "  off: asset_routing, because no metric views yet" in terminal_lines(verdict, evidence())


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

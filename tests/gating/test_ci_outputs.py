"""What a CI system shows of a gate run: JUnit, the job summary, annotations."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET

import pytest

from mlflow_genie_plugin.gating.ci_summary import (
    MOST_ANNOTATIONS,
    MOST_SUMMARY_BYTES,
    add_step_summary,
    annotation_lines,
    step_summary,
)
from mlflow_genie_plugin.gating.explain import explain
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome
from mlflow_genie_plugin.gating.question_observed import FindingObserved

HOSTILE = "rows: 3, 50%\n::error::owned\r<script>x</script> ![](http://evil) `` ``` @team | ##[error]x"


@pytest.fixture
def hostile(evidence, observed, verdict_of):
    questions = [
        dataclasses.replace(
            observed(number),
            question=HOSTILE * 30,
            findings={**observed(number).findings, "result_correctness": FindingObserved("failed", None, HOSTILE * 30)},
        )
        for number in range(600)
    ]
    found = evidence(count=600, questions=questions)
    return verdict_of(found), explain(verdict_of(found), found, {})


def test_a_gate_run_leaves_junit_summary_and_annotations(gate_store, tmp_path):
    junit, summary = tmp_path / "gates.xml", tmp_path / "summary.md"
    done = gate_store.pytest(
        "gates/", f"--junitxml={junit}", model=gate_store.bad, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary)
    )
    assert done.returncode == 1, done.stdout + done.stderr
    cases = {}
    for case in ET.parse(junit).iter("testcase"):
        properties = {item.get("name"): item.get("value") for item in case.iter("property")}
        cases[properties["genie_gate"]] = (case, properties)
    assert not list(ET.parse(junit).iter("skipped"))
    case, properties = cases["p0"]
    assert properties["genie_outcome"] == "failed"
    assert (properties["genie_measured"], properties["genie_required"]) == ("7/8", "all")
    sentence = "failed: 1 P0 question of 8 failed: q003"
    assert case.find("failure").get("message") == f"Failed: {sentence}"
    low, high = map(float, cases["threshold[result_correctness]"][1]["genie_interval"].split())
    assert 0.8 < low < 0.98 < high <= 1
    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert f"::error title=genie gate p0::{sentence}" in commands
    assert len(commands) == len([1 for _, facts in cases.values() if facts["genie_outcome"] != "passed"])
    assert summary.read_text("utf-8").startswith("\n## genie gate: FAIL\n\n**FAIL** for stage candidate\n")


def test_outside_of_github_nothing_of_that_is_printed(gate_store, tmp_path):
    done = gate_store.pytest("gates/", model=gate_store.bad)
    assert done.returncode == 1
    assert "::error" not in done.stdout
    assert not list(tmp_path.glob("*.md"))


def test_a_read_only_summary_is_said_and_changes_nothing(evidence, verdict_of, tmp_path):
    found = evidence()
    verdict = verdict_of(found)
    said = add_step_summary(verdict, explain(verdict, found, {}), {"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert said.startswith("the job summary could not be written: ")


def test_the_summary_never_outgrows_what_github_takes(hostile, tmp_path):
    path = tmp_path / "summary.md"
    for size in (0, MOST_SUMMARY_BYTES - 40_000, MOST_SUMMARY_BYTES - 2_000, MOST_SUMMARY_BYTES - 10):
        path.write_bytes(b"x" * size)
        said = add_step_summary(*hostile, {"GITHUB_STEP_SUMMARY": str(path)})
        assert path.stat().st_size <= MOST_SUMMARY_BYTES
        assert bool(said) == (size > MOST_SUMMARY_BYTES - 1_000)


def test_text_of_a_model_stays_text_in_the_summary(hostile):
    text = step_summary(*hostile)
    assert "<script>" not in text
    assert "![](" not in text
    assert not re.search(r"(?<!\\)@team", text)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_queries_cannot_leave_their_fence(evidence, verdict_of, versions):
    found = evidence(questions=[], count=50)
    verdict = verdict_of(found)
    row = dataclasses.replace(
        versions.question(versions.benchmarks(1, 1).benchmarks[0], right=False), expected_sql="SELECT 1\n```\n# owned"
    )
    from mlflow_genie_plugin.gating.explanation import Explained, Explanation, Group
    from mlflow_genie_plugin.gating.question_observed import QuestionObserved

    asked = QuestionObserved("q0", "x", "P0", True, {})
    explanation = Explanation(
        (Explained(asked, Group.WRONG, "", "no finding", ("p0",), "failed", {"q0": row}),), (), ()
    )
    text = step_summary(verdict, explanation)
    assert "````sql\nSELECT 1\n```\n# owned\n````" in text


def test_annotations_are_few_and_escaped(evidence, verdict_of):
    results = tuple(GateResult(f"threshold[a:b,{n}]", Outcome.FAILED, HOSTILE, questions=("q000",)) for n in range(30))
    verdict = dataclasses.replace(verdict_of(evidence()), results=results)
    lines = annotation_lines(verdict)
    assert len(lines) == MOST_ANNOTATIONS
    assert lines[0].startswith("::error title=genie gate threshold[a%3Ab%2C0]::failed: rows: 3, 50%25 ::error::owned ")
    assert lines[-1] == "::error title=genie gate::21 more gates did not pass; the job summary names them"
    assert all("\n" not in line and "\r" not in line for line in lines)


def test_a_passed_run_has_no_annotations(evidence, verdict_of):
    verdict = verdict_of(evidence())
    passed = tuple(dataclasses.replace(result, outcome=Outcome.PASSED) for result in verdict.results)
    assert annotation_lines(dataclasses.replace(verdict, results=passed)) == []

"""A benchmark with planted faults, asked over HTTP by the command: what every judge says of every one of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES, SEVERITIES
from mlflow_genie_plugin.evaluation.judges import JUDGES

PLAN = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text(encoding="utf-8"))
EIGHT = (
    "syntax_validity", "schema_accuracy", "logical_accuracy", "semantic_equivalence", "completeness",
    "result_correctness", "asset_routing", "repeatability",
)  # fmt: skip
UNDECIDED = ("abstained", "errored")
QUESTIONS = pytest.mark.parametrize("fault", PLAN["questions"], ids=lambda item: item["id"])
LONGEST = 300
# A sentence that ends and another one that begins.
_SECOND_SENTENCE = re.compile(r"[.!?]\s+[A-Z]|\n")


def planned(fault):
    """What every judge must say: ``{judge: (outcome, what is planned of it)}``."""
    found = dict.fromkeys(EIGHT, ("passed", {}))
    for outcome in ("failed", *UNDECIDED):
        for judge, wanted in fault.get(outcome, {}).items():
            found.update(dict.fromkeys(EIGHT if judge == "every_judge" else (judge,), (outcome, wanted)))
    return found


def test_the_eight_judges_are_those_that_judge_by_default():
    assert tuple(judge.name for judge in JUDGES.choose()) == EIGHT


def test_every_failure_type_is_planted_or_named_as_impossible():
    entries = [*PLAN["questions"], *PLAN["conditions"]]
    planted = {
        wanted["type"]
        for fault in entries
        for outcome in ("failed", *UNDECIDED)
        for wanted in fault.get(outcome, {}).values()
    }
    impossible = PLAN["not_planted"]
    assert planted | set(impossible) == set(FAILURE_TYPES)
    assert not planted & set(impossible)
    assert len(PLAN["questions"]) >= 48
    root = Path(__file__).parents[3]
    for name, reason in impossible.items():
        place = root / reason["tested_in"]
        tests = [place] if place.is_file() else sorted(place.glob("test_*.py"))
        assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in tests), f"{name} is tested nowhere"


@pytest.mark.e2e
@QUESTIONS
def test_each_fault_is_typed_right_and_nothing_else_is_found(fault, live):
    findings = live.questions[fault["id"]]["findings"]
    assert {judge: (finding["outcome"], finding["failure_type"]) for judge, finding in findings.items()} == {
        judge: (outcome, wanted.get("type")) for judge, (outcome, wanted) in planned(fault).items()
    }


@pytest.mark.e2e
@QUESTIONS
def test_each_rationale_is_one_sentence_that_names_the_fault(fault, live):
    findings = live.questions[fault["id"]]["findings"]
    for judge, (_, wanted) in planned(fault).items():
        rationale = findings[judge]["rationale"]
        assert 0 < len(rationale) <= LONGEST, judge
        assert not _SECOND_SENTENCE.search(rationale), (judge, rationale)
        assert "SQLSTATE" not in rationale
        assert wanted.get("says", "") in rationale, judge


@pytest.mark.e2e
@QUESTIONS
def test_each_finding_says_how_bad_it_is_and_what_to_change(fault, live):
    findings = live.questions[fault["id"]]["findings"]
    for judge, (outcome, wanted) in planned(fault).items():
        finding = findings[judge]
        assert (finding["severity"] in SEVERITIES) is (outcome != "passed")
        assert finding["confidence"] is None or 0 < finding["confidence"] <= 1
        if "blame" in wanted:
            assert wanted["blame"] in finding["blame"], judge
        if outcome == "passed":
            assert (finding["blame"], finding["fix"]) == ([], None)
        # What differs can only be told of queries that can be read; results by themselves tell no cause.
        unread = findings["logical_accuracy"]["failure_type"] == "UNPARSABLE" and judge in EIGHT[3:5]
        if outcome == "failed" and judge != "result_correctness" and not unread:
            assert finding["fix"], judge
            assert not _SECOND_SENTENCE.search(finding["fix"])


@pytest.mark.e2e
@QUESTIONS
def test_the_arbiter_says_who_is_right(fault, live):
    ruling, wanted = live.questions[fault["id"]]["arbitration"], fault.get("arbiter")
    if wanted is None:
        assert ruling is None
        return
    assert {key: ruling[key] for key in wanted} == wanted
    assert not _SECOND_SENTENCE.search(ruling["rationale"])
    assert len(ruling["rationale"]) <= LONGEST
    # Ground truth is only proposed to change where it is wrong, never by itself.
    proposed = (ruling["proposal"] or {}).get("field") == "expected_sql"
    assert proposed is (wanted["verdict"] == "genie_correct")


@pytest.mark.e2e
def test_the_command_prints_all_eight_judges_and_what_to_change(live):
    printed = live.printed
    assert tuple(printed["scores"]) == EIGHT
    assert all(counts["planned"] == len(PLAN["questions"]) for counts in printed["scores"].values())
    fields = ("outcome", "failure_type", "severity", "confidence", "rationale", "blame", "fix")
    for item in printed["not_passed"]:
        stored = live.questions[item["question_id"]]["findings"][item["judge"]]
        assert {key: item[key] for key in fields} == {key: stored[key] for key in fields}
    wrong = {(item["question_id"], item["judge"]) for item in printed["not_passed"]}
    assert wrong == {
        (fault["id"], judge)
        for fault in PLAN["questions"]
        for judge, (outcome, _) in planned(fault).items()
        if outcome != "passed"
    }


@pytest.mark.e2e
def test_the_text_names_the_weight_of_a_fault_and_what_to_change(bench, live):
    from mlflow_genie_plugin.cli.evaluation_text import summary
    from mlflow_genie_plugin.evaluation.result_file import parse_result

    lines = summary(parse_result(bench.artifact(live.run_id)), live.run_id).splitlines()
    assert [line for line in lines if line.startswith("      schema_accuracy (critical)")]
    assert any("% sure)" in line for line in lines)
    assert any(line.startswith("      in the space: ") and "(to blame: " in line for line in lines)
    assert max(map(len, lines)) <= LONGEST + 60


@pytest.mark.e2e
def test_the_same_questions_asked_again_give_the_same_bytes(live, asked_again):
    assert asked_again.run_id != live.run_id
    assert asked_again.findings == live.findings


@pytest.mark.e2e
def test_recorded_answers_give_the_same_questions_and_nothing_is_asked(live, recorded):
    again, requests = recorded
    assert requests == 0
    assert again.run_id != live.run_id
    assert again.questions == live.questions
    assert again.findings == live.findings


@pytest.mark.e2e
def test_mlflow_holds_every_finding_with_its_rationale(bench, live):
    import mlflow

    traces = mlflow.search_traces(
        locations=["0"], run_id=live.run_id, include_spans=False, return_type="list", max_results=1000
    )
    assert len(traces) == len(PLAN["questions"])
    for trace in traces:
        question = live.questions[trace.info.tags["genie.question_id"]]
        told = {item.name: item for item in trace.info.assessments if item.source.source_type == "CODE"}
        assert set(told) - {"arbiter"} == set(EIGHT)
        for judge in EIGHT:
            finding = question["findings"][judge]
            assert told[judge].rationale == finding["rationale"]
            decided = finding["outcome"] not in UNDECIDED
            assert told[judge].value is (finding["outcome"] == "passed" if decided else None)
            if not decided:
                assert told[judge].error.error_code == finding["failure_type"]
            assert told[judge].metadata.get("fix") == finding["fix"]
            assert json.loads(told[judge].metadata.get("blame", "[]")) == finding["blame"]


@pytest.mark.e2e
@pytest.mark.parametrize("condition", PLAN["conditions"], ids=lambda item: item["id"])
def test_a_fault_of_the_surroundings_is_seen_and_never_a_pass(condition, bench, monkeypatch):
    sql = "SELECT COUNT(*) AS n, 1 AS one FROM samples.tpch.nation"
    item = {"id": "q", "question": "How many nations and one?", "expected_sql": sql}
    item["answers"] = [{"sql": condition.get("answer", sql)}]
    bench.script([item])
    for name, value in condition.get("environment", {}).items():
        monkeypatch.setenv(name, value)
    if "behaviour" in condition:
        bench.control.configure(**condition["behaviour"])
    for fault in condition.get("faults", ()):
        bench.control.fault(**fault)
    try:
        found = bench.evaluate([item], "--no-traces", "--restart", *condition.get("options", ()))
    finally:
        bench.control.clear_faults()
        bench.control.configure(latency_seconds=0)
    if condition.get("recorded"):
        found = bench.evaluate([item], "--no-traces", "--runner", "recorded", "--answers", found.run_id)
    for judge, (outcome, wanted) in planned(condition).items():
        if wanted:
            finding = found.questions["q"]["findings"][judge]
            assert (finding["outcome"], finding["failure_type"]) == (outcome, wanted["type"])
            assert wanted["says"] in finding["rationale"]
            assert not _SECOND_SENTENCE.search(finding["rationale"])


@pytest.mark.e2e
def test_expected_sql_that_fails_is_found_before_anything_is_asked(bench):
    item = {
        "id": "q",
        "question": "How many?",
        "expected_sql": "SELECT nothing FROM samples.tpch.nation",
        "answers": [],
    }
    bench.script([item])
    code, stdout, _ = bench.run([item], "--no-traces")
    assert code == 2
    [violation] = json.loads(stdout)["error"]["violations"]
    assert violation["path"] == "question q"
    assert "nothing" in violation["message"]
    assert bench.control.requests("genie.start_conversation") == []

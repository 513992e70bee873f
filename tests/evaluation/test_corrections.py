from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.clock import SYSTEM_CLOCK
from mlflow_genie_plugin.errors import ConflictError, InvalidCorrectionsError, UnsupportedFormatError, UsageError
from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks
from mlflow_genie_plugin.evaluation.correct import correct, with_variables
from mlflow_genie_plugin.evaluation.corrections import Correction, choose, decided, merge, proposals_of
from mlflow_genie_plugin.evaluation.corrections_file import corrections_bytes, read_corrections, write_corrections
from mlflow_genie_plugin.evaluation.yaml_source import read_source

FILE = b"""\
# of the sales team
cost:
  # asked every Monday
  - id: cost_1
    question: What did we spend?
    expected_sql: |  # agreed with finance
      SELECT SUM(x)
      FROM ${catalog}.${schema}.usage
    expected_row_count: 1
jobs:
  - {id: jobs_1, question: Which jobs failed?, expected_sql: SELECT 1, priority: P0}
  - {id: jobs_2, question: How many jobs?, expected_sql: SELECT 2, split: held_out}
  - id: jobs_3  # the odd one
    question: Top 5 jobs
    expected_sql: SELECT 3
    category: ranking
    notes: old note
"""
VALUES = {"catalog": "main", "schema": "gold"}
NEW = "SELECT SUM(y)\nFROM main.gold.usage\nWHERE z = 'main.gold'"


@pytest.fixture
def make_correction():
    def make(question_id="cost_1", value=NEW, old="SELECT SUM(x)\nFROM main.gold.usage", field="expected_sql", **more):
        values = {
            "question": "What did we spend?",
            "verdict": "genie_correct",
            "rule": "d",
            "confidence": "low",
            "rationale": "it says so",
            "variables": VALUES,
            "confirmations": (confirmation("m1"),),
        }
        return Correction(question_id, field=field, value=value, old_sql=old, **{**values, **more})

    return make


def confirmation(asked):
    return {"asked": asked, "run_id": "r", "evaluation_id": "e", "evaluation_sha256": "0" * 64, "model_id": "m-1"}


def test_an_accepted_correction_changes_only_its_question(make_correction):
    found = correct(FILE, make_correction(), "b.yaml")
    before, after = FILE.decode().splitlines(), found.data.decode().splitlines()
    assert [line for line in before if line not in after] == ["      SELECT SUM(x)"]
    assert [line for line in after if line not in before] == [
        "    source: arbiter_corrected",
        "      SELECT SUM(y)",
        "      WHERE z = 'main.gold'",
    ]
    assert "expected_row_count may be those of the old SQL" in found.notes[0]
    sets = [{item.id: item for item in parse_benchmarks(data, VALUES).benchmarks} for data in (FILE, found.data)]
    assert sets[1]["cost_1"].expected_sql == NEW
    assert sets[1]["cost_1"].source == "arbiter_corrected"
    assert {**sets[0], "cost_1": None} == {**sets[1], "cost_1": None}


def test_other_fields_are_corrected_too(make_correction):
    data = correct(FILE, make_correction("jobs_3", False, "SELECT 3", "ordered"), "b").data
    assert read_source(data.decode(), "b").value["jobs"][2]["ordered"] is False
    data = correct(data, make_correction("jobs_3", "rows tie", "SELECT 3", "notes"), "b").data
    assert read_source(data.decode(), "b").value["jobs"][2]["notes"] == "old note\nrows tie"
    assert b"# the odd one" in data


@pytest.mark.parametrize("question_id", ["jobs_1", "jobs_2"])
def test_p0_and_held_out_questions_are_refused_whatever_a_file_proposes(make_correction, question_id):
    with pytest.raises(UsageError, match="no proposal may change it"):
        correct(FILE, make_correction(question_id, old=f"SELECT {question_id[-1]}"), "b.yaml")


def test_a_question_that_changed_or_went_since_is_a_conflict(make_correction):
    with pytest.raises(ConflictError, match="not the one that was judged"):
        correct(FILE, make_correction(old="SELECT 0"), "b.yaml")
    with pytest.raises(ConflictError, match="has no question"):
        correct(FILE, make_correction("gone"), "b.yaml")


def test_a_correction_that_is_done_already_changes_nothing(make_correction):
    once = correct(FILE, make_correction(), "b.yaml").data
    assert correct(once, make_correction(), "b.yaml").data == once


def test_variables_stand_where_the_old_sql_had_them():
    old = "SELECT 1 FROM ${catalog}.${schema}.t"
    new = "SELECT main.f(x), 'main' FROM main.gold.t JOIN other.gold.u ON main.gold.t.id = u.i"
    assert with_variables(new, old, VALUES) == (
        "SELECT main.f(x), 'main' FROM ${catalog}.${schema}.t JOIN other.${schema}.u ON ${catalog}.${schema}.t.id = u.i"
    )
    assert with_variables(new, "SELECT 1", VALUES) == new
    assert with_variables("not ( sql", old, VALUES) == "not ( sql"


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(["main", "gold", "a b", "x-y"]), st.sampled_from(["gold", "main", "s"]))
def test_filling_the_variables_again_gives_the_new_sql(catalog, schema):
    sql = f"SELECT * FROM `{catalog}`.`{schema}`.t WHERE n = '{catalog}'"
    values = {"catalog": catalog, "schema": schema}
    held = with_variables(sql, "SELECT 1 FROM ${catalog}.${schema}.t", values)
    for name, value in values.items():
        held = held.replace(f"${{{name}}}", value)
    assert held == sql


def test_proposals_gather_confirmations_from_different_answers_only(make_correction):
    one, again, other = (make_correction(confirmations=(confirmation(asked),)) for asked in ("m1", "m1", "m2"))
    merged = merge(merge([one], [again]), [other])
    assert [[item["asked"] for item in correction.confirmations] for correction in merged] == [["m1", "m2"]]


def test_what_was_decided_stays_decided_when_it_is_proposed_again(make_correction):
    rejected = decided(make_correction(), "rejected", "ana", SYSTEM_CLOCK)
    assert [item.state for item in merge([rejected], [make_correction()])] == ["rejected"]


def test_the_file_reads_back_and_equal_corrections_give_equal_bytes(make_correction, tmp_path):
    corrections = [make_correction(), make_correction("jobs_3", False, "SELECT 3", "ordered")]
    path = tmp_path / "c.yaml"
    write_corrections(path, "set", corrections)
    assert sorted(read_corrections(path), key=lambda item: item.id) == sorted(corrections, key=lambda item: item.id)
    assert corrections_bytes("set", corrections[::-1]) == path.read_bytes()
    assert read_corrections(tmp_path / "none.yaml") == []


def test_a_file_that_was_changed_by_hand_or_has_another_version_is_refused(make_correction, tmp_path):
    path = tmp_path / "c.yaml"
    write_corrections(path, "set", [make_correction()])
    good = path.read_text()
    path.write_text(good.replace("SELECT SUM(y)", "SELECT SUM(k)"))
    with pytest.raises(InvalidCorrectionsError, match="changed by hand"):
        read_corrections(path)
    path.write_text(good.replace("state: proposed", "state: perhaps"))
    with pytest.raises(InvalidCorrectionsError, match="no corrections file"):
        read_corrections(path)
    path.write_text(good.replace("format_version: 1", "format_version: 2"))
    with pytest.raises(UnsupportedFormatError):
        read_corrections(path)


def test_choosing_needs_one_open_proposal(make_correction):
    two = [make_correction(), make_correction(value="SELECT 9")]
    assert choose(two[:1], "cost_1") is two[0]
    assert choose(two, two[1].id) is two[1]
    with pytest.raises(UsageError, match="2 open proposals"):
        choose(two, "cost_1")
    with pytest.raises(UsageError, match="no proposal 'x'"):
        choose(two, "x")
    done = decided(two[0], "accepted", "ana", SYSTEM_CLOCK)
    with pytest.raises(UsageError, match="was accepted by ana"):
        choose([done], "cost_1")


def test_proposals_of_an_evaluation_leave_p0_and_held_out_out_even_if_the_file_has_them(make_result, make_question):
    ruling = {
        "verdict": "genie_correct", "rule": "d", "confidence": "low", "rationale": "r", "opinion": None,
        "proposal": {"field": "expected_sql", "value": "SELECT 2"},
    }  # fmt: skip
    questions = (
        make_question("q1", arbitration=ruling),
        make_question("q2", arbitration=ruling, priority="P0"),
        make_question("q3", arbitration=ruling, split="held_out"),
        make_question("q4", arbitration={**ruling, "proposal": None}),
        make_question("q5"),
    )
    found = proposals_of(make_result(questions=questions), run_id="r", evaluation_sha256="0" * 64)
    assert [item.question_id for item in found] == ["q1"]
    assert found[0].confirmations[0]["asked"]
    judged_again = replace(make_result(questions=questions), evaluation_id="f" * 32)
    answered = tuple(replace(item, answer=replace(item.answer, message_id="m")) for item in judged_again.questions)
    one, other = (
        proposals_of(
            replace(make_result(questions=answered), evaluation_id=name * 32), run_id="r", evaluation_sha256="0" * 64
        )
        for name in "ab"
    )
    assert len(merge(one, other)[0].confirmations) == 1

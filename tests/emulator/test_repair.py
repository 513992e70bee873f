from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.emulator.export_rules import accept_export
from mlflow_genie_plugin.emulator.repair import repair_document
from mlflow_genie_plugin.space.validate import errors_of

A, B = "0" * 31 + "1", "0" * 31 + "2"
BROKEN = {
    "version": 2,
    "title": "not here",
    "config": {"sample_questions": ["What?", {"id": "q1", "question": "How many?"}]},
    "data_sources": {
        "tables": [
            {"identifier": "${catalog}.s.z", "description": "Last"},
            {"identifier": "<your-catalog>.s.a", "column_configs": [{"column_name": "x", "get_example_values": True}]},
        ]
    },
    "instructions": {
        "text_instructions": [{"id": A, "content": ["One."]}, {"id": B, "content": ["Two."]}],
        "sql_functions": [{"id": A, "full_name": "c.s.f", "signature": "f()"}],
        "example_question_sqls": [
            {"id": B, "question": ["b"], "sql": ["SELECT 1 FROM <your-catalog>.s.a WHERE 1 <2 AND 3> 2"]}
        ],
        "join_specs": [
            {
                "id": "j",
                "left": {"identifier": "c.s.z", "alias": "z"},
                "right": {"identifier": "c.s.a", "alias": "a"},
                "sql": ["z.i = a.i"],
            }
        ],
    },
}


def test_everything_the_server_would_refuse_is_changed_and_said():
    repaired, changes = repair_document(BROKEN)
    assert errors_of(repaired) == []
    assert accept_export(json.dumps(repaired))
    tables = repaired["data_sources"]["tables"]
    assert [table["identifier"] for table in tables] == ["catalog.s.z", "your_catalog.s.a"]
    assert repaired["instructions"]["text_instructions"][0]["content"] == ["One.\n", "Two.\n"]
    assert "".join(repaired["instructions"]["example_question_sqls"][0]["sql"]) == (
        "SELECT 1 FROM your_catalog.s.a WHERE 1 <2 AND 3> 2"
    )
    assert repaired["instructions"]["sql_functions"][0]["identifier"] == "c.s.f"
    text = "\n".join(changes)
    for words in (
        "unknown field $.title",
        "placeholder ${catalog}",
        "placeholder <your-catalog> with 'your_catalog'",
        "version 1 column flags",
        "joined 2 text instructions",
        "full_name for the identifier",
        "array of strings",
        "many to one",
        "new id to a sample question",
    ):
        assert words in text


def test_repairing_twice_changes_nothing_more_and_the_original_stays():
    before = json.dumps(BROKEN)
    once, _ = repair_document(BROKEN)
    twice, changes = repair_document(once)
    assert (twice, changes, json.dumps(BROKEN)) == (once, [], before)


def test_a_good_document_is_left_alone():
    from mlflow_genie_plugin.emulator.sample import sample_document
    from mlflow_genie_plugin.space.normalise import normalise_for_write

    document = normalise_for_write(sample_document())
    assert repair_document(document) == (document, [])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "sql", "x"]), inner, max_size=3),
    max_leaves=8,
)
sections = st.sampled_from(["version", "config", "data_sources", "instructions", "benchmarks", "x"])


@given(st.dictionaries(sections, values, max_size=4))
def test_no_document_breaks_the_repair(document):
    repaired, changes = repair_document(document)
    assert isinstance(repaired, dict)
    assert all(isinstance(line, str) for line in changes)


SHARED = sorted((Path(__file__).parents[3] / "shared" / "spaces").glob("*.json"))


@pytest.mark.skipif(not SHARED, reason="the collection of exported spaces is not on this machine")
def test_every_collected_space_can_be_repaired_until_the_server_accepts_it():
    from mlflow_genie_plugin.space.parse import read_space_file

    for path in SHARED:
        repaired, _ = repair_document(read_space_file(path).document)
        assert errors_of(repaired) == [], path.name
        accept_export(json.dumps(repaired))

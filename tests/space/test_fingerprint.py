import copy
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.canonical_json import canonical_bytes
from mlflow_genie_plugin.space.canonical_form import canonical_form
from mlflow_genie_plugin.space.fingerprint import behaviour_hash, content_hash, hashes_of
from mlflow_genie_plugin.space.parse import read_space_file

SEEDS = st.integers(0, 2**32)


def table(**fields):
    return {"version": 2, "data_sources": {"tables": [{"identifier": "a.b.c", **fields}]}}


def column(**fields):
    return table(column_configs=[{"column_name": "x", **fields}])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_order_splitting_and_version_do_not_count(space_tools, seed):
    document, choose = space_tools.full(), random.Random(seed)
    other = space_tools.version_1_of(document) if choose.random() < 0.5 else copy.deepcopy(document)
    space_tools.shuffle(other, choose)
    space_tools.resplit(other, choose)
    assert hashes_of(other) == hashes_of(document)


def test_real_spaces_keep_their_hash_when_reordered_and_resplit(space_tools, real_space):
    document = read_space_file(real_space).document
    for seed in range(3):
        other, choose = copy.deepcopy(document), random.Random(seed)
        space_tools.shuffle(other, choose)
        space_tools.resplit(other, choose)
        assert hashes_of(other) == hashes_of(document)


def assert_every_edit_counts(space_tools, document):
    before = canonical_bytes(document)
    content, seen = content_hash(document), 0
    for edit, undo in space_tools.edits(document):
        edit()
        assert content_hash(document) != content, f"edit {seen} went unseen"
        undo()
        seen += 1
    assert json.loads(canonical_bytes(document)) == json.loads(before)
    assert content_hash(document) == content
    assert seen > 3


def test_every_edit_of_the_full_space_changes_the_content_hash(space_tools):
    assert_every_edit_counts(space_tools, space_tools.full())
    assert_every_edit_counts(space_tools, space_tools.version_1_of(space_tools.full()))


def test_every_edit_of_a_real_space_changes_the_content_hash(space_tools, real_space):
    assert_every_edit_counts(space_tools, read_space_file(real_space).document)


def test_behaviour_ignores_benchmarks_and_sample_questions_only(space_tools):
    document = space_tools.full()
    behaviour = behaviour_hash(document)
    for part in ("benchmarks", "config"):
        for edit, undo in space_tools.edits(
            document[part]["questions" if part == "benchmarks" else "sample_questions"]
        ):
            edit()
            assert behaviour_hash(document) == behaviour
            undo()
    for part in ("data_sources", "instructions"):
        for edit, undo in space_tools.edits(document[part]):
            edit()
            assert behaviour_hash(document) != behaviour
            undo()
    del document["benchmarks"], document["config"]["sample_questions"]
    assert behaviour_hash(document) == behaviour
    document["config"]["unknown"] = 1
    assert behaviour_hash(document) != behaviour


EMPTY = {"version": 2}


@pytest.mark.parametrize(
    "document",
    [
        {"version": 2, "data_sources": {}},
        {"version": 1, "data_sources": {"tables": [], "metric_views": []}},
        {"version": 2, "config": {"sample_questions": []}, "benchmarks": {}},
        {"version": 2, "instructions": {"sql_snippets": {"filters": []}, "text_instructions": []}},
    ],
)
def test_empty_and_absent_are_equal(document):
    assert hashes_of(document) == hashes_of(EMPTY)


def test_empty_texts_and_word_lists_are_as_good_as_none():
    assert content_hash(table(description=[])) == content_hash(table(description=["", ""])) == content_hash(table())
    assert content_hash(column(synonyms=[], description=[])) == content_hash(column())
    assert content_hash(table(column_configs=[])) == content_hash(table())


def test_a_metric_view_may_stand_among_the_tables(full_space):
    moved = copy.deepcopy(full_space)
    moved["data_sources"]["tables"] += moved["data_sources"].pop("metric_views")
    assert hashes_of(moved) == hashes_of(full_space)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (column(exclude=False), column()),
        (column(exclude=True), column(exclude=1)),
        (column(enable_format_assistance=False), column()),
        (column(synonyms=["a", "b"]), column(synonyms=["b", "a"])),
        (column(synonyms=["ab"]), column(synonyms=["a", "b"])),
        (column(synonyms=[""]), column()),
        (column(description=["x"]), column(synonyms=["x"])),
        (table(description=["x"]), table(description="x")),
        (table(description=["x"]), table(comment=["x"])),
        (table(description=["x", 1]), table(description=["x"])),
        (table(unknown=[]), table()),
        (table(unknown=["a", "b"]), table(unknown=["ab"])),
        (table(), {"version": 3, "data_sources": {"tables": [{"identifier": "a.b.c"}]}}),
        (table(), {"data_sources": {"tables": [{"identifier": "a.b.c"}]}}),
        (table(), {"version": True, "data_sources": {"tables": [{"identifier": "a.b.c"}]}}),
        (table(), {"version": "2", "data_sources": {"tables": [{"identifier": "a.b.c"}]}}),
        ({"version": 2, "config": None}, EMPTY),
        ({"version": 2, "config": ""}, EMPTY),
    ],
)
def test_what_a_person_could_tell_apart_differs(one, other):
    assert content_hash(one) != content_hash(other)


def test_text_moved_between_fields_or_items_differs(full_space):
    moved = copy.deepcopy(full_space)
    example = moved["instructions"]["example_question_sqls"][0]
    example["usage_guidance"], example["question"] = example["question"], example["usage_guidance"]
    assert content_hash(moved) != content_hash(full_space)
    swapped = copy.deepcopy(full_space)
    first, second = swapped["benchmarks"]["questions"][:2]
    first["question"], second["question"] = second["question"], first["question"]
    assert content_hash(swapped) != content_hash(full_space)


def test_parameters_count_in_their_order(full_space):
    turned = copy.deepcopy(full_space)
    turned["instructions"]["example_question_sqls"][0]["parameters"].reverse()
    assert content_hash(turned) != content_hash(full_space)


def test_flags_of_both_versions_are_equal_only_in_their_own_version():
    new = column(enable_format_assistance=True, enable_entity_matching=False)
    old = {**column(get_example_values=True, build_value_dictionary=False), "version": 1}
    assert content_hash(old) == content_hash(new)
    mixed = [
        {**column(enable_format_assistance=True, enable_entity_matching=False), "version": 1},
        {**column(get_example_values=True, build_value_dictionary=False), "version": 2},
        {**column(get_example_values=True, enable_entity_matching=False), "version": 1},
    ]
    assert len({content_hash(document) for document in [new, *mixed]}) == 4


def test_a_list_with_missing_or_double_keys_still_ignores_order():
    items = [{"id": "a", "content": ["x"]}, {"id": "a", "content": ["y"]}, {"content": ["z"]}, {"id": 1}]
    hashes = set()
    for seed in range(10):
        random.Random(seed).shuffle(items)
        hashes.add(content_hash({"version": 2, "instructions": {"text_instructions": list(items)}}))
    assert len(hashes) == 1


def test_the_canonical_form_leaves_the_document_alone(space_tools):
    document = space_tools.version_1_of(space_tools.full())
    before = copy.deepcopy(document)
    form = canonical_form(document)
    assert document == before
    assert form["version"] == 2
    assert form["instructions"]["text_instructions"][0]["content"] == "Revenue is net.\nUse euros."
    assert [source["identifier"] for source in form["data_sources"]["tables"]] == [
        "main.sales.customers",
        "main.sales.orders",
        "main.sales.revenue",
    ]


def test_the_hashes_of_a_known_document_stay_what_they_are(full_space):
    # Recorded hashes stand in write-once params of models: a change here orphans every snapshot ever taken.
    assert hashes_of(full_space) == (
        "334ad9514094802a9a3f23028bb878b02352c525921ace5aa7e65bf4d1c0549c",
        "31779b0ca51dbebf68307536cd02b8fd6d071e1e1f832b97079e3d91fdebac13",
    )

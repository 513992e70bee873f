import copy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import InvalidSpaceError
from mlflow_genie_plugin.space.fingerprint import content_hash
from mlflow_genie_plugin.space.merge import merge_lines, merge_spaces
from mlflow_genie_plugin.space.parse import read_space_file
from mlflow_genie_plugin.space.validate import validate_space


@pytest.fixture
def sides(full_space):
    return full_space, copy.deepcopy(full_space), copy.deepcopy(full_space)


def text_of(document):
    return "".join(document["instructions"]["text_instructions"][0]["content"])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_one_sided_and_equal_edits_merge_to_the_edit(space_tools, seed):
    choose = random.Random(seed)
    base, edited = space_tools.full(), space_tools.full()
    for kind in ("example_question_sqls", "join_specs", "sql_functions"):
        items = edited["instructions"][kind]
        if choose.random() < 0.5:
            items.pop(choose.randrange(len(items)))
    edited["instructions"]["text_instructions"][0]["content"] = ["Revenue is gross.\n", "Use euros.", "\nBe brief."]
    if choose.random() < 0.5:
        edited["data_sources"]["tables"][0]["column_configs"].pop(choose.randrange(3))
    layout = space_tools.version_1_of(base) if choose.random() < 0.5 else copy.deepcopy(base)
    space_tools.shuffle(layout, choose)
    space_tools.resplit(layout, choose)
    for sides in ((base, edited, layout), (base, layout, edited), (layout, edited, edited)):
        merged = merge_spaces(*copy.deepcopy(sides))
        assert merged.conflicts == ()
        assert content_hash(merged.document) == content_hash(edited)


def test_edits_of_different_things_come_together(sides):
    base, ours, theirs = sides
    ours["data_sources"]["tables"][0]["column_configs"][0]["description"] = ["The id."]
    ours["instructions"]["text_instructions"][0]["content"] = ["Revenue is gross.\n", "Use euros."]
    ours["instructions"]["example_question_sqls"][0]["usage_guidance"] = ["Ours."]
    theirs["data_sources"]["tables"][0]["column_configs"][0]["exclude"] = False
    theirs["data_sources"]["tables"].append({"identifier": "main.sales.zones"})
    theirs["instructions"]["example_question_sqls"][0]["question"] = ["Theirs?"]
    del theirs["benchmarks"]["questions"][1]
    merged = merge_spaces(base, ours, theirs)
    assert merged.conflicts == ()
    assert merged.document["data_sources"]["tables"][0]["column_configs"][0] == {
        "column_name": "id",
        "exclude": False,
        "description": ["The id."],
    }
    assert [table["identifier"][-5:] for table in merged.document["data_sources"]["tables"]] == [
        "omers",
        "rders",
        "zones",
    ]
    example = merged.document["instructions"]["example_question_sqls"][0]
    assert (example["question"], example["usage_guidance"]) == (["Theirs?"], ["Ours."])
    assert len(merged.document["benchmarks"]["questions"]) == 2
    assert text_of(merged.document) == "Revenue is gross.\nUse euros."
    assert validate_space(merged.document) == []


def test_edits_of_different_lines_of_one_text_come_together(sides):
    for document in sides:
        document["instructions"]["text_instructions"][0]["content"] = ["a\nb\nc\nd\ne\n"]
    base, ours, theirs = sides
    ours["instructions"]["text_instructions"][0]["content"] = ["A\nb\nc\nd\ne\n"]
    theirs["instructions"]["text_instructions"][0]["content"] = ["a\nb\nc\n", "D\ne\nf\n"]
    merged = merge_spaces(base, ours, theirs)
    assert merged.conflicts == ()
    assert text_of(merged.document) == "A\nb\nc\nD\ne\nf\n"


@pytest.mark.parametrize(
    ("edit_ours", "edit_theirs", "path"),
    [
        (
            lambda d: d["instructions"]["text_instructions"][0].update(content=["Ours."]),
            lambda d: d["instructions"]["text_instructions"][0].update(content=["Theirs."]),
            "content",
        ),
        (
            lambda d: d["data_sources"]["tables"].pop(0),
            lambda d: d["data_sources"]["tables"][0].update(description=["new"]),
            "$.data_sources.tables[main.sales.customers]",
        ),
        (
            lambda d: d["data_sources"]["tables"][0]["column_configs"][1].update(synonyms=["a"]),
            lambda d: d["data_sources"]["tables"][0]["column_configs"][1].pop("synonyms"),
            "$.data_sources.tables[main.sales.customers].column_configs[name].synonyms",
        ),
        (lambda d: d.update(new=1), lambda d: d.update(new=True), "$.new"),
    ],
)
def test_two_different_edits_of_one_thing_are_a_conflict_that_keeps_ours(sides, edit_ours, edit_theirs, path):
    base, ours, theirs = sides
    edit_ours(ours)
    edit_theirs(theirs)
    merged = merge_spaces(base, ours, theirs)
    assert [conflict.path.endswith(path) for conflict in merged.conflicts] == [True]
    assert content_hash(merged.document) == content_hash(ours)


def test_a_metric_view_the_server_moved_is_no_edit(sides):
    base, ours, theirs = sides
    theirs["data_sources"]["tables"] += theirs["data_sources"].pop("metric_views")
    ours["data_sources"]["metric_views"][0]["description"] = ["Ours."]
    merged = merge_spaces(base, ours, theirs)
    assert merged.conflicts == ()
    assert merged.document["data_sources"]["metric_views"] == [
        {"identifier": "main.sales.revenue", "description": ["Ours."]}
    ]
    assert len(merged.document["data_sources"]["tables"]) == 2


def test_items_that_cannot_be_told_apart_are_refused(sides):
    base, ours, theirs = sides
    theirs["instructions"]["sql_functions"][1] = theirs["instructions"]["sql_functions"][0]
    with pytest.raises(InvalidSpaceError, match=r"theirs cannot be merged(.|\n)*sql_functions"):
        merge_spaces(base, ours, theirs)


@settings(deadline=None)
@given(st.data())
def test_line_merges_lose_no_edit(data):
    lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n"]), max_size=8)
    base, ours, theirs = data.draw(lines), data.draw(lines), data.draw(lines)
    assert merge_lines(base, ours, base) == ours
    assert merge_lines(base, base, theirs) == theirs
    assert merge_lines(base, ours, ours) == ours
    both, turned = merge_lines(base, ours, theirs), merge_lines(base, theirs, ours)
    assert both == turned


def test_real_spaces_merge_with_themselves(real_space):
    document = read_space_file(real_space).document
    merged = merge_spaces(document, document, document)
    assert merged.conflicts == ()
    assert content_hash(merged.document) == content_hash(document)

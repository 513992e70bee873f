import copy
import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.diff import diff_spaces
from mlflow_genie_plugin.space.fingerprint import hashes_of
from mlflow_genie_plugin.space.parse import read_space_file

JUNK = [None, 1, True, "text", [], {}, ["a"], ["a", "b"], [{}], [{"id": "x"}], {"id": "x"}]


def spoil(document, choose):
    """One random edit, sensible or not."""
    places = []

    def collect(value):
        if isinstance(value, dict):
            places.extend((value, key) for key in value)
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            places.extend((value, index) for index in range(len(value)))
            for inner in value:
                collect(inner)

    collect(document)
    holder, key = choose.choice(places)
    action = choose.randrange(5)
    if action == 0:
        holder[key] = copy.deepcopy(choose.choice(JUNK))
    elif action == 1:
        del holder[key]
    elif action == 2 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif action == 3 and isinstance(holder, dict):
        holder["unknown"] = copy.deepcopy(choose.choice(JUNK))
    elif isinstance(holder[key], str):
        holder[key] += "x"


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_there_is_a_difference_exactly_when_the_hashes_differ(space_tools, seed):
    choose = random.Random(seed)
    before = space_tools.full()
    for _ in range(choose.randrange(3)):
        spoil(before, choose)
    after = space_tools.version_1_of(before) if choose.random() < 0.2 and _regular(before) else copy.deepcopy(before)
    for _ in range(choose.randrange(3)):
        spoil(after, choose)
    if choose.random() < 0.5:
        space_tools.shuffle(after, choose)
        space_tools.resplit(after, choose)
    difference = diff_spaces(before, after)
    (content, behaviour), (other_content, other_behaviour) = hashes_of(before), hashes_of(after)
    assert bool(difference.changes) == (content != other_content)
    assert difference.changes_behaviour == (behaviour != other_behaviour)
    json.dumps(difference.to_json())
    assert difference.render()


def _regular(document):
    sources = document.get("data_sources")
    lists = [sources.get("tables", []), sources.get("metric_views", [])] if isinstance(sources, dict) else []
    items = [item for items in lists if isinstance(items, list) for item in items]
    return (
        bool(lists)
        and all(isinstance(side, list) for side in lists)
        and all(
            isinstance(item, dict)
            and isinstance(item.get("column_configs", []), list)
            and all(isinstance(column, dict) for column in item.get("column_configs", []))
            for item in items
        )
    )


def test_real_spaces_differ_from_themselves_in_layout_at_most(space_tools, real_space):
    document = read_space_file(real_space).document
    assert not diff_spaces(document, document)
    assert not diff_spaces(document, document).layout_only
    other = copy.deepcopy(document)
    choose = random.Random(1)
    space_tools.shuffle(other, choose)
    space_tools.resplit(other, choose)
    difference = diff_spaces(document, other)
    assert not difference
    assert difference.layout_only == (other != document)


@pytest.fixture
def pair(full_space):
    return full_space, copy.deepcopy(full_space)


def test_each_kind_of_change_is_told_in_one_block(pair):
    before, after = pair
    after["data_sources"]["tables"].append({"identifier": "main.sales.zones", "column_configs": [{"column_name": "z"}]})
    del after["data_sources"]["metric_views"]
    after["data_sources"]["tables"][0]["column_configs"][1]["synonyms"] = ["client"]
    after["data_sources"]["tables"][0]["column_configs"].pop(2)
    after["instructions"]["text_instructions"][0]["content"] = ["Revenue is gross.\n", "Use euros."]
    example = after["instructions"]["example_question_sqls"][0]
    number = example["question"][0].split()[1]
    example["sql"][2] = f"ORDER BY 1 LIMIT {number}"
    example["parameters"][0]["default_value"]["values"] = ["2025-01-01"]
    assert diff_spaces(before, after).render() == "\n".join(
        [
            "1 added, 2 removed, 3 changed, 17 unchanged",
            "~ column main.sales.customers.name",
            '    synonyms: ["client", "buyer"] -> ["client"]',
            "- column main.sales.customers.region",
            "+ table main.sales.zones (1 column configured)",
            "- metric view main.sales.revenue",
            '~ instruction "Revenue is gross. Use euros."',
            "    - Revenue is net.",
            "    + Revenue is gross.",
            f'~ example SQL "Top {number} customers?"',
            f"    LIMIT {number} -> ORDER BY 1 LIMIT {number}",
            '    parameters.start.default_value.values: ["2024-01-01"] -> ["2025-01-01"]',
            "Can change answers: yes (column, table, metric view, instruction, example SQL).",
        ]
    )


def test_benchmarks_and_sample_questions_cannot_change_answers(pair):
    before, after = pair
    after["benchmarks"]["questions"][0]["answer"][0]["content"] = ["SELECT sum(1)\n", "FROM main.sales.orders"]
    after["config"]["sample_questions"].pop()
    difference = diff_spaces(before, after)
    assert not difference.changes_behaviour
    assert difference.render().endswith("Can change answers: no.")
    assert "    SELECT count(*) -> SELECT sum(1)" in difference.render()


def test_version_1_and_2_are_one_layout_apart(space_tools):
    difference = diff_spaces(space_tools.version_1_of(space_tools.full()), space_tools.full())
    assert not difference
    assert difference.layout_only
    assert difference.render().startswith("The same content; only the layout differs")


def test_long_prose_is_compared_by_word(pair):
    before, after = pair
    long = (
        "Whenever somebody asks about revenue for a region or a product line take {} from the orders and nothing else."
    )
    before["instructions"]["text_instructions"][0]["content"] = [long.format("net_amount")]
    after["instructions"]["text_instructions"][0]["content"] = [long.format("gross_amount")]
    assert "    …a product line take: net_amount -> gross_amount" in diff_spaces(before, after).render().split("\n")


def test_a_rewritten_text_stays_short_on_screen_and_whole_in_json(pair):
    before, after = pair
    after["instructions"]["text_instructions"][0]["content"] = [f"Rule {number}.\n" for number in range(500)]
    difference = diff_spaces(before, after)
    lines = difference.render().split("\n")
    assert len(lines) < 20
    assert any("more lines" in line for line in lines)
    assert max(map(len, lines)) <= 100
    assert difference.to_json()["changes"][0]["fields"][0]["after"].count("\n") == 500


def test_deployment_fields_are_a_section_of_their_own(full_space):
    one = SpaceConfig(full_space, Envelope("Sales", None, "w1", "/Workspace/Users/a"))
    other = SpaceConfig(full_space, Envelope("Sales EU", "d", "w2", "/Users/a/"))
    difference = diff_spaces(one, other)
    assert not difference.changes
    assert difference
    assert [change.field for change in difference.deployment] == ["title", "description", "warehouse_id"]
    assert not difference.changes_behaviour
    assert difference.render() == "\n".join(
        [
            "The same content.",
            "Deployment fields (in no hash):",
            "~ title",
            "    - Sales",
            "    + Sales EU",
            "~ description",
            "    + d",
            "~ warehouse_id",
            "    w1 -> w2",
        ]
    )


def test_a_bare_file_has_no_deployment_fields_to_compare(full_space):
    difference = diff_spaces(SpaceConfig(full_space), SpaceConfig(full_space, Envelope("Sales")))
    assert difference.deployment is None
    assert not difference


def test_json_gives_joined_texts_and_leaves_out_absent_sides(pair):
    before, after = pair
    before["data_sources"]["tables"][1]["description"] = ["a\n", "b"]
    [change] = diff_spaces(before, after).to_json()["changes"]
    assert change == {
        "action": "changed",
        "kind": "table",
        "key": "main.sales.orders",
        "label": "main.sales.orders",
        "changes_behaviour": True,
        "fields": [{"field": "description", "before": "a\nb"}],
    }


def test_notebooks_get_escaped_html(pair):
    before, after = pair
    after["instructions"]["text_instructions"][0]["content"] = ["<script>"]
    assert "<script>" not in diff_spaces(before, after)._repr_html_()


def test_thousands_of_empty_lines_are_compared_in_seconds(pair):
    before, after = pair
    lines = [line for number in range(4000) for line in (f"Rule {number}\n", "\n")]
    changed = [line.replace("Rule", "Never do") if index % 80 == 0 else line for index, line in enumerate(lines)]
    for document, content in ((before, lines), (after, changed)):
        document["instructions"]["text_instructions"][0]["content"] = content
    started = time.process_time()
    text = diff_spaces(before, after).render()
    # An exact match of these lines takes minutes.
    assert time.process_time() - started < 10
    assert "Rule 0" in text
    assert "Never do 0" in text

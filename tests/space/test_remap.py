import copy

import pytest

from mlflow_genie_plugin.errors import InvalidSpaceError, UsageError
from mlflow_genie_plugin.space.config import Envelope, SpaceConfig
from mlflow_genie_plugin.space.diff import diff_spaces
from mlflow_genie_plugin.space.fingerprint import content_hash
from mlflow_genie_plugin.space.parse import read_space_file
from mlflow_genie_plugin.space.remap import parse_mapping, remap_config, remap_space, residual_references
from mlflow_genie_plugin.space.validate import errors_of


def strings_of(value):
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings_of(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings_of(inner)]
    return [value] if isinstance(value, str) else []


def test_a_catalog_is_renamed_in_every_place_that_names_it(full_space):
    full_space["instructions"]["text_instructions"][0]["content"] = ["Use `main.sales.orders`, not main street.\n"]
    full_space["instructions"]["sql_snippets"]["measures"][0]["sql"] = ["sum(main.sales.orders.amount)"]
    full_space["data_sources"]["tables"][0]["description"] = ["Copied from main.raw.customers."]
    new = remap_space(full_space, {"main": "prod"})
    text = "\n".join(strings_of(new))
    assert "main." not in text
    assert "not main street" in text
    assert text.count("prod.") == "\n".join(strings_of(full_space)).count("main.")
    assert errors_of(new) == []
    assert residual_references(new, ["main"]) == []
    assert content_hash(remap_space(new, {"prod": "main"})) == content_hash(full_space)


def test_the_longest_name_wins_and_other_names_stay(full_space):
    new = remap_space(full_space, {"main": "prod", "main.sales": "prod.eu", "main.sales.orders": "prod.core.purchases"})
    assert [table["identifier"] for table in new["data_sources"]["tables"]] == [
        "prod.core.purchases",
        "prod.eu.customers",
    ]
    join = new["instructions"]["join_specs"][0]
    assert (join["left"], join["right"]["identifier"]) == (
        {"identifier": "prod.core.purchases", "alias": "o"},
        "prod.eu.customers",
    )
    assert len(join["sql"]) == 2
    assert new["instructions"]["sql_snippets"]["measures"][0]["sql"] == ["sum(purchases.amount)"]
    assert new["benchmarks"]["questions"][0]["answer"][0]["content"] == [
        "SELECT count(*)\n",
        "FROM prod.core.purchases",
    ]
    assert new["config"] == full_space["config"]


def test_literals_comments_aliases_and_parameters_are_not_touched(full_space):
    sql = ["SELECT 'main.sales.orders' AS main, :main -- from main.sales.orders\n", "FROM main.sales.orders AS sales"]
    full_space["instructions"]["example_question_sqls"][0]["sql"] = sql
    new = remap_space(full_space, {"main": "prod"})
    assert new["instructions"]["example_question_sqls"][0]["sql"] == [sql[0], "FROM prod.sales.orders AS sales"]
    left = residual_references(new, ["main"])
    assert [(violation.severity, violation.path) for violation in left] == [
        ("warning", "$.instructions.example_question_sqls[0].sql")
    ]


def test_a_measure_written_with_its_from_is_read_all_the_same(full_space):
    full_space["instructions"]["sql_snippets"]["measures"][0]["sql"] = ["MEASURE(`Net`) FROM main.sales.revenue"]
    new = remap_space(full_space, {"main": "prod"})
    assert new["instructions"]["sql_snippets"]["measures"][0]["sql"] == ["MEASURE(`Net`) FROM prod.sales.revenue"]


def test_sql_that_cannot_be_read_stops_the_whole_remap_and_is_listed(full_space):
    full_space["instructions"]["example_question_sqls"][0]["sql"] = ["SELECT FROM WHERE main.sales.orders ((("]
    full_space["benchmarks"]["questions"][0]["answer"][0]["content"] = ["SELECT 'unclosed FROM main.sales.orders"]
    before = copy.deepcopy(full_space)
    with pytest.raises(InvalidSpaceError, match="not every SQL text can be read") as refusal:
        remap_space(full_space, {"main": "prod"})
    assert [violation.path for violation in refusal.value.violations] == [
        "$.instructions.example_question_sqls[0].sql",
        "$.benchmarks.questions[0].answer[0].content",
    ]
    assert full_space == before


def test_unreadable_sql_without_the_name_is_left_alone(full_space):
    full_space["benchmarks"]["questions"][0]["answer"][0]["content"] = ["SELECT 'unclosed"]
    assert remap_space(full_space, {"main": "prod"})["benchmarks"]["questions"][0]["answer"][0]["content"] == [
        "SELECT 'unclosed"
    ]


def test_two_environments_can_be_swapped(full_space):
    full_space["data_sources"]["tables"].append({"identifier": "other.sales.zones"})
    new = remap_space(full_space, {"main": "other", "other": "main"})
    assert "main.sales.zones" in [table["identifier"] for table in new["data_sources"]["tables"]]
    assert "other.sales.orders" in [table["identifier"] for table in new["data_sources"]["tables"]]


def test_names_that_are_left_are_found_with_their_severity(full_space):
    full_space["instructions"]["text_instructions"][0]["content"] = ["See dev.sales for details."]
    full_space["benchmarks"]["questions"][0]["answer"][0]["content"] = ["SELECT * FROM `dev`.sales.orders"]
    full_space["data_sources"]["metric_views"][0]["identifier"] = "DEV.sales.revenue"
    full_space["instructions"]["sql_snippets"]["filters"][0]["sql"] = ["x = 'dev.y'"]
    found = residual_references(full_space, ["dev"])
    assert {violation.path: violation.severity for violation in found} == {
        "$.data_sources.metric_views[0].identifier": "error",
        "$.instructions.text_instructions[0].content": "warning",
        "$.instructions.sql_snippets.filters[0].sql": "warning",
        "$.benchmarks.questions[0].answer[0].content": "error",
    }
    assert residual_references(full_space, ["de", "ev", "sales_x", "dev.sales.order"]) == []


def test_a_config_moves_with_its_warehouse_and_leaves_its_old_place(full_space):
    config = SpaceConfig(full_space, Envelope("T", "d", "w1", "/Users/a"), "ab" * 16, "etag")
    moved = remap_config(config, {"main": "prod"}, warehouse_id="w2")
    assert moved.envelope == Envelope("T", "d", "w2", None)
    assert (moved.space_id, moved.etag) == (None, None)


def test_mappings_are_read_from_pairs():
    assert parse_mapping(["dev=prod", " dev.sales = prod.eu "]) == {"dev": "prod", "dev.sales": "prod.eu"}


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (["dev"], "maps nothing"),
        (["=prod"], "maps nothing"),
        (["dev=prod.x"], "same number of parts"),
        (["a.b.c.d=a.b.c.e"], "same number of parts"),
        (["dev=prod", "DEV=test"], "mapped twice"),
    ],
)
def test_mappings_that_make_no_sense_are_refused(pairs, says):
    with pytest.raises(UsageError, match=says):
        parse_mapping(pairs)


def test_real_spaces_move_to_another_catalog_without_a_trace_of_the_old(real_space):
    config = read_space_file(real_space)
    catalogs = {name.split(".")[0] for name in config.data_assets() if name.count(".") == 2}
    catalogs = {name for name in catalogs if not set("${<") & set(name)}
    if not catalogs:
        pytest.skip("a template without real names")
    new = remap_space(config.document, {name: f"{name}_moved" for name in catalogs})
    assert [str(left) for left in residual_references(new, catalogs) if left.severity == "error"] == []
    assert diff_spaces(config.document, new).changes_behaviour
    back = remap_space(new, {f"{name}_moved": name for name in catalogs})
    assert content_hash(back) == content_hash(config.document)

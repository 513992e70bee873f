from __future__ import annotations

import copy

import pytest

from mlflow_genie_plugin.emulator.sample import sample_document
from mlflow_genie_plugin.evaluation.blame.assign import blame_of, with_blame
from mlflow_genie_plugin.evaluation.facets.diff import diff_queries
from mlflow_genie_plugin.evaluation.space_schema import SchemaAsset, SchemaColumn, SpaceSchema
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.sql_dialect import parse_query

T = "samples.tpch"
O, C, L, MV = f"{T}.orders", f"{T}.customer", f"{T}.lineitem", f"{T}.order_metrics"  # noqa: E741
QUESTION = "How many orders are there?"


@pytest.fixture
def document():
    return copy.deepcopy(dict(sample_document()))


@pytest.fixture(scope="module")
def schema():
    columns = {
        O: "o_orderkey o_custkey o_orderstatus o_totalprice o_orderdate o_clerk o_shippriority",
        C: "c_custkey c_name c_mktsegment c_acctbal",
        L: "l_orderkey l_extendedprice l_discount l_shipmode l_quantity",
        MV: "order_count total_order_value order_year",
        f"{T}.supplier": "s_suppkey s_name",
    }
    return SpaceSchema(
        {name: SchemaAsset(name, "TABLE", tuple(map(SchemaColumn, text.split()))) for name, text in columns.items()}
    )


@pytest.fixture
def blame(document, schema):
    def find(expected, answer, question=QUESTION):
        fault = diff_queries(parse_query(expected), parse_query(answer), schema).faults[0]
        return blame_of(fault, SpaceConfig(document), question)

    return find


def column_config(document, table, column):
    (source,) = [each for each in document["data_sources"]["tables"] if each["identifier"] == table]
    (found,) = [each for each in source["column_configs"] if each["column_name"] == column]
    return found


def test_a_filter_that_the_space_has_is_blamed_by_its_name(blame):
    found = blame(f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'O'", f"SELECT COUNT(*) FROM {O}")
    assert found.items == ("filter 'open orders'",)
    assert "add an example SQL" in found.fix


def test_a_column_is_blamed_for_a_filter_that_the_space_has_not(blame):
    found = blame(f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", f"SELECT COUNT(*) FROM {O}")
    assert found.items == ("column samples.tpch.orders.o_orderstatus",)


def test_a_word_that_the_space_does_not_know_is_named(blame):
    found = blame(
        f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", f"SELECT COUNT(*) FROM {O}", "How many concluded orders?"
    )
    assert found.items == ("column samples.tpch.orders.o_orderstatus", "no synonym for 'concluded'")
    assert found.fix == "add 'concluded' as synonym of the column samples.tpch.orders.o_orderstatus"


def test_a_word_the_space_knows_is_not_called_unknown(blame, document):
    column_config(document, O, "o_orderstatus")["synonyms"].append("concluded")
    found = blame(
        f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", f"SELECT COUNT(*) FROM {O}", "How many concluded orders?"
    )
    assert found.items == ("column samples.tpch.orders.o_orderstatus",)


def test_names_and_quoted_values_of_the_question_are_no_vocabulary(blame):
    question = "How many orders has Zubrowka of 'xyzzy things'?"
    found = blame(f"SELECT COUNT(*) FROM {O} WHERE o_clerk = 'A'", f"SELECT COUNT(*) FROM {O}", question)
    assert not any("no synonym" in item for item in found.items)


def test_a_hidden_column_is_to_be_shown(blame):
    found = blame(f"SELECT o_shippriority FROM {O}", f"SELECT o_clerk FROM {O}")
    assert found.fix == "show the column samples.tpch.orders.o_shippriority, which the space hides"


def test_a_column_without_description_is_to_be_described(blame, document):
    column_config(document, L, "l_quantity").pop("description")
    found = blame(f"SELECT MAX(l_quantity) FROM {L} WHERE l_quantity > 5", f"SELECT MAX(l_quantity) FROM {L}")
    assert found.fix == "describe the column samples.tpch.lineitem.l_quantity"


def test_values_that_are_not_matched_are_to_be_matched_or_described(blame, document):
    config = column_config(document, O, "o_orderstatus")
    config["enable_entity_matching"] = False
    config["description"] = ["Order status"]
    found = blame(f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'", f"SELECT COUNT(*) FROM {O}")
    assert found.fix.startswith("turn on entity matching for the column samples.tpch.orders.o_orderstatus")


def test_a_join_the_space_has_and_the_answer_ignores_wants_an_example(blame):
    wrong = f"SELECT c_name FROM {C} JOIN {O} ON c_custkey = o_orderkey"
    found = blame(f"SELECT c_name FROM {C} JOIN {O} ON c_custkey = o_custkey", wrong)
    assert found.items == ("join customer to orders",)
    assert "the space has this join" in found.fix


def test_a_join_the_space_lacks_is_to_be_added(blame, document):
    document["instructions"]["join_specs"] = []
    wrong = f"SELECT c_name FROM {C} JOIN {O} ON c_custkey = o_orderkey"
    found = blame(f"SELECT c_name FROM {C} JOIN {O} ON c_custkey = o_custkey", wrong)
    assert found.items == ("no join customer to orders",)
    assert found.fix == "add the join customer.c_custkey = orders.o_custkey to the space"


def test_a_wrong_join_of_the_space_is_to_be_corrected(blame, document):
    for join in document["instructions"]["join_specs"]:
        join["sql"][0] = join["sql"][0].replace("`orders`.`o_custkey`", "`orders`.`o_orderkey`")
    wrong = f"SELECT c_name FROM {C} JOIN {O} ON c_custkey = o_orderkey"
    found = blame(f"SELECT c_name FROM {C} JOIN {O} ON c_custkey = o_custkey", wrong)
    assert found.fix == "correct the join of the space to: customer.c_custkey = orders.o_custkey"


def test_a_table_outside_the_space_is_to_be_added(blame, document):
    tables = document["data_sources"]["tables"]
    document["data_sources"]["tables"] = [each for each in tables if each["identifier"] != f"{T}.supplier"]
    found = blame(f"SELECT COUNT(*) FROM {T}.supplier", f"SELECT COUNT(*) FROM {C}")
    assert found.items == ("table samples.tpch.supplier (not in the space)",)
    assert found.fix == "add samples.tpch.supplier to the space"


def test_a_metric_view_that_was_not_used_is_called_one(blame):
    found = blame(f"SELECT MEASURE(order_count) FROM {MV}", f"SELECT COUNT(*) FROM {O}")
    assert found.items == ("metric view samples.tpch.order_metrics",)


def test_a_measure_of_the_space_is_blamed_for_a_wrong_sum(blame):
    found = blame(f"SELECT SUM(l_extendedprice * (1 - l_discount)) FROM {L}", f"SELECT SUM(l_extendedprice) FROM {L}")
    assert found.items == ("measure 'revenue'",)


def test_a_measure_is_known_in_another_spelling_too(blame):
    found = blame(
        f"SELECT SUM(x.l_extendedprice - l_discount * l_extendedprice) FROM {L} x", f"SELECT COUNT(*) FROM {L}"
    )
    assert found.items == ("measure 'revenue'",)


def test_a_sum_that_the_space_lacks_is_proposed_as_a_measure_only_over_columns_of_tables(blame):
    found = blame(f"SELECT SUM(l_quantity) FROM {L}", f"SELECT AVG(l_quantity) FROM {L}")
    assert found.fix == "add the measure SUM(l_quantity) to the space, or an example SQL for this question"
    inner = f"(SELECT l_orderkey, SUM(l_quantity) AS q FROM {L} GROUP BY 1)"
    assert (
        blame(f"SELECT AVG(q) FROM {inner}", f"SELECT MAX(q) FROM {inner}").fix
        == "add an example SQL for this question"
    )


def test_a_measure_of_the_space_that_is_wrong_itself_is_to_be_corrected(blame, document):
    for measure in document["instructions"]["sql_snippets"]["measures"]:
        if measure["display_name"] == "revenue":
            measure["sql"] = ["SUM(lineitem.l_extendedprice)"]
    found = blame(f"SELECT SUM(l_extendedprice * (1 - l_discount)) FROM {L}", f"SELECT SUM(l_extendedprice) FROM {L}")
    assert found.items == ("measure 'revenue'",)
    assert found.fix == (
        "the answer follows the measure 'revenue'; correct it to: SUM(l_extendedprice * (1 - l_discount))"
    )


def test_a_filter_that_was_used_and_is_not_expected_is_blamed(blame):
    found = blame(f"SELECT COUNT(*) FROM {O}", f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'O'")
    assert found.items == ("filter 'open orders'",)
    assert found.fix == "say in the filter 'open orders' when it does not apply"


def test_an_instruction_that_names_the_date_is_blamed_for_a_missing_period(blame):
    found = blame(f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1995", f"SELECT COUNT(*) FROM {O}")
    assert found.items == ("column samples.tpch.orders.o_orderdate", "text instruction")


def test_without_such_an_instruction_one_is_proposed(blame, document):
    document["instructions"]["text_instructions"] = []
    found = blame(f"SELECT COUNT(*) FROM {O} WHERE YEAR(o_orderdate) = 1995", f"SELECT COUNT(*) FROM {O}")
    assert found.fix == "say in an instruction that periods are meant by o_orderdate"


def test_an_example_for_the_very_question_is_blamed_first(blame, document):
    example = document["instructions"]["example_question_sqls"][0]
    found = blame(
        f"SELECT COUNT(*) FROM {O} WHERE o_orderstatus = 'F'",
        f"SELECT COUNT(*) FROM {O}",
        example["question"][0].upper(),
    )
    assert found.items[0].startswith("example SQL 'How many orders are there of each size class?'")


def test_an_empty_space_is_blamed_for_nothing_it_does_not_say(schema):
    fault = diff_queries(
        parse_query(f"SELECT c_name FROM {C} ORDER BY c_acctbal LIMIT 3"),
        parse_query(f"SELECT c_name FROM {C}"),
        schema,
    ).faults[0]
    found = blame_of(fault, SpaceConfig({"version": 2}), QUESTION)
    assert all(item.startswith("no ") for item in found.items)


def test_only_differences_in_meaning_get_a_blame(document, schema):
    diff = diff_queries(
        parse_query(f"SELECT c_name FROM {C}"), parse_query(f"SELECT c_acctbal AS x, c_mktsegment FROM {C}"), schema
    )
    blamed = with_blame(diff, SpaceConfig(document), QUESTION)
    assert [bool(facet.blame) for facet in blamed.differing] == [not f.is_presentational for f in blamed.differing]
    assert with_blame(diff, None, QUESTION) is diff


def test_a_column_that_the_answer_made_up_is_not_blamed(document, schema):
    parts = [parse_query(f"SELECT {name} FROM {O}") for name in ("o_orderdate", "l_shipdate")]
    found = with_blame(diff_queries(*parts, schema), SpaceConfig(document), QUESTION, schema).faults[0]
    assert found.blame == (f"column {O}.o_orderdate",)
    assert "l_shipdate" not in found.fix


def test_no_synonym_brings_in_an_order(blame):
    by_price = f"SELECT o_orderkey FROM {O} ORDER BY o_totalprice"
    found = blame(f"{by_price} DESC LIMIT 3", f"{by_price} LIMIT 3", "Zebras upside down?")
    assert not any("synonym" in item for item in found.items)


@pytest.mark.parametrize(
    ("expected", "answer", "fix"),
    [
        ("o_custkey", "CAST(o_custkey AS STRING)", "add an example SQL for this question"),
        ("AVG(o_totalprice) + 1", "ROUND(AVG(o_totalprice)) + 1",
         "add the measure AVG(o_totalprice) + 1 to the space, or an example SQL for this question"),
    ],
)  # fmt: skip
def test_only_what_computes_something_is_proposed_as_expression_or_measure(blame, expected, answer, fix):
    assert blame(f"SELECT {expected} FROM {O}", f"SELECT {answer} FROM {O}").fix == fix


def test_the_column_that_was_not_used_is_the_one_to_describe(blame, document):
    column_config(document, C, "c_name").pop("synonyms", None)
    found = blame(f"SELECT c_mktsegment FROM {C}", f"SELECT c_name FROM {C}")
    assert found.items == (f"column {C}.c_mktsegment", f"column {C}.c_name")
    assert "c_name" not in found.fix

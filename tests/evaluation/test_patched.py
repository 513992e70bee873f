from __future__ import annotations

import copy

import pytest

from mlflow_genie_plugin.emulator.sample import sample_document
from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.benchmark import Benchmark, BenchmarkSet, select
from mlflow_genie_plugin.evaluation.patched import patched_objects
from mlflow_genie_plugin.space.parse import parse_space


@pytest.fixture
def document():
    return sample_document()


def patched(before, edit):
    after = copy.deepcopy(before)
    edit(after)
    return patched_objects(parse_space(before), parse_space(after))


def test_a_column_a_join_an_example_and_a_snippet_are_about_their_objects(document):
    instructions = document["instructions"]
    join, example = instructions["join_specs"][0], instructions["example_question_sqls"][0]
    column = next(item for item in document["data_sources"]["tables"] if item.get("column_configs"))

    def describe(after):
        next(item for item in after["data_sources"]["tables"] if item["identifier"] == column["identifier"])[
            "column_configs"
        ][0]["description"] = ["Another meaning."]

    name = f"{column['identifier']}.{column['column_configs'][0]['column_name']}"
    assert patched(document, describe) == (name,)
    sides = {join["left"]["identifier"], join["right"]["identifier"]}
    assert set(patched(document, lambda after: after["instructions"]["join_specs"].pop(0))) == sides
    from mlflow_genie_plugin.sql_dialect import assets_in

    used = {asset.name for asset in assets_in("".join(example["sql"]))}
    assert set(patched(document, lambda after: after["instructions"]["example_question_sqls"].pop(0))) == used

    def forget_the_discount(after):
        measures = after["instructions"]["sql_snippets"]["measures"]
        next(item for item in measures if item["display_name"] == "revenue")["sql"] = ["SUM(lineitem.l_extendedprice)"]

    assert patched(document, forget_the_discount) == ("lineitem",)


def test_what_cannot_change_an_answer_is_no_patch(document):
    with pytest.raises(UsageError, match="nothing that can change an answer"):
        patched(document, lambda after: after["benchmarks"]["questions"].pop())


def test_a_change_that_concerns_everything_does_not_fit_a_slice(document):
    def both(after):
        after["instructions"]["text_instructions"][0]["content"].append("Be brief.")
        after["instructions"]["join_specs"].pop(0)

    with pytest.raises(UsageError, match="may concern every question: instruction"):
        patched(document, both)


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        ("samples.tpch.orders", ["a", "c"]),
        ("orders", ["a", "c"]),
        ("samples.tpch.orders.o_orderdate", ["a", "c"]),
        ("o_totalprice", ["a"]),
        ("c_name", ["b"]),
        ("lineitem", ["b"]),
        ("`samples`.`tpch`.`NATION`", ["d"]),
    ],
)
def test_a_slice_holds_what_depends_on_a_patched_table_or_column(changed, chosen):
    benchmarks = BenchmarkSet(
        "set",
        (
            Benchmark("a", "A?", "SELECT sum(o_totalprice) FROM samples.tpch.orders"),
            Benchmark(
                "b", "B?", "SELECT c_name FROM samples.tpch.customer", required_tables=("samples.tpch.lineitem",)
            ),
            Benchmark("c", "C?", "WITH o AS (SELECT * FROM samples.tpch.orders) SELECT count(*) FROM o"),
            Benchmark("d", "D?", "SELECT 1", required_columns=("samples.tpch.nation.n_name",)),
        ),
    )
    assert [item.id for item in select(benchmarks, "slice", [changed])] == chosen

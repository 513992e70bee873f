from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import pytest

from mlflow_genie_plugin.emulator.sample import bad_edit, sample_benchmarks, sample_benchmarks_path, sample_document
from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks, read_benchmarks
from mlflow_genie_plugin.evaluation.compare import compare
from mlflow_genie_plugin.space.fingerprint import behaviour_hash
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.validate import validate_space
from mlflow_genie_plugin.sql_dialect import assets_in
from mlflow_genie_plugin.workspace.answer import QueryResult

BENCHMARKS = parse_benchmarks(sample_benchmarks()).benchmarks
METRIC_VIEW = "samples.tpch.order_metrics"


@pytest.fixture(scope="module")
def score(sample_engine, sample_catalog):
    """Return for each benchmark id whether the answer of a document is right, and whether its asset kind is."""
    import datetime as dt

    from mlflow_genie_plugin.emulator.answerer import answer

    typed = {"INTEGER": int, "DATE": dt.date.fromisoformat}
    expected = {item.id: sample_engine.execute(item.expected_sql) for item in BENCHMARKS}

    def as_result(result):
        return QueryResult(
            columns=result.columns, rows=result.rows, row_count=result.row_count, truncated=result.truncated
        )

    def score(document):
        right, routed = {}, {}
        for item in BENCHMARKS:
            answered = answer(item.question, document, sample_catalog)
            if answered.sql is None:
                right[item.id] = routed[item.id] = False
                continue
            values = {k: typed.get(answered.parameter_types[k], str)(v) for k, v in answered.parameters.items()}
            actual = sample_engine.execute(answered.sql, parameters=values or None)
            right[item.id] = compare(as_result(expected[item.id]), as_result(actual)).outcome == "equal"
            routed[item.id] = asset_kind(answered.sql) == item.expected_asset
        return right, routed

    return score


def asset_kind(sql):
    assets = assets_in(sql)
    if any(asset.is_function for asset in assets):
        return "TVF"
    return "MV" if METRIC_VIEW in {asset.name for asset in assets} else "TABLE"


def test_the_space_breaks_no_rule_of_the_server():
    assert validate_space(sample_document()) == []


def test_the_space_is_written_as_the_server_orders_it():
    assert normalise_for_write(sample_document()) == sample_document()


def test_every_call_returns_a_document_of_its_own():
    sample_document()["data_sources"].clear()
    assert sample_document()["data_sources"]["tables"]


def test_the_benchmarks_cover_all_kinds_of_assets_questions_priorities_and_splits():
    assert len(BENCHMARKS) >= 45
    assert Counter(item.priority for item in BENCHMARKS)["P0"] >= 8
    assert {item.expected_asset for item in BENCHMARKS} == {"TABLE", "MV", "TVF"}
    assert {item.split for item in BENCHMARKS} == {"train", "val", "held_out"}
    kinds = {"aggregation", "ranking", "time-series", "comparison", "detail", "list", "threshold"}
    assert {item.category for item in BENCHMARKS} == kinds
    with sample_benchmarks_path() as path:
        assert read_benchmarks(path).benchmarks == BENCHMARKS


def test_the_expected_asset_is_the_one_that_the_expected_sql_uses():
    assert [item.id for item in BENCHMARKS if asset_kind(item.expected_sql) != item.expected_asset] == []


def test_the_sample_space_answers_well_but_not_perfectly(score):
    right, routed = score(sample_document())
    assert sum(right.values()) / len(right) >= 0.97
    assert sum(routed.values()) / len(routed) >= 0.97
    assert all(right[item.id] and routed[item.id] for item in BENCHMARKS if item.priority == "P0")
    assert not all(right.values())


def test_the_bad_edit_makes_p0_questions_wrong(score):
    right, _ = score(bad_edit(sample_document()))
    wrong = [item.question for item in BENCHMARKS if item.priority == "P0" and not right[item.id]]
    assert len(wrong) >= 2
    assert "What was the total revenue in 1995?" in wrong


def test_the_bad_edit_is_a_valid_change_of_behaviour_and_leaves_the_original_alone():
    document = sample_document()
    before = copy.deepcopy(document)
    edited = bad_edit(document)
    assert document == before
    assert validate_space(edited) == []
    assert behaviour_hash(edited) != behaviour_hash(document)


@pytest.mark.parametrize("document", [{}, {"version": 2, "data_sources": {}}, {"instructions": {"join_specs": []}}])
def test_the_bad_edit_refuses_a_space_that_is_not_the_sample(document):
    with pytest.raises(UsageError, match="not the sample space"):
        bad_edit(document)


def test_the_docs_create_the_same_metric_view_and_functions_as_the_local_workspace():
    from mlflow_genie_plugin.emulator import sample_tables

    docs = (Path(__file__).parents[2] / "docs" / "local-answers.md").read_text()
    for definition in (
        sample_tables.METRIC_VIEW_YAML,
        sample_tables.TOP_CUSTOMERS_SQL,
        sample_tables.LATE_DELIVERIES_SQL,
    ):
        assert definition in docs


def test_the_sample_questions_pass_the_lint_that_teams_are_given():
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks, sample_document
    from mlflow_genie_plugin.evaluation.benchmark_lint.lint import lint_benchmarks
    from mlflow_genie_plugin.space.parse import parse_space

    found = lint_benchmarks(sample_benchmarks(), "the sample", config=parse_space(sample_document())).findings
    assert [finding for finding in found if finding.severity == "error"] == []

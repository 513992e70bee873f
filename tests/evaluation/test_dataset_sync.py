from __future__ import annotations

from dataclasses import replace

import pytest

from mlflow_genie_plugin.errors import DatasetSyncError, TrackingUnavailableError
from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet
from mlflow_genie_plugin.evaluation.dataset_sync import CHANGING, DIGEST_TAG, plan_sync, row_of, sync
from mlflow_genie_plugin.registry.datasets import add_rows, dataset_rows, find_datasets


def ids(rows):
    return sorted(row.inputs["question_id"] for row in rows)


def test_a_dataset_is_created_with_every_question_and_its_digest(tracking, few_questions):
    dataset = sync(plan_sync(few_questions, "sales"))
    assert dataset.tags[DIGEST_TAG] == few_questions.sha256
    stored = dataset_rows(dataset.dataset_id)
    assert ids(stored) == sorted(item.id for item in few_questions.benchmarks)
    row = next(row for row in stored if row.inputs["question_id"] == few_questions.benchmarks[0].id)
    assert row.expectations["expected_response"] == few_questions.benchmarks[0].expected_sql
    assert row.tags["genie.priority"] == "P0"


def test_a_second_sync_changes_nothing(tracking, few_questions):
    sync(plan_sync(few_questions, "sales"))
    before = {row.row_id for row in dataset_rows(find_datasets("sales")[0].dataset_id)}
    plan = plan_sync(few_questions, "sales")
    assert not plan.changes
    sync(plan)
    assert {row.row_id for row in dataset_rows(find_datasets("sales")[0].dataset_id)} == before


def test_questions_that_are_new_changed_or_gone_are_added_replaced_and_removed(tracking, few_questions):
    sync(plan_sync(few_questions, "sales"))
    first, second, *rest = few_questions.benchmarks
    changed = replace(first, expected_sql="SELECT 1", expected_asset=None, priority="P2")
    added = replace(second, id="new", question="Something new?")
    after = BenchmarkSet("few", (changed, *rest, added))
    plan = plan_sync(after, "sales")
    assert (ids(plan.added), ids(plan.updated), ids(plan.removed)) == (["new"], [first.id], [second.id])
    assert sync(plan).tags[DIGEST_TAG] == after.sha256
    stored = {row.inputs["question_id"]: row for row in dataset_rows(find_datasets("sales")[0].dataset_id)}
    assert set(stored) == {item.id for item in after.benchmarks}
    assert "expected_asset" not in stored[first.id].expectations
    assert not plan_sync(after, "sales").changes


def test_rows_that_somebody_else_added_are_removed(tracking, few_questions):
    dataset = sync(plan_sync(few_questions, "sales"))
    foreign = replace(row_of(few_questions.benchmarks[0]), inputs={"question": "by hand"})
    add_rows(dataset.dataset_id, [foreign])
    plan = plan_sync(few_questions, "sales")
    assert len(plan.removed) == 1
    sync(plan)
    assert len(dataset_rows(dataset.dataset_id)) == len(few_questions.benchmarks)


def test_a_dataset_that_is_not_what_was_written_gets_no_digest(tracking, few_questions, monkeypatch):
    monkeypatch.setattr("mlflow_genie_plugin.evaluation.dataset_sync.add_rows", lambda *_: None)
    with pytest.raises(DatasetSyncError, match="0 rows after the sync, 6 were expected"):
        sync(plan_sync(few_questions, "sales"))
    assert find_datasets("sales")[0].tags[DIGEST_TAG] == CHANGING
    monkeypatch.undo()


def test_several_datasets_of_one_name_are_not_guessed_between(tracking, few_questions):
    from mlflow_genie_plugin.registry.datasets import create_dataset

    create_dataset("sales", {})
    create_dataset("sales", {})
    with pytest.raises(DatasetSyncError, match="2 datasets are named sales"):
        plan_sync(few_questions, "sales")


def test_a_store_without_datasets_is_an_error(few_questions, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "files").as_uri())
    with pytest.raises((DatasetSyncError, TrackingUnavailableError)):
        plan_sync(few_questions, "sales")
    mlflow.set_tracking_uri("databricks")
    with pytest.raises((DatasetSyncError, TrackingUnavailableError)):
        plan_sync(few_questions, "sales")

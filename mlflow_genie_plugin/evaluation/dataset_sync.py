"""Keeps an MLflow evaluation dataset in step with a benchmarks file: planned, carried out, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.errors import DatasetSyncError
from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.registry.datasets import (
    DatasetRecord,
    DatasetRow,
    add_rows,
    create_dataset,
    dataset_rows,
    delete_rows,
    find_datasets,
    set_dataset_tags,
)

DIGEST_TAG = "genie.benchmarks_sha256"
NAME_TAG = "genie.benchmarks_name"
# What the digest tag says while rows are being changed, so that a sync that was killed never looks finished.
CHANGING = "changing"

_ID = "question_id"


@dataclass(frozen=True)
class SyncPlan:
    """What has to be done to a dataset.

    Attributes:
        name: Of the dataset; ``benchmarks_name`` is that of the set.
        dataset: The dataset; None when it has to be created.
        sha256: The digest of the benchmarks, which the dataset's tag will carry.
        added: Rows that are missing.
        updated: Rows that say something else now; each is replaced, because the store merges and never takes away.
        removed: Rows of the dataset that the benchmarks do not have, or that stand twice.
        replaced_ids: Stored rows that ``updated`` takes the place of.
        unchanged: How many rows stay as they are.
        is_tagged: Whether the dataset's tag has the digest already.
    """

    name: str
    dataset: DatasetRecord | None
    benchmarks_name: str
    sha256: str
    added: tuple[DatasetRow, ...]
    updated: tuple[DatasetRow, ...]
    removed: tuple[DatasetRow, ...]
    replaced_ids: tuple[str, ...]
    unchanged: int
    is_tagged: bool

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.added or self.updated or self.removed) or not self.is_tagged

    def to_json(self) -> dict[str, Any]:
        """Return the plan for machines."""
        return {
            "dataset": self.name,
            "dataset_id": None if self.dataset is None else self.dataset.dataset_id,
            "benchmarks_sha256": self.sha256,
            "added": [_name(row) for row in self.added],
            "updated": [_name(row) for row in self.updated],
            "removed": [_name(row) for row in self.removed],
            "unchanged": self.unchanged,
            "changes": self.changes,
        }


def plan_sync(benchmark_set: BenchmarkSet, name: str) -> SyncPlan:
    """Compare the dataset ``name`` with the benchmarks; nothing is written.

    Raises:
        DatasetSyncError: The store has no datasets, or several of this name.
        TrackingUnavailableError: The store cannot be reached.
    """
    found = find_datasets(name)
    if len(found) > 1:
        raise DatasetSyncError(
            f"{len(found)} datasets are named {name}: {', '.join(item.dataset_id for item in found)}",
            next_step="delete all but one, or choose another name",
        )
    dataset = found[0] if found else None
    stored = [] if dataset is None else dataset_rows(dataset.dataset_id)
    wanted = [row_of(benchmark) for benchmark in benchmark_set.benchmarks]
    keys = {_key(row): row for row in wanted}
    present = {_name(row): row for row in stored}
    same = {_name(row) for row in stored if _key(row) in keys}
    names = {_name(row) for row in wanted}
    # A question that stands twice in the dataset is right at most once.
    spare = [row for row in stored if present[_name(row)] is not row]
    return SyncPlan(
        name,
        dataset,
        benchmark_set.name,
        benchmark_set.sha256,
        added=tuple(row for row in wanted if _name(row) not in present),
        updated=tuple(row for row in wanted if _name(row) in present and _name(row) not in same),
        removed=(*(row for row in stored if _name(row) not in names), *spare),
        replaced_ids=tuple(
            row.row_id for row in stored if _name(row) in names and _name(row) not in same and row.row_id is not None
        ),
        unchanged=len(same),
        is_tagged=dataset is not None and dataset.tags.get(DIGEST_TAG) == benchmark_set.sha256,
    )


def sync(plan: SyncPlan, experiment_id: str | None = None) -> DatasetRecord:
    """Carry a plan out, read the dataset back, and only then give it the digest; a plan without changes does nothing.

    Args:
        plan: From :func:`plan_sync`.
        experiment_id: Where a new dataset belongs; default: the current experiment.

    Returns:
        The dataset with its tags.

    Raises:
        DatasetSyncError: What was read back is not what the benchmarks hold; the dataset has no digest then.
        TrackingUnavailableError: The store cannot be reached.
    """
    dataset = plan.dataset or create_dataset(
        plan.name, {NAME_TAG: plan.benchmarks_name, DIGEST_TAG: CHANGING}, experiment_id
    )
    if not plan.changes:
        return dataset
    set_dataset_tags(dataset.dataset_id, {DIGEST_TAG: CHANGING, NAME_TAG: plan.benchmarks_name})
    gone = [row.row_id for row in plan.removed if row.row_id is not None]
    delete_rows(dataset.dataset_id, list(dict.fromkeys([*gone, *plan.replaced_ids])))
    add_rows(dataset.dataset_id, [*plan.added, *plan.updated])
    _prove(dataset.dataset_id, plan)
    tags = {DIGEST_TAG: plan.sha256, NAME_TAG: plan.benchmarks_name}
    set_dataset_tags(dataset.dataset_id, tags)
    return replace(dataset, tags={**dataset.tags, **tags})


def row_of(benchmark: Benchmark) -> DatasetRow:
    """Return a question as a row: what is asked as inputs, what is right as expectations, the rest as tags."""
    expectations: dict[str, Any] = {"expected_response": benchmark.expected_sql, "ordered": benchmark.ordered}
    if benchmark.expected_asset is not None:
        expectations["expected_asset"] = benchmark.expected_asset
    tags = {"priority": benchmark.priority, "split": benchmark.split, "source": benchmark.source}
    if benchmark.category is not None:
        tags["category"] = benchmark.category
    return DatasetRow(
        {_ID: benchmark.id, "question": benchmark.question},
        expectations,
        {f"genie.{key}": value for key, value in tags.items()},
    )


def _prove(dataset_id: str, plan: SyncPlan) -> None:
    stored = {_key(row) for row in dataset_rows(dataset_id)}
    missing = [_name(row) for row in (*plan.added, *plan.updated) if _key(row) not in stored]
    left = [_name(row) for row in plan.removed if row.row_id is not None and _key(row) in stored]
    expected = plan.unchanged + len(plan.added) + len(plan.updated)
    if missing or left or len(stored) != expected:
        raise DatasetSyncError(
            f"the dataset {plan.name} has {len(stored)} rows after the sync, {expected} were expected"
            + (f"; not there: {', '.join(missing[:5])}" if missing else "")
            + (f"; still there: {', '.join(left[:5])}" if left else ""),
            next_step="run the same command again",
        )


def _name(row: DatasetRow) -> str:
    """Return the question's id; a row that somebody else added has its own text as name."""
    return str(row.inputs.get(_ID) or f"row {row.row_id}")


def _key(row: DatasetRow) -> str:
    own = {key: value for key, value in row.tags.items() if key.startswith("genie.")}
    return sha256_of_json([dict(row.inputs), _plain(row.expectations), own])


def _plain(expectations: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in expectations.items() if value is not None}


def names_of(rows: Sequence[DatasetRow]) -> list[str]:
    """Return the question ids of rows, for people."""
    return [_name(row) for row in rows]

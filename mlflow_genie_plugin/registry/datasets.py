"""MLflow evaluation datasets: found by name, read whole, changed row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.errors import DatasetSyncError
from mlflow_genie_plugin.registry.connection import client, current_experiment_id, translate_errors
from mlflow_genie_plugin.registry.models import quoted

_NOT_SUPPORTED = ("not supported", "not implemented", "ENDPOINT_NOT_FOUND", "404")


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """An evaluation dataset as the store has it now."""

    dataset_id: str
    name: str
    tags: dict[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One record of a dataset; ``row_id`` is None before it is stored."""

    inputs: Mapping[str, Any] = field(hash=False)
    expectations: Mapping[str, Any] = field(hash=False)
    tags: Mapping[str, str] = field(hash=False)
    row_id: str | None = None


def find_datasets(name: str) -> list[DatasetRecord]:
    """Return every dataset of that name (the store allows several), in no order.

    Raises:
        DatasetSyncError: The tracking store has no datasets.
        TrackingUnavailableError: The store cannot be reached.
    """
    with _datasets() as store:
        found = store.search_datasets(filter_string=f"name = {quoted(name)}")
        return [_record(item) for item in found if item.name == name]


def create_dataset(name: str, tags: Mapping[str, str], experiment_id: str | None = None) -> DatasetRecord:
    """Create an empty dataset in an experiment (default: the current one); raises as :func:`find_datasets`."""
    where = experiment_id or current_experiment_id()
    with _datasets() as store:
        return _record(store.create_dataset(name=name, experiment_id=where, tags=dict(tags)))


def dataset_rows(dataset_id: str) -> list[DatasetRow]:
    """Return all rows of a dataset, read from the store now; raises as :func:`find_datasets`."""
    with _datasets() as store:
        records = store.get_dataset(dataset_id=dataset_id).to_df().to_dict("records")
    return [
        DatasetRow(
            item["inputs"] or {}, item.get("expectations") or {}, item.get("tags") or {}, item["dataset_record_id"]
        )
        for item in records
    ]


def add_rows(dataset_id: str, rows: Sequence[DatasetRow]) -> None:
    """Add rows; raises as :func:`find_datasets`."""
    if not rows:
        return
    records = [
        {"inputs": dict(row.inputs), "expectations": dict(row.expectations), "tags": dict(row.tags)} for row in rows
    ]
    with _datasets() as store:
        store.get_dataset(dataset_id=dataset_id).merge_records(records)


def delete_rows(dataset_id: str, row_ids: Sequence[str]) -> None:
    """Remove rows; raises as :func:`find_datasets`."""
    if not row_ids:
        return
    with _datasets() as store:
        store.get_dataset(dataset_id=dataset_id).delete_records(list(row_ids))


def set_dataset_tags(dataset_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of a dataset; raises as :func:`find_datasets`."""
    with _datasets() as store:
        store.set_dataset_tags(dataset_id=dataset_id, tags=dict(tags))


@contextmanager
def _datasets() -> Iterator[Any]:
    """Give MLflow's dataset functions; whatever a store without datasets raises comes out as one error."""
    from mlflow.exceptions import MlflowException

    with translate_errors(DatasetSyncError, "the evaluation dataset"):
        client()
        import mlflow
        from mlflow.genai import datasets

        if mlflow.get_tracking_uri().partition(":")[0] == "databricks":
            raise DatasetSyncError(
                "datasets on Databricks are tables of Unity Catalog, which this command does not write",
                next_step="set MLFLOW_TRACKING_URI to a server with a database, or log the file with the evaluation",
            )
        try:
            yield datasets
        except (NotImplementedError, MlflowException) as error:
            if isinstance(error, NotImplementedError) or any(sign in str(error) for sign in _NOT_SUPPORTED):
                raise DatasetSyncError(
                    f"the tracking store has no evaluation datasets: {str(error).strip().splitlines()[0]}",
                    next_step="use a tracking server with a database and MLflow 3.4 or newer",
                ) from error
            raise


def _record(dataset: Any) -> DatasetRecord:
    return DatasetRecord(dataset.dataset_id, dataset.name, dict(dataset.tags or {}))

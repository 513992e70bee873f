"""Metrics that runs put on a model, and how many rows of a run have a value behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow_genie_plugin.errors import ModelNotFoundError
from mlflow_genie_plugin.registry.connection import client, translate_errors
from mlflow_genie_plugin.registry.runs import get_run


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """One value of a metric on a model; ``timestamp`` is milliseconds since the epoch, UTC."""

    key: str
    value: float
    timestamp: int
    run_id: str


def model_metrics(model_id: str) -> list[MetricRecord]:
    """Return every metric that any run logged for the model (``mlflow.genai.evaluate(…, model_id=…)`` does)."""
    with translate_errors(ModelNotFoundError, f"model {model_id}"):
        found = client().get_logged_model(model_id).metrics or []
    return [MetricRecord(item.key, float(item.value), int(item.timestamp), item.run_id or "") for item in found]


def assessed_rows(run_id: str) -> tuple[int, Mapping[str, int]]:
    """Return how many traces a run has, and for each assessment's name how many of them have a value under it.

    A scorer that raised leaves an assessment without a value; MLflow's own means leave those rows out.
    """
    from mlflow.entities import Feedback

    run = get_run(run_id)
    traces, valued = 0, Counter[str]()
    token: str | None = None
    with translate_errors(ModelNotFoundError, f"run {run_id}"):
        while True:
            page = client().search_traces(
                locations=[run.experiment_id], run_id=run_id, include_spans=False, max_results=500, page_token=token
            )
            for trace in page:
                traces += 1
                names: set[str] = set()
                for item in trace.info.assessments:
                    if not isinstance(item, Feedback) or item.valid is False:
                        continue
                    valued.setdefault(item.name, 0)
                    if item.error is None and item.value is not None:
                        names.add(item.name)
                valued.update(names)
            token = page.token
            if not token:
                return traces, valued

"""The ``genie`` evaluator of ``mlflow.models.evaluate``, MLflow's older way to evaluate: a DataFrame of questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow.models.evaluation.base import EvaluationResult, ModelEvaluator

from mlflow_genie_plugin.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from mlflow_genie_plugin.evaluation.benchmark import BenchmarkSet

MODEL_TYPES = ("genie", "genie-space")
_QUESTION_COLUMNS = ("question", "questions", "query")
_SQL_COLUMNS = ("expected_sql", "expected_response", "ground_truth")
_CONFIG_KEYS = frozenset({"profile", "target", "space_id", "judges", "scope", "store_rows", "traces"})


class GenieEvaluator(ModelEvaluator):
    """Asks a model version's space the questions of a DataFrame and judges the answers.

    ``mlflow.models.evaluate("models:/m-…", data=frame, targets="expected_sql", model_type="genie",
    evaluators=["genie"])``. The frame has a column ``question`` and one with the expected SQL, and may have any other
    column of a benchmarks file (``id``, ``priority``, ``expected_asset``, …). It runs the same evaluation as
    ``mlflow-genie evaluate``, stored in a run of its own, which a gate can use; the run that MLflow opened gets the
    metrics and the id of that run (tag ``genie.evaluation_run_id``).
    """

    @classmethod
    def can_evaluate(cls, *, model_type: str, evaluator_config: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        """Return whether the model type is ``genie`` (or ``genie-space``)."""
        del evaluator_config, kwargs
        return model_type in MODEL_TYPES

    def evaluate(
        self,
        *,
        model_type: str,
        dataset: Any,
        run_id: str,
        evaluator_config: Mapping[str, Any] | None,
        model: Any = None,
        extra_metrics: Any = None,
        custom_artifacts: Any = None,
        predictions: Any = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """Evaluate and return ``<judge>/mean`` and ``overall_accuracy``: right answers by all questions.

        Raises:
            UsageError: No Genie model version, no question or SQL column, predictions that were made before, or an
                unknown setting in ``evaluator_config`` (known: judges, profile, scope, space_id, store_rows, target,
                traces).
            InvalidBenchmarksError: The rows are no benchmark set; every violation is listed.
            InvalidEvaluationError: The live space changed while it was asked.
        """
        del model_type, predictions
        from mlflow_genie_plugin import registry
        from mlflow_genie_plugin.evaluation.mlflow_logging import metrics_of
        from mlflow_genie_plugin.evaluation.plan import plan_evaluation
        from mlflow_genie_plugin.evaluation.runner import run_evaluation
        from mlflow_genie_plugin.workspace.auth import connect

        if dataset.predictions_data is not None:
            raise UsageError(
                "the genie evaluator asks the space itself and takes no predictions made before",
                next_step="leave predictions out, or judge them with mlflow_genie_plugin.evaluation.scorers",
            )
        if extra_metrics or custom_artifacts:
            raise UsageError("the genie evaluator takes no extra_metrics or custom_artifacts")
        config = dict(evaluator_config or {})
        if unknown := sorted(config.keys() - _CONFIG_KEYS):
            raise UsageError(
                f"the genie evaluator has no setting {', '.join(unknown)}",
                next_step=f"its settings are {', '.join(sorted(_CONFIG_KEYS))}",
            )
        plan = plan_evaluation(
            _model_id(model, kwargs.get("model_id")),
            benchmark_set_of(dataset),
            scope=config.get("scope", "full"),
            judges=config.get("judges"),
            space_id=config.get("space_id"),
            store_rows=config.get("store_rows", "all"),
            traces=config.get("traces", True),
        )
        evaluation = run_evaluation(plan, connect(config.get("profile"), config.get("target")))
        evaluation.raise_if_failed()
        metrics = metrics_of(evaluation.result)
        registry.log_metrics(run_id, metrics, model_id=plan.snapshot.model_id)
        registry.set_run_tags(run_id, {"genie.evaluation_run_id": evaluation.run_id})
        make: Any = EvaluationResult  # its constructor has no annotations
        result: EvaluationResult = make(metrics=metrics, artifacts={}, run_id=run_id)
        return result


def benchmark_set_of(dataset: Any) -> BenchmarkSet:
    """Return MLflow's evaluation dataset as a benchmark set.

    Raises:
        UsageError: The columns for the question or the expected SQL are missing.
        InvalidBenchmarksError: The rows break the rules of a benchmarks file.
    """
    from mlflow_genie_plugin.canonical_json import canonical_bytes
    from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks

    frame: pd.DataFrame = dataset.features_data
    question = _column(frame, _QUESTION_COLUMNS, "question")
    rows = frame.rename(columns={question: "question"}).to_dict(orient="records")
    if dataset.labels_data is not None:
        for row, sql in zip(rows, list(dataset.labels_data), strict=True):
            row["expected_sql"] = sql
    else:
        wanted = _column(frame, _SQL_COLUMNS, "expected SQL")
        for row in rows:
            row["expected_sql"] = row.pop(wanted)
    width = len(str(len(rows)))
    benchmarks = [
        {"id": f"q{number:0{width}}", **{name: _plain(value) for name, value in row.items() if not _is_missing(value)}}
        for number, row in enumerate(rows, start=1)
    ]
    document = {"format_version": 1, "name": dataset.name or "dataset", "benchmarks": benchmarks}
    return parse_benchmarks(canonical_bytes(document))


def _model_id(model: Any, given: str | None) -> str:
    found = given or getattr(getattr(model, "metadata", None), "model_id", None)
    if not found:
        raise UsageError(
            "the genie evaluator evaluates a saved Genie model version",
            next_step='call mlflow.models.evaluate("models:/m-…", …), or give model_id',
        )
    return str(found)


def _column(frame: pd.DataFrame, names: tuple[str, ...], what: str) -> str:
    for name in names:
        if name in frame.columns:
            return name
    raise UsageError(
        f"the data has no column for the {what}; its columns are {', '.join(map(str, frame.columns))}",
        next_step=f"name it {names[0]}",
    )


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _plain(value: Any) -> Any:
    # Lists come back from Parquet as arrays, which no document holds.
    return value.tolist() if hasattr(value, "tolist") else value

"""The judges as MLflow scorers, for anyone's ``mlflow.genai.evaluate``.

    from mlflow_genie_plugin.evaluation import scorers

    judges = scorers.make_scorers(model="models:/m-…", workspace=connect())
    mlflow.genai.evaluate(data=rows, scorers=judges, model_id="m-…")

A row holds ``inputs`` with ``question``, ``outputs`` with the SQL that was generated (text, the row that the model's
``predict`` returns, or a list of them when the question was asked several times), and ``expectations`` with
``expected_sql`` (``expected_response`` means the same) and, if there is one, ``expected_asset``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import GenieError, UsageError
from mlflow_genie_plugin.evaluation.assessments import feedback_of
from mlflow_genie_plugin.evaluation.case_rows import CaseRows, Execute
from mlflow_genie_plugin.evaluation.finding import errored
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.workspace.answer import QueryResult

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer

    from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
    from mlflow_genie_plugin.space.config import SpaceConfig
    from mlflow_genie_plugin.workspace.port import Workspace


def make_scorers(
    names: Iterable[str] | None = None,
    *,
    model: str | None = None,
    config: SpaceConfig | None = None,
    workspace: Workspace | None = None,
    warehouse_id: str | None = None,
    execute: Execute | None = None,
    schema: SpaceSchema | None = None,
) -> list[Scorer]:
    """Return the judges as scorers that share their work per row.

    MLflow's own mean leaves out what has no value, so a judge that never decided would look perfect. Here a question
    that a judge could not decide, or that broke it, gives False *and* the error; so does a row that cannot be judged
    at all, because it lacks its expected SQL or because ``execute`` raises. ``<judge>/mean`` is right answers by all
    questions, the same number as in ``mlflow-genie evaluate``.

    Args:
        names: Judges; default: all.
        model: Model version whose space config tells what there is (``m-…``, ``models:/…``); or give ``config``.
        config: The space's config.
        workspace: Runs both queries, read-only and unchanged, and tells the columns of the space's assets.
        warehouse_id: For ``workspace``; default: the config's.
        execute: Runs both queries instead of ``workspace``. Without either, rows must stand in the data:
            ``outputs["rows"]`` with ``outputs["columns"]``, ``expectations["expected_rows"]`` with
            ``expectations["expected_columns"]``.
        schema: Columns of the assets, instead of what ``workspace`` says.

    Raises:
        UsageError: An unknown judge, or both ``model`` and ``config``.
    """
    chosen = JUDGES.choose(names)
    if model is not None and config is not None:
        raise UsageError("model and config are both given", next_step="give one of them")
    if model is not None:
        from mlflow_genie_plugin.flavor.load import read_snapshot

        config = read_snapshot(model).config
    if workspace is not None:
        warehouse = warehouse_id or (config.envelope.warehouse_id if config is not None else None)
        if execute is None:
            execute = _on_warehouse(workspace, warehouse)
        if schema is None and config is not None:
            from mlflow_genie_plugin.evaluation.capture_schema import capture_schema

            schema = capture_schema(config, workspace.catalog, warehouse)
    rows = CaseRows(chosen, config=config, execute=execute, schema=schema)
    return [_scorer(judge.name, rows) for judge in chosen]


def _scorer(name: str, rows: CaseRows) -> Scorer:
    from mlflow.genai import scorer

    @scorer(name=name, aggregations=["mean"])
    def judge(inputs: Any, outputs: Any, expectations: Any) -> Any:
        try:
            finding = rows.findings(inputs, outputs, expectations)[name]
        except Exception as error:  # noqa: BLE001 - MLflow would leave the row out of the mean
            said = str(error) if isinstance(error, GenieError) else f"{type(error).__name__}: {error}"
            finding = errored(name, f"the row could not be judged: {said}", failure_type="JUDGE_FAILED")
        return feedback_of(name, finding, undecided=False)

    return judge


def _on_warehouse(workspace: Workspace, warehouse_id: str | None) -> Execute:
    def execute(sql: str) -> QueryResult:
        return workspace.sql.execute(sql, warehouse_id=warehouse_id)

    return execute

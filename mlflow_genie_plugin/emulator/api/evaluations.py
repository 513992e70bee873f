"""Routes of native evaluation runs."""

from __future__ import annotations

from typing import Any

from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route, page_of
from mlflow_genie_plugin.emulator.api_errors import invalid
from mlflow_genie_plugin.emulator.evaluation_run import ENDED, EvaluationItem, EvaluationRun, expected_query
from mlflow_genie_plugin.emulator.messages import milliseconds
from mlflow_genie_plugin.emulator.space import Space
from mlflow_genie_plugin.emulator.statements import Statement, statement_body


def create_run(request: ApiRequest) -> Any:
    ids = request.fields().get("benchmark_question_ids")
    if ids is not None and not (isinstance(ids, list) and all(isinstance(item, str) for item in ids)):
        raise invalid("benchmark_question_ids must be a list of ids")
    return _run_body(request.world.evaluations.create(_space(request), request.identity, ids))


def get_run(request: ApiRequest) -> Any:
    return _run_body(_run(request))


def list_runs(request: ApiRequest) -> Any:
    runs = request.world.evaluations.runs(_space(request).space_id)
    return page_of([_run_body(run) for run in runs], request.page(), "eval_runs")


def list_results(request: ApiRequest) -> Any:
    run = _run(request)
    bodies = [
        {
            "result_id": item.result_id,
            "space_id": run.space_id,
            "benchmark_question_id": item.question_id,
            "question": item.question,
            "benchmark_answer": item.expected_sql or "",
            "status": item.status,
            "created_by_user": run.user_id,
        }
        for item in run.items
    ]
    return page_of(bodies, request.page(), "eval_results")


def get_result_details(request: ApiRequest) -> Any:
    run = _run(request)
    evaluations = request.world.evaluations
    item = evaluations.item(run, request.path["result_id"])
    body: dict[str, Any] = {
        "result_id": item.result_id,
        "space_id": run.space_id,
        "benchmark_question_id": item.question_id,
        "eval_run_status": item.status,
        "manual_assessment": False,
        "actual_response": _responses(
            item.actual_sql, evaluations.statement(item.actual_statement, item.actual_query), item.actual_text
        ),
        "expected_response": _responses(
            item.expected_sql, evaluations.statement(item.expected_statement, expected_query(item)), None
        ),
    }
    if item.assessment:
        body["assessment"] = item.assessment
        body["assessment_reasons"] = item.reasons
    return body


def _responses(sql: str | None, statement: Statement | None, text: str | None) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    if sql is not None:
        listed.append({"response": sql, "response_type": "SQL"})
        if statement is not None:
            listed[0]["sql_execution_result"] = statement_body(statement, row_cap=5000)
    if text is not None:
        listed.append({"response": text, "response_type": "TEXT"})
    return listed


def _run_body(run: EvaluationRun) -> dict[str, Any]:
    def count(*values: str) -> int:
        return sum(1 for item in run.items if item.assessment in values)

    return {
        "eval_run_id": run.run_id,
        "eval_run_status": run.status,
        "num_questions": len(run.items),
        "num_done": sum(1 for item in run.items if _ended(item)),
        "num_correct": count("GOOD"),
        "num_needs_review": count("NEEDS_REVIEW"),
        "created_timestamp": milliseconds(run.created),
        "last_updated_timestamp": milliseconds(run.updated),
        "run_by_user": run.user_id,
    }


def _ended(item: EvaluationItem) -> bool:
    return item.status in ENDED


def _space(request: ApiRequest) -> Space:
    with request.world.lock:
        return request.world.spaces.find(request.path["space_id"], request.identity, "CAN_EDIT")


def _run(request: ApiRequest) -> EvaluationRun:
    return request.world.evaluations.run(_space(request).space_id, request.path["eval_run_id"])


_RUNS = "/api/2.0/genie/spaces/{space_id}/eval-runs"
_RUN = _RUNS + "/{eval_run_id}"
ROUTES = [
    Route("genie.genie_create_eval_run", "POST", _RUNS, create_run),
    Route("genie.genie_list_eval_runs", "GET", _RUNS, list_runs),
    Route("genie.genie_get_eval_run", "GET", _RUN, get_run),
    Route("genie.genie_list_eval_results", "GET", _RUN + "/results", list_results),
    Route(
        "genie.genie_get_eval_result_details", "GET", _RUN + "/results/{result_id}", get_result_details, blocking=True
    ),
]

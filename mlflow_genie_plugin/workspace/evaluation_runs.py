"""Genie's own evaluation runs: begin one exactly once, follow it, and read everything it keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import GenieError, SqlFailedError, UnconfirmedRequestError
from mlflow_genie_plugin.workspace.answer import QueryResult
from mlflow_genie_plugin.workspace.calls import Calls, Doing
from mlflow_genie_plugin.workspace.native import NativeAnswer, NativeResult, NativeRun
from mlflow_genie_plugin.workspace.results import read_response, state_of
from mlflow_genie_plugin.workspace.space_requests import about_space, space_path

Json = Mapping[str, Any]

_WAIT_FOR_LOOK_UP_SECONDS = (1.0, 3.0, 9.0)  # reads lag writes
_PAGE_SIZE = 100


class GenieEvaluationRuns:
    """The evaluation runs of one workspace's spaces.

    Errors of a space or run that is not there name both: the workspace's answer does not tell them apart.
    """

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    def create(self, space_id: str, question_ids: Sequence[str], *, known: Collection[str]) -> str:
        """Begin a run over these benchmark questions, exactly once, and return its id; see the port."""
        doing = _about("begin an evaluation run in space", space_id)
        try:
            payload = self._calls.write(
                doing, "POST", _runs_path(space_id), {"benchmark_question_ids": list(question_ids)}
            )
        except UnconfirmedRequestError as error:
            return self._find_created(space_id, len(question_ids), known, error)
        if not payload.get("eval_run_id"):
            raise UnconfirmedRequestError(
                f"the answer to the request to {doing.text} names no run; it may have begun",
                next_step="look at the space's evaluations before you repeat the command",
            )
        return str(payload["eval_run_id"])

    def find_new(self, space_id: str, questions: int, *, known: Collection[str]) -> list[str]:
        """Return the runs over that many questions that are not among ``known``, newest first."""
        return [
            str(run["eval_run_id"])
            for run in self._all_runs(space_id)
            if run.get("eval_run_id") not in known and int(run.get("num_questions") or 0) == questions
        ]

    def run_ids(self, space_id: str) -> list[str]:
        """Return the ids of all runs of the space, newest first."""
        return [str(run.get("eval_run_id")) for run in self._all_runs(space_id)]

    def get(self, space_id: str, run_id: str) -> NativeRun:
        """Return how far a run is."""
        payload = self._calls.read(
            _about(f"read evaluation run {run_id} of space", space_id), f"{_runs_path(space_id)}/{run_id}"
        )
        return NativeRun(
            run_id,
            str(payload.get("eval_run_status") or "UNKNOWN"),
            int(payload.get("num_questions") or 0),
            int(payload.get("num_done") or 0),
        )

    def results(self, space_id: str, run_id: str) -> list[NativeResult]:
        """Return all questions of a run."""
        doing = _about(f"read evaluation run {run_id} of space", space_id)
        return [
            NativeResult(
                str(item.get("result_id")), str(item.get("benchmark_question_id")), str(item.get("status") or "UNKNOWN")
            )
            for item in self._pages(doing, f"{_runs_path(space_id)}/{run_id}/results", "eval_results")
        ]

    def answer(self, space_id: str, run_id: str, result_id: str) -> NativeAnswer:
        """Return what the run keeps of one question; rows are kept for about a week."""
        payload = self._calls.read(
            _about(f"read result {result_id} of evaluation run {run_id} of space", space_id),
            f"{_runs_path(space_id)}/{run_id}/results/{result_id}",
        )
        query, text = _parts(payload.get("actual_response"))
        expected, _ = _parts(payload.get("expected_response"))
        result, problem = self._rows(query)
        return NativeAnswer(
            status=str(payload.get("eval_run_status") or "UNKNOWN"),
            sql=str(query["response"]) if query else None,
            text=text,
            result=result,
            problem=problem,
            assessment=str(payload["assessment"]) if payload.get("assessment") else None,
            reasons=tuple(str(reason) for reason in payload.get("assessment_reasons") or ()),
            is_manual=bool(payload.get("manual_assessment")),
            expected_sql=str(expected["response"]) if expected else None,
        )

    def _rows(self, query: Json) -> tuple[QueryResult | None, str | None]:
        response: Json = query.get("sql_execution_result") or {}
        manifest, chunk = response.get("manifest") or {}, response.get("result") or {}
        kept = bool(chunk.get("data_array")) or chunk.get("next_chunk_index") is not None
        # A manifest that announces rows without any is what is left when the rows have expired.
        if (not manifest or (int(manifest.get("total_row_count") or 0) and not kept)) and state_of(response) in (
            "",
            "SUCCEEDED",
            "CLOSED",
        ):
            return None, "the run kept no rows" if query else None
        try:
            return read_response(response, self._chunk), None
        except SqlFailedError as error:
            return None, error.what

    def _chunk(self, statement_id: str, index: int) -> Json:
        return self._calls.read(
            Doing("read a further part of a result"), f"/api/2.0/sql/statements/{statement_id}/result/chunks/{index}"
        )

    def _all_runs(self, space_id: str) -> Iterator[Json]:
        return self._pages(_about("list evaluation runs of space", space_id), _runs_path(space_id), "eval_runs")

    def _pages(self, doing: Doing, path: str, key: str) -> Iterator[Json]:
        token: str | None = None
        while True:
            page = self._calls.read(doing, path, {"page_size": _PAGE_SIZE, **({"page_token": token} if token else {})})
            yield from page.get(key) or []
            following = page.get("next_page_token") or None
            if following is None or following == token:
                return
            token = following

    def _find_created(
        self, space_id: str, questions: int, known: Collection[str], error: UnconfirmedRequestError
    ) -> str:
        found: list[str] = []
        for wait in _WAIT_FOR_LOOK_UP_SECONDS:
            self._clock.sleep(wait)
            try:
                found = self.find_new(space_id, questions, known=known)
            except GenieError as failure:
                raise UnconfirmedRequestError(
                    f"{error.what}; looking it up failed too: {failure.what}", next_step=error.next_step
                ) from error
            if len(found) == 1:
                return found[0]
        raise UnconfirmedRequestError(
            f"{error.what}; {len(found) or 'no'} new evaluation runs were found",
            next_step="look at the space's evaluations before you repeat the command",
            space_id=space_id,
        ) from error


def _about(text: str, space_id: str) -> Doing:
    return about_space(text, space_id, needs="CAN EDIT")


def _runs_path(space_id: str) -> str:
    return f"{space_path(space_id)}/eval-runs"


def _parts(responses: Any) -> tuple[Json, str | None]:
    """Return the query (empty when there is none) and the texts of a response."""
    items = [item for item in responses or [] if isinstance(item, Mapping) and item.get("response")]
    queries = [item for item in items if item.get("response_type") == "SQL"]
    texts = [str(item["response"]) for item in items if item.get("response_type") != "SQL"]
    # As in a conversation, the last query is the one that answers.
    return queries[-1] if queries else {}, "\n\n".join(texts) or None

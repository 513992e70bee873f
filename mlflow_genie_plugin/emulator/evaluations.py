"""Native evaluation runs: the benchmark questions of a space, asked and scored."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import orjson

from mlflow_genie_plugin.emulator.answers import AnswerDesk, Outcome
from mlflow_genie_plugin.emulator.api_errors import invalid, missing
from mlflow_genie_plugin.emulator.behaviour import Controls
from mlflow_genie_plugin.emulator.evaluation_run import ENDED, EvaluationItem, EvaluationRun, run_of
from mlflow_genie_plugin.emulator.export_rules import items_at
from mlflow_genie_plugin.emulator.identifiers import IdSource
from mlflow_genie_plugin.emulator.identities import Identity
from mlflow_genie_plugin.emulator.native_scoring import ScoredResult, assess
from mlflow_genie_plugin.emulator.space import Space
from mlflow_genie_plugin.emulator.statements import Statement, Statements
from mlflow_genie_plugin.emulator.store import Store

KIND: Final = "evaluation"


class Evaluations:
    """All evaluation runs; questions are asked one after another on a thread."""

    def __init__(
        self,
        store: Store,
        ids: IdSource,
        controls: Controls,
        lock: threading.RLock,
        desk: AnswerDesk,
        statements: Statements,
    ) -> None:
        self._store = store
        self._ids = ids
        self._controls = controls
        self._lock = lock
        self._desk = desk
        self._statements = statements
        self._closed = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="evaluation")
        self._runs = {run.run_id: run for run in map(run_of, store.all(KIND))}
        for run in self._runs.values():
            if run.status not in ENDED:
                self._pool.submit(self._work, run)

    def create(self, space: Space, identity: Identity, question_ids: list[str] | None) -> EvaluationRun:
        """Begin a run over the questions named, or all.

        Raises:
            ApiError: 400 when the space has no such benchmark question, or none at all.
        """
        questions = {item["id"]: item for item in items_at(space.document, "benchmarks.questions")}
        for question_id in question_ids or []:
            if question_id not in questions:
                raise invalid(f"Benchmark question {question_id} does not exist in space {space.space_id}.")
        chosen = list(dict.fromkeys(question_ids)) if question_ids else list(questions)
        if not chosen:
            raise invalid(f"Space {space.space_id} has no benchmark questions.")
        with self._lock:
            now = self._controls.now()
            run = EvaluationRun(self._ids.hex32(), space.space_id, identity.user_id, now, now, space.serialized_space)
            run.items = [self._item(questions[question_id]) for question_id in chosen]
            self._runs[run.run_id] = run
            self._save(run)
        self._pool.submit(self._work, run)
        return run

    def run(self, space_id: str, run_id: str) -> EvaluationRun:
        """Return a run of a space.

        Raises:
            ApiError: 404.
        """
        found = self._runs.get(run_id)
        if found is None or found.space_id != space_id:
            raise missing(f"Evaluation run {run_id} does not exist in space {space_id}.")
        return found

    def runs(self, space_id: str) -> list[EvaluationRun]:
        """Return the runs of a space, newest first."""
        return [run for run in reversed(self._runs.values()) if run.space_id == space_id]

    def item(self, run: EvaluationRun, result_id: str) -> EvaluationItem:
        """Return one result of a run.

        Raises:
            ApiError: 404.
        """
        for item in run.items:
            if item.result_id == result_id:
                return item
        raise missing(f"Evaluation result {result_id} does not exist in run {run.run_id}.")

    def statement(self, statement_id: str | None, query: dict[str, Any] | None) -> Statement | None:
        """Return the statement of a result, run again when its rows are no longer held."""
        if statement_id is None or query is None:
            return None
        held = self._statements.held(statement_id) or self._desk.run_again(query, statement_id)
        return self._statements.wait(held, None)

    def end(self, run_id: str, status: str) -> EvaluationRun:
        """Let a run end now, as it would when it fails, is cancelled or takes too long; open questions end with it.

        Raises:
            ApiError: 404, or 400 when ``status`` is no end.
        """
        if status not in ENDED:
            raise invalid(f"status must be one of {', '.join(sorted(ENDED))}, got '{status}'")
        run = self._any_run(run_id)
        with self._lock:
            for item in run.items:
                if item.status not in ENDED:
                    item.status = status
            self._mark(run, status)
        return run

    def expire(self, run_id: str) -> EvaluationRun:
        """Drop the rows that a run keeps, as after a week; its SQL stays.

        Raises:
            ApiError: 404.
        """
        run = self._any_run(run_id)
        with self._lock:
            for item in run.items:
                item.actual_statement = item.expected_statement = None
            self._save(run)
        return run

    def _any_run(self, run_id: str) -> EvaluationRun:
        if run_id not in self._runs:
            raise missing(f"Evaluation run {run_id} does not exist.")
        return self._runs[run_id]

    def close(self) -> None:
        """Stop after the question at hand."""
        self._closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _item(self, question: dict[str, Any]) -> EvaluationItem:
        answers = question.get("answer") or []
        sql = "".join(answers[0].get("content") or []) if answers else None
        return EvaluationItem(self._ids.hex32(), question["id"], "".join(question.get("question") or []), sql or None)

    def _work(self, run: EvaluationRun) -> None:
        document = orjson.loads(run.serialized_space)
        self._mark(run, "RUNNING")
        for item in run.items:
            if self._closed.is_set() or run.status in ENDED:
                return
            if item.status in ENDED:
                continue
            item.status = "RUNNING"
            time.sleep(self._controls.behaviour.latency_seconds)
            if run.status in ENDED:
                return
            try:
                self._score(item, document)
            except Exception:  # noqa: BLE001 - one question that cannot be evaluated is recorded as such
                item.status = "EVALUATION_FAILED"
            self._mark(run, "RUNNING")
        self._mark(run, "DONE")

    def _score(self, item: EvaluationItem, document: dict[str, Any]) -> None:
        scripted = self._controls.take_scripted(item.question)
        outcome = self._desk.outcome_of(item.question, document, self._controls.now(), scripted)
        if outcome.status != "COMPLETED" and (outcome.error or {}).get("type") != "SQL_EXECUTION_EXCEPTION":
            item.status = "EVALUATION_CANCELLED" if outcome.status == "CANCELLED" else "EVALUATION_FAILED"
            return
        _take(item, outcome)
        actual = _scored(self.statement(item.actual_statement, item.actual_query))
        expected = None
        if item.expected_sql:
            statement = self._statements.wait(self._statements.submit(item.expected_sql), None)
            item.expected_statement = statement.statement_id
            expected = _scored(statement)
        found = assess(item.actual_sql, actual, item.expected_sql, expected)
        item.assessment, item.reasons = found.value, list(found.reasons)
        item.status = "DONE"

    def _mark(self, run: EvaluationRun, status: str) -> None:
        with self._lock:
            if self._closed.is_set() or run.status in ENDED:
                return
            run.status = status
            run.updated = self._controls.now()
            self._save(run)

    def _save(self, run: EvaluationRun) -> None:
        self._store.put(KIND, {run.run_id: run})


def _take(item: EvaluationItem, outcome: Outcome) -> None:
    item.actual_query = outcome.query
    for attachment in outcome.attachments:
        if "query" in attachment:
            item.actual_sql = attachment["query"]["query"]
            item.actual_statement = attachment["query"]["statement_id"]
        elif "text" in attachment:
            item.actual_text = attachment["text"]["content"]


def _scored(statement: Statement | None) -> ScoredResult | None:
    if statement is None or statement.state != "SUCCEEDED":
        return None
    return ScoredResult(tuple(column["type_name"] for column in statement.columns), statement.rows)

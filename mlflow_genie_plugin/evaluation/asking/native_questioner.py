"""Lets Genie run the benchmark questions that a space holds itself, and journals all that its run keeps.

A run keeps rows for about a week, so each answer is copied the moment it is there. A run that an earlier process began
is followed, never begun again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import (
    ConflictError,
    SqlFailedError,
    UnsafeSqlError,
    UsageError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.evaluation.asking.answer_record import answer_record
from mlflow_genie_plugin.evaluation.asking.ground_truth import ROW_LIMIT
from mlflow_genie_plugin.evaluation.asking.journal import Journal
from mlflow_genie_plugin.evaluation.asking.journal_state import Turn
from mlflow_genie_plugin.evaluation.asking.native_questions import NativeQuestion, match_questions
from mlflow_genie_plugin.evaluation.progress import Progress
from mlflow_genie_plugin.evaluation.question import Benchmark
from mlflow_genie_plugin.evaluation.repeatability import normalise_sql
from mlflow_genie_plugin.evaluation.stored_result import AnswerRecord
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.workspace.answer import Answer, AnswerStatus, QueryResult
from mlflow_genie_plugin.workspace.live_space import LiveSpace
from mlflow_genie_plugin.workspace.native import NativeAnswer
from mlflow_genie_plugin.workspace.port import Workspace

# Terminal states of a run and of each of its questions; an unknown one counts as still running.
_ENDS = {
    "DONE": AnswerStatus.COMPLETED,
    "EVALUATION_FAILED": AnswerStatus.FAILED,
    "EVALUATION_CANCELLED": AnswerStatus.CANCELLED,
    "EVALUATION_TIMEOUT": AnswerStatus.TIMED_OUT,
}
_FIRST_POLL_SECONDS = 0.25
_POLL_GROWTH = 1.5
_SLOWEST_POLL_SECONDS = 10.0


class NativeQuestioner:
    """Fills the journal with the answers of native runs, one run for each time that the questions are asked."""

    def __init__(
        self,
        workspace: Workspace,
        live: LiveSpace,
        *,
        clock: Clock,
        settings: Settings,
        journal: Journal,
        progress: Progress,
    ) -> None:
        self._workspace = workspace
        self._runs = workspace.evaluation_runs
        self._live = live
        self._clock = clock
        self._settings = settings
        self._journal = journal
        self._progress = progress

    def ask_all(self, benchmarks: Sequence[Benchmark], times: int = 1) -> None:
        """Let every question be run ``times`` times, as far as the journal has no answer.

        Raises:
            InvalidBenchmarksError: The space lacks questions.
            ConflictError: A run was begun, but it cannot be told which one.
            GenieError: What stopped it; every answer that came is in the journal.
        """
        natives = match_questions(benchmarks, self._live.serialized_space)
        for number in range(times):
            if all(Turn(item.id, number) in self._journal.state.answers for item in benchmarks):
                continue
            run_id = self._run(number, [natives[item.id].question_id for item in benchmarks])
            self._follow(run_id, number, benchmarks, natives)

    def _run(self, number: int, question_ids: Sequence[str]) -> str:
        state, space_id = self._journal.state, self._live.space_id
        if number in state.native_runs:
            return state.native_runs[number]
        run_id: str | None = None
        if number in state.native_intents:
            # An earlier process was about to begin it and may have.
            known = {*state.native_intents[number], *state.native_runs.values()}
            found = self._runs.find_new(space_id, len(question_ids), known=known)
            if len(found) > 1:
                raise ConflictError(
                    f"{len(found)} evaluation runs were begun in space {space_id} since, any of which may be ours",
                    next_step="add --restart to begin one more",
                    run_ids=found,
                )
            run_id = found[0] if found else None
        if run_id is None:
            known = set(self._runs.run_ids(space_id))
            self._journal.add_native_intent(number, known)
            run_id = self._runs.create(space_id, question_ids, known=known)
        self._journal.add_native_run(number, run_id)
        return run_id

    def _follow(
        self, run_id: str, number: int, benchmarks: Sequence[Benchmark], natives: Mapping[str, NativeQuestion]
    ) -> None:
        pause, done, moved = _FIRST_POLL_SECONDS, -1, self._clock.monotonic()
        while True:
            run = self._runs.get(self._live.space_id, run_id)
            end = _ENDS.get(run.status)
            if end is not None or run.done != done:
                done, moved, pause = run.done, self._clock.monotonic(), _FIRST_POLL_SECONDS
                self._archive(run_id, number, benchmarks, natives, run.status if end is not None else None)
            if end is not None:
                return
            if self._clock.monotonic() - moved > self._settings.answer_timeout_seconds:
                raise WorkspaceUnavailableError(
                    f"evaluation run {run_id} has made no progress for {self._settings.answer_timeout_seconds:g} s "
                    f"({run.status}, {run.done} of {run.questions} questions done)",
                    next_step="look at it in the space's benchmarks, then run the same command again",
                )
            self._clock.sleep(pause)
            pause = min(pause * _POLL_GROWTH, _SLOWEST_POLL_SECONDS)

    def _archive(
        self,
        run_id: str,
        number: int,
        benchmarks: Sequence[Benchmark],
        natives: Mapping[str, NativeQuestion],
        ended_as: str | None,
    ) -> None:
        """Journal what is final; when the run has ended, everything is."""
        results = {item.question_id: item for item in self._runs.results(self._live.space_id, run_id)}
        for item in benchmarks:
            turn, native = Turn(item.id, number), natives[item.id]
            result = results.get(native.question_id)
            if turn in self._journal.state.answers or (
                ended_as is None and (result is None or result.status not in _ENDS)
            ):
                continue
            kept = None if result is None else self._runs.answer(self._live.space_id, run_id, result.result_id)
            record = self._record(native, kept, f"evaluation run {run_id}", ended_as or "DONE")
            facts = {
                "run_id": run_id,
                "result_id": None if result is None else result.result_id,
                "question_id": native.question_id,
                "assessment": None if kept is None else kept.assessment,
                "reasons": [] if kept is None else list(kept.reasons),
                "is_manual": kept is not None and kept.is_manual,
                "expected_sql_differs": normalise_sql((kept and kept.expected_sql) or native.sql)
                != normalise_sql(item.expected_sql),
            }
            self._journal.add_answer(turn, replace(record, native=facts))
            self._progress.answered(record.status)

    def _record(self, native: NativeQuestion, kept: NativeAnswer | None, run: str, run_ended_as: str) -> AnswerRecord:
        """Return the answer as it is recorded; one that the run never came to says so, also when the run is DONE."""
        if kept is None:
            status, said = _ENDS[run_ended_as], f"{run} ended as {run_ended_as} without a result for this question"
            status = AnswerStatus.FAILED if status is AnswerStatus.COMPLETED else status
        else:
            # A question that is still under way when its run has ended ends with it, and never as answered.
            status = _ENDS.get(kept.status) or _ENDS[run_ended_as]
            if kept.status not in _ENDS and status is AnswerStatus.COMPLETED:
                status = AnswerStatus.FAILED
            said = f"{run} ended this question as {kept.status}"
        sql, text = (None, None) if kept is None else (kept.sql, kept.text)
        if kept is None or status is not AnswerStatus.COMPLETED:
            answer = Answer(native.question, status, sql, text, error=said, error_type=run_ended_as)
        else:
            result, problem = kept.result, kept.problem
            if sql and result is None:
                result, problem = self._execute(sql, problem)
            answer = Answer(native.question, status, sql, text, result=result, error=problem)
        return answer_record(answer, self._workspace.sql, self._live.warehouse_id)

    def _execute(self, sql: str, problem: str | None) -> tuple[QueryResult | None, str | None]:
        """Run the answer's query as written, because the API gave no rows; all but one reading query is refused."""
        try:
            result = self._workspace.sql.execute(
                sql,
                warehouse_id=self._live.warehouse_id,
                row_limit=ROW_LIMIT,
                timeout_seconds=self._settings.statement_timeout_seconds,
            )
        except (UnsafeSqlError, SqlFailedError, UsageError) as error:
            return None, error.what if problem is None else f"{problem}; {error.what}"
        return result, None

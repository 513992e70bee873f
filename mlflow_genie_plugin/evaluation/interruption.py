"""When an evaluation stops early: its run says so, and the error says what is saved and how to go on."""

from __future__ import annotations

import logging

from mlflow_genie_plugin.errors import (
    EvaluationLoggingError,
    GenieError,
    InterruptedEvaluationError,
    TrackingUnavailableError,
)
from mlflow_genie_plugin.evaluation import mlflow_logging
from mlflow_genie_plugin.evaluation.asking.journal import Journal
from mlflow_genie_plugin.evaluation.plan import EvaluationPlan

_log = logging.getLogger(__name__)
_AGAIN = "run the same command again"


def interrupted(journal: Journal, plan: EvaluationPlan, error: BaseException) -> GenieError:
    """Return the error to raise for what stopped an evaluation; its run is marked as interrupted where it can be."""
    if not isinstance(error, TrackingUnavailableError):
        _mark_interrupted(journal)
    if isinstance(error, EvaluationLoggingError):
        return error
    saved, planned = len(journal.state.answers), plan.askings
    why = error.what if isinstance(error, GenieError) else "stopped by Ctrl-C"
    return InterruptedEvaluationError(
        f"the evaluation stopped early: {why}. {saved} of {planned} answers are saved",
        next_step=_how_to_continue(error, planned - saved),
        saved=saved,
        planned=planned,
        run_id=journal.state.run_id,
    )


def _how_to_continue(error: BaseException, left: int) -> str:
    asks = f"it asks only the other {left}" if left else "it asks nothing again"
    step = error.next_step if isinstance(error, GenieError) else ""
    # Errors of single steps end in the same advice.
    step = step.removesuffix(_AGAIN).removesuffix("then ").rstrip(", ")
    return f"{step}; then {_AGAIN}: {asks}" if step else f"{_AGAIN}: {asks}"


def _mark_interrupted(journal: Journal) -> None:
    if journal.state.run_id is None:
        return
    try:
        mlflow_logging.set_status(journal.state.run_id, "interrupted")
    except GenieError as error:
        # The status then stays "running", which no gate takes for complete either.
        _log.warning("the run could not be marked as interrupted: %s", error)

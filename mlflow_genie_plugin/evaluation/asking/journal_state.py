"""What a running evaluation has learned so far, and how the events of a journal add up to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlflow_genie_plugin.evaluation.llm.opinion import Opinion
from mlflow_genie_plugin.evaluation.space_schema import SpaceSchema
from mlflow_genie_plugin.evaluation.stored_result import (
    AnswerRecord,
    StoredResult,
    expected_from_json,
    stored_from_json,
)
from mlflow_genie_plugin.schemas import require_format_version
from mlflow_genie_plugin.workspace.answer import MessageRef

FORMAT_VERSION = 1


class Turn(NamedTuple):
    """One asking of one question: ``number`` is 0 for the answer that is judged, 1 and up for its repeats."""

    question_id: str
    number: int = 0


class Intent(NamedTuple):
    """A question that was about to be asked: when by our clock, and the newest conversation the space had before."""

    at_seconds: float
    after_seconds: float


@dataclass
class JournalState:
    """What the journal holds: facts of the evaluation, and per question or turn what is known.

    ``intents`` are turns whose request may have been sent; those that are in ``started`` were. ``native_runs`` and
    ``native_intents`` are the same for Genie's own evaluation runs, by number; an intent holds the run ids there were.
    """

    begun: dict[str, Any] = field(default_factory=dict)
    continued: int = 0
    run_id: str | None = None
    schema: SpaceSchema | None = None
    expected: dict[str, StoredResult] = field(default_factory=dict)
    intents: dict[Turn, Intent] = field(default_factory=dict)
    started: dict[Turn, MessageRef] = field(default_factory=dict)
    answers: dict[Turn, AnswerRecord] = field(default_factory=dict)
    opinions: dict[str, Opinion] = field(default_factory=dict)
    native_intents: dict[int, frozenset[str]] = field(default_factory=dict)
    native_runs: dict[int, str] = field(default_factory=dict)
    finished: dict[str, Any] | None = None


def turn_json(turn: Turn) -> dict[str, Any]:
    """Return a turn as the fields of an event."""
    # The first asking is written without its number: nearly every line of most journals.
    return {"question_id": turn.question_id, **({"number": turn.number} if turn.number else {})}


def _turn(event: Mapping[str, Any]) -> Turn:
    return Turn(event["question_id"], event.get("number", 0))


def replay(state: JournalState, kind: str, event: dict[str, Any], journal: str) -> bool:
    """Add one event of a journal to the state; return whether it is of a known kind.

    Args:
        state: Changed in place.
        kind: What happened.
        event: The rest of the line.
        journal: The journal in words, for the message when it is of another format.

    Raises:
        UnsupportedFormatError: The journal begins with another ``format_version``.
    """
    match kind:
        case "begun":
            require_format_version(event, FORMAT_VERSION, journal)
            state.begun = {name: value for name, value in event.items() if name != "format_version"}
        case "continued":
            state.continued += 1
        case "run":
            state.run_id = event["run_id"]
        case "schema":
            state.schema = SpaceSchema.from_json(event["schema"])
        case "expected":
            state.expected[event["question_id"]] = expected_from_json(event["result"])
        case "asking":
            state.intents[_turn(event)] = Intent(event["at_seconds"], event["after_seconds"])
        case "started":
            ref = MessageRef(event["space_id"], event["conversation_id"], event["message_id"])
            state.started[_turn(event)] = ref
        case "answer":
            state.answers[_turn(event)] = stored_from_json(event["answer"])
        case "native_asking":
            state.native_intents[event["number"]] = frozenset(event["known"])
        case "native_run":
            state.native_runs[event["number"]] = event["run_id"]
        case "opinion":
            state.opinions[event["request_sha256"]] = Opinion(**event["opinion"])
        case "finished":
            state.finished = event
        case _:
            return False
    return True

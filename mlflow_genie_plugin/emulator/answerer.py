"""From a question to SQL, decided by the space's configuration alone: what stands in for Genie's model.

Deterministic and offline. Trusted examples come first, then table functions, then queries composed over metric views
and tables.
What cannot be tied to the space gets a question back, as Genie does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.emulator.answering.binding import CannotGroundError
from mlflow_genie_plugin.emulator.answering.function_calls import match_function
from mlflow_genie_plugin.emulator.answering.knowledge import SpaceKnowledge
from mlflow_genie_plugin.emulator.answering.metric_query import compose_over_metric_view, metric_view_for
from mlflow_genie_plugin.emulator.answering.pieces import cut
from mlflow_genie_plugin.emulator.answering.read_knowledge import read_knowledge
from mlflow_genie_plugin.emulator.answering.request import Request
from mlflow_genie_plugin.emulator.answering.table_query import compose_over_tables
from mlflow_genie_plugin.emulator.answering.trusted_examples import match_example
from mlflow_genie_plugin.emulator.answering.understanding import understand
from mlflow_genie_plugin.emulator.answering.vocabulary import Vocabulary
from mlflow_genie_plugin.emulator.catalog_view import CatalogView

MAX_QUESTION = 5_000  # characters that are read; the rest of a longer question is ignored


@dataclass(frozen=True)
class GeneratedAnswer:
    """What the workspace says to a question.

    Attributes:
        sql: One read-only Databricks statement, with ``:name`` markers where ``parameters`` has values; None for a
            clarification.
        text: The clarification, or a sentence about how the answer came about.
        is_clarification: Whether ``text`` asks something back.
        parameters: Values of the markers, as text; not empty exactly when a parameterised trusted example answered.
        parameter_types: SQL type of each parameter, as the example declares it.
        thoughts: How the answer was found, one sentence each.
    """

    sql: str | None
    text: str | None
    is_clarification: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    thoughts: tuple[str, ...] = ()
    parameter_types: dict[str, str] = field(default_factory=dict)


def answer(question: str, document: dict[str, Any], engine_metadata: CatalogView) -> GeneratedAnswer:
    """Answer ``question`` from a ``serialized_space`` and the catalog; never raises, whatever they hold."""
    knowledge = read_knowledge(document, engine_metadata)
    question = question[:MAX_QUESTION].strip()
    if not question:
        return _ask_back("What would you like to know?")
    if not knowledge.tables and not knowledge.examples and not knowledge.functions:
        return _ask_back("This space has no tables yet. Which data should I look at?")
    vocabulary = Vocabulary(knowledge, engine_metadata)
    pieces = cut(question, vocabulary)
    trusted = match_example(pieces, knowledge, vocabulary)
    if trusted is not None:
        return _checked(
            GeneratedAnswer(
                trusted.example.sql,
                None,
                parameters=trusted.parameters,
                thoughts=(f"The question matches the trusted example {trusted.example.question!r}.",),
                parameter_types={p.name: p.type_hint for p in trusted.example.parameters},
            )
        )
    call = match_function(question, pieces, knowledge)
    if call is not None:
        return _checked(GeneratedAnswer(call, None, thoughts=("A table function of the space returns this.",)))
    try:
        sql, thought = _compose(question, vocabulary, knowledge, engine_metadata)
    except CannotGroundError as unclear:
        return _ask_back(str(unclear))
    return _checked(GeneratedAnswer(sql, None, thoughts=(thought,)))


def _compose(question: str, vocabulary: Vocabulary, knowledge: SpaceKnowledge, catalog: CatalogView) -> tuple[str, str]:
    uncovered: CannotGroundError | None = None
    request = understand(question, vocabulary)
    view = metric_view_for(request, knowledge)
    if view is not None:
        try:
            _require_known_words(request)
            return compose_over_metric_view(request, view), f"The metric view {view.identifier} has this figure."
        except CannotGroundError as unclear:
            uncovered = unclear
    if any(table.is_metric_view for table in knowledge.tables.values()):
        # Read once more without them: "customer nation" may be one dimension of a metric view, and two words of the
        # tables.
        request = understand(question, Vocabulary(knowledge, catalog, metric_views=False))
    try:
        _require_known_words(request)
        return compose_over_tables(request, knowledge), "Composed from the columns, snippets and joins of the space."
    except CannotGroundError:
        if uncovered is not None:
            raise uncovered from None
        raise


def _require_known_words(request: Request) -> None:
    if request.unknown:
        words = ", ".join(f'"{word}"' for word in dict.fromkeys(request.unknown))
        raise CannotGroundError(f"I cannot find {words} in this space. What do you mean by that?")


def _checked(found: GeneratedAnswer) -> GeneratedAnswer:
    from mlflow_genie_plugin.sql_dialect import read_only_reason

    reason = read_only_reason(found.sql or "")
    if reason is None:
        return found
    return _ask_back(f"The space's own SQL for this cannot be run ({reason}). What would you like to see?")


def _ask_back(text: str) -> GeneratedAnswer:
    return GeneratedAnswer(
        None, text, is_clarification=True, thoughts=("The question could not be tied to the space.",)
    )

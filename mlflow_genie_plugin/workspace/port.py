"""What the package needs of a workspace, as protocols and plain values.

Reading and writing are different types: evaluation and drift receive a reader and cannot change a space. All methods
raise the MG1xx errors; none returns an error as a value. The Databricks adapter implements these protocols over HTTP;
the same contract tests run against the local workspace and, when allowed, a real one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class SpaceSummary:
    space_id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class LiveSpace:
    """A space as the workspace returned it just now.

    ``serialized_space`` is the JSON text as received. ``etag`` changes only when the configuration changes: a new
    title or warehouse leaves it as it is.
    """

    space_id: str
    title: str
    serialized_space: str
    etag: str | None = None
    description: str | None = None
    warehouse_id: str | None = None
    parent_path: str | None = None
    create_time: str | None = None
    update_time: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    principal_kind: str  # user, group, service_principal
    principal: str
    level: str  # CAN_VIEW (CAN_READ on the wire), CAN_RUN, CAN_EDIT, CAN_MANAGE
    inherited: bool = False


class AnswerStatus(StrEnum):
    """How a question ended. Everything but COMPLETED is an error of the answer, never a wrong answer by itself."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    QUERY_RESULT_EXPIRED = "QUERY_RESULT_EXPIRED"
    TIMED_OUT = "TIMED_OUT"


@dataclass(frozen=True, slots=True)
class Column:
    """A result column. ``type_name`` is the manifest's (INT, LONG, DECIMAL, STRING, DATE, TIMESTAMP, …)."""

    name: str
    type_name: str
    type_text: str = ""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows as typed Python values (int, float, Decimal, bool, str, date, datetime, bytes, list, dict, None).

    ``row_count`` is the number of rows the query produced, which is more than ``len(rows)`` when ``truncated``.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    row_count: int
    truncated: bool = False
    statement_id: str | None = None


@dataclass(frozen=True, slots=True)
class MessageRef:
    space_id: str
    conversation_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """One poll of a question: the raw status text plus what is attached so far."""

    ref: MessageRef
    status: str
    sql: str | None = None
    text: str | None = None
    is_clarification: bool = False
    attachment_id: str | None = None
    statement_id: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    row_count: int | None = None
    truncated: bool | None = None
    suggested_questions: tuple[str, ...] = ()
    error: str | None = None
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question, after polling and reading the result.

    ``sql`` is None when Genie answered with text or asked back (``is_clarification``). ``error`` is set exactly when
    ``status`` is not COMPLETED or the query's result could not be read.
    """

    question: str
    status: AnswerStatus
    sql: str | None = None
    text: str | None = None
    is_clarification: bool = False
    result: QueryResult | None = None
    error: str | None = None
    error_type: str | None = None
    latency_seconds: float = 0.0
    conversation_id: str | None = None
    message_id: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tries: int = 1  # how often the question was asked: more than once only after the workspace failed it by rate limit


@dataclass(frozen=True, slots=True)
class NativeRun:
    """One of Genie's own evaluation runs. ``status`` is the raw text (RUNNING, DONE, EVALUATION_FAILED, …)."""

    run_id: str
    status: str
    questions: int
    done: int


@dataclass(frozen=True, slots=True)
class NativeResult:
    """One question of a native run: which benchmark question of the space, and how far it is (raw status)."""

    result_id: str
    question_id: str
    status: str


@dataclass(frozen=True, slots=True)
class NativeAnswer:
    """What a native run keeps of one question.

    Attributes:
        status: Raw status of this question.
        sql: The query that Genie generated; None when it answered with text only.
        text: What it said besides.
        result: The query's rows; None when the API gave none, with ``problem`` saying why.
        problem: Why there are no rows.
        assessment: GOOD, BAD or NEEDS_REVIEW; None while there is none.
        reasons: Genie's reasons (``ScoreReason``).
        is_manual: Whether a person gave the assessment.
        expected_sql: The space's own SQL that the answer was held against.
    """

    status: str
    sql: str | None = None
    text: str | None = None
    result: QueryResult | None = None
    problem: str | None = None
    assessment: str | None = None
    reasons: tuple[str, ...] = ()
    is_manual: bool = False
    expected_sql: str | None = None


class SpaceReader(Protocol):
    """Reads spaces."""

    def list_spaces(self) -> Iterator[SpaceSummary]:
        """Yield every space the identity can see, across all pages."""

    def get_space(self, space_id: str) -> LiveSpace:
        """Return the space with its configuration and etag.

        Raises:
            SpaceNotFoundError: No such space for this identity.
            SpaceNotEditableError: The space exists, but its configuration is not shown (needs CAN EDIT).
        """

    def get_permissions(self, space_id: str) -> list[Permission]:
        """Return who may do what with the space."""


class SpaceWriter(SpaceReader, Protocol):
    """Reads and changes spaces. There is no delete: nothing here ever trashes a space."""

    def create_space(
        self, *, serialized_space: str, warehouse_id: str, title: str, description: str | None, parent_path: str | None
    ) -> LiveSpace:
        """Create a space, exactly once: a request that timed out is looked up, never sent again.

        Raises:
            UnconfirmedRequestError: No answer came and the look-up does not show exactly one new space.
            WorkspaceRefusedError: The server rejects the configuration, with its message.
        """

    def update_space(
        self,
        space_id: str,
        *,
        etag: str | None = None,
        serialized_space: str | None = None,
        title: str | None = None,
        description: str | None = None,
        warehouse_id: str | None = None,
        parent_path: str | None = None,
    ) -> LiveSpace:
        """Change the fields given; ``serialized_space`` replaces the whole configuration.

        Raises:
            ConflictError: ``etag`` is given and the configuration changed since it was read; nothing was written.
            WorkspaceRefusedError: The server rejects the configuration, with its message.
            UnconfirmedRequestError: No answer came, and reading back does not show the change.
        """


class Asker(Protocol):
    """Asks questions, one conversation a question."""

    def start(self, space_id: str, question: str) -> MessageRef:
        """Ask ``question`` in a new conversation, exactly once.

        Raises:
            RateLimitedError: The workspace says "slow down" (HTTP 429); the question was not asked.
            UnconfirmedRequestError: No answer came, and the question cannot be found; it may have been asked.
            WorkspaceUnavailableError: The workspace could not be reached; the question was not asked.
        """

    def poll(self, ref: MessageRef) -> Message:
        """Return the message as it is now; one request, never repeated here (the caller polls anyway)."""

    def read_result(self, message: Message) -> QueryResult:
        """Return the rows of the message's query, typed by the manifest, at most what the API returns (5,000)."""

    def newest(self, space_id: str) -> float:
        """Return when our newest conversation in the space was made, by the workspace's clock; 0 without one."""

    def find(self, space_id: str, question: str, *, after_seconds: float, known: Collection[str]) -> MessageRef | None:
        """Return the oldest message that asks ``question`` in a conversation of ours, or None.

        Args:
            space_id: Where it was asked.
            question: Its exact text.
            after_seconds: Only conversations made later than this, by the workspace's clock.
            known: Ids of conversations that are not meant.
        """


class EvaluationRuns(Protocol):
    """Genie's own evaluation runs over the benchmark questions of a space."""

    def create(self, space_id: str, question_ids: Sequence[str], *, known: Collection[str]) -> str:
        """Begin a run over these benchmark questions, exactly once, and return its id.

        Args:
            space_id: The space.
            question_ids: Ids of its benchmark questions.
            known: The runs there were before: a request that got no answer is looked up among the others.

        Raises:
            UnconfirmedRequestError: No answer came, and the look-up does not show exactly one new run.
            WorkspaceRefusedError: The space has no such questions.
        """

    def find_new(self, space_id: str, questions: int, *, known: Collection[str]) -> list[str]:
        """Return the runs over that many questions that are not among ``known``, newest first."""

    def run_ids(self, space_id: str) -> list[str]:
        """Return the ids of all runs of the space, newest first."""

    def get(self, space_id: str, run_id: str) -> NativeRun:
        """Return how far a run is."""

    def results(self, space_id: str, run_id: str) -> list[NativeResult]:
        """Return all questions of a run."""

    def answer(self, space_id: str, run_id: str, result_id: str) -> NativeAnswer:
        """Return what the run keeps of one question; rows are kept for about a week."""


class SqlPort(Protocol):
    """Runs single read-only statements on a warehouse."""

    def execute(
        self,
        sql: str,
        *,
        warehouse_id: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        row_limit: int = 5000,
        timeout_seconds: float = 120.0,
    ) -> QueryResult:
        """Run the statement as written and return at most ``row_limit`` rows.

        Raises:
            UnsafeSqlError: It is not one read-only statement; it was not sent.
            SqlFailedError: The warehouse could not run it, or it took longer than the timeout (it is cancelled).
        """

    def explain(self, sql: str, *, warehouse_id: str | None = None) -> str | None:
        """Return None when the statement compiles, else the engine's message."""

    def describe(self, identifier: str, *, warehouse_id: str | None = None) -> dict[str, Any]:
        """Return the JSON description of a table or view.

        Raises:
            SqlFailedError: There is no such object, or it cannot be described.
        """


class CatalogPort(Protocol):
    """Reads Unity Catalog metadata of assets, by three-part name; ``warehouse_id`` as in :class:`SqlPort`.

    A failed or incomplete read raises; it never comes back as fewer rows.
    """

    def columns(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a column.

        Keys: table_catalog, table_schema, table_name, column_name, ordinal_position, data_type, is_nullable, comment.
        """

    def tags(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a tag.

        Keys: catalog_name, schema_name, table_name, column_name (None for the table's own), tag_name, tag_value.
        """

    def routines(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a function.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, comment, parameters.
        """

    def table_types(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a table or view.

        Keys: table_catalog, table_schema, table_name, table_type (MANAGED, EXTERNAL, VIEW, METRIC_VIEW, …).
        """

    def unique_keys(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a primary key or unique constraint.

        Keys: table_catalog, table_schema, table_name, constraint_name, columns.
        """

    def signatures(self, identifiers: Sequence[str], *, warehouse_id: str | None = None) -> list[dict[str, Any]]:
        """Return a row a function.

        Keys: routine_catalog, routine_schema, routine_name, routine_definition, data_type, parameters (each with name,
        data_type, default), columns (each with name, data_type).
        """

    def metric_view(self, identifier: str, *, warehouse_id: str | None = None) -> dict[str, Any]:
        """Return what a metric view offers.

        Keys: columns (each with name, data_type, is_measure), definition.
        """


class Workspace(Protocol):
    """One signed-in workspace with all its ports."""

    @property
    def host_digest(self) -> str:
        """A short digest that names the host in locks and logs without revealing it."""

    @property
    def user_name(self) -> str:
        """The identity we act as."""

    @property
    def spaces(self) -> SpaceWriter: ...

    @property
    def asker(self) -> Asker: ...

    @property
    def evaluation_runs(self) -> EvaluationRuns: ...

    @property
    def sql(self) -> SqlPort: ...

    @property
    def catalog(self) -> CatalogPort: ...

"""What the package needs of a workspace, as protocols.

Reading and writing are different types: evaluation and drift receive a reader and cannot change a space. All methods
raise the MG1xx errors; none returns an error as a value. The Databricks adapter implements these protocols over HTTP;
the same contract tests run against the local workspace and, when allowed, a real one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from mlflow_genie_plugin.workspace.answer import Message, MessageRef, QueryResult
from mlflow_genie_plugin.workspace.data_port import CatalogPort, SqlPort
from mlflow_genie_plugin.workspace.live_space import LiveSpace, Permission, SpaceSummary
from mlflow_genie_plugin.workspace.native import NativeAnswer, NativeResult, NativeRun


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

"""The local workspace as an HTTP server on a thread of this process."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.emulator.world import SAMPLE_SPACE_ID, WAREHOUSE_ID, World
from mlflow_genie_plugin.errors import ConflictError, GenieError, MissingExtraError, UnreadableFileError, UsageError

if TYPE_CHECKING:
    import uvicorn

    from mlflow_genie_plugin.emulator.answers import Answerer, GeneratedLike
    from mlflow_genie_plugin.emulator.catalog_view import CatalogView
    from mlflow_genie_plugin.emulator.control import LocalControl
    from mlflow_genie_plugin.emulator.store import Store
    from mlflow_genie_plugin.emulator.warehouse import Warehouse

__all__ = ["SAMPLE_SPACE_ID", "WAREHOUSE_ID", "LocalWorkspace"]

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0


class LocalWorkspace:
    """A Genie workspace on this machine; any Databricks client can use it while it runs.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`.

    Args:
        directory: Keeps spaces, permissions, conversations and tables there; None forgets them at the end.
        port: TCP port on 127.0.0.1; 0 takes a free one.
        sample: Load the sample tables and, in a fresh workspace, the sample space.
        answerer: Answers questions instead of the built-in rules: ``answerer(question, document, catalog_view)``.
        check_tables: Refuse a configuration whose tables do not exist here, as the cloud does.
        behaviour: Fields of ``Behaviour`` that hold from the start and after every reset.
    """

    def __init__(
        self,
        directory: Path | None = None,
        port: int = 0,
        sample: bool = True,
        answerer: Answerer | None = None,
        *,
        check_tables: bool = False,
        behaviour: Mapping[str, Any] | None = None,
    ) -> None:
        self._directory = None if directory is None else Path(directory)
        self._port = port
        self._sample = sample
        self._answerer = answerer
        self._behaviour = {"check_tables": check_tables, **(behaviour or {})}
        self._stack = contextlib.ExitStack()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._world: World | None = None
        self._token = ""

    @property
    def url(self) -> str:
        """The workspace's host, for example ``http://127.0.0.1:51234``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def token(self) -> str:
        """The owner's token."""
        return self._token

    @property
    def world(self) -> World:
        """The state behind the routes.

        Raises:
            UsageError: The workspace is not running.
        """
        if self._world is None:
            raise UsageError("the local workspace is not running", next_step="call start() first")
        return self._world

    @property
    def control(self) -> LocalControl:
        """A client of the control API."""
        from mlflow_genie_plugin.emulator.control import LocalControl

        return LocalControl(self.url, self.token)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make a Databricks client and this package use the workspace."""
        return {
            "DATABRICKS_HOST": self.url,
            "DATABRICKS_TOKEN": self.token,
            "DATABRICKS_AUTH_TYPE": "pat",
            "GENIE_QUESTIONS_PER_MINUTE": str(self.world.controls.behaviour.questions_per_minute),
        }

    def __enter__(self) -> LocalWorkspace:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> LocalWorkspace:
        """Start serving.

        Raises:
            MissingExtraError: The optional dependencies of the local workspace are not installed.
            ConflictError: Another process serves the same directory.
            UsageError: The port is taken.
        """
        if self._world is not None:
            raise UsageError("the local workspace is already running")
        try:
            with _needs_extra():
                self._start()
        except BaseException:
            self._release()
            raise
        return self

    def stop(self) -> None:
        """Stop serving and release everything; calling it twice is no error."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
        self._release()

    def _start(self) -> None:
        import uvicorn

        from mlflow_genie_plugin.emulator.api.app import make_app
        from mlflow_genie_plugin.emulator.connections import Connections

        listener = self._listen()
        folder, store = self._open_directory()
        self._token = _token(folder)
        warehouse = self._open_warehouse(folder)
        world = World(store, warehouse, self._answerer or _built_in, self._token, sample=self._sample)
        self._stack.callback(world.close)
        world.default_behaviour(self._behaviour)
        connections = Connections()
        config = uvicorn.Config(
            make_app(world, connections.drop),
            http=connections.protocol(),
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
            server_header=False,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="local-workspace", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise GenieError("the local workspace did not start", next_step="run it again with --debug")
            time.sleep(0.005)
        self._world = world

    def _listen(self) -> socket.socket:
        # Named protocol: without IPPROTO_TCP asyncio leaves TCP_NODELAY off and each answer waits 40 ms for an ACK.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._stack.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
        except OSError as error:
            raise UsageError(
                f"port {self._port} cannot be used: {error.strerror}",
                next_step="choose another --port, or 0 for a free one",
            ) from error
        self._port = int(listener.getsockname()[1])
        return listener

    def _open_directory(self) -> tuple[Path, Store]:
        from mlflow_genie_plugin.emulator.store import MemoryStore, SqliteStore

        if self._directory is None:
            folder = Path(tempfile.mkdtemp(prefix="genie-local-"))
            self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
            return folder, MemoryStore()
        self._lock_directory(self._directory)
        store = SqliteStore(self._directory / "workspace.sqlite")
        self._stack.callback(store.close)
        return self._directory, store

    def _lock_directory(self, folder: Path) -> None:
        from filelock import FileLock, Timeout

        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnreadableFileError(
                f"cannot use {folder}: {error.strerror}", next_step="choose another --dir"
            ) from error
        lock = FileLock(folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise ConflictError(
                f"another local workspace is already serving {folder}",
                next_step="stop it first, or choose another --dir",
            ) from None
        self._stack.callback(lock.release)

    def _open_warehouse(self, folder: Path) -> Warehouse:
        from mlflow_genie_plugin.emulator.warehouse import open_warehouse

        warehouse = open_warehouse(folder, keep=self._directory is not None, sample=self._sample)
        self._stack.callback(warehouse.close)
        return warehouse

    def _release(self) -> None:
        self._world = self._server = self._thread = None
        self._stack.close()


def _built_in(question: str, document: dict[str, Any], view: CatalogView) -> GeneratedLike:
    from mlflow_genie_plugin.emulator.answerer import answer

    return answer(question, document, view)


def _token(folder: Path) -> str:
    path = folder / "token"
    if path.exists() and (kept := path.read_text("utf-8").strip()):
        return kept
    token = f"local-{secrets.token_hex(16)}"
    path.touch(mode=0o600)
    path.write_text(token, "utf-8")
    return token


@contextlib.contextmanager
def _needs_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        wanted = (error.name or "").partition(".")[0]
        if wanted not in {"duckdb", "starlette", "uvicorn", "tpchgen_cli", "pytz", "anyio"}:
            raise
        raise MissingExtraError(
            f"the local workspace needs {wanted}, which is not installed",
            next_step="run: pip install 'mlflow-genie-plugin[local]'",
        ) from error

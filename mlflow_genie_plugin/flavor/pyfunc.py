"""The ``python_function`` form: questions in, one row of the live space's answer per question out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.clock import SYSTEM_CLOCK
from mlflow_genie_plugin.errors import (
    DriftedSpaceError,
    InvalidSettingError,
    RateLimitedError,
    SpaceNotEditableError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.flavor.answer_row import COLUMNS, answer_row
from mlflow_genie_plugin.flavor.questions import questions_of
from mlflow_genie_plugin.settings import Settings, resolve_settings
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.parse import parse_space

if TYPE_CHECKING:
    import pandas as pd

    from mlflow_genie_plugin.workspace.port import Workspace


class GenieSpaceModel:
    """Asks the live space that a saved config belongs to.

    Args:
        config: The saved space config.
        model_id: The model it came from.
        model_config: ``space_id`` (ask another copy of the space), ``warehouse_id`` (recorded, Genie uses the space's),
            ``profile``, ``timeout_seconds`` per question, ``allow_drift``, ``verify``.
        workspace: Where to ask; default: signed in when the first question comes.
        verify: Called once, before the config is used or anything is asked; raises when the model was changed.
    """

    def __init__(
        self,
        config: SpaceConfig,
        model_id: str | None,
        model_config: Mapping[str, Any],
        workspace: Workspace | None = None,
        verify: Callable[[], None] | None = None,
    ) -> None:
        self._config = config
        self._verify = verify
        self.model_id = model_id
        self.model_config = dict(model_config)
        self._workspace = workspace
        self._settings = _with_timeout(resolve_settings(), model_config.get("timeout_seconds"))

    @property
    def config(self) -> SpaceConfig:
        """The saved space config, proven."""
        if self._verify is not None:
            self._verify()
            self._verify = None
        return self._config

    def get_raw_model(self) -> SpaceConfig:
        """Return the saved space config."""
        return self.config

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Ask the live space each question, in a conversation of its own, one after the other.

        Args:
            data: A question, a list of them, ``{"question": …}`` dicts, a one-column DataFrame, or a Series.
            params: Not used; MLflow passes it.

        Returns:
            One row per question, in order. ``columns`` is a list of names and ``rows`` a list of lists; decimals, dates
            and times in it are text, so that every row can be sent as JSON. ``status`` is COMPLETED, FAILED, CANCELLED,
            QUERY_RESULT_EXPIRED or TIMED_OUT; ``error`` says why a row has no result.

        Raises:
            TamperedModelError: The model's files are not what was recorded.
            DriftedSpaceError: The live space would answer differently than the saved config (not with ``allow_drift``).
            MlflowException: ``data`` holds no questions or something else than questions.
        """
        del params
        import pandas as pd

        questions = questions_of(data)
        saved = self.config
        workspace = self._connected()
        self._require_same_behaviour(saved, workspace)
        return pd.DataFrame([self._asked(workspace, question) for question in questions], columns=list(COLUMNS))

    def _connected(self) -> Workspace:
        if self._workspace is None:
            from mlflow_genie_plugin.workspace.auth import connect

            self._workspace = connect(profile=self.model_config.get("profile"), settings=self._settings)
        return self._workspace

    def _require_same_behaviour(self, saved: SpaceConfig, workspace: Workspace) -> None:
        if self.model_config.get("allow_drift") is True:
            return
        space_id = self.model_config["space_id"]
        try:
            live = workspace.spaces.get_space(space_id)
        except SpaceNotEditableError as error:
            raise SpaceNotEditableError(
                f"space {space_id} cannot be compared with the model: {error.what}",
                next_step="give this identity CAN EDIT, or load the model with model_config={'allow_drift': True}",
            ) from error
        live_hash = parse_space(live.serialized_space, what=f"space {space_id}").behaviour_sha256
        if live_hash != saved.behaviour_sha256:
            raise DriftedSpaceError(
                f"space {space_id} is configured differently than the model: its behaviour hash is {live_hash[:12]}, "
                f"the model's {saved.behaviour_sha256[:12]}",
                next_step="restore the model, or load it with model_config={'allow_drift': True}",
                space_id=space_id,
                live_behaviour_sha256=live_hash,
                model_behaviour_sha256=saved.behaviour_sha256,
            )

    def _asked(self, workspace: Workspace, question: str) -> dict[str, Any]:
        from mlflow_genie_plugin.workspace.answer import Answer, AnswerStatus
        from mlflow_genie_plugin.workspace.ask import ask
        from mlflow_genie_plugin.workspace.throttle import Throttle

        throttle = Throttle(workspace.host_digest, self._settings, SYSTEM_CLOCK)
        try:
            answer = ask(
                workspace.asker,
                self.model_config["space_id"],
                question,
                clock=SYSTEM_CLOCK,
                settings=self._settings,
                throttle=throttle,
            )
        except (RateLimitedError, WorkspaceUnavailableError) as error:
            # A passing trouble of one question must not throw away the answers of the others.
            answer = Answer(question, AnswerStatus.FAILED, error=str(error), error_type=type(error).__name__)
        return answer_row(answer)


def _with_timeout(settings: Settings, timeout: Any) -> Settings:
    if timeout is None:
        return settings
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < float("inf"):
        raise InvalidSettingError(
            f"model_config timeout_seconds is {timeout!r}", next_step="give a number of seconds above 0"
        )
    return replace(settings, answer_timeout_seconds=float(timeout))

"""Reading a space until a write shows in it; reads can lag behind writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlflow_genie_plugin.clock import Clock
from mlflow_genie_plugin.errors import (
    ConflictError,
    GenieError,
    RateLimitedError,
    UnverifiedWriteError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.settings import Settings
from mlflow_genie_plugin.snapshot.capture import config_of
from mlflow_genie_plugin.snapshot.restore_plan import DEPLOYMENT_FIELDS, RestorePlan, same_folder

if TYPE_CHECKING:
    from mlflow_genie_plugin.workspace.live_space import LiveSpace
    from mlflow_genie_plugin.workspace.port import Workspace

_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 5.0


def read_back_config(
    plan: RestorePlan,
    before: LiveSpace,
    workspace: Workspace,
    clock: Clock,
    settings: Settings,
    safety_model_id: str,
    sent_etag: str | None,
    *,
    confirmed: bool = True,
) -> LiveSpace:
    """Read the space until it shows the plan's target, and return it then.

    Args:
        plan: Says the target and the old state.
        before: The space before the write.
        workspace: Where the space is.
        clock: Time and sleeping.
        settings: ``read_back_seconds`` is the limit.
        safety_model_id: Named in messages: the version that holds the state before.
        sent_etag: The etag that the write returned, if it returned one.
        confirmed: Whether the workspace answered the write; False when the answer was lost or was a server error.

    Raises:
        ConflictError: The space shows a third state; nothing is undone.
        UnverifiedWriteError: It still shows the old state, or cannot be read; nothing is undone.
    """
    reason = f"within {settings.read_back_seconds:g} s it only showed the old configuration"
    for live in _reads(plan.space_id, workspace, clock, settings):
        if isinstance(live, GenieError):
            reason = live.what
            continue
        now = config_of(live)
        if now.content_sha256 == plan.target_content_sha256:
            return live
        if now.content_sha256 != plan.live_content_sha256:
            # The etag of our own write on another content: the server stored it differently, nobody else wrote.
            who = (
                "the workspace stored the configuration differently than it was sent"
                if sent_etag is not None and sent_etag not in (before.etag, None) and live.etag == sent_etag
                else "somebody else wrote to it at the same time"
            )
            raise ConflictError(
                f"space {plan.space_id} shows neither the old nor the restored configuration: {who}; "
                "nothing was undone",
                next_step=f"compare: mlflow-genie drift {plan.model_id} --space {plan.space_id}; "
                f"the state before is model {safety_model_id}",
                safety_model_id=safety_model_id,
                live_content_sha256=now.content_sha256,
                target_content_sha256=plan.target_content_sha256,
            )
    written = (
        f"space {plan.space_id} was written, but that was not seen in reading it back"
        if confirmed
        else f"the workspace did not confirm the write to space {plan.space_id}, which may or may not have happened"
    )
    raise UnverifiedWriteError(
        f"{written}: {reason}; nothing was undone, because reads can lag behind writes",
        next_step=f"verify it: mlflow-genie drift {plan.model_id} --space {plan.space_id} --exit-code",
        safety_model_id=safety_model_id,
        target_content_sha256=plan.target_content_sha256,
    )


def read_back_fields(plan: RestorePlan, workspace: Workspace, clock: Clock, settings: Settings) -> LiveSpace:
    """Read the space until it shows the plan's deployment fields, and return it then.

    Raises:
        UnverifiedWriteError: They did not show in time.
    """
    values = {DEPLOYMENT_FIELDS[name]: after for name, (_, after) in plan.field_changes.items()}
    missing: list[str] = list(values)
    reason = ""
    for live in _reads(plan.space_id, workspace, clock, settings):
        if isinstance(live, GenieError):
            reason = f"in reading it back ({live.what})"
            continue
        missing = [name for name, value in values.items() if not _shows(live, name, value)]
        if not missing:
            return live
    raise UnverifiedWriteError(
        f"the configuration of space {plan.space_id} is restored, but {', '.join(missing)} did not show "
        f"{reason or f'within {settings.read_back_seconds:g} s'}",
        next_step=f"look at them: mlflow-genie space show genie:/{plan.space_id} (a server may append to a title)",
    )


def _reads(space_id: str, workspace: Workspace, clock: Clock, settings: Settings) -> Iterator[LiveSpace | GenieError]:
    """Yield the space again and again until the time is up; a failure to read is yielded too, a lasting one last.

    It is yielded and not raised, because whoever reads back has to say that the space was written.
    """
    deadline = clock.monotonic() + settings.read_back_seconds
    wait = _FIRST_WAIT_SECONDS
    while True:
        try:
            yield workspace.spaces.get_space(space_id)
        except (WorkspaceUnavailableError, RateLimitedError) as error:
            yield error
        except GenieError as error:
            yield error
            return
        left = deadline - clock.monotonic()
        if left <= 0:
            return
        clock.sleep(min(wait, left))
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


def _shows(live: LiveSpace, name: str, value: str) -> bool:
    if name == "parent_path":
        return same_folder(live.parent_path, value)
    return (getattr(live, name) or "") == value

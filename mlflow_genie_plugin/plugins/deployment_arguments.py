"""What callers of a deployment client give, in our terms: a space, options, questions; and cells as JSON has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.errors import UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.registry import ModelRecord
    from mlflow_genie_plugin.workspace.live_space import LiveSpace
    from mlflow_genie_plugin.workspace.port import Workspace

_CONFIG_KEYS = ("space_id", "profile", "force", "with_benchmarks", "include", "break_glass", "timeout_seconds")


def space_id_named(name: str, workspace: Workspace) -> str:
    """Return the space's id for its id, address or exact title.

    Raises:
        UsageError: No space, or more than one, has this title.
    """
    from mlflow_genie_plugin.space.location import SpaceLocation, parse_location, space_id_of

    text = name.strip()
    if text.startswith(("genie:", "http://", "https://")) or isinstance(parse_location(text), SpaceLocation):
        return space_id_of(text)
    found = [space.space_id for space in workspace.spaces.list_spaces() if space.title == text]
    if len(found) != 1:
        raise UsageError(
            f"{len(found) or 'no'} spaces have the title {text!r}",
            next_step="give the space id" + (f": one of {', '.join(found)}" if found else ""),
        )
    return found[0]


def version_held(live: LiveSpace) -> ModelRecord | None:
    """Return the latest saved version whose configuration the space holds now."""
    from mlflow_genie_plugin.snapshot.capture import config_of
    from mlflow_genie_plugin.snapshot.lineage import versions_of_space

    content = config_of(live).content_sha256
    versions = versions_of_space(live.space_id)
    return next((record for record in versions if record.params.get("config_sha256") == content), None)


def options_of(config: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the options of a call as text.

    Raises:
        UsageError: One of them is unknown.
    """
    options = {key: str(value) for key, value in (config or {}).items()}
    if unknown := sorted(options.keys() - set(_CONFIG_KEYS)):
        raise UsageError(f"unknown config: {', '.join(unknown)}", next_step=f"known: {', '.join(_CONFIG_KEYS)}")
    return options


def flag(options: Mapping[str, str], name: str) -> bool:
    """Return whether an option is on.

    Raises:
        UsageError: It is neither true nor false.
    """
    value = options.get(name, "false").strip().lower()
    if value not in ("true", "false"):
        raise UsageError(f"config {name} is {value!r}", next_step="use true or false")
    return value == "true"


def inputs_of(inputs: Any) -> Any:
    """Return the questions of a prediction, unwrapped."""
    # mlflow deployments predict hands over the file as parsed; serving clients wrap the questions in "inputs".
    if isinstance(inputs, Mapping) and set(inputs) == {"inputs"}:
        return inputs["inputs"]
    return inputs


def plain_cell(value: Any) -> Any:
    """Return a cell as JSON has it: a frame turns a missing number into NaN and counts into NumPy numbers."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value

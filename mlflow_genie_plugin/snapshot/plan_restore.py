"""Planning a restore: what it would write into the space as it is now. Nothing is written."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow_genie_plugin.flavor.load import Snapshot
from mlflow_genie_plugin.snapshot.capture import config_of
from mlflow_genie_plugin.snapshot.restore_plan import DEPLOYMENT_FIELDS, RestorePlan, clean_include, same_folder
from mlflow_genie_plugin.space.config import SpaceConfig
from mlflow_genie_plugin.space.diff import diff_spaces
from mlflow_genie_plugin.space.fingerprint import hashes_of
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.workspace.live_space import LiveSpace


def plan_restore(
    snapshot: Snapshot, live: LiveSpace, *, keep_benchmarks: bool = True, include: Sequence[str] = ()
) -> RestorePlan:
    """Work out what putting ``snapshot`` back into ``live`` would do. Nothing is read or written.

    Args:
        snapshot: The version to put back.
        live: The space as it was just read.
        keep_benchmarks: Keep the live benchmark questions; otherwise the version's replace them.
        include: Deployment fields to write too: ``title``, ``description``, ``warehouse``, ``folder``. By default none,
            because a PATCH with a title can append a suffix to it.

    Raises:
        UsageError: A field is none of these.
    """
    wanted = clean_include(include)
    now = config_of(live)
    target = target_document(snapshot.config.document, now.document, keep_benchmarks=keep_benchmarks)
    content, behaviour = hashes_of(target)
    field_changes, not_recorded = _field_changes(snapshot.config, now, wanted)
    difference = diff_spaces(now.document, target)
    return RestorePlan(
        space_id=live.space_id,
        space_title=live.title,
        model_id=snapshot.model_id,
        snapshot_sha256=snapshot.snapshot_sha256,
        live_etag=live.etag,
        live_content_sha256=now.content_sha256,
        live_behaviour_sha256=now.behaviour_sha256,
        target_content_sha256=content,
        target_behaviour_sha256=behaviour,
        keep_benchmarks=keep_benchmarks,
        include=wanted,
        field_changes=field_changes,
        not_recorded=not_recorded,
        changes=difference.to_json(),
        text=difference.render(),
        target=target,
    )


def target_document(saved: Mapping[str, Any], live: Mapping[str, Any], *, keep_benchmarks: bool) -> dict[str, Any]:
    """Return the document to write: the saved one, with the live benchmarks if they are kept, in the server's order."""
    target = copy.deepcopy(dict(saved))
    if keep_benchmarks:
        target.pop("benchmarks", None)
        if "benchmarks" in live:
            target["benchmarks"] = copy.deepcopy(live["benchmarks"])
    return normalise_for_write(target)


def _field_changes(
    saved: SpaceConfig, now: SpaceConfig, wanted: Sequence[str]
) -> tuple[dict[str, tuple[str | None, str]], tuple[str, ...]]:
    changes: dict[str, tuple[str | None, str]] = {}
    missing = []
    for name in wanted:
        attribute = DEPLOYMENT_FIELDS[name]
        before, after = getattr(now.envelope, attribute), getattr(saved.envelope, attribute)
        if after is None:
            # A description that was never there can be emptied; there is no empty title, warehouse or folder.
            if name != "description":
                missing.append(name)
                continue
            after = ""
        same = same_folder(before, after) if name == "folder" else (before or "") == after
        if not same:
            changes[name] = (before, after)
    return changes, tuple(missing)

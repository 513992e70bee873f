"""``mlflow-genie snapshot``: save a space as a model version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options

if TYPE_CHECKING:
    from mlflow_genie_plugin.snapshot.record import SnapshotRecord

_SHOWN_VIOLATIONS = 10


@click.command()
@click.argument("space")
@click.option(
    "-d", "--domain", help="What the space is about, one word; part of the model's name. Default: the parent's."
)
@click.option("--iteration", type=click.IntRange(min=0), help="Number of the version; default: the parent's + 1.")
@click.option(
    "--parent",
    default="latest",
    show_default=True,
    help="Model id this version comes from; latest: the version that last was live; none.",
)
@click.option("--parent-of-other-space", is_flag=True, help="Accept a parent that is a version of another space.")
@click.option("--patches", type=click.Path(dir_okay=False, path_type=Path), help="JSON file: what changed, as patches.")
@click.option(
    "--prompt-versions", type=click.Path(dir_okay=False, path_type=Path), help="JSON file: judge prompt → version."
)
@click.option(
    "--prompts-schema",
    "prompts_from",
    metavar="CATALOG.SCHEMA",
    help="Record the versions that are in production there. Default: GENIE_PROMPTS_SCHEMA, else without a schema.",
)
@click.option("--uc-schema", help="Read catalog metadata only of assets in this CATALOG.SCHEMA.")
@click.option("--no-uc", is_flag=True, help="Do not read catalog metadata (it uses the warehouse).")
@click.option("--register", metavar="NAME", help="Also register the model under this name.")
@workspace_options
@command
def snapshot(
    space: str,
    domain: str | None,
    iteration: int | None,
    parent: str,
    parent_of_other_space: bool,
    patches: Path | None,
    prompt_versions: Path | None,
    prompts_from: str | None,
    uc_schema: str | None,
    no_uc: bool,
    register: str | None,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Save SPACE (id, genie:/ID or its browser address) as an MLflow model version.

    Nothing is changed in the workspace.
    """
    from mlflow_genie_plugin.cli.preflight import require_ready
    from mlflow_genie_plugin.evaluation.prompts import collect_prompt_versions
    from mlflow_genie_plugin.settings import resolve_settings
    from mlflow_genie_plugin.snapshot.create import create_snapshot
    from mlflow_genie_plugin.space.location import space_id_of
    from mlflow_genie_plugin.workspace.auth import connect

    space_id = space_id_of(space)
    patch_set = _json_file(patches)
    prompts = _given_prompt_versions(prompt_versions, prompts_from)
    workspace = connect(profile=profile, target=target)
    require_ready(workspace)
    if prompts is None:
        prompts = collect_prompt_versions(prompts_from or resolve_settings().prompts_schema or None)
    record = create_snapshot(
        space_id,
        domain,
        workspace=workspace,
        iteration=iteration,
        parent=parent,
        patch_set=patch_set,
        prompt_versions=prompts,
        uc_schema=uc_schema,
        capture_uc=not no_uc,
        allow_other_space=parent_of_other_space,
        register=register,
    )
    if as_json:
        emit_json(record.to_json())
    else:
        _tell(record)


def _tell(record: SnapshotRecord) -> None:
    say(f'Saved "{record.title or record.space_id}" as iteration {record.iteration} of {record.domain}.')
    say(f"  name     {record.name}")
    say(f"  config   {record.config_sha256[:12]}")
    say(f"  parent   {record.parent_model_id or 'none'} ({record.parent_reason})")
    if record.changes is not None:
        count = len(record.changes.changes)
        behaviour = "can change answers" if record.changes.changes_behaviour else "cannot change answers"
        say(f"  changed  {count} since the parent, {behaviour}" if count else "  changed  nothing since the parent")
    if record.registered:
        say(f"  version  {record.registered}")
    for kind, status in record.captures.items():
        if status.startswith("failed"):
            say(f"  catalog {kind}: {status}")
    # The order in which the server itself returns a list is nothing that anyone could act on.
    findings = [violation for violation in record.violations if violation.rule != "order-cosmetic"]
    for violation in findings[:_SHOWN_VIOLATIONS]:
        say(f"  {violation.severity}: {violation}")
    if len(findings) > _SHOWN_VIOLATIONS:
        say(f"  … and {len(findings) - _SHOWN_VIOLATIONS} more: mlflow-genie space validate {record.model_id}")
    emit(record.model_id)
    say(f"Next: mlflow-genie evaluate --model-id {record.model_id} --benchmarks FILE")


def _given_prompt_versions(file: Path | None, schema: str | None) -> Any:
    from mlflow_genie_plugin.errors import UsageError

    if file is not None and schema:
        raise UsageError("the prompt versions are given twice", next_step="use --prompt-versions or --prompts-schema")
    return _json_file(file)


def _json_file(path: Path | None) -> Any:
    """Return the JSON in a file.

    Raises:
        UnreadableFileError: It is missing or not JSON.
    """
    if path is None:
        return None
    import json

    from mlflow_genie_plugin.errors import UnreadableFileError

    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(
            f"cannot read {path}: {error.strerror or error}", next_step="check the path"
        ) from error
    except ValueError as error:
        raise UnreadableFileError(f"{path} is not JSON: {error}", next_step="give a JSON file") from error

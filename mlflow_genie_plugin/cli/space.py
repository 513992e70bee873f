"""``mlflow-genie space …``: look at space configs, check them, compare them, hash them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.cli.sources import load_config
from mlflow_genie_plugin.cli.space_edit import merge, remap
from mlflow_genie_plugin.cli.violations import report_lines, result_json
from mlflow_genie_plugin.errors import ExitCode, InvalidSpaceError, Violation

if TYPE_CHECKING:
    from mlflow_genie_plugin.space.config import SpaceConfig


@click.group()
def space() -> None:
    """Space configs: list, show, validate, compare, hash, move to another environment.

    A LOCATION is a JSON file, a model (m-…, models:/…, runs:/…), genie:/<space id>, or the space's address as copied
    from the browser.
    """


@space.command("list")
@workspace_options
@command
def list_spaces(profile: str | None, target: str | None, as_json: bool) -> None:
    """List the spaces you can see in the workspace."""
    from mlflow_genie_plugin.workspace.auth import connect

    found = list(connect(profile, target).spaces.list_spaces())
    if as_json:
        emit_json([{"space_id": item.space_id, "title": item.title, "description": item.description} for item in found])
        return
    for item in found:
        emit(f"{item.space_id}  {item.title}")
    if not found:
        say("No spaces: none exist in this workspace, or none is shared with you.")


@space.command()
@click.argument("location")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the config to this file.")
@click.option("--normalise", is_flag=True, help="In the server's order and export version 2.")
@click.option("--envelope", is_flag=True, help="Write title, description and warehouse around the config.")
@workspace_options
@command
def show(
    location: str,
    output: Path | None,
    normalise: bool,
    envelope: bool,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Show what the config at LOCATION holds, or export it with -o.

    The exported file is the bare config, as bundles keep it (*.geniespace.json).
    """
    config = load_config(location, profile, target)
    if normalise:
        config = _normalised(config)
    if output:
        from mlflow_genie_plugin.cli.space_edit import write_config

        write_config(config, output, envelope=envelope)
        say(f"Wrote {output}")
    if as_json:
        emit_json(
            {
                "location": location,
                "space_id": config.space_id,
                "etag": config.etag,
                **_envelope(config),
                "version": config.version,
                "content_sha256": config.content_sha256,
                "behaviour_sha256": config.behaviour_sha256,
                "counts": config.counts(),
                "serialized_space": config.document,
            }
        )
    elif not output:
        for line in _summary(config):
            emit(line)


@space.command()
@click.argument("locations", nargs=-1, required=True, metavar="LOCATION...")
@workspace_options
@command
def validate(locations: tuple[str, ...], profile: str | None, target: str | None, as_json: bool) -> ExitCode:
    """Print everything the server would refuse in a config, and what is probably a mistake.

    Exits with 1 when there is an error; warnings alone are fine.
    """
    from mlflow_genie_plugin.space.validate import validate_space

    results: list[tuple[str, list[Violation]]] = []
    for location in locations:
        try:
            config = load_config(location, profile, target)
        except InvalidSpaceError as error:
            found = [*error.violations]
        else:
            found = validate_space(config.document)
        results.append((location, found))
    valid = not any(violation.severity == "error" for _, found in results for violation in found)
    if as_json:
        emit_json({"valid": valid, "results": [result_json(location, found) for location, found in results]})
    else:
        for location, found in results:
            emit("\n".join(report_lines(location, found)))
    return ExitCode.OK if valid else ExitCode.NO


@space.command("hash")
@click.argument("location")
@workspace_options
@command
def hash_config(location: str, profile: str | None, target: str | None, as_json: bool) -> None:
    """Print the content hash and the behaviour hash of a config.

    The behaviour hash leaves out benchmarks and sample questions, which change no answer. Neither changes with the
    order of lists, the splitting of texts or the export version.
    """
    config = load_config(location, profile, target)
    if as_json:
        emit_json({"content_sha256": config.content_sha256, "behaviour_sha256": config.behaviour_sha256})
    else:
        emit(f"content    {config.content_sha256}")
        emit(f"behaviour  {config.behaviour_sha256}")


@space.command()
@click.argument("before")
@click.argument("after")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there is a difference.")
@workspace_options
@command
def diff(
    before: str, after: str, exit_code: bool, profile: str | None, target: str | None, as_json: bool
) -> ExitCode | None:
    """Show what changed from BEFORE to AFTER (two locations), item by item, and whether answers can change.

    Order, line splitting and export version are no difference.
    """
    from mlflow_genie_plugin.space.diff import diff_spaces

    difference = diff_spaces(load_config(before, profile, target), load_config(after, profile, target))
    if as_json:
        emit_json({"before": before, "after": after, **difference.to_json()})
    else:
        emit(difference.render())
    return ExitCode.NO if exit_code and difference else None


space.add_command(remap)
space.add_command(merge)


def _normalised(config: SpaceConfig) -> SpaceConfig:
    from dataclasses import replace

    from mlflow_genie_plugin.space.normalise import normalise_for_write

    return replace(config, document=normalise_for_write(config.document))


def _envelope(config: SpaceConfig) -> dict[str, str | None]:
    envelope = config.envelope
    return {
        "title": envelope.title,
        "description": envelope.description,
        "warehouse_id": envelope.warehouse_id,
        "parent_path": envelope.parent_path,
    }


def _summary(config: SpaceConfig) -> list[str]:
    fields = {"space": config.space_id, **_envelope(config), "export version": config.version}
    lines = [f"{name:<24}{value}" for name, value in fields.items() if value is not None]
    lines += [f"{name.replace('_', ' '):<24}{count}" for name, count in config.counts().items() if count]
    lines += [f"{'content hash':<24}{config.content_sha256}", f"{'behaviour hash':<24}{config.behaviour_sha256}"]
    for title, identifiers in (
        ("tables", config.tables()),
        ("metric views", config.metric_views()),
        ("functions", config.functions()),
    ):
        lines += [f"{title}:", *(f"  {name}" for name in identifiers)] if identifiers else []
    return lines

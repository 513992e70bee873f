"""``mlflow-genie space remap`` and ``merge``: make a new config file out of others. No space is written to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say, workspace_options
from mlflow_genie_plugin.cli.sources import load_config
from mlflow_genie_plugin.errors import ExitCode, Violation

if TYPE_CHECKING:
    from mlflow_genie_plugin.space.config import SpaceConfig
    from mlflow_genie_plugin.space.merge import Conflict

_Output = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("location")
@click.option("-m", "--map", "pairs", multiple=True, required=True, metavar="OLD=NEW", help="Catalog, schema or table.")
@click.option("--warehouse", "warehouse_id", help="Warehouse of the new environment; the file then holds the envelope.")
@click.option(
    "-o", "--output", type=_Output, help="Write the new config to this file; default: show what would change."
)
@workspace_options
@command
def remap(
    location: str,
    pairs: tuple[str, ...],
    warehouse_id: str | None,
    output: Path | None,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> ExitCode | None:
    """Rename catalogs, schemas and tables everywhere in a config: assets, joins, SQL, texts, benchmarks.

    For example: mlflow-genie space remap dev.json -m dev=prod -m dev.sales=prod.sales_eu -o prod.json

    Then everything is searched for the old names; one that is left in SQL or an identifier exits with 1 and nothing is
    written.
    """
    from mlflow_genie_plugin.space.diff import diff_spaces
    from mlflow_genie_plugin.space.remap import parse_mapping, remap_config, residual_references

    mapping = parse_mapping(pairs)
    config = load_config(location, profile, target)
    new = remap_config(config, mapping, warehouse_id=warehouse_id)
    targets = {name.lower() for name in mapping.values()}
    left = residual_references(new.document, [name for name in mapping if name.lower() not in targets])
    blocked = any(violation.severity == "error" for violation in left)
    difference = diff_spaces(config.document, new.document)
    if output and not blocked:
        write_config(new, output, envelope=warehouse_id is not None)
    if as_json:
        emit_json(
            {
                "location": location,
                "mapping": mapping,
                "written": str(output) if output and not blocked else None,
                "residual": [_violation(violation) for violation in left],
                "content_sha256": new.content_sha256,
                **difference.to_json(),
            }
        )
    else:
        if not output:
            emit(difference.render())
        for violation in left:
            say(f"{violation.severity}: {violation}")
        if output and not blocked:
            say(f"Wrote {output}: {_summary(difference.counts())}")
    if blocked:
        if not as_json:
            say("Old names are left; nothing was written." if output else "Old names are left.")
        return ExitCode.NO
    if not difference and not as_json:
        say("Nothing in the config has one of these names.")
    return None


@click.command()
@click.argument("base")
@click.argument("ours")
@click.argument("theirs")
@click.option("-o", "--output", type=_Output, help="Write the merged config to this file; default: standard output.")
@click.option("--favour", type=click.Choice(["ours"]), help="Keep our side where both sides changed the same thing.")
@workspace_options
@command
def merge(
    base: str,
    ours: str,
    theirs: str,
    output: Path | None,
    favour: str | None,
    profile: str | None,
    target: str | None,
    as_json: bool,
) -> ExitCode | None:
    """Merge what THEIRS changed since BASE into OURS (three locations).

    Where both sides changed the same thing differently, the conflicts are listed, nothing is written and the exit code
    is 1. As a git merge driver: mlflow-genie space merge %O %A %B -o %A
    """
    from dataclasses import replace

    from mlflow_genie_plugin.space.merge import merge_spaces

    sides = [load_config(location, profile, target) for location in (base, ours, theirs)]
    merged = merge_spaces(*(side.document for side in sides))
    blocked = bool(merged.conflicts) and favour is None
    config = replace(sides[1], document=merged.document, etag=None)
    if not blocked and output:
        write_config(config, output, envelope=False)
    if as_json:
        emit_json(
            {
                "merged": not blocked,
                "written": str(output) if output and not blocked else None,
                "conflicts": [conflict.to_json() for conflict in merged.conflicts],
                "serialized_space": None if blocked else config.document,
            }
        )
    else:
        for conflict in merged.conflicts:
            for line in _conflict_lines(conflict):
                say(line)
        if blocked:
            kept = "nothing was written; change one side, or add --favour ours to keep ours there"
            say(f"{len(merged.conflicts)} conflicts: {kept}" if len(merged.conflicts) > 1 else f"1 conflict: {kept}")
        elif output:
            say(f"Wrote {output}")
        else:
            emit(config.to_json(indent=2))
    return ExitCode.NO if blocked else None


def write_config(config: SpaceConfig, path: Path, *, envelope: bool) -> None:
    """Write the bare document as indented JSON, or with the deployment fields around it."""
    from mlflow_genie_plugin.atomic_files import write_bytes_atomically

    if not envelope:
        text = config.to_json(indent=2)
    else:
        import json

        fields = {
            name: getattr(config.envelope, name) for name in ("title", "description", "warehouse_id", "parent_path")
        }
        document: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        text = json.dumps({**document, "serialized_space": config.document}, ensure_ascii=False, indent=2)
    write_bytes_atomically(path, f"{text}\n".encode())


def _summary(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {action}" for action, number in counts.items())


def _violation(violation: Violation) -> dict[str, str]:
    return {"path": violation.path, "severity": violation.severity, "message": violation.message}


def _conflict_lines(conflict: Conflict) -> list[str]:
    from mlflow_genie_plugin.space.change import ABSENT
    from mlflow_genie_plugin.space.diff_text import describe_change
    from mlflow_genie_plugin.space.shape import text_of

    sides = [
        None if side is ABSENT else (text_of(side) if isinstance(side, list) else side)
        for side in (conflict.ours, conflict.theirs)
    ]
    return [f"conflict at {conflict.path} (- ours, + theirs)", *describe_change("", *sides)]

"""``mlflow-genie local …``: a Genie workspace on this machine, and bringing spaces into it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mlflow_genie_plugin.cli.output import command, emit, emit_json, say
from mlflow_genie_plugin.errors import UsageError

if TYPE_CHECKING:
    from mlflow_genie_plugin.emulator.control import LocalControl
    from mlflow_genie_plugin.space.config import SpaceConfig

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.group()
def local() -> None:
    """A Genie workspace on this machine: rehearse without an account."""


@local.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="TCP port; the default takes a free one.")
@click.option(
    "--dir", "directory", type=_DIRECTORY, help="Keep spaces, conversations and tables here; default: forget them."
)
@click.option(
    "--quota", type=click.IntRange(0), default=0, show_default=True, help="Questions per minute; 0 is no quota."
)
@click.option(
    "--latency", type=click.FloatRange(0), default=0.0, show_default=True, help="Seconds until a question is answered."
)
@click.option("--no-sample", is_flag=True, help="Start without the sample space and its tables.")
@click.option(
    "--any-tables", is_flag=True, help="Accept spaces whose tables do not exist here; the cloud refuses them."
)
@command
def serve(
    port: int,
    directory: Path | None,
    quota: int,
    latency: float,
    no_sample: bool,
    any_tables: bool,
    as_json: bool,
) -> None:
    """Serve a Genie workspace over HTTP until Ctrl-C.

    Any Databricks client can use it with the host and token that are printed.
    """
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID, LocalWorkspace

    workspace = LocalWorkspace(
        directory,
        port,
        sample=not no_sample,
        check_tables=not any_tables,
        behaviour={"questions_per_minute": quota, "latency_seconds": latency},
    )
    say("Starting the local workspace …")
    with _until_stopped() as stopped, workspace:
        environment = workspace.environment()
        sample_id = SAMPLE_SPACE_ID if workspace.world.live_space(SAMPLE_SPACE_ID) else None
        if as_json:
            emit_json(
                {
                    "host": workspace.url,
                    "token": workspace.token,
                    "sample_space_id": sample_id,
                    "environment": environment,
                }
            )
        else:
            say(f"A Genie workspace is running at {workspace.url}")
            if sample_id:
                say(f"Sample space: genie:/{sample_id}")
            say(f"State: {directory or 'in memory, forgotten at the end'}")
            say()
            say("Use it from another terminal:")
            for name, value in environment.items():
                emit(f"export {name}={value}")
            say()
            say("Stop with Ctrl-C.")
        stopped.wait()
    say("Stopped.")


@local.command()
@click.option(
    "-o",
    "--output",
    "directory",
    type=_DIRECTORY,
    default=Path(),
    help="Folder that receives the two files; default: this one.",
)
@command
def sample(directory: Path, as_json: bool) -> None:
    """Write the sample space and its questions: sample_space.json and sample_benchmarks.yaml.

    They go with the space that a local workspace starts with. Files that are there and differ are not overwritten.
    """
    from mlflow_genie_plugin.atomic_files import write_bytes_atomically
    from mlflow_genie_plugin.emulator.sample import sample_benchmarks, sample_space

    texts = {
        directory / "sample_space.json": sample_space(),
        directory / "sample_benchmarks.yaml": sample_benchmarks(),
    }
    for path, data in texts.items():
        if path.exists() and (not path.is_file() or path.read_bytes() != data):
            raise UsageError(f"{path} is something else", next_step="choose another folder with -o, or move it away")
    directory.mkdir(parents=True, exist_ok=True)
    for path, data in texts.items():
        write_bytes_atomically(path, data)
    if as_json:
        emit_json({"files": [str(path) for path in texts]})
    else:
        emit("\n".join(str(path) for path in texts))


@local.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dir", "directory", type=_DIRECTORY, help="Load into the workspace kept in this folder.")
@click.option("--url", help="Load into the workspace that is running at this address.")
@click.option("--token", envvar="DATABRICKS_TOKEN", help="Token of that workspace; default: DATABRICKS_TOKEN.")
@click.option("--title", help="Title of the space; default: the file's own, or its name.")
@click.option("--generate", is_flag=True, help="Make small tables for the names in the space that do not exist yet.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Value of a template's placeholder.")
@click.option("--fix", is_flag=True, help="Change what the server would refuse (order, ids, placeholders), and say so.")
@command
def load(
    file: Path,
    directory: Path | None,
    url: str | None,
    token: str | None,
    title: str | None,
    generate: bool,
    settings: tuple[str, ...],
    fix: bool,
    as_json: bool,
) -> None:
    """Bring an exported space into a local workspace."""
    from mlflow_genie_plugin.space.parse import read_space_file

    config = read_space_file(file)
    document, changes = _importable(config, file, _values(settings), fix=fix)
    with _workspace(directory, url, token) as control:
        loaded = control.load_space(
            document,
            title=title or config.envelope.title or file.name.split(".")[0],
            description=config.envelope.description,
            space_id=config.space_id,
            generate=generate,
        )
    space = loaded["space"]
    if as_json:
        emit_json({"space_id": space["space_id"], "title": space["title"], "changes": changes, **loaded})
        return
    for change in changes:
        say(f"changed: {change}")
    for line in loaded["generated"]:
        say(line if line.startswith(("kept ", "not made ")) else f"made: {line}")
    say(f"Loaded '{space['title']}' as")
    emit(f"genie:/{space['space_id']}")


def _values(settings: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or not name or not value:
            raise UsageError(f"--set {setting} is not NAME=VALUE", next_step="write for example --set catalog=main")
        values[name] = value
    return values


def _importable(
    config: SpaceConfig, file: Path, values: dict[str, str], *, fix: bool
) -> tuple[dict[str, Any], list[str]]:
    from mlflow_genie_plugin.emulator.generating.templates import fill_placeholders
    from mlflow_genie_plugin.emulator.repair import repair_document
    from mlflow_genie_plugin.errors import InvalidSpaceError
    from mlflow_genie_plugin.space.validate import errors_of, require_valid

    if fix:
        document, changes = repair_document(config.document, values)
        require_valid(document, what=f"{file.name}, also after --fix,")
        return document, changes
    document = fill_placeholders(config.document, values) if values else config.document
    errors = errors_of(document)
    if errors:
        raise InvalidSpaceError(
            f"{file.name} would be refused by the server for {len(errors)} reason{'s' if len(errors) > 1 else ''}",
            errors,
            next_step="add --fix to change what can be changed, or correct the file",
        )
    return document, []


@contextlib.contextmanager
def _workspace(directory: Path | None, url: str | None, token: str | None) -> Iterator[LocalControl]:
    from mlflow_genie_plugin.emulator.control import LocalControl
    from mlflow_genie_plugin.emulator.server import LocalWorkspace

    if (directory is None) == (url is None):
        raise UsageError(
            "say where the space should go: --dir or --url",
            next_step="--dir for a folder that 'local serve --dir' uses, --url for a workspace that is running",
        )
    if url is not None:
        if not token:
            raise UsageError(
                "the running workspace needs its token",
                next_step="set DATABRICKS_TOKEN, or give --token, as 'local serve' printed it",
            )
        yield LocalControl(url, token)
        return
    with LocalWorkspace(directory, sample=False) as workspace:
        yield workspace.control


@contextlib.contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

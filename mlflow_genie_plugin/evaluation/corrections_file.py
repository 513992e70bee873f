"""The file of proposed corrections, beside the benchmarks file; no gate reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlflow_genie_plugin.atomic_files import write_bytes_atomically
from mlflow_genie_plugin.errors import InvalidCorrectionsError, UnreadableFileError
from mlflow_genie_plugin.evaluation.corrections import PROPOSED, Correction
from mlflow_genie_plugin.evaluation.yaml_source import read_source
from mlflow_genie_plugin.evaluation.yaml_text import to_yaml
from mlflow_genie_plugin.schemas import require_format_version, violations_of
from mlflow_genie_plugin.space.strict_json import decode

FORMAT_VERSION = 1
SCHEMA = "benchmark_corrections"


_HEADER = """\
# Proposed corrections of benchmark questions. Nothing here is ground truth until a person accepts it:
#   mlflow-genie evaluate review --benchmarks FILE --accept ID --by NAME
"""


def corrections_path(benchmarks: Path) -> Path:
    """Return where the corrections of a benchmarks file stand by default: ``x.yaml`` → ``x.corrections.yaml``."""
    return benchmarks.with_name(f"{benchmarks.stem}.corrections.yaml")


def read_corrections(path: Path) -> list[Correction]:
    """Return the corrections in a file; none when there is no file yet.

    Raises:
        UnreadableFileError: It cannot be read, or is not YAML.
        UnsupportedFormatError: Another ``format_version``.
        InvalidCorrectionsError: It breaks its format, or an id or digest in it is not that of its content.
    """
    if not path.exists():
        return []
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(
            f"cannot read {path}: {error.strerror or error}", next_step="check the path and its permissions"
        ) from error
    document = read_source(decode(data, str(path)), str(path)).value
    require_format_version(document, FORMAT_VERSION, str(path))
    if violations := violations_of(document, SCHEMA):
        raise InvalidCorrectionsError(
            f"{path} is no corrections file", violations, next_step="give another -o FILE, or correct it"
        )
    found = []
    for entry in document["corrections"]:
        values = {key: value for key, value in entry.items() if key not in ("id", "old_sql_sha256")}
        correction = Correction(**{**values, "confirmations": tuple(entry["confirmations"])})
        if (correction.id, correction.old_sql_sha256) != (entry["id"], entry["old_sql_sha256"]):
            raise InvalidCorrectionsError(
                f"the correction {entry['id']} in {path} was changed by hand: its id or digest is not that of its SQL",
                [],
                next_step="take it out of the file and review the evaluation again",
            )
        found.append(correction)
    return found


def corrections_bytes(name: str, corrections: Iterable[Correction]) -> bytes:
    """Return the file: proposals first by question, equal corrections give equal bytes."""
    ordered = sorted(corrections, key=lambda item: (item.state != PROPOSED, item.id))
    document = {
        "format_version": FORMAT_VERSION,
        "benchmarks": name,
        "corrections": [item.to_json() for item in ordered],
    }
    return (_HEADER + to_yaml(document)).encode()


def write_corrections(path: Path, name: str, corrections: Iterable[Correction]) -> None:
    """Write the file in one step.

    Raises:
        UnwritableFileError: The place cannot be written to.
    """
    write_bytes_atomically(path, corrections_bytes(name, corrections))

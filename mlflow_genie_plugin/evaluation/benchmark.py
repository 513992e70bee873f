"""The benchmark set: read from a file, identified by its content, narrowed to a scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import orjson
from sqlglot import exp

from mlflow_genie_plugin.canonical_json import canonical_bytes, sha256_of_json
from mlflow_genie_plugin.errors import InvalidBenchmarksError, UnreadableFileError, UsageError
from mlflow_genie_plugin.evaluation.benchmark_listing import FORMAT_VERSION, list_entries
from mlflow_genie_plugin.evaluation.benchmark_rules import check
from mlflow_genie_plugin.evaluation.question import Benchmark, normalise_question, split_of
from mlflow_genie_plugin.evaluation.yaml_source import read_source
from mlflow_genie_plugin.schemas import require_format_version
from mlflow_genie_plugin.space.strict_json import decode
from mlflow_genie_plugin.sql_dialect import assets_in, normalise_name, parse_query

SCOPES = ("full", "slice", "p0", "held_out")

__all__ = [
    "SCOPES",
    "Benchmark",
    "BenchmarkSet",
    "normalise_question",
    "parse_benchmarks",
    "read_benchmarks",
    "select",
    "split_of",
]


@dataclass(frozen=True)
class BenchmarkSet:
    """Questions in the order of their file. ``variables`` are the values that ``${…}`` was filled with."""

    name: str
    benchmarks: tuple[Benchmark, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """Digest of what is asked and expected: the same for every formatting, order and name of the file."""
        return sha256_of_json([item.to_json() for item in sorted(self.benchmarks, key=lambda item: item.id)])

    def to_bytes(self) -> bytes:
        """Return the set as a benchmarks file in JSON, variables filled in; reading it gives the same digest.

        One canonical line a question, so that a large set can be read and hashed line by line.
        """
        head = orjson.dumps({"format_version": FORMAT_VERSION, "name": self.name})[:-1]
        lines = b",\n".join(canonical_bytes(item.to_json()) for item in self.benchmarks)
        return b"".join((head, b',"benchmarks":[\n', lines, b"\n]}\n"))


def read_benchmarks(path: str | Path, variables: Mapping[str, str] | None = None) -> BenchmarkSet:
    """Read a benchmarks file (YAML or JSON), a ``domain: [questions]`` file, or the benchmarks of a space's export.

    Args:
        path: The file.
        variables: Values for ``${name}`` in the SQL; they win over the file's own ``variables``.

    Raises:
        UnreadableFileError: The file is missing or neither YAML nor JSON.
        UnsupportedFormatError: Another ``format_version``.
        InvalidBenchmarksError: It breaks rules; carries all of them.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UnreadableFileError(
            f"cannot read {path}: {error.strerror or error}", next_step="check the path and its permissions"
        ) from error
    return parse_benchmarks(data, variables, what=str(path))


def parse_benchmarks(
    data: bytes, variables: Mapping[str, str] | None = None, *, what: str = "the benchmarks"
) -> BenchmarkSet:
    """Return the benchmark set in ``data``; see :func:`read_benchmarks`."""
    source = read_source(decode(data, what), what)
    if isinstance(source.value, dict) and "format_version" in source.value:
        require_format_version(source.value, FORMAT_VERSION, what)
    listing = list_entries(_opened(source.value, data, what))
    values = {**(listing.variables or {}), **(variables or {})}
    benchmarks, violations = check(listing, source, values)
    if violations:
        places = "one place" if len(violations) == 1 else f"{len(violations)} places"
        raise InvalidBenchmarksError(
            f"{what} cannot be used: a rule of benchmarks files is broken in {places}",
            violations,
            next_step="correct them; docs/benchmarks-file.md has the rules",
        )
    used = {name: value for name, value in values.items() if f"${{{name}}}" in data.decode()}
    return BenchmarkSet(listing.name or Path(what).stem, tuple(benchmarks), used)


def select(benchmark_set: BenchmarkSet, scope: str, patched: Iterable[str] = ()) -> tuple[Benchmark, ...]:
    """Return the questions of a scope, in the order of the file.

    Args:
        benchmark_set: The whole set.
        scope: ``full``, ``p0``, ``held_out``, or ``slice``: the questions that depend on one of ``patched``.
        patched: Names of tables, metric views, functions or their columns that were changed.

    Raises:
        UsageError: Unknown scope, a slice without patched objects, patched objects without a slice, or no question
            in the scope.
    """
    if scope not in SCOPES:
        raise UsageError(f"{scope!r} is no scope", next_step=f"use one of {', '.join(SCOPES)}")
    changed = [normalise_name(name) for name in patched]
    if (scope == "slice") != bool(changed):
        raise UsageError(
            "the scope slice needs the names of the patched objects" if scope == "slice" else
            "patched objects only mean something for the scope slice",
            next_step="use --scope slice together with --patched NAME",
        )  # fmt: skip
    found = tuple(item for item in benchmark_set.benchmarks if _is_in(item, scope, changed))
    if not found:
        reason = f"depends on {', '.join(changed)}" if scope == "slice" else f"is in the scope {scope}"
        raise UsageError(
            f"no question of {benchmark_set.name} {reason}",
            next_step="choose another scope, or add such questions; an evaluation of nothing proves nothing",
        )
    return found


def _opened(value: object, data: bytes, what: str) -> object:
    """Return the document inside an API answer or a bundle file that holds a space as JSON text."""
    if not isinstance(value, dict) or "serialized_space" not in value:
        return value
    from mlflow_genie_plugin.space.parse import parse_space

    return parse_space(data, what=what).document


def _is_in(benchmark: Benchmark, scope: str, changed: list[str]) -> bool:
    match scope:
        case "full":
            return True
        case "p0":
            return benchmark.priority == "P0"
        case "held_out":
            return benchmark.split == "held_out"
        case _:
            return any(_same_object(name, own) for own in _depends_on(benchmark) for name in changed)


def _depends_on(benchmark: Benchmark) -> list[str]:
    sql = benchmark.expected_sql
    assets = [asset.name for asset in assets_in(sql)]
    columns = {normalise_name(column.name) for column in parse_query(sql).find_all(exp.Column)}
    return [*assets, *columns, *map(normalise_name, (*benchmark.required_tables, *benchmark.required_columns))]


def _same_object(changed: str, own: str) -> bool:
    """Whether two names can mean the same object, or one a column of the other.

    A name written in part matches the end of a full one; too many questions in a slice cost minutes, too few hide a
    regression.
    """
    if changed == own or changed.endswith(f".{own}") or own.endswith(f".{changed}"):
        return True
    return changed.rpartition(".")[0] == own or own.rpartition(".")[0] == changed

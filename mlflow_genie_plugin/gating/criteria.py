"""Reading ``gates/criteria.yaml``: what a version must show, per target stage and evaluation scope."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidCriteriaError, UnreadableFileError, UsageError, Violation
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.gating.rules.register import RULES, is_packaged
from mlflow_genie_plugin.gating.rules.rule import ScopeCriteria, StageCriteria, violation
from mlflow_genie_plugin.schemas import require_format_version, violations_of

FORMAT_VERSION = 1


def read_criteria(path: Path, stage: str) -> StageCriteria:
    """Read the criteria of ``stage`` from a file.

    Raises:
        UnreadableFileError: The file is missing or is not YAML.
        UnsupportedFormatError: Another ``format_version``.
        InvalidCriteriaError: The file breaks the rules; all violations with their paths.
        UsageError: There is no such stage.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(
            f"cannot read the criteria {path}: {error.strerror}",
            next_step="give a criteria file with --genie-criteria, or restore gates/criteria.yaml",
        ) from error
    return parse_criteria(data, stage, str(path))


def parse_criteria(data: bytes, stage: str, name: str = "criteria.yaml") -> StageCriteria:
    """Return the criteria of ``stage`` in the YAML text ``data``; see :func:`read_criteria`."""
    if stage not in manifest.STAGES:
        raise UsageError(f"{stage!r} is not a stage", next_step=f"use one of {', '.join(manifest.STAGES)}")
    document = load(data, name)
    require_format_version(document, FORMAT_VERSION, name)
    # Numbers on the wrong scale are looked for first: "95" breaks no type, and its own message helps more.
    found = [*violations_of(document, "criteria"), *_broken_rules(document)]
    if found:
        raise InvalidCriteriaError(f"{name} cannot be used", found, next_step="correct these lines", file=name)
    sections = document["stages"][stage]
    return StageCriteria(
        stage, {scope: _section(body, scope) for scope, body in sections.items()}, sha256_of_bytes(data)
    )


class _Loader(yaml.SafeLoader):
    """Reads what JSON can hold, and refuses a key written twice.

    YAML would keep the last of two equal keys, so a strict line could be undone further down. YAML 1.1 also reads a
    bare ``off`` as False and a bare date as a date; here both are words, and only true and false are booleans.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML declares it on the instance
        first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] not in {"bool", "timestamp"}]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if key_node.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key that is not a word", key_node.start_mark)
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key_node.value!r} is written twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)\Z"), ["t", "f"])


def load(data: bytes, name: str) -> Any:
    """Return the YAML text as plain JSON values, nothing checked but that.

    Raises:
        UnreadableFileError: It is not YAML, holds what JSON cannot, or a key twice.
    """
    try:
        document = yaml.load(data.decode("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader, only stricter
        json.dumps(document)  # tags such as !!set, and loops of aliases, are no JSON and fit no schema
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableFileError(
            f"{name} is not YAML: {' '.join(str(error).split())}",
            next_step="correct it, or start from the packaged one",
        ) from error
    return document


def _broken_rules(document: Any) -> Iterator[Violation]:
    stages = document.get("stages") if isinstance(document, dict) else None
    for stage, sections in _items(stages):
        for scope, section in _items(sections):
            if isinstance(section, dict) and scope in manifest.SCOPES:
                yield from _section_rules(section, ["stages", stage, scope], scope)


def _section_rules(section: dict[str, Any], path: list[str | int], scope: str) -> Iterator[Violation]:
    for family in RULES:
        measured = scope in family.SCOPES
        for line in family.LINES:
            if measured and line not in section:
                yield violation(path, "missing-line", f"{line} is missing", family.HELP.get(line, ""))
            elif not measured and line in section:
                message = f"an evaluation of scope {scope} does not measure this"
                yield violation([*path, line], "not-measured", message)
        if measured:
            yield from family.violations(section, path)
    gates = section.get("custom_gates")
    for index, gate in enumerate(gates if isinstance(gates, list) else []):
        if is_packaged(str(gate)):
            message = f"{gate!r} is the id of a gate of the suite"
            yield violation([*path, "custom_gates", index], "reserved-id", message, "choose another id")


def _section(body: dict[str, Any], scope: str) -> ScopeCriteria:
    rules = tuple(family.read(body) for family in RULES if scope in family.SCOPES)
    return ScopeCriteria(rules, tuple(body.get("custom_gates") or ()))


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []

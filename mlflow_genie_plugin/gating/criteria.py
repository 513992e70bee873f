"""The criteria of ``gates/criteria.yaml``: what a version must show, per target stage and evaluation scope."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import InvalidCriteriaError, UnreadableFileError, UsageError, Violation
from mlflow_genie_plugin.gating import manifest
from mlflow_genie_plugin.schemas import json_path, require_format_version, violations_of

FORMAT_VERSION = 1
POINT = "point"
LOWER_BOUND = "lower_bound"


@dataclass(frozen=True, slots=True)
class JudgeCriterion:
    """What one judge must show: ``target`` and ``floor`` (fractions), or ``off`` with the reason."""

    target: float = 1.0
    floor: float = 1.0
    off: str | None = None


@dataclass(frozen=True, slots=True)
class P0Criterion:
    """The P0 rule: no P0 question may fail any of ``judges``; ``off`` with the reason."""

    judges: tuple[str, ...] = ()
    minimum: int = 1
    off: str | None = None


@dataclass(frozen=True, slots=True)
class ScopeCriteria:
    """The criteria for one evaluation scope. ``judges`` is empty, ``p0`` None where it does not measure them."""

    judges: Mapping[str, JudgeCriterion]
    p0: P0Criterion | None
    rule: str
    minimum_questions: int
    error_budget: float
    minimum_judged: float
    custom_gates: tuple[str, ...] = ()

    @property
    def judges_asked(self) -> tuple[str, ...]:
        """The judges that are not off, in the manifest's order."""
        return tuple(name for name in manifest.JUDGES if name in self.judges and self.judges[name].off is None)

    @property
    def switched_off(self) -> dict[str, str]:
        """What is off, with the reason given; shown in every report."""
        off = {name: judge.off for name, judge in self.judges.items() if judge.off is not None}
        return off | ({"p0": self.p0.off} if self.p0 is not None and self.p0.off is not None else {})


@dataclass(frozen=True, slots=True)
class StageCriteria:
    """The criteria of one stage, for every scope it accepts. ``sha256`` is that of the file's bytes."""

    stage: str
    scopes: Mapping[str, ScopeCriteria]
    sha256: str = field(compare=False)

    def section(self, scope: str | None) -> ScopeCriteria:
        """Return the criteria for ``scope``; those for ``full`` when the scope is not accepted (a gate says so)."""
        return self.scopes.get(scope or "", self.scopes["full"])


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
    document = _load(data, name)
    require_format_version(document, FORMAT_VERSION, name)
    # Numbers on the wrong scale are looked for first: "95" breaks no type, and its own message helps more.
    found = [*violations_of(document, "criteria"), *_broken_rules(document)]
    if found:
        raise InvalidCriteriaError(f"{name} cannot be used", found, next_step="correct these lines", file=name)
    sections = document["stages"][stage]
    return StageCriteria(stage, {scope: _section(body) for scope, body in sections.items()}, sha256_of_bytes(data))


class _Loader(yaml.SafeLoader):
    """Reads what JSON can hold, and refuses a key written twice.

    YAML would keep the last of two equal keys, so a strict line could be undone further down. YAML 1.1 also reads a
    bare ``off`` as False and a bare date as a date; here both are words.
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


def _load(data: bytes, name: str) -> Any:
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
            if isinstance(section, dict) and scope in manifest.SCOPE_MEASURES:
                yield from _section_rules(section, ["stages", stage, scope], manifest.SCOPE_MEASURES[scope])


def _section_rules(section: dict[str, Any], path: list[str | int], measures: frozenset[str]) -> Iterator[Violation]:
    scope = path[-1]
    for name, measured in (("judges", "judges"), ("rule", "judges"), ("p0", "p0")):
        if measured in measures and name not in section:
            yield _violation(path, "missing-line", f"{name} is missing", _missing_help(name))
        if measured not in measures and name in section:
            yield _violation([*path, name], "not-measured", f"an evaluation of scope {scope} does not measure this")
    if isinstance(judges := section.get("judges"), dict) and "judges" in measures:
        yield from _judge_rules(judges, [*path, "judges"])
    if isinstance(p0 := section.get("p0"), dict) and "p0" in measures:
        yield from _p0_rules(p0, section, [*path, "p0"], p0_only=measures == {"p0"})
    yield from _fraction(section, "error_budget", path)
    yield from _fraction(section, "minimum_judged", path, above_zero=True)
    if section.get("error_budget") == 1:
        yield _violation([*path, "error_budget"], "no-evidence", "1 would accept an evaluation without any answer")
    for index, gate in enumerate(section.get("custom_gates") or []):
        if gate in manifest.packaged_gates() or str(gate).partition("[")[0] in manifest.JUDGE_GATES:
            message = f"{gate!r} is the id of a gate of the suite"
            yield _violation([*path, "custom_gates", index], "reserved-id", message, "choose another id")


def _judge_rules(judges: dict[str, Any], path: list[str | int]) -> Iterator[Violation]:
    for name in manifest.JUDGES:
        if name not in judges:
            fix = f"write {name}: {{target: …, floor: …}} or {name}: {{off: the reason}}"
            yield _violation(path, "missing-judge", f"judge {name} is missing", fix)
    for name, judge in judges.items():
        here = [*path, name]
        if name not in manifest.JUDGES:
            yield _violation(here, "unknown-judge", f"there is no judge {name!r}", _did_you_mean(name))
        if not isinstance(judge, dict) or "off" in judge:
            continue
        yield from _fraction(judge, "target", here, above_zero=True)
        yield from _fraction(judge, "floor", here)
        target, floor = _number(judge.get("target")), _number(judge.get("floor"))
        if target is not None and floor is not None and floor > target:
            yield _violation([*here, "floor"], "floor-above-target", f"the floor {floor} is above the target {target}")
    if judges and all(isinstance(judge, dict) and "off" in judge for judge in judges.values()):
        yield _violation(path, "no-judge", "every judge is off, so nothing would be measured")


def _p0_rules(
    p0: dict[str, Any], section: dict[str, Any], path: list[str | int], *, p0_only: bool
) -> Iterator[Violation]:
    if "off" in p0:
        if p0_only:
            yield _violation(path, "no-judge", "p0 is all that this scope measures; it cannot be off")
        return
    names = p0.get("judges")
    judges = section.get("judges")
    for index, name in enumerate(names if isinstance(names, list) else []):
        here = [*path, "judges", index]
        if name not in manifest.JUDGES:
            yield _violation(here, "unknown-judge", f"there is no judge {name!r}", _did_you_mean(str(name)))
        elif isinstance(judges, dict) and isinstance(judges.get(name), dict) and "off" in judges[name]:
            yield _violation(here, "judge-is-off", f"judge {name} is off in this section, so it cannot decide P0")


def _fraction(
    holder: dict[str, Any], name: str, path: list[str | int], *, above_zero: bool = False
) -> Iterator[Violation]:
    value = holder.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return  # the schema says so
    here = [*path, name]
    if not math.isfinite(value) or value < 0:
        yield _violation(here, "not-a-fraction", f"{value} is not a fraction from 0 to 1")
    elif value > 1:
        fix = f"write {value / 100:g}, not {value:g}" if value <= 100 else ""
        yield _violation(here, "percent", f"{value:g} is above 1", fix)
    elif above_zero and value == 0:
        fix = "write off: the reason, if this is not to be asked" if name == "target" else "write a fraction above 0"
        yield _violation(here, "asks-nothing", "0 asks nothing", fix)


def _section(body: dict[str, Any]) -> ScopeCriteria:
    judges = {
        name: JudgeCriterion(**body["judges"][name]) for name in manifest.JUDGES if name in body.get("judges", {})
    }
    p0 = body.get("p0")
    return ScopeCriteria(
        judges=judges,
        p0=P0Criterion(tuple(p0.get("judges", ())), p0.get("minimum", 1), p0.get("off")) if p0 is not None else None,
        rule=body.get("rule", POINT),
        minimum_questions=body["minimum_questions"],
        error_budget=float(body["error_budget"]),
        minimum_judged=float(body["minimum_judged"]),
        custom_gates=tuple(body.get("custom_gates") or ()),
    )


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else None


def _violation(path: list[str | int], rule: str, message: str, fix: str = "") -> Violation:
    return Violation(json_path(path), rule, message, fix=fix)


def _missing_help(name: str) -> str:
    return {"p0": "write p0: {judges: […], minimum: 1} or p0: {off: the reason}", "rule": "write rule: point"}.get(
        name, ""
    )


def _did_you_mean(name: str) -> str:
    close = difflib.get_close_matches(name, manifest.JUDGES, n=1)
    return f"did you mean {close[0]}?" if close else f"judges: {', '.join(manifest.JUDGES)}"

"""Metric views as their YAML defines them (versions 0.1 and 1.x)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow_genie_plugin.errors import UnreadableFileError


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """A dimension or a measure: name, SQL expression, comment, synonyms."""

    name: str
    expr: str
    comment: str = ""
    display_name: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricJoin:
    """A joined table: ``on`` an expression or ``using`` column names; may itself have joins (snowflake)."""

    name: str
    source: str
    on: str = ""
    using: tuple[str, ...] = ()
    joins: tuple[MetricJoin, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric view as its YAML defines it."""

    source: str
    dimensions: tuple[MetricColumn, ...]
    measures: tuple[MetricColumn, ...]
    filter: str = ""
    joins: tuple[MetricJoin, ...] = ()
    comment: str = ""
    unsupported: str = ""
    yaml_text: str = field(default="", compare=False)

    def dimension(self, name: str) -> MetricColumn | None:
        """Return the dimension of that name, in any case."""
        return next((each for each in self.dimensions if each.name.lower() == name.lower()), None)

    def measure(self, name: str) -> MetricColumn | None:
        """Return the measure of that name, in any case."""
        return next((each for each in self.measures if each.name.lower() == name.lower()), None)


def parse_metric_view(yaml_text: str) -> MetricView:
    """Read a metric view's YAML (versions 0.1 and 1.x).

    Raises:
        UnreadableFileError: The text is not YAML, or lacks a source, names or expressions, or repeats a name.
    """
    import yaml

    try:
        document = yaml.safe_load(yaml_text)
    except yaml.YAMLError as exc:
        raise _unreadable(f"it is not YAML: {exc}") from exc
    if not isinstance(document, dict):
        raise _unreadable("it is not a mapping")
    dimensions = _columns(document.get("dimensions", document.get("fields")), "dimensions")
    measures = _columns(document.get("measures"), "measures")
    names = [column.name.lower() for column in (*dimensions, *measures)]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise _unreadable(f"the name {repeated[0]!r} is defined twice")
    if not names:
        raise _unreadable("it has neither dimensions nor measures")
    windowed = [each["name"] for each in document.get("measures") or [] if each.get("window")]
    return MetricView(
        source=_text(document, "source", "the view"),
        dimensions=dimensions,
        measures=measures,
        filter=str(document.get("filter") or ""),
        joins=_joins(document.get("joins")),
        comment=str(document.get("comment") or ""),
        unsupported=f"window measures ({', '.join(windowed)})" if windowed else "",
        yaml_text=yaml_text,
    )


def _joins(entries: Any) -> tuple[MetricJoin, ...]:
    joins = []
    for entry in _list(entries, "joins"):
        # YAML 1.1 reads a bare `on` as true.
        on = entry.get("on", entry.get(True))
        using = tuple(str(name) for name in entry.get("using") or ())
        name = _text(entry, "name", "a join")
        if not on and not using:
            raise _unreadable(f"the join {name!r} has neither `on` nor `using`")
        source = _text(entry, "source", f"the join {name!r}")
        joins.append(MetricJoin(name, source, str(on or ""), using, _joins(entry.get("joins"))))
    return tuple(joins)


def _columns(entries: Any, kind: str) -> tuple[MetricColumn, ...]:
    return tuple(
        MetricColumn(
            name=_text(entry, "name", f"one of the {kind}"),
            expr=_text(entry, "expr", f"one of the {kind}"),
            comment=str(entry.get("comment") or ""),
            display_name=str(entry.get("display_name") or ""),
            synonyms=tuple(str(synonym) for synonym in entry.get("synonyms") or ()),
        )
        for entry in _list(entries, kind)
    )


def _list(entries: Any, kind: str) -> list[Mapping[Any, Any]]:
    if entries is None:
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _unreadable(f"{kind} is not a list of mappings")
    return entries


def _text(entry: Mapping[Any, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if value is None or not str(value).strip():
        raise _unreadable(f"{where} has no {key}")
    return str(value)


def _unreadable(reason: str) -> UnreadableFileError:
    return UnreadableFileError(f"the metric view definition cannot be used: {reason}", next_step="correct its YAML")

"""The canonical form of a space config, which is the same for documents that are the same to the server.

The rules, and why each is safe:

- *Order* is ignored in the lists the server orders itself: tables and metric views, column configs, sample questions,
  instructions of every kind, snippets, benchmark questions. It counts in synonyms, parameters, default values and
  answers, where nothing says that the server orders them.
- *Text* (descriptions, questions, SQL, guidance, comments) is a list of strings that the server joins without a
  separator, so only the joined text counts. A join's ``sql`` too: its two elements are found again at the marker.
- *Version* 1 and 2 are equal, and so are the column flags the server renames between them. A document that mixes the
  flags of both versions is none the server accepts: there nothing is renamed and the version counts.
- *Metric views* stand with the tables: Unity Catalog decides which is which, and the server may return one listed under
  ``tables`` that was written under ``metric_views``.
- *Empty and absent* are equal for known lists, objects and texts. ``false`` and an absent flag are not: an absent flag
  takes the server's default, which need not be false.
- *Unknown keys* count, as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from mlflow_genie_plugin.canonical_json import canonical_bytes
from mlflow_genie_plugin.space.shape import COLUMN, KINDS, METRIC_VIEW, TABLE, V1_FLAGS, V2_FLAGS, Kind, dicts_of


def canonical_form(document: dict[str, Any]) -> dict[str, Any]:
    """Return the form the hashes are made of, itself a document of version 2 with texts as plain strings.

    The document is not changed; the form shares parts of it and must not be edited.
    """
    rename = migrates(document)
    out: dict[str, Any] = _object(document, _SECTIONS)
    if rename:
        out["version"] = 2
    if "data_sources" in document:
        sources = document["data_sources"]
        _put(out, "data_sources", _data_sources(sources, rename=rename) if isinstance(sources, dict) else sources)
    return out


def behaviour_form(form: dict[str, Any]) -> dict[str, Any]:
    """Return a canonical form without what cannot change an answer."""
    out = {key: value for key, value in form.items() if key != "benchmarks"}
    config = out.get("config")
    if isinstance(config, dict) and "sample_questions" in config:
        _put(out, "config", {key: value for key, value in config.items() if key != "sample_questions"})
    return out


def migrates(document: dict[str, Any]) -> bool:
    """Return whether the server would turn this document into version 2: it is version 1 and has flags of 1 only."""
    version = document.get("version")
    return type(version) is int and version == 1 and not _uses(document, V1_FLAGS)


def canonical_item(item: dict[str, Any], kind_path: tuple[str, ...], *, rename: bool = False) -> dict[str, Any]:
    """Return one item of the list at ``kind_path`` in canonical form; ``rename`` turns flags into version 2's."""
    if kind_path in (TABLE.path, METRIC_VIEW.path):
        return _data_source(item, rename=rename)
    if kind_path == COLUMN.path:
        return _column(item, rename=rename)
    canonical: dict[str, Any] = _object(item, _ITEMS[kind_path])
    return canonical


def canonical_list(value: Any, kind: Kind, *, rename: bool = False) -> Any:
    """Return a list of ``kind`` in canonical form; what is no list of objects stays as it is."""
    if not _all_objects(value):
        return value
    return _ordered([canonical_item(item, kind.path, rename=rename) for item in value], kind.key)


def joined(value: Any) -> Any:
    """Return a list of strings as one string and anything else so that it cannot be taken for one.

    A plain string where the server wants a list becomes ``[string]``, a form no list of strings has here.
    """
    if type(value) is list:
        try:
            return "".join(value)
        except TypeError:
            return value
    return [value] if type(value) is str else value


def _uses(document: dict[str, Any], flags: dict[str, str]) -> bool:
    return any(
        not flags.keys().isdisjoint(column)
        for kind in (TABLE, METRIC_VIEW)
        for _, source in dicts_of(document, kind.path)
        for _, column in dicts_of(source, ("column_configs",))
    )


_Field = Callable[[Any], Any]


def _put(out: dict[str, Any], key: str, value: Any) -> None:
    # Only what can hold something is dropped when it is empty: 0, false, null and "" of a plain field are values.
    if (value.__class__ is dict or value.__class__ is list) and not value:
        out.pop(key, None)
    else:
        out[key] = value


def _object(item: Any, fields: dict[str, _Field]) -> Any:
    """Apply ``fields`` to the values of an object; what is not named there stays as it is."""
    if not isinstance(item, dict):
        return item
    out = item.copy()
    for key, of in fields.items():
        if key in out:
            value = of(out[key])
            if value == "" and of is joined:
                del out[key]
            else:
                _put(out, key, value)
    return out


def _same(value: Any) -> Any:
    return value


def _within(fields: dict[str, _Field]) -> _Field:
    return lambda value: _object(value, fields)


def _each(fields: dict[str, _Field]) -> _Field:
    def each(value: Any) -> Any:
        return [_object(item, fields) for item in value] if isinstance(value, list) else value

    return each


def _keyed(fields: dict[str, _Field], key: str) -> _Field:
    def keyed(value: Any) -> Any:
        if not _all_objects(value):
            return value
        return _ordered([_object(item, fields) for item in value], key)

    return keyed


def _all_objects(value: Any) -> bool:
    return type(value) is list and all(type(item) is dict for item in value)


def _ordered(items: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    try:
        if len({item[key] for item in items}) == len(items):
            return sorted(items, key=itemgetter(key))
    except (KeyError, TypeError):
        pass  # a missing or odd key; such lists are ordered by content, which is as good, only slower
    return sorted(items, key=canonical_bytes)


def _data_sources(sources: dict[str, Any], *, rename: bool) -> dict[str, Any]:
    out = sources.copy()
    together: list[dict[str, Any]] = []
    for kind in (TABLE, METRIC_VIEW):
        name = kind.path[-1]
        if name in out and out[name] == {}:
            del out[name]
        elif name in out and _all_objects(out[name]):
            together += [_data_source(item, rename=rename) for item in out.pop(name)]
    if together:
        # Where one of the two is malformed it keeps its name, so the well-formed rest needs one of its own.
        out["tables" if "tables" not in out else "metric_views"] = _ordered(together, "identifier")
    return out


def _data_source(item: dict[str, Any], *, rename: bool) -> dict[str, Any]:
    out: dict[str, Any] = _object(item, _DATA_SOURCE)
    columns = out.get("column_configs", [])
    if _all_objects(columns):
        _put(out, "column_configs", _ordered([_column(column, rename=rename) for column in columns], "column_name"))
    return out


def _column(column: dict[str, Any], *, rename: bool) -> dict[str, Any]:
    # By hand, and copying only where something changes: a maximal space has 10,000 of these.
    out = column
    if "description" in column:
        text = joined(column["description"])
        out = column.copy()
        if text == "":
            del out["description"]
        else:
            out["description"] = text
    if "synonyms" in column and column["synonyms"] == []:
        out = {key: value for key, value in out.items() if key != "synonyms"}
    if rename:
        out = {V2_FLAGS.get(key, key): value for key, value in out.items()}
    return out


_DATA_SOURCE: dict[str, _Field] = {"description": joined, "column_configs": _same}
_SIDE: dict[str, _Field] = {}
_MORE: dict[tuple[str, ...], dict[str, _Field]] = {
    ("instructions", "example_question_sqls"): {
        "parameters": _each({"description": joined, "default_value": _within({"values": _same})})
    },
    ("instructions", "join_specs"): {"left": _within(_SIDE), "right": _within(_SIDE)},
    ("instructions", "sql_snippets", "filters"): {"synonyms": _same},
    ("instructions", "sql_snippets", "expressions"): {"synonyms": _same},
    ("instructions", "sql_snippets", "measures"): {"synonyms": _same},
    ("benchmarks", "questions"): {"answer": _each({"content": joined})},
}
_ITEMS: dict[tuple[str, ...], dict[str, _Field]] = {
    kind.path: {**dict.fromkeys(sorted(kind.text), joined), **_MORE.get(kind.path, {})}
    for kind in KINDS
    if kind not in (TABLE, METRIC_VIEW)
}


def _sections() -> dict[str, _Field]:
    def section(prefix: tuple[str, ...]) -> dict[str, _Field]:
        fields: dict[str, _Field] = {}
        for kind in KINDS:
            if kind.path not in _ITEMS or kind.path[: len(prefix)] != prefix:
                continue
            name = kind.path[len(prefix)]
            deeper = len(kind.path) > len(prefix) + 1
            fields[name] = _within(section((*prefix, name))) if deeper else _keyed(_ITEMS[kind.path], kind.key)
        return fields

    return section(())


_SECTIONS = _sections()

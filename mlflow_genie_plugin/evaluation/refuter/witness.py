"""A database on which two queries differ: made small, written down, run again."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.canonical_json import sha256_of_json
from mlflow_genie_plugin.evaluation.cells import decode_rows, encode_rows
from mlflow_genie_plugin.evaluation.frozen import frozen
from mlflow_genie_plugin.evaluation.refuter.bags import Matcher
from mlflow_genie_plugin.evaluation.refuter.definitions import texts_to_definitions
from mlflow_genie_plugin.sql_engine.scratch import ScratchDatabase, ScratchRows, scratch
from mlflow_genie_plugin.sql_engine.scratch_names import ScratchNames, ScratchTable, translate_scratch

if TYPE_CHECKING:
    from mlflow_genie_plugin.evaluation.refuter.integrity import Data
    from mlflow_genie_plugin.evaluation.refuter.pair import Pair

ROW_LIMIT = 20_000
SECONDS = 2.0
_ROWS_SHOWN = 20
_SHUFFLES = 3


def differs(pair: Pair, database: ScratchDatabase, data: Data) -> bool:
    """Return whether the results differ whatever order the tables' rows stand in.

    Where ties decide a result, a difference may be nobody's fault: then both results must stay the same under every
    order tried, or not even have the same number of rows.
    """
    one, other = pair.run(database, data, ROW_LIMIT)
    if one.truncated or other.truncated or _same(one, other):
        return False
    if not pair.leaves_order_open:
        return True
    results = ([one], [other])
    rng = random.Random(pair.seed)  # noqa: S311 reproducible, nothing secret
    for step in range(_SHUFFLES):
        shuffled = {name: rows[::-1] if step == 0 else rng.sample(rows, len(rows)) for name, rows in data.items()}
        for side, result in zip(results, pair.run(database, shuffled, ROW_LIMIT), strict=True):
            side.append(result)
    if all(_same(side[0], each) for side in results for each in side[1:]):
        return True
    counts = [{len(each.rows) for each in side} for side in results]
    return counts[0].isdisjoint(counts[1])


def _same(one: ScratchRows, other: ScratchRows) -> bool:
    widths = (len(one.columns), len(other.columns))
    return widths[0] == widths[1] and Matcher().agree(one.rows, other.rows, widths)


def shrink(data: Data, still: Callable[[Data], bool], trials: int) -> Data:
    """Return fewer rows on which the queries still differ: halves, then single rows, within a number of trials."""
    size = max((len(rows) for rows in data.values()), default=0)
    while size >= 1 and trials > 0:
        for name in sorted(data, key=lambda name: -len(data[name])):
            start = 0
            while start < len(data[name]) and trials > 0:
                trials -= 1
                less = {**data, name: data[name][:start] + data[name][start + size :]}
                if still(less):
                    data = less
                else:
                    start += size
        size = size // 2
    return data


def write_down(pair: Pair, data: Data, number: int, results: tuple[ScratchRows, ScratchRows]) -> dict[str, Any]:
    """Return the witness as JSON: everything :func:`replay` needs, and both results."""
    return {
        "seed": pair.seed,
        "database": number,
        "expected_sql": pair.expected_sql,
        "actual_sql": pair.actual_sql,
        "parameters": dict(pair.parameters),
        "definitions": {name: dict(text) for name, text in pair.definitions.texts.items()},
        "tables": {
            name: {
                "columns": [list(column) for column in pair.scratch_tables[name].columns],
                "rows": _json_rows(rows),
            }
            for name, rows in data.items()
        },
        "expected": _shown(results[0]),
        "actual": _shown(results[1]),
    }


def _shown(result: ScratchRows) -> dict[str, Any]:
    rows = sorted(_json_rows(result.rows), key=repr)
    return {
        "columns": list(result.columns),
        "row_count": len(rows),
        "rows": rows[:_ROWS_SHOWN],
        "sha256": sha256_of_json(rows),
    }


def _json_rows(rows: Any) -> list[list[Any]]:
    return [list(row) for row in encode_rows(rows)]


def replay(witness: Mapping[str, Any]) -> bool:
    """Run both queries of a witness on its rows; return whether they give the two results it holds, which differ.

    Raises:
        SqlFailedError: A query no longer runs.
    """
    tables = {
        name: ScratchTable(name, tuple((column, kind) for column, kind in table["columns"]))
        for name, table in witness["tables"].items()
    }
    views, routines = texts_to_definitions(witness["definitions"])
    names = ScratchNames(tables, views, routines)
    results = []
    with scratch(list(tables.values())) as database, database.within(SECONDS):
        for name, table in tables.items():
            database.fill(table, decode_rows(witness["tables"][name]["rows"]))
        for key in ("expected_sql", "actual_sql"):
            translated = translate_scratch(frozen(witness[key]), names, witness["parameters"])
            results.append(database.run(translated, row_limit=ROW_LIMIT))
    stored = [witness[side]["sha256"] for side in ("expected", "actual")]
    return not _same(*results) and [_shown(result)["sha256"] for result in results] == stored

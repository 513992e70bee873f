"""Hash, validation and diff of a maximal space, as ratios against plain public tools."""

from __future__ import annotations

import copy
import gc
import hashlib
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import jsonschema

from mlflow_genie_plugin.schemas import load_schema
from mlflow_genie_plugin.space.diff import diff_spaces
from mlflow_genie_plugin.space.fingerprint import content_hash
from mlflow_genie_plugin.space.validate import errors_of, validate_space

TABLES, COLUMNS, EXAMPLES, BENCHMARKS = 50, 200, 99, 500
PROSE = (
    "Holds a value that somebody may ask about; the data dictionary names its unit, its source system and the rule that"
    " fills it when nothing is known about it, as it is for records older than the migration. "
)


def make_id(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


def maximal_space() -> dict[str, Any]:
    """50 tables of 200 columns, 99 examples (the text is the 100th instruction), 500 benchmarks: 4 MB, valid."""

    def column(table: int, number: int) -> dict[str, Any]:
        return {
            "column_name": f"column_{number:03d}",
            "description": [f"Column {number} of table {table}.\n", PROSE],
            "synonyms": [f"field {number}", f"value {table}.{number}"],
            "enable_format_assistance": True,
            "enable_entity_matching": table == 0 and number < 120,
        }

    def sql(number: int) -> list[str]:
        table = f"main.sales.table_{number % TABLES:03d}"
        return [
            "SELECT column_001, count(*) AS n\n",
            f"FROM {table}\n",
            f"WHERE column_002 <> {number}\n",
            "GROUP BY 1",
        ]

    examples = [
        {"id": make_id(f"e{number}"), "question": [f"How many of kind {number}?"], "sql": sql(number)}
        for number in range(EXAMPLES)
    ]
    benchmarks = [
        {
            "id": make_id(f"b{number}"),
            "question": [f"Benchmark question {number}?"],
            "answer": [{"format": "SQL", "content": sql(number)}],
        }
        for number in range(BENCHMARKS)
    ]
    return {
        "version": 2,
        "config": {"sample_questions": [{"id": make_id("s"), "question": ["How many?"]}]},
        "data_sources": {
            "tables": [
                {
                    "identifier": f"main.sales.table_{table:03d}",
                    "description": [f"Table {table}.\n", "One row a thing."],
                    "column_configs": [column(table, number) for number in range(COLUMNS)],
                }
                for table in range(TABLES)
            ]
        },
        "instructions": {
            "text_instructions": [{"id": make_id("t"), "content": [f"Rule {n}: be precise.\n" for n in range(500)]}],
            "example_question_sqls": sorted(examples, key=lambda item: str(item["id"])),
        },
        "benchmarks": {"questions": sorted(benchmarks, key=lambda item: str(item["id"]))},
    }


def edited(document: dict[str, Any]) -> dict[str, Any]:
    """Four edits: a column, the text, an example, a benchmark removed."""
    other = copy.deepcopy(document)
    other["data_sources"]["tables"][3]["column_configs"][7]["synonyms"] = ["another word"]
    other["instructions"]["text_instructions"][0]["content"][3] = "Rule 3: be exact.\n"
    other["instructions"]["example_question_sqls"][9]["sql"][2] = "WHERE column_002 > 77\n"
    del other["benchmarks"]["questions"][4]
    return other


def keyed_diff(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, ...]]:
    """The plain way: dictionaries by key, compared with ==, columns within their table."""
    changes: list[tuple[str, ...]] = []

    def compare(old: list[Any], new: list[Any], key: str, *where: str) -> None:
        left, right = {item[key]: item for item in old}, {item[key]: item for item in new}
        changes.extend(("+", *where, name) for name in right.keys() - left.keys())
        changes.extend(("-", *where, name) for name in left.keys() - right.keys())
        for name in left.keys() & right.keys():
            if key == "identifier":
                compare(left[name]["column_configs"], right[name]["column_configs"], "column_name", *where, name)
            elif left[name] != right[name]:
                changes.append(("~", *where, name))

    for section, name, key in (
        ("config", "sample_questions", "id"),
        ("data_sources", "tables", "identifier"),
        ("instructions", "text_instructions", "id"),
        ("instructions", "example_question_sqls", "id"),
        ("benchmarks", "questions", "id"),
    ):
        compare(before[section][name], after[section][name], key, name)
    return changes


def paired(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Median milliseconds of both, taken in turns, so that a busy machine is busy for both."""
    ours(), theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for function, taken in zip((ours, theirs), times, strict=True):
            gc.collect()
            start = time.perf_counter()
            function()
            taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    document = maximal_space()
    other, same = edited(document), copy.deepcopy(document)
    if errors_of(document) or len(diff_spaces(document, other).changes) != 4 or len(keyed_diff(document, other)) != 4:
        raise SystemExit("the document is not what this benchmark is about")
    validator = jsonschema.Draft202012Validator(load_schema("space"))
    print(f"maximal space: {len(json.dumps(document, separators=(',', ':'))) / 1e6:.1f} MB")
    print(f"{'':<34}{'ours ms':>9}{'plain ms':>10}{'ratio':>8}{'target':>8}")
    for name, ours, theirs, target, rounds in (
        (
            "hash / json.dumps sorted + sha256",
            lambda: content_hash(document),
            lambda: hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
            1.1,
            15,
        ),
        (
            "validate / jsonschema",
            lambda: validate_space(document),
            lambda: list(validator.iter_errors(document)),
            0.1,
            3,
        ),
        (
            "diff, 4 changes / keyed diff",
            lambda: diff_spaces(document, other),
            lambda: keyed_diff(document, other),
            1.5,
            25,
        ),
        (
            "diff, identical / keyed diff",
            lambda: diff_spaces(document, same),
            lambda: keyed_diff(document, same),
            1.5,
            25,
        ),
    ):
        mine, plain = paired(ours, theirs, rounds)
        print(f"{name:<34}{mine:>9.1f}{plain:>10.1f}{mine / plain:>8.2f}{target:>8}")


if __name__ == "__main__":
    main()

"""Space documents for tests: one that uses everything, a generator of spoilt ones, and the real ones where present."""

from __future__ import annotations

import copy
import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

REAL_SPACES = Path(__file__).parents[3] / "shared" / "spaces"


def make_id(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


def build_full_space() -> dict:
    """A valid version 2 document with every known field, in the server's order."""

    def by_id(items):
        return sorted(items, key=lambda item: item["id"])

    return {
        "version": 2,
        "config": {
            "sample_questions": by_id(
                {"id": make_id(f"sample {number}"), "question": [f"Sample question {number}?"]} for number in range(3)
            )
        },
        "data_sources": {
            "tables": [
                {
                    "identifier": "main.sales.customers",
                    "description": ["Customers.\n", "One row each."],
                    "column_configs": [
                        {"column_name": "id", "exclude": True},
                        {
                            "column_name": "name",
                            "description": ["The full name."],
                            "synonyms": ["client", "buyer"],
                            "enable_format_assistance": True,
                            "enable_entity_matching": True,
                        },
                        {"column_name": "region", "enable_format_assistance": False},
                    ],
                },
                {"identifier": "main.sales.orders", "column_configs": [{"column_name": "amount"}]},
            ],
            "metric_views": [{"identifier": "main.sales.revenue", "description": ["Revenue by month."]}],
        },
        "instructions": {
            "text_instructions": [{"id": make_id("text"), "content": ["Revenue is net.\n", "Use euros."]}],
            "example_question_sqls": by_id(
                {
                    "id": make_id(f"example {number}"),
                    "question": [f"Top {number} customers?"],
                    "sql": ["SELECT c.name\n", "FROM main.sales.customers c\n", f"LIMIT {number}"],
                    "parameters": [
                        {
                            "name": "start",
                            "type_hint": "DATE",
                            "description": ["First day."],
                            "default_value": {"values": ["2024-01-01"]},
                        },
                        {"name": "end", "type_hint": "DATE"},
                    ],
                    "usage_guidance": ["When somebody asks for the best."],
                }
                for number in range(1, 4)
            ),
            "sql_functions": by_id(
                {"id": make_id(f"function {number}"), "identifier": f"main.sales.f_{number}"} for number in range(2)
            ),
            "join_specs": by_id(
                {
                    "id": make_id(f"join {number}"),
                    "left": {"identifier": "main.sales.orders", "alias": "o"},
                    "right": {"identifier": "main.sales.customers", "alias": "c"},
                    "sql": [
                        f"`o`.`customer_{number}` = `c`.`id`",
                        "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--",
                    ],
                    "comment": ["Orders of a customer."],
                    "instruction": ["Always by id."],
                }
                for number in range(2)
            ),
            "sql_snippets": {
                "filters": by_id(
                    {
                        "id": make_id(f"filter {number}"),
                        "sql": [f"orders.amount > {number}"],
                        "display_name": f"larger than {number}",
                        "synonyms": ["big"],
                        "instruction": ["For big orders."],
                        "comment": ["Seen often."],
                    }
                    for number in range(2)
                ),
                "expressions": [
                    {
                        "id": make_id("expression"),
                        "alias": "month",
                        "sql": ["date_trunc('month', orders.day)"],
                        "display_name": "month",
                    }
                ],
                "measures": [
                    {
                        "id": make_id("measure"),
                        "alias": "total",
                        "sql": ["sum(orders.amount)"],
                        "display_name": "total revenue",
                        "synonyms": ["turnover"],
                    }
                ],
            },
        },
        "benchmarks": {
            "questions": by_id(
                {
                    "id": make_id(f"benchmark {number}"),
                    "question": [f"How many in year {number}?"],
                    "answer": [{"format": "SQL", "content": ["SELECT count(*)\n", "FROM main.sales.orders"]}],
                }
                for number in range(3)
            )
        },
    }


def version_1_of(document: dict) -> dict:
    """The document as version 1 spells it."""
    names = {"enable_format_assistance": "get_example_values", "enable_entity_matching": "build_value_dictionary"}
    old = copy.deepcopy(document)
    old["version"] = 1
    for kind in ("tables", "metric_views"):
        for source in old["data_sources"].get(kind, []):
            for column in source.get("column_configs", []):
                renamed = {names.get(key, key): value for key, value in column.items()}
                column.clear()
                column.update(renamed)
    return old


def shuffle_lists(document: dict, random) -> None:
    """Reorder, in place, every list that the server orders itself."""

    def lists(value, path=()):
        if isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, list) and key in SERVER_ORDERED:
                    random.shuffle(inner)
                lists(inner, (*path, key))
        elif isinstance(value, list):
            for inner in value:
                lists(inner, path)

    lists(document)


SERVER_ORDERED = {
    "tables", "metric_views", "column_configs", "sample_questions", "text_instructions", "example_question_sqls",
    "sql_functions", "join_specs", "filters", "expressions", "measures", "questions",
}  # fmt: skip
TEXT_FIELDS = {"description", "question", "content", "sql", "usage_guidance", "comment", "instruction"}


def resplit_texts(value, random) -> None:
    """Split every text, in place, at other points than it was."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in TEXT_FIELDS and isinstance(inner, list) and all(isinstance(part, str) for part in inner):
                text = "".join(inner)
                cuts = sorted(random.randrange(len(text) + 1) for _ in range(random.randrange(4)))
                ends = [0, *cuts, len(text)]
                value[key] = [text[start:end] for start, end in pairwise(ends)]
            else:
                resplit_texts(inner, random)
    elif isinstance(value, list):
        for inner in value:
            resplit_texts(inner, random)


def edits_of(value, inside_text=False):
    """Yield (edit, undo) pairs, one for every single thing a person could change in the document."""

    def put(container, key, new):
        old = container[key]
        return lambda: container.__setitem__(key, new), lambda: container.__setitem__(key, old)

    if isinstance(value, dict):
        yield lambda: value.__setitem__("zz_unknown", 1), lambda: value.pop("zz_unknown")
        for key in list(value):
            inner = value[key]
            if isinstance(inner, dict | list):
                yield from edits_of(inner, key in TEXT_FIELDS)
            else:
                yield put(value, key, changed(inner))
            yield from renaming(value, key)
    elif isinstance(value, list):
        for index, inner in enumerate(list(value)):
            if isinstance(inner, dict | list):
                yield from edits_of(inner)
            else:
                yield put(value, index, changed(inner))
        for index, inner in enumerate(list(value)):
            if not (inside_text and inner == ""):
                yield (
                    lambda index=index: value.pop(index),
                    lambda index=index, inner=inner: value.insert(index, inner),
                )
        for first, second in pairwise(range(len(value))):
            texts = all(isinstance(part, str) for part in (value[first], value[second]))
            if texts and value[first] + value[second] != value[second] + value[first]:

                def swap(first=first, second=second):
                    value[first], value[second] = value[second], value[first]

                yield swap, swap


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    return 3 if value in (1, 2) else value + 1


def renaming(container, key):
    def rename(old, new):
        items = [(new if name == old else name, inner) for name, inner in container.items()]
        container.clear()
        container.update(items)

    if container[key] not in ([], {}, [""]):
        yield lambda: rename(key, f"{key}_x"), lambda: rename(f"{key}_x", key)


@pytest.fixture
def full_space():
    return build_full_space()


@pytest.fixture(scope="session")
def space_tools():
    """The helpers above, for test modules (which cannot import this file under importlib mode)."""
    import types

    return types.SimpleNamespace(
        full=build_full_space,
        make_id=make_id,
        version_1_of=version_1_of,
        shuffle=shuffle_lists,
        resplit=resplit_texts,
        edits=edits_of,
    )


def pytest_generate_tests(metafunc):
    if "real_space" in metafunc.fixturenames:
        paths = sorted(REAL_SPACES.glob("*.json"))
        metafunc.parametrize(
            "real_space", paths or [None], ids=[path.stem[:60] for path in paths] or ["absent"], indirect=True
        )


@pytest.fixture
def real_space(request):
    """The path of one real space config; they are not part of the repository."""
    if request.param is None:
        pytest.skip(f"no real space configs beside the repository ({REAL_SPACES.name} is absent)")
    return request.param

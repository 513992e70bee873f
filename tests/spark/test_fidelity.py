"""The corpus on the local SQL engine against what Spark answered, and the proof that Spark does answer that.

After a change of the corpus, ``GENIE_RECORD_CORPUS=1 pytest tests/spark/test_fidelity.py -m spark`` records it again.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sql-differences.md"


def test_the_engine_answers_as_recorded_of_spark(entry, outcome_of_engine, recorded, difference):
    ours, sparks = outcome_of_engine(entry.sql), recorded[entry.name]
    kind = difference(entry.sql, ours, sparks)
    assert kind == entry.differs, f"{entry.sql}\nhere:  {ours}\nSpark: {sparks}"


def test_the_recording_is_of_these_queries(corpus, recorded):
    assert list(recorded) == list(corpus)
    assert [item["sql"] for item in recorded.values()] == [entry.sql for entry in corpus.values()]
    assert len(corpus) >= 200


def test_the_page_lists_every_difference(corpus):
    page = PAGE.read_text(encoding="utf-8")
    listed = dict(re.findall(r"(?m)^\| `(\w+/\w+)` \| \w+ \| (.+) \|$", page))
    assert listed == {entry.name: entry.why for entry in corpus.values() if entry.differs}


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")
def test_spark_answers_as_recorded(corpus, outcome_of_spark, difference, recorded_path):
    now = {name: {"name": name, "sql": entry.sql, **outcome_of_spark(entry.sql)} for name, entry in corpus.items()}
    if os.environ.get("GENIE_RECORD_CORPUS"):
        lines = [json.dumps(item, ensure_ascii=False) for item in now.values()]
        recorded_path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = {item["name"]: item for item in map(json.loads, recorded_path.read_text(encoding="utf-8").splitlines())}
    changed = {
        name: (before.get(name), item)
        for name, item in now.items()
        if name not in before or difference(item["sql"], item, before[name])
    }
    assert not changed

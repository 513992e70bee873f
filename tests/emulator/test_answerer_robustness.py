from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.emulator.answerer import answer
from mlflow_genie_plugin.emulator.answering.words import word_set
from mlflow_genie_plugin.emulator.catalog_view import (
    CatalogColumn,
    MetricView,
    Routine,
    RoutineParameter,
    StaticCatalog,
)
from mlflow_genie_plugin.emulator.sample import sample_benchmarks, sample_document
from mlflow_genie_plugin.evaluation.benchmark import parse_benchmarks
from mlflow_genie_plugin.sql_dialect import read_only_reason

QUESTIONS = [item.question for item in parse_benchmarks(sample_benchmarks()).benchmarks]
WORDS = sorted(
    {word for question in QUESTIONS for word in question.split()} | {"between", "not", "without", "99", "'x'", "`"}
)
KEYS = sorted(
    word_set("""version data_sources tables metric_views instructions identifier column_configs column_name synonyms
join_specs left right alias sql sql_snippets measures filters display_name example_question_sqls question
parameters name default_value values text_instructions content sql_functions exclude usage_guidance""")
)

CATALOG = StaticCatalog(
    tables={"a.b.c": (CatalogColumn("x", "BIGINT"), CatalogColumn("d", "DATE"), CatalogColumn("odd name", "STRING"))},
    metric_views={"a.b.m": MetricView((CatalogColumn("k", "STRING"),), (CatalogColumn("v", "DOUBLE"),))},
    routines={"a.b.f": Routine((RoutineParameter("n", "INT"), RoutineParameter("day", "DATE")), "f of c")},
    values={("a.b.c", "odd name"): ("", "'", "\\", "A", "new york")},
)

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        [
            "a.b.c",
            "a.b.m",
            "a.b.f",
            "`a`.b.c",
            "x",
            "SUM(x)",
            "x > 1",
            "a = b",
            "SELECT :n",
            "For dates, use d.",
            "X means Y.",
        ]
    ),
)
documents = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=40,
)
questions = st.one_of(
    st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), st.sampled_from(QUESTIONS)
)


def is_sound(answered):
    """Either one read-only statement, or a question back; never both, never neither."""
    if answered.sql is None:
        return answered.is_clarification and bool(answered.text) and not answered.parameters
    return not answered.is_clarification and read_only_reason(answered.sql) is None


@settings(max_examples=200, deadline=None)
@given(question=questions, document=documents)
def test_any_document_and_question_get_a_sound_answer(question, document):
    assert is_sound(answer(question, document, CATALOG))


@st.composite
def damaged(draw):
    """Return the sample space with a few of its parts removed, emptied or replaced by garbage."""
    document = sample_document()
    for _ in range(draw(st.integers(1, 4))):
        node, path = document, []
        while isinstance(node, dict | list) and node and (not path or draw(st.integers(0, 4))):
            keys = list(node) if isinstance(node, dict) else range(len(node))
            path.append((node, draw(st.sampled_from(list(keys)))))
            node = node[path[-1][1]]
        owner, key = path[-1]
        if draw(st.booleans()):
            del owner[key]
        else:
            owner[key] = draw(leaves)
        if not document:
            break
    return document


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.sampled_from(QUESTIONS), document=damaged())
def test_a_damaged_space_still_gets_sound_answers(question, document, sample_catalog):
    before = copy.deepcopy(document)
    assert is_sound(answer(question, document, sample_catalog))
    assert repr(document) == repr(before)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
def test_what_is_composed_for_the_sample_also_runs(words, sample_catalog, sample_engine):
    answered = answer(" ".join(words), sample_document(), sample_catalog)
    assert is_sound(answered)
    if answered.sql is not None and not answered.parameters:
        assert sample_engine.explain(answered.sql) is None


def test_a_very_long_question_and_a_deep_document_are_answered():
    deep: object = "x"
    for _ in range(500):
        deep = {"sql": [deep]}
    assert is_sound(answer("how many " * 5_000, {"data_sources": deep, "instructions": deep}, CATALOG))
    nested = {"data_sources": {"tables": [{"identifier": "a.b.c"}]}, "instructions": {"sql_snippets": {"measures": [
        {"display_name": "deep", "sql": ["(" * 3_000 + "x" + ")" * 3_000]}]}}}  # fmt: skip
    assert is_sound(answer("deep", nested, CATALOG))

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.failure_types import FAILURE_TYPES
from mlflow_genie_plugin.evaluation.llm.opinion import allowed_types
from mlflow_genie_plugin.evaluation.llm.reply import read_reply
from mlflow_genie_plugin.evaluation.llm.request import VOCABULARY
from mlflow_genie_plugin.evaluation.ruling import VERDICTS

GOOD = '{"outcome": "passed", "failure_type": null, "rationale": "same rows", "confidence": 0.7}'


def test_the_form_that_was_asked_for_is_read():
    opinion = read_reply(GOOD, "completeness")
    assert (opinion.outcome, opinion.failure_type, opinion.rationale) == ("passed", None, "same rows")
    assert (opinion.confidence, opinion.problem, len(opinion.answer_sha256)) == (0.7, None, 64)


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "  ```JSON \n{}\n ```\n"])
def test_one_code_fence_around_it_is_tolerated(fence):
    assert read_reply(fence.replace("{}", GOOD), "completeness").outcome == "passed"


@pytest.mark.parametrize(
    "text",
    [
        "passed",
        "I think it passed.",
        "unknown",
        f"Here you are: {GOOD}",
        f"{GOOD} I hope this helps",
        f"{GOOD}{GOOD}",
        f"[{GOOD}]",
        "null",
        "true",
        '{"outcome": "passed"}',
        '{"outcome": "unknown", "failure_type": null, "rationale": "x", "confidence": 1}',
        '{"outcome": "not passed", "failure_type": null, "rationale": "x", "confidence": 1}',
        '{"outcome": "PASSED", "failure_type": null, "rationale": "x", "confidence": 1}',
        '{"outcome": "passed", "outcome": "failed", "failure_type": null, "rationale": "x", "confidence": 1}',
        '{"outcome": "passed", "failure_type": null, "rationale": "", "confidence": 1}',
        '{"outcome": "passed", "failure_type": null, "rationale": " ", "confidence": 1}',
        '{"outcome": "passed", "failure_type": null, "rationale": "x", "confidence": NaN}',
        '{"outcome": "passed", "failure_type": null, "rationale": "x", "confidence": 100}',
        '{"outcome": "passed", "failure_type": null, "rationale": "x", "confidence": "high"}',
        '{"outcome": "passed", "failure_type": null, "rationale": "x", "confidence": 1, "extra": 1}',
        '{"outcome": "passed", "failure_type": "partial_answer", "rationale": "x", "confidence": 1}',
        '{"outcome": "failed", "failure_type": null, "rationale": "x", "confidence": 1}',
        '{"outcome": "failed", "failure_type": "other", "rationale": "x", "confidence": 1}',
        '{"outcome": "failed", "failure_type": "JUDGE_FAILED", "rationale": "x", "confidence": 1}',
        '{"outcome": "failed", "failure_type": "JUDGED_WRONG", "rationale": "x", "confidence": 1}',
        '{"outcome": "genie_correct", "failure_type": null, "rationale": "x", "confidence": 1}',
        "{" * 5000,
        "[" * 5000 + "]" * 1500,
        "\x00",
    ],
)
def test_anything_else_is_garbage_and_never_a_pass(text):
    opinion = read_reply(text, "completeness")
    assert (opinion.outcome, opinion.problem) == ("errored", "garbage")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_answer_is_empty(text):
    assert read_reply(text, "completeness").problem == "empty"


def test_an_answer_beyond_measure_is_too_long():
    assert read_reply(GOOD.replace("same rows", "x" * 9000), "completeness").problem == "too_long"


def test_the_rationale_is_one_bounded_line_without_invisible_characters():
    said = json.dumps({**json.loads(GOOD), "rationale": "a\n\n\u202eb\x1b[31m" + "c" * 1500})
    rationale = read_reply(said, "completeness").rationale
    assert len(rationale) <= 1000
    assert rationale.startswith("a \ufffdb\ufffd[31m")


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_arbiter_gives_verdicts(verdict):
    said = json.dumps({"outcome": verdict, "failure_type": None, "rationale": "x", "confidence": 0.5})
    assert read_reply(said, "arbiter").outcome == verdict


def test_the_arbiter_never_passes_anything():
    assert read_reply(GOOD, "arbiter").problem == "garbage"


def test_every_type_a_model_may_name_is_in_the_register():
    assert all(name in FAILURE_TYPES for names in VOCABULARY.values() for name in names)
    for judge, names in VOCABULARY.items():
        assert allowed_types(judge) == names
        for name in names:
            said = json.dumps({"outcome": "failed", "failure_type": name, "rationale": "x", "confidence": 1})
            assert read_reply(said, judge).failure_type == name


@given(st.text(max_size=300))
def test_no_text_raises_or_passes_by_accident(text):
    opinion = read_reply(text, "completeness")
    assert opinion.outcome == "errored"


@given(
    st.fixed_dictionaries(
        {
            "outcome": st.sampled_from(["passed", "failed", "undetermined", "genie_correct", "yes", "", None, True, 1]),
            "failure_type": st.sampled_from([None, "partial_answer", "other", "", 0]),
            "rationale": st.one_of(st.text(max_size=20), st.none(), st.integers()),
            "confidence": st.one_of(st.floats(allow_nan=False), st.none(), st.text(max_size=3), st.booleans()),
        }
    )
)
def test_only_a_wholly_valid_answer_passes(document):
    opinion = read_reply(json.dumps(document), "completeness")
    if opinion.outcome == "passed":
        assert document["outcome"] == "passed"
        assert document["failure_type"] is None
        assert document["rationale"].strip()
        assert 0 <= document["confidence"] <= 1

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.evaluation.warehouse_messages import in_a_sentence


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] No column `a`.`b` is known. Did you mean `c`? SQLSTATE: 42703; line 1",
            "No column `a`.`b` is known",
        ),
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'. SQLSTATE: 42601 (line 1)", "Syntax error at or near 'x'"),
        ("[DIVIDE_BY_ZERO] Division by zero. Use try_divide. SQLSTATE: 22012", "Division by zero"),
        ("no. 1.5 is too much", "no. 1.5 is too much"),
        ("the warehouse is gone\nand more", "the warehouse is gone"),
        (None, "no reason was given"),
        ("x" * 500, "x" * 198 + " …"),
    ],
)
def test_a_message_is_cut_to_its_first_sentence(message, sentence):
    assert in_a_sentence(message) == sentence


@given(st.text(max_size=400))
def test_a_sentence_is_one_line_of_at_most_two_hundred_characters(text):
    found = in_a_sentence(text)
    assert len(found) <= 200
    assert "\n" not in found

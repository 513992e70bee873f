import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.space import literals
from mlflow_genie_plugin.space.literals import literals_in, without_literals
from mlflow_genie_plugin.space.validate import validate_space

# What the scanner must equal; right, but quadratic on a text full of openers that nothing closes.
PLAIN = {
    "'": r"'(?:[^'\\]|\\.|'')*'",
    '"': r'"(?:[^"\\]|\\.|"")*"',
    "`": r"`(?:[^`]|``)*`",
    "--": r"--[^\n]*",
    "/*": r"/\*.*?\*/",
}
ALL = tuple(PLAIN)

fragments = st.lists(
    st.sampled_from(["'", "''", '"', "`", "\\", "\\'", '\\"', "--", "-", "/*", "*/", "\n", "a", " b"]), max_size=24
)


@given(fragments.map("".join), st.sets(st.sampled_from(ALL), min_size=1).map(tuple))
def test_finds_what_one_regular_expression_over_all_kinds_finds(text, openers):
    plain = re.compile("|".join(PLAIN[opener] for opener in openers), re.DOTALL)
    assert list(literals_in(text, openers)) == [match.span() for match in plain.finditer(text)]
    assert without_literals(text, openers, "?") == plain.sub("?", text)


@pytest.mark.parametrize("piece", ["\\'", '\\"', "'\\", "/*", "'\"`\\'\\\""])
def test_reads_on_at_most_once_for_each_kind_of_opener_that_nothing_closes(piece, monkeypatch):
    tried = []

    class Counting:
        def __init__(self, pattern):
            self.pattern = pattern

        def match(self, text, at):
            found = self.pattern.match(text, at)
            tried.append(found is None)
            return found

    monkeypatch.setattr(literals, "_WHOLE", {key: Counting(whole) for key, whole in literals._WHOLE.items()})
    list(literals_in(piece * 2_000 + "\\", ALL))
    assert 0 < sum(tried) <= len(ALL)


@pytest.mark.parametrize(
    "kind",
    [
        {"example_question_sqls": {"question": ["how many?"]}},
        {"sql_snippets.filters": {"display_name": "open"}},
        {
            "join_specs": {
                "left": {"identifier": "main.sales.orders", "alias": "o"},
                "right": {"identifier": "main.sales.stores", "alias": "s"},
            }
        },
    ],
)
@pytest.mark.parametrize("piece", ["\\'", '\\"', "-", "/*"])
def test_a_long_text_of_openers_is_validated_and_what_is_wrong_behind_it_named(kind, piece):
    ((name, fields),) = kind.items()
    item = {"id": "0" * 32, **fields, "sql": [piece * 25_000 + "x", "y"]}
    holder = {"sql_snippets": {"filters": [item]}} if "." in name else {name: [item]}
    tables = [{"identifier": "main.sales.orders"}, {"identifier": "main.sales.stores"}]
    document = {"version": 2, "data_sources": {"tables": tables}, "instructions": holder}
    rules = {violation.rule for violation in validate_space(document)}
    assert ("join-condition" if name == "join_specs" else "fused-lines") in rules

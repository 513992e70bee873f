import pytest

from mlflow_genie_plugin.cli.evaluation_text import summary
from mlflow_genie_plugin.evaluation.percent import percent
from mlflow_genie_plugin.gating import outcome


@pytest.mark.parametrize(("share", "text"), [(0.9499, "94.9 %"), (0.95, "95.0 %"), (2 / 3, "66.6 %"), (0.57, "57.0 %")])
def test_a_share_is_cut_and_not_rounded(share, text):
    assert percent(share) == text
    assert outcome.percent(share) == text


def test_an_evaluation_writes_its_scores_as_the_gates_do(make_result, make_question):
    questions = (make_question("a"), make_question("b"), make_question("c", outcomes={"result_correctness": "failed"}))
    text = summary(make_result(questions=questions), "r1")
    line = next(line for line in text.splitlines() if line.startswith("  result_correctness "))
    assert line.split() == ["result_correctness", "66.6", "%", "2", "1", "0", "0"]

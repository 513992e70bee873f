import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from mlflow_genie_plugin.flavor.questions import questions_of


@pytest.mark.parametrize(
    "data", [{"a": 1, "question": "q"}, pd.DataFrame({"q": ["x"], "r": ["y"]}), None, float("nan")]
)
def test_shapes_outside_of_mlflows_own_check_are_refused_too(data):
    with pytest.raises(MlflowException):
        questions_of(data)

from pathlib import Path

import pytest

from mlflow_genie_plugin.errors import InvalidSettingError
from mlflow_genie_plugin.settings import resolve_settings


def test_defaults_follow_the_documented_quota():
    settings = resolve_settings({"XDG_CACHE_HOME": "cache"})
    assert settings.questions_per_minute == 5.0
    assert settings.state_dir == Path("cache/mlflow-genie")
    assert settings.production_spaces == frozenset()


def test_zero_means_no_quota_and_spaces_are_split():
    settings = resolve_settings({"GENIE_QUESTIONS_PER_MINUTE": "0", "GENIE_PRODUCTION_SPACES": "a, b ,"})
    assert settings.questions_per_minute == 0
    assert settings.production_spaces == {"a", "b"}


@pytest.mark.parametrize("text", ["fast", "-1", "nan", "inf"])
def test_a_value_that_is_no_number_is_refused_by_name(text):
    with pytest.raises(InvalidSettingError, match="GENIE_QUESTIONS_PER_MINUTE"):
        resolve_settings({"GENIE_QUESTIONS_PER_MINUTE": text})


def test_a_zero_timeout_is_refused():
    with pytest.raises(InvalidSettingError, match="above 0"):
        resolve_settings({"GENIE_ANSWER_TIMEOUT_SECONDS": "0"})

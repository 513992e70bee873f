import inspect
import re
from pathlib import Path

from mlflow_genie_plugin import errors, settings

DOCS = Path(__file__).parents[2] / "docs"


def test_every_error_code_has_a_section_and_every_section_a_code():
    codes = {
        each.code
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, errors.GenieError) and "code" in vars(each)
    }
    sections = re.findall(r"^#+ (MG\d{3})$", (DOCS / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(codes) == sorted(sections)


def test_no_two_errors_share_a_code():
    codes = [
        vars(each)["code"]
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, errors.GenieError) and "code" in vars(each)
    ]
    assert len(codes) == len(set(codes))


def test_the_exit_codes_are_those_in_the_table():
    rows = re.findall(r"^\| (\d+) \|", (DOCS / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(code) for code in errors.ExitCode} <= {int(row) for row in rows}


def test_every_setting_is_documented_with_its_default():
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(GENIE_\w+)` \| (\S*)", text, re.MULTILINE))
    names = {value for value in vars(settings).values() if isinstance(value, str) and value.startswith("GENIE_")}
    assert set(documented) == names
    default = settings.Settings()
    numbers = {
        settings.QUESTIONS_PER_MINUTE: default.questions_per_minute,
        settings.ANSWER_TIMEOUT: default.answer_timeout_seconds,
        settings.READ_BACK_TIMEOUT: default.read_back_seconds,
        settings.REQUEST_TIMEOUT: default.request_timeout_seconds,
        settings.RATE_LIMIT_WAIT: default.rate_limit_wait_seconds,
        settings.LLM_TIMEOUT: default.llm_timeout_seconds,
        settings.LLM_DEADLINE: default.llm_deadline_seconds,
        settings.LLM_CONCURRENCY: default.llm_concurrency,
    }
    assert {name: float(documented[name]) for name in numbers} == numbers

"""Whole evaluations with a language model on top: live, continued, recorded and verified."""

from __future__ import annotations

import _thread
import dataclasses
import json

import pytest
import yaml
from click.testing import CliRunner

from mlflow_genie_plugin.errors import InterruptedEvaluationError, UsageError
from mlflow_genie_plugin.evaluation.judges import JUDGES
from mlflow_genie_plugin.evaluation.llm.recorded import recorded_opinions
from mlflow_genie_plugin.evaluation.mlflow_logging import load_evaluation
from mlflow_genie_plugin.evaluation.plan import plan_evaluation
from mlflow_genie_plugin.evaluation.recorded import judge_recorded
from mlflow_genie_plugin.evaluation.result_file import parse_result, result_bytes
from mlflow_genie_plugin.evaluation.runner import run_evaluation
from mlflow_genie_plugin.workspace.auth import connect

JUDGE = "completeness"
MODES = {JUDGE: "settle"}


@pytest.fixture(autouse=True)
def open_judge(monkeypatch, make_judge):
    """A completeness judge that decides nothing, so that there is always something to settle."""
    monkeypatch.setitem(JUDGES._judges, JUDGE, make_judge(JUDGE, "abstained"))


@pytest.fixture
def planned(live_model, few_questions):
    def plan(**options):
        judges = options.pop("judges", [JUDGE, "result_correctness"])
        return plan_evaluation(live_model, few_questions, judges=judges, traces=False, **options)

    return plan


def asked_of_genie(workspace):
    return len([item for item in workspace.control.requests() if item["path"].endswith("/start-conversation")])


def findings(result):
    return [question.findings[JUDGE] for question in result.questions]


def test_what_a_model_settles_counts_and_says_so(planned, make_model, language_model):
    language_model.say("failed", "partial_answer", "a month is missing")
    result = run_evaluation(planned(), connect(), opinionist=make_model(MODES)).result
    assert {finding.outcome.value for finding in findings(result)} == {"failed"}
    assert {finding.failure_type for finding in findings(result)} == {"partial_answer"}
    assert result.scores[JUDGE].failed == result.planned == 6
    assert result.scores["result_correctness"].passed == 6
    facts = result.judges[JUDGE]
    assert (facts["llm_mode"], facts["llm_model"]) == ("settle", "openai:/test-model")
    assert (facts["llm_prompt"], facts["llm_prompt_version"]) == ("genie_opt_completeness", "inline")
    assert "llm_mode" not in result.judges["result_correctness"]
    assert parse_result(result_bytes(result)) == result


def test_neither_key_nor_address_is_in_the_result(planned, make_model, language_model, key):
    evaluation = run_evaluation(planned(), connect(), opinionist=make_model(MODES))
    assert key.encode() not in evaluation.data
    assert language_model.url.encode() not in evaluation.data


def test_an_outage_leaves_the_denominator_whole(planned, make_model, language_model, fault):
    language_model.answer(fault(503))
    result = run_evaluation(planned(), connect(), opinionist=make_model(MODES)).result
    counts = result.scores[JUDGE]
    assert (counts.errored, counts.planned, counts.score) == (6, 6, 0.0)
    assert {finding.failure_type for finding in findings(result)} == {"JUDGE_UNAVAILABLE"}


def test_recorded_answers_are_judged_with_the_recorded_opinions(planned, make_model, language_model, local_workspace):
    live = run_evaluation(planned(), connect(), opinionist=make_model(MODES))
    models, genie = len(language_model.requests), asked_of_genie(local_workspace)
    again = judge_recorded(planned(), live.run_id)
    assert again.result.questions == live.result.questions
    assert again.result.judges == live.result.judges
    # With the same model and prompts, nothing is asked either.
    third = judge_recorded(planned(), live.run_id, opinionist=make_model(MODES))
    assert third.result.questions == live.result.questions
    assert (len(language_model.requests), asked_of_genie(local_workspace)) == (models, genie)
    other = judge_recorded(planned(), live.run_id, opinionist=make_model(MODES, model="openai:/other"))
    assert len(language_model.requests) == 2 * models
    assert other.result.judges[JUDGE]["llm_model"] == "openai:/other"


def test_a_recorded_outage_stays_one_until_a_model_is_asked_again(planned, make_model, language_model, fault):
    language_model.answer(fault(401))
    live = run_evaluation(planned(), connect(), opinionist=make_model(MODES))
    language_model.say()
    assert judge_recorded(planned(), live.run_id).result.questions == live.result.questions
    healed = judge_recorded(planned(), live.run_id, opinionist=make_model(MODES))
    assert healed.result.scores[JUDGE].passed == 6


def test_an_evaluation_stopped_while_asking_asks_the_model_only_for_the_rest(
    planned, make_model, language_model, make_reply, local_workspace, monkeypatch
):
    monkeypatch.setenv("GENIE_LLM_CONCURRENCY", "1")

    def stop(request):
        _thread.interrupt_main()
        return make_reply()

    language_model.answer(make_reply(), make_reply(), stop, make_reply())
    with pytest.raises(InterruptedEvaluationError):
        run_evaluation(planned(), connect(), opinionist=make_model(MODES))
    genie, model = asked_of_genie(local_workspace), len(language_model.requests)
    assert model in (3, 4)
    result = run_evaluation(planned(), connect(), opinionist=make_model(MODES)).result
    assert result.scores[JUDGE].passed == 6
    assert asked_of_genie(local_workspace) == genie
    # The answer that was under way when it stopped may have been lost, never one that had arrived.
    assert 6 <= len(language_model.requests) <= 8


def test_verifying_confirms_recorded_opinions_and_asks_nobody(planned, make_model, language_model):
    from mlflow_genie_plugin.gating.evidence import collect
    from mlflow_genie_plugin.gating.rejudge import rejudge

    live = run_evaluation(planned(), connect(), opinionist=make_model(MODES))
    asked = len(language_model.requests)
    collected = collect(live.result.model_id)
    assert rejudge(collected).differing == {}
    assert len(language_model.requests) == asked

    def forged(**changes):
        questions = tuple(
            dataclasses.replace(
                item,
                findings={
                    **item.findings,
                    JUDGE: dataclasses.replace(
                        item.findings[JUDGE], opinion={**item.findings[JUDGE].opinion, **changes}
                    ),
                },
            )
            for item in collected.result.questions
        )
        return dataclasses.replace(collected, result=dataclasses.replace(collected.result, questions=questions))

    for changes in ({"request_sha256": "0" * 64}, {"request_sha256": None}, {"outcome": "failed"}, {"problem": "x"}):
        found = rejudge(forged(**changes))
        assert len(found.differing) == 6
        assert {item.findings[JUDGE].outcome for item in found.evidence.evaluation.questions} == {"errored"}
    without = dataclasses.replace(
        collected, result=dataclasses.replace(collected.result, judges={JUDGE: {"version": "1"}})
    )
    found = rejudge(without)
    assert {item.findings[JUDGE].outcome for item in found.evidence.evaluation.questions} == {"abstained"}


def test_a_forged_opinion_cannot_turn_a_proof(planned, make_model, language_model, make_judge, monkeypatch):
    from mlflow_genie_plugin.gating.evidence import collect
    from mlflow_genie_plugin.gating.rejudge import rejudge

    live = run_evaluation(planned(), connect(), opinionist=make_model(MODES))
    monkeypatch.setitem(JUDGES._judges, JUDGE, make_judge(JUDGE, "failed"))
    found = rejudge(collect(live.result.model_id))
    assert {item.findings[JUDGE].outcome for item in found.evidence.evaluation.questions} == {"failed"}
    assert len(found.differing) == 6


def test_rows_that_are_not_stored_are_not_shown(planned, make_model, local_workspace):
    with pytest.raises(UsageError, match="shown to the language model and not to be stored"):
        run_evaluation(planned(store_rows="none"), connect(), opinionist=make_model(MODES, rows=True))
    assert asked_of_genie(local_workspace) == 0


@pytest.mark.parametrize(("store_rows", "rows"), [("none", False), ("sample", True)])
def test_opinions_are_found_again_with_fewer_rows_stored(planned, make_model, language_model, store_rows, rows):
    live = run_evaluation(planned(store_rows=store_rows), connect(), opinionist=make_model(MODES, rows=rows))
    data, stored = load_evaluation(live.run_id)
    again = judge_recorded(planned(store_rows=store_rows), live.run_id)
    assert [item.findings[JUDGE] for item in again.result.questions] == findings(stored)
    assert len(recorded_opinions(stored).opinions) == len(language_model.requests) == 6
    assert len(data) > 0


@pytest.fixture
def configured(monkeypatch, language_model, key, tmp_path, few_questions):
    monkeypatch.setenv("GENIE_LLM_URL", language_model.url)
    monkeypatch.setenv("GENIE_LLM_API_KEY", key)
    monkeypatch.setenv("GENIE_LLM_MODEL", "openai:/test-model")
    path = tmp_path / "questions.yaml"
    path.write_text(
        yaml.safe_dump({"benchmarks": [item.to_json() for item in few_questions.benchmarks], "format_version": 1})
    )
    return path


def run(*arguments):
    from mlflow_genie_plugin.cli.evaluate import evaluate

    return CliRunner().invoke(evaluate, list(map(str, arguments)))


def test_by_command_the_model_is_off_unless_asked_for(live_model, configured, language_model):
    base = ("--model-id", live_model, "--benchmarks", configured, "--no-traces", "--json", "--judge", JUDGE)
    off = run(*base)
    assert off.exit_code == 0, off.stderr
    assert language_model.requests == []
    assert json.loads(off.stdout)["scores"][JUDGE]["abstained"] == 6
    on = run(*base, "--llm", "completeness=settle")
    assert on.exit_code == 0, on.stderr
    assert json.loads(on.stdout)["scores"][JUDGE]["passed"] == 6
    assert "openai:/test-model gets questions, queries, column names; its word never overturns a proof:" in on.stderr
    assert "  completeness: settle, prompt genie_opt_completeness@inline" in on.stderr
    assert "Asking openai:/test-model for 6 opinions." in on.stderr
    assert json.loads(on.stdout)["opinions"] == {"settled": 6, "explained": 0, "undetermined": 0, "no_answer": 0}


def test_people_read_what_the_model_said_and_why_it_did_not(live_model, configured, language_model, fault):
    base = ("--model-id", live_model, "--benchmarks", configured, "--no-traces", "--judge", JUDGE)
    language_model.say("passed", None, "nothing is missing")
    explained = run(*base, "--llm", "explain")
    assert "opinions of openai:/test-model: 6 explained" in explained.stdout
    assert "        openai:/test-model says passed: nothing is missing" in explained.stdout
    settled = run(*base, "--llm", "settle")
    assert "opinions of openai:/test-model: 6 settled" in settled.stdout
    assert "every answer passes every judge" in settled.stdout
    language_model.answer(fault(401))
    broken = run(*base, "--llm", "explain")
    assert "opinions of openai:/test-model: 6 no answer" in broken.stdout
    assert "  no answer: its endpoint answered with HTTP 401: no (" in broken.stdout
    run_id = broken.stdout.split()[1]
    assert f"the same command with --runner recorded --answers {run_id}" in broken.stdout
    language_model.say("passed", None, "nothing is missing")
    healed = run(*base, "--llm", "explain", "--runner", "recorded", "--answers", run_id)
    assert "opinions of openai:/test-model: 6 explained" in healed.stdout
    assert "        openai:/test-model gave no usable word: its endpoint answered with HTTP 401: no" in broken.stdout


def test_a_registered_prompt_is_the_one_that_is_asked_with(live_model, configured, language_model):
    import mlflow

    from mlflow_genie_plugin.evaluation.prompt_registration import register_optimizer_prompts

    register_optimizer_prompts()
    client = mlflow.MlflowClient()
    client.create_prompt_version("genie_opt_completeness", "Our own words.")
    client.set_prompt_alias("genie_opt_completeness", "production", 2)
    done = run("--model-id", live_model, "--benchmarks", configured, "--no-traces", "--json", "--judge", JUDGE,
               "--llm", "settle")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert language_model.requests[0]["body"]["messages"][0]["content"].startswith("Our own words.\n")
    result = load_evaluation(json.loads(done.stdout)["run_id"])[1]
    assert result.judges[JUDGE]["llm_prompt_version"] == "2"


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        (["--llm", "decide"], {}, "'decide' is no mode"),
        (["--llm", "syntax_validity=settle"], {}, "'syntax_validity' asks no language model"),
        (["--llm", "completeness=settle", "--judge", "result_correctness"], {}, "completeness does not judge here"),
        (["--llm-rows"], {}, "none is asked"),
        (["--llm", "settle", "--llm-rows", "--store-rows", "none"], {}, "not to be stored"),
        (["--llm", "settle"], {"GENIE_LLM_MODEL": ""}, "no language model is configured"),
        (["--llm", "settle"], {"GENIE_LLM_URL": ""}, "no address for the language model"),
        (["--llm", "settle"], {"GENIE_LLM_URL": "https://me:secret@host/v1"}, "without user and password"),
        (["--llm", "settle", "--llm-model", "gpt"], {}, "the language model is 'gpt'"),
        (["--llm", "settle", "--prompts-schema", "main"], {}, "is not CATALOG.SCHEMA"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    live_model, configured, local_workspace, monkeypatch, options, environment, said
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = run("--model-id", live_model, "--benchmarks", configured, "--no-traces", *options)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert "secret" not in result.output
    assert asked_of_genie(local_workspace) == 0


def test_a_serving_endpoint_is_asked_with_the_sdks_sign_in(language_model, monkeypatch, tmp_path, make_requests):
    from mlflow_genie_plugin.evaluation.llm.connect import chat_endpoint
    from mlflow_genie_plugin.settings import resolve_settings

    for name in ("DATABRICKS_CLIENT_ID", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_HOST", language_model.url.removesuffix("/v1"))
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    endpoint = chat_endpoint("databricks:/my judge", resolve_settings())
    language_model.answer("fine")
    assert endpoint.complete([{"role": "user", "content": "hello"}]) == "fine"
    (request,) = language_model.requests
    assert request["path"] == "/serving-endpoints/my%20judge/invocations"
    assert request["headers"]["Authorization"] == "Bearer dapi0123456789abcdef0123456789abcdef"
    assert (endpoint.model, "model" in request["body"]) == ("databricks:/my judge", False)
    assert "dapi" not in repr(endpoint)


def test_the_judges_themselves_never_see_an_opinion(planned, make_model, language_model):
    result = run_evaluation(planned(), connect(), opinionist=make_model(MODES)).result
    for question in result.questions:
        assert question.findings["result_correctness"].opinion is None
        assert question.findings[JUDGE].opinion["deterministic"]["outcome"] == "abstained"

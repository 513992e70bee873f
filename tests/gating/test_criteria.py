from __future__ import annotations

import pytest
import yaml

from mlflow_genie_plugin.errors import InvalidCriteriaError, UnreadableFileError, UnsupportedFormatError, UsageError
from mlflow_genie_plugin.evaluation.judges import JUDGES as REAL_JUDGES
from mlflow_genie_plugin.gating.criteria import load, parse_criteria, read_criteria
from mlflow_genie_plugin.gating.decide import gates_asked
from mlflow_genie_plugin.gating.manifest import JUDGE_VERSIONS, JUDGES, STAGES
from mlflow_genie_plugin.gating.rules.register import RULES
from mlflow_genie_plugin.gating.rules.thresholds import Thresholds


@pytest.fixture
def document(criteria_bytes):
    # Through text, so that the aliases of the file become copies that can be changed one by one.
    import json

    return json.loads(json.dumps(load(criteria_bytes, "criteria.yaml")))


def violations(document) -> dict[str, str]:
    with pytest.raises(InvalidCriteriaError) as caught:
        parse_criteria(yaml.safe_dump(document).encode(), "candidate")
    return {violation.path: f"{violation.message} {violation.fix}" for violation in caught.value.violations}


@pytest.mark.parametrize("stage", STAGES)
def test_the_packaged_criteria_name_every_judge_for_every_stage(criteria_bytes, stage):
    thresholds = parse_criteria(criteria_bytes, stage).scopes["full"].find(Thresholds)
    wanted = {
        "syntax_validity": (0.98, 0.90),
        "schema_accuracy": (0.95, 0.85),
        "logical_accuracy": (0.90, 0.80),
        "semantic_equivalence": (0.90, 0.80),
        "completeness": (0.90, 0.80),
        "result_correctness": (0.85, 0.70),
        "asset_routing": (0.95, 0.85),
        "repeatability": (0.90, 0.70),
    }
    found = {name: (thresholds.judges[name].target, thresholds.judges[name].floor) for name in thresholds.judges_asked}
    assert tuple(thresholds.judges) == JUDGES == tuple(wanted)
    off = () if stage == "production" else ("repeatability",)
    assert found == {name: numbers for name, numbers in wanted.items() if name not in off}
    assert all("once" in thresholds.judges[name].off for name in off)


def test_the_manifest_knows_the_versions_that_the_judges_have():
    # When a judge's version rises, JUDGE_VERSIONS in gating/manifest.py has to follow.
    assert {judge.name: judge.version for judge in REAL_JUDGES.choose()} | JUDGE_VERSIONS == JUDGE_VERSIONS
    assert set(JUDGE_VERSIONS) <= set(REAL_JUDGES.names())


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_left_out_is_an_error(document, judge):
    del document["stages"]["candidate"]["full"]["judges"][judge]
    assert f"judge {judge} is missing" in violations(document)["$.stages.candidate.full.judges"]


@pytest.mark.parametrize("line", sorted(line for family in RULES for line in family.LINES))
def test_a_rule_left_out_is_an_error(document, line):
    stage, scope = next(
        (stage, scope)
        for stage, sections in document["stages"].items()
        for scope, section in sections.items()
        if line in section
    )
    del document["stages"][stage][scope][line]
    assert line in violations(document)[f"$.stages.{stage}.{scope}"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_left_out_is_an_error_whatever_stage_is_asked(document, stage):
    del document["stages"][stage]
    assert violations(document)[f"$.stages.{stage}"] == f"{stage} is required but missing "


def test_a_percent_is_an_error_that_says_what_to_write(document):
    document["stages"]["candidate"]["full"]["judges"]["asset_routing"]["target"] = 95
    assert "write 0.95, not 95" in violations(document)["$.stages.candidate.full.judges.asset_routing.target"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 0])
def test_a_target_that_asks_nothing_is_an_error(document, value):
    document["stages"]["candidate"]["full"]["judges"]["asset_routing"]["target"] = value
    assert "$.stages.candidate.full.judges.asset_routing.target" in violations(document)


@pytest.mark.parametrize("value", [True, "0.9", None, [0.9]])
def test_a_target_that_is_no_number_is_an_error(document, value):
    document["stages"]["candidate"]["full"]["judges"]["asset_routing"]["target"] = value
    assert any(path.startswith("$.stages.candidate.full.judges.asset_routing") for path in violations(document))


def test_all_violations_are_reported_at_once(document):
    section = document["stages"]["production"]["full"]
    section["judges"]["asset_routing"] = {"target": 0.8, "floor": 0.9}
    section["judges"]["result_corectness"] = section["judges"].pop("result_correctness")
    section["p0"]["judges"] = ["result_correctnes"]
    section["custom_gates"] = ["p0"]
    section["error_budget"] = 1
    found = violations(document)
    path = "$.stages.production.full"
    assert "above the target" in found[f"{path}.judges.asset_routing.floor"]
    assert "did you mean 'result_correctness'?" in found[f"{path}.judges.result_corectness"]
    assert "did you mean 'result_correctness'?" in found[f"{path}.p0.judges[0]"]
    assert "gate of the suite" in found[f"{path}.custom_gates[0]"]
    assert "without any answer" in found[f"{path}.error_budget"]
    assert "result_correctness is missing" in found[f"{path}.judges"]


def test_off_needs_a_reason_and_not_everything_can_be_off(document):
    section = document["stages"]["candidate"]["full"]
    section["judges"] = {judge: {"off": "no time"} for judge in JUDGES}
    section["p0"] = {"off": " "}
    found = violations(document)
    assert "every judge is off" in found["$.stages.candidate.full.judges"]
    assert "$.stages.candidate.full.p0.off" in found


def test_a_judge_that_is_off_cannot_decide_p0(document):
    document["stages"]["candidate"]["full"]["judges"]["result_correctness"] = {"off": "later"}
    assert "is off" in violations(document)["$.stages.candidate.full.p0.judges[0]"]


def test_a_scope_asks_only_what_it_measures(criteria_bytes, document):
    criteria = parse_criteria(criteria_bytes, "candidate")
    assert not any(gate.startswith("threshold") for gate in gates_asked(criteria, "p0"))
    assert "p0" not in gates_asked(criteria, "slice")
    document["stages"]["candidate"]["p0"]["rule"] = "point"
    document["stages"]["candidate"]["slice"]["p0"] = {"judges": ["result_correctness"], "minimum": 1}
    found = violations(document)
    assert "does not measure" in found["$.stages.candidate.p0.rule"]
    assert "does not measure" in found["$.stages.candidate.slice.p0"]


def test_what_is_off_is_not_asked_but_remembered(document):
    document["stages"]["candidate"]["full"]["judges"]["asset_routing"] = {"off": "no metric views yet"}
    criteria = parse_criteria(yaml.safe_dump(document).encode(), "candidate")
    assert "threshold[asset_routing]" not in gates_asked(criteria, "full")
    assert criteria.scopes["full"].switched_off["asset_routing"] == "no metric views yet"


def test_only_true_and_false_are_booleans():
    text = b"a: true\nb: false\nc: off\nd: yes\ne: truely\nf: 2026-11-20\n"
    words = {"c": "off", "d": "yes", "e": "truely", "f": "2026-11-20"}
    assert load(text, "criteria.yaml") == {"a": True, "b": False, **words}


LINES = [
    ("regression", {"parents": {"rule": "point"}}, "regression"),
    ("regression", {"parent": {"rule": "point", "margin": 0.02}}, "regression.parent"),
    ("regression", {"parent": {"rule": "non_inferior", "tolerance": 0.02}}, "regression.parent"),
    ("regression", {}, "regression"),
    ("slices", {"category": {"judge": "result_corectness", "target": 0.8, "floor": 0.9, "minimum": 0}}, "slices"),
    ("latency", {"p95": 60}, "latency"),
    ("latency", {"p90": 0}, "latency.p90"),
    ("latency", {"p90": float("inf")}, "latency.p90"),
    ("freshness", {"days": -1}, "freshness.days"),
    ("freshness", {}, "freshness"),
    ("drift", {"same": "title"}, "drift.same"),
    ("versions", {"judges": {"nobody": "1"}, "prompts": "recorded"}, "versions.judges.nobody"),
    ("versions", {"judges": "current"}, "versions"),
    ("benchmarks", {"sha256": ["abc"]}, "benchmarks.sha256[0]"),
    ("metrics", {"relevance/mean": {"threshold": 0.7}}, "metrics"),
    ("metrics", {"a": {"threshold": float("nan"), "greater_is_better": True, "aliases": []}}, "metrics"),
    ("required_logging", {"params": []}, "required_logging"),
    ("settled_passes", "maybe", "settled_passes"),
    ("slices", {"off": " "}, "slices.off"),
]


@pytest.mark.parametrize(("line", "value", "place"), LINES)
def test_a_line_that_asks_nothing_or_something_unknown_is_an_error(document, line, value, place):
    document["stages"]["candidate"]["full"][line] = value
    assert any(path.startswith(f"$.stages.candidate.full.{place}") for path in violations(document))


def test_one_name_stands_for_one_metric(document):
    entry = {"threshold": 0.7, "greater_is_better": True, "aliases": ["quality/mean"]}
    document["stages"]["candidate"]["full"]["metrics"] = {"a/mean": entry, "b/mean": entry}
    assert any("named for a/mean as well" in text for text in violations(document).values())


def test_a_bare_off_is_the_word_not_the_boolean(criteria_bytes):
    text = criteria_bytes.replace(b"asset_routing: {target: 0.95, floor: 0.85}", b"asset_routing: {off: no}")
    assert parse_criteria(text, "candidate").scopes["full"].find(Thresholds).judges["asset_routing"].off == "no"


@pytest.mark.parametrize(
    "text",
    [
        b"format_version: 1\nformat_version: 1\n",
        b"a: [",
        b"\xff",
        b"a: &x [*x]",
        b"a: !!set {b}",
        b"1: 2",
        b"? [1]\n: 2",
        b"a: !!python/object/apply:os.getcwd []",
    ],
)
def test_text_that_cannot_be_read_is_refused(text):
    with pytest.raises(UnreadableFileError):
        parse_criteria(text, "candidate")


@pytest.mark.parametrize("text", [b"", b"format_version: 2", b"format_version: true", b"[]", b"format_version: '1'"])
def test_another_format_version_is_refused(text):
    with pytest.raises(UnsupportedFormatError, match="format_version"):
        parse_criteria(text, "candidate")


def test_an_unknown_stage_and_a_missing_file_are_named(criteria_bytes, tmp_path):
    with pytest.raises(UsageError, match="'prod' is not a stage"):
        parse_criteria(criteria_bytes, "prod")
    with pytest.raises(UnreadableFileError, match=r"criteria\.yaml"):
        read_criteria(tmp_path / "criteria.yaml", "candidate")


def test_what_cannot_be_used_is_named_with_its_place_and_with_what_to_do(criteria_bytes, tmp_path):
    with pytest.raises(UsageError) as caught:
        parse_criteria(criteria_bytes, "prod")
    assert caught.value.next_step == "use one of candidate, experiment, production"
    path = tmp_path / "own.yaml"
    for text, said in (
        (
            b"format_version: 1\nformat_version: 1\n",
            r"own\.yaml is not YAML: 'format_version' is written twice in .* line 2",
        ),
        (b"a:\n  1: 2\n", r"own\.yaml is not YAML: a key that is not a word in .* line 2"),
    ):
        path.write_bytes(text)
        with pytest.raises(UnreadableFileError, match=said) as caught:
            read_criteria(path, "candidate")
        assert caught.value.next_step == "correct it, or start from the packaged one"
    path.write_bytes(b"format_version: 1\nstages: [candidate]\n")
    with pytest.raises(InvalidCriteriaError, match=r"own\.yaml cannot be used"):
        read_criteria(path, "candidate")
    with pytest.raises(UnreadableFileError, match=r"cannot read the criteria .*: No such file") as caught:
        read_criteria(tmp_path / "absent.yaml", "candidate")
    assert "--genie-criteria" in caught.value.next_step

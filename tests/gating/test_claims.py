"""What a verdict says, held against what was found: every claim that differs is named, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from pathlib import PurePosixPath

import pytest

from mlflow_genie_plugin import registry
from mlflow_genie_plugin.canonical_json import sha256_of_bytes
from mlflow_genie_plugin.errors import UnreadableFileError, VerificationError
from mlflow_genie_plugin.gating.checks import Check, checked, custom_check
from mlflow_genie_plugin.gating.claims import claim_of_file, claim_of_mark, verdict_checks
from mlflow_genie_plugin.gating.criteria import parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.evidence import Collected
from mlflow_genie_plugin.gating.mark import Mark, mark_tags, read_mark
from mlflow_genie_plugin.gating.observed import Hashes
from mlflow_genie_plugin.gating.outcome import Outcome, Waived
from mlflow_genie_plugin.gating.signed import SignOffs
from mlflow_genie_plugin.gating.trusted_suite import TrustedSuite
from mlflow_genie_plugin.gating.verdict import parse_verdict, verdict_bytes
from mlflow_genie_plugin.registry import ModelRecord

MODEL = ModelRecord("m-1", "genie-orders", "0", {}, {}, "", None, "READY", 0)
GATE_FILE = b"def test_p0(): ...\n"
PASSED, FAILED, UNDECIDED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED


@pytest.fixture
def held(criteria_bytes, evidence, verdict_of):
    """A function that changes a verdict and returns the checks on it by name."""

    def make(found=None, criteria=criteria_bytes, stage="candidate", **changes):
        known = evidence() if found is None else found
        files = {"gates/criteria.yaml": criteria_bytes, "gates/test_p0.py": GATE_FILE}
        trusted = TrustedSuite("origin/main", PurePosixPath("gates"), "gates/criteria.yaml", files.get)
        verdict = verdict_of(evidence(), suite_files={"gates/test_p0.py": sha256_of_bytes(GATE_FILE)})
        verdict = dataclasses.replace(verdict, **changes)
        checks = verdict_checks(
            verdict, MODEL, stage, Collected(MODEL, known), parse_criteria(criteria, "candidate"), trusted
        )
        return {check.name: check for check in checks}

    return make


def test_a_verdict_that_says_what_was_found_is_confirmed(held, evidence, criteria_bytes):
    gates = len(decide(parse_criteria(criteria_bytes, "candidate"), evidence()))
    assert [(name, check.outcome, check.found) for name, check in held().items()] == [
        ("verdict's claims", PASSED, "model, evaluation and stage are those of the verdict"),
        ("criteria", PASSED, "the gates used the criteria of origin/main"),
        ("verdict's numbers", PASSED, f"the results of its {gates} gates are those computed now"),
        ("gate files", PASSED, "1 file as in origin/main"),
    ]


OWN = {
    "outcome": (UNDECIDED, "outcome: the verdict says undecided, needed is passed"),
    "stage": ("production", "stage: the verdict says candidate, needed is production"),
    "scope": ("slice", "scope: the verdict says slice, needed is full"),
    "dry_run": (True, "dry run: the verdict says True, needed is False"),
    "problems": ({"p0": "it did not run"}, "problems: the verdict says p0 (it did not run), needed is none"),
}


@pytest.mark.parametrize("name", OWN)
def test_each_claim_about_the_run_itself_is_held(held, name):
    value, said = OWN[name]
    assert held(**{name: value})["verdict's claims"] == Check("verdict's claims", FAILED, said)


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        ("model", "model_id", "m-2", "model: the verdict says m-2, needed is m-1"),
        ("model", "name", "", "model's name: the verdict says empty, needed is genie-orders"),
        ("model", "space_id", "s", "space: the verdict says s, needed is "),
        ("model", "content_sha256", "f" * 64, "content hash: the verdict says ffffffffffff, needed is cccccccccccc"),
        (
            "model",
            "behaviour_sha256",
            "f" * 64,
            "behaviour hash: the verdict says ffffffffffff, needed is bbbbbbbbbbbb",
        ),
        ("model", "snapshot_sha256", None, "snapshot hash: the verdict says None, needed is aaaaaaaaaaaa"),
        ("evaluation", "run_id", "r", f"evaluation: the verdict says r, needed is {'r' * 32}"),
        ("evaluation", "sha256", "f" * 64, "evaluation digest: the verdict says ffffffffffff, needed is eeeeeeeeeeee"),
        (
            "evaluation",
            "benchmarks_sha256",
            "f" * 64,
            "benchmarks digest: the verdict says ffffffffffff, needed is dddd",
        ),
        ("evaluation", "benchmarks_name", "mine", "benchmarks: the verdict says mine, needed is orders"),
        ("evaluation", "planned", 49, "planned questions: the verdict says 49, needed is 50"),
        ("evaluation", "p0", 7, "P0 questions: the verdict says 7, needed is 8"),
        ("evaluation", "runner", "native", "runner: the verdict says native, needed is conversation"),
    ],
)
def test_each_claim_about_model_and_evaluation_is_held(held, evidence, verdict_of, part, key, value, said):
    claimed = {**getattr(verdict_of(evidence()), part), key: value}
    check = held(**{part: claimed})["verdict's claims"]
    assert check.outcome is FAILED
    assert check.found.startswith(said)
    assert ";" not in check.found


def test_a_verdict_without_what_was_found_and_one_of_what_was_not_are_both_refused(held, evidence):
    none = held(evaluation=None)["verdict's claims"]
    assert none.found.startswith(f"evaluation: the verdict says None, needed is {'r' * 32}; evaluation digest: ")
    assert len(none.found.split("; ")) == 7
    nothing = evidence(model={"evaluation": None, "hashes": None})
    assert len(held(nothing)["verdict's claims"].found.split("; ")) == 3 + 7
    unknown = held(evidence(p0=None))["verdict's claims"]
    assert unknown.found == "P0 questions: the verdict says 8, needed is None"
    assert held(evidence(model={"hashes": Hashes("c" * 64, None, "a" * 64)}))["verdict's claims"].outcome is FAILED


def test_of_other_criteria_no_number_is_compared(held, criteria_bytes):
    checks = held(criteria=criteria_bytes + b"\n")
    trusted = sha256_of_bytes(criteria_bytes + b"\n")[:12]
    own = sha256_of_bytes(criteria_bytes)[:12]
    assert checks["criteria"] == Check("criteria", FAILED, f"the gates used criteria {own}, trusted are {trusted}")
    assert "verdict's numbers" not in checks


def test_a_file_that_is_not_the_trusted_one_is_named(held):
    changed = held(suite_files={"gates/test_p0.py": "f" * 64, "gates/mine.py": "0" * 64})["gate files"]
    assert changed.outcome is FAILED
    assert changed.found == (
        "gates/test_p0.py is not the one of origin/main; gates/mine.py is not the one of origin/main"
    )


def changed(verdict, gate, **changes):
    return tuple(dataclasses.replace(r, **changes) if r.gate == gate else r for r in verdict.results)


CORRECT = "threshold[result_correctness]"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outcome": FAILED}, f"{CORRECT}: the verdict says failed, computed is passed"),
        (
            {"waived": Waived("2026-12-01", "ana", "later")},
            f"{CORRECT}: the verdict says passed, waived until 2026-12-01 by ana, computed is passed",
        ),
        ({"value": 0.99}, f"{CORRECT}: the verdict says 0.9900, computed is 1.0000"),
        ({"value": None}, f"{CORRECT}: the verdict says no share, computed is 1.0000"),
        ({"questions": ("q2", "q1")}, f"{CORRECT}: the verdict names other questions (q1, q2)"),
    ],
)
def test_each_number_of_a_gate_is_held(held, evidence, verdict_of, changes, said):
    results = changed(verdict_of(evidence()), CORRECT, **changes)
    assert held(results=results)["verdict's numbers"] == Check("verdict's numbers", FAILED, said)


def test_a_gate_left_out_and_one_too_many_are_named_and_sentences_may_differ(held, evidence, verdict_of):
    verdict = verdict_of(evidence())
    fewer = tuple(result for result in verdict.results if result.gate != "p0")
    assert held(results=fewer)["verdict's numbers"].found == "p0 is not among its gates"
    more = (*verdict.results, dataclasses.replace(verdict.results[0], gate="luck"))
    assert held(results=more)["verdict's numbers"].found == "it has a gate luck, which the criteria do not ask"
    said = changed(verdict, CORRECT, reason="in other words", measured="100", value=1 - 1e-12)
    assert held(results=said)["verdict's numbers"].outcome is PASSED


def test_without_a_verdict_nothing_is_claimed(evidence, criteria_bytes):
    criteria = parse_criteria(criteria_bytes, "candidate")
    trusted = TrustedSuite("origin/main", PurePosixPath("gates"), "gates/criteria.yaml", {}.get)
    assert list(verdict_checks(None, MODEL, "candidate", Collected(MODEL, evidence()), criteria, trusted)) == []


@pytest.mark.parametrize(
    ("mark", "outcome", "found"),
    [
        (None, UNDECIDED, "the model has no mark for this stage; run the gates"),
        (Mark("candidate", "passed", "", "", "", "", "m-1", ""), PASSED, "the mark says passed"),
        (Mark("candidate", "revoked", "", "", "", "", "m-1", ""), FAILED, "the mark says revoked"),
    ],
)
def test_a_mark_that_names_no_run_has_no_verdict(mark, outcome, found):
    claim = claim_of_mark(MODEL, mark)
    assert claim.verdict is None
    assert claim.checks == (
        Check("mark", outcome, found),
        Check("verdict", UNDECIDED, "no gate run is named, so there is no verdict to verify"),
    )


@pytest.fixture
def claimed(tracking, evidence, verdict_of):
    """A function that marks a version with a stored verdict, its bytes or its tags changed, and reads the claim."""

    def make(change=lambda data: data, tags=None, stored=True):
        data = change(verdict_bytes(verdict_of(evidence())))
        run_id = registry.create_run("gate", experiment_id="0").run_id
        if stored:
            registry.log_artifacts(run_id, {"gate/verdict.json": data})
        digest = sha256_of_bytes(verdict_bytes(verdict_of(evidence())))
        written = {**mark_tags(verdict_of(evidence()), run_id, digest, {}), **(tags or {})}
        written = {key: value for key, value in written.items() if value is not None}
        model = dataclasses.replace(MODEL, tags=written)
        return run_id, claim_of_mark(model, read_mark(written, "candidate"))

    return make


MARKED = Check("mark", PASSED, "the mark says passed")


def test_a_mark_that_says_what_its_verdict_says_is_confirmed(claimed, evidence, verdict_of):
    run_id, claim = claimed()
    assert claim.verdict == verdict_of(evidence())
    said = f"all {len(mark_tags(claim.verdict, run_id, '', {}))} tags say what the verdict says"
    assert claim.checks == (
        MARKED,
        Check("verdict", PASSED, f"verdict.json of run {run_id} is the one the mark names"),
        Check("mark's tags", PASSED, said),
    )
    _, other_stage = claimed(tags={"genie.gate.production.verdict": "passed", "stage": "production"})
    assert other_stage.checks[2].outcome is PASSED


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("suite_sha256", "f" * 64, "is ffffffffffff, the verdict gives "),
        ("evaluation_run_id", None, f"is empty, the verdict gives {'r' * 32}"),
        ("ci_url", "https://ci.example.com/1", "is https://ci.example.com/1, the verdict gives empty"),
    ],
)
def test_a_tag_that_says_something_else_is_named(claimed, key, value, said):
    _, claim = claimed(tags={f"genie.gate.candidate.{key}": value})
    assert claim.verdict is not None
    assert [check.outcome for check in claim.checks] == [PASSED, PASSED, FAILED]
    assert claim.checks[2].found.startswith(f"genie.gate.candidate.{key} {said}")
    assert ";" not in claim.checks[2].found


def test_another_verdict_than_the_one_marked_is_told_by_its_digest(claimed, evidence, verdict_of):
    own = sha256_of_bytes(verdict_bytes(verdict_of(evidence())))
    _, claim = claimed(lambda data: data + b" ")
    other = sha256_of_bytes(verdict_bytes(verdict_of(evidence())) + b" ")
    found = f"verdict.json has sha256 {other[:12]}, the mark says {own[:12]}"
    assert claim.checks == (MARKED, Check("verdict", FAILED, found))
    assert claim.verdict == verdict_of(evidence())


def test_a_verdict_that_is_gone_or_none_claims_nothing(claimed):
    run_id, claim = claimed(stored=False)
    assert claim.verdict is None
    mark, verdict = claim.checks
    assert (mark, verdict.name, verdict.outcome) == (MARKED, "verdict", FAILED)
    assert verdict.found.startswith("the mark of m-1 names it, but ")
    assert run_id in verdict.found
    run_id, claim = claimed(lambda data: b"{}")
    assert claim.verdict is None
    assert claim.checks[0] == MARKED
    assert (claim.checks[1].name, claim.checks[1].outcome) == ("verdict", FAILED)
    assert f"gate/verdict.json of run {run_id}" in claim.checks[1].found


def test_a_verdict_is_read_from_a_file_as_it_was_written(tmp_path, evidence, verdict_of):
    verdict = verdict_of(evidence(), custom_gates={"own": PASSED}, problems={"p0": "it did not run"})
    path = tmp_path / "verdict.json"
    path.write_bytes(verdict_bytes(verdict))
    claim = claim_of_file(path)
    assert claim.checks == (Check("verdict", PASSED, f"{path} is a verdict"),)
    again = verdict_bytes(claim.verdict)
    assert again == verdict_bytes(verdict)
    assert parse_verdict(again) == claim.verdict
    assert claim.verdict.custom_gates == {"own": PASSED}
    assert claim.verdict.result("p0") == verdict.result("p0")
    assert claim.verdict.result("luck") is None
    with pytest.raises(UnreadableFileError, match=r"cannot read .*: No such file"):
        claim_of_file(tmp_path / "absent.json")


def test_a_verdict_that_contradicts_itself_is_none(evidence, verdict_of):
    document = json.loads(verdict_bytes(verdict_of(evidence())))
    for data, said in (
        (b"{", "verdict.json is not JSON: "),
        (json.dumps({**document, "outcome": "great"}).encode(), "verdict.json is not a verdict: .*outcome"),
        (
            json.dumps({**document, "suite": {**document["suite"], "sha256": "0" * 64}}).encode(),
            "verdict.json names a suite digest that its files do not give",
        ),
    ):
        with pytest.raises(VerificationError, match=said) as caught:
            parse_verdict(data)
        assert caught.value.next_step == "run the gates again"


def test_a_check_fails_with_everything_that_is_wrong():
    assert checked("files", ["a", "b"], "all right") == Check("files", FAILED, "a; b")
    assert checked("files", iter(()), "all right") == Check("files", PASSED, "all right")


def test_custom_gates_have_passed_only_where_a_verdict_says_so(criteria_bytes, evidence, verdict_of):
    collected = Collected(MODEL, evidence())
    plain = parse_criteria(criteria_bytes, "candidate")
    assert custom_check(plain, collected, None) == Check("custom gates", PASSED, "the criteria name none")
    own = parse_criteria(criteria_bytes.replace(b"custom_gates: []", b"custom_gates: [own, other]"), "candidate")
    silent = Check("custom gates", UNDECIDED, "no verdict says that own, other passed")
    assert custom_check(own, collected, None) == silent
    half = verdict_of(evidence(), custom_gates={"own": PASSED, "other": FAILED})
    assert custom_check(own, collected, half).found == "no verdict says that other passed"
    whole = verdict_of(evidence(), custom_gates={"own": PASSED, "other": PASSED})
    assert custom_check(own, collected, whole) == Check(
        "custom gates", PASSED, "own, other passed in the gate run; they are not computed again"
    )


def test_a_verdict_is_made_also_where_nothing_was_found(evidence, verdict_of):
    nothing = verdict_of(evidence(model={"evaluation": None, "hashes": None}))
    assert (nothing.evaluation, nothing.scope, nothing.outcome) == (None, None, UNDECIDED)
    assert [value for name, value in nothing.model.items() if name.endswith("sha256")] == [None, None, None]
    assert nothing.switched_off == verdict_of(evidence()).switched_off
    assert parse_verdict(verdict_bytes(nothing)) == nothing
    assert verdict_of(evidence(p0=None)).evaluation["p0"] is None
    assert "repeatability" not in verdict_of(evidence(scope="p0")).switched_off


def test_a_verdict_keeps_the_digests_of_what_was_signed(evidence, verdict_of):
    signed = evidence(model={"signoffs": SignOffs(files={"waivers.yaml": "a" * 64})})
    assert verdict_of(signed).signoffs == {"waivers.yaml": "a" * 64}

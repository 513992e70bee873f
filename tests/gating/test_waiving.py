from __future__ import annotations

import dataclasses
from datetime import date

import pytest
import yaml

from mlflow_genie_plugin.errors import InvalidCriteriaError, InvalidSignOffError, UnreadableFileError
from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.note import markdown
from mlflow_genie_plugin.gating.outcome import GateResult, Outcome, Waived, overall
from mlflow_genie_plugin.gating.rules.register import RULES, family_of
from mlflow_genie_plugin.gating.signed import SignOffs, Waiver
from mlflow_genie_plugin.gating.signoffs import parse_attestations, parse_waivers, signoffs_beside, signoffs_from

GATE = "threshold[asset_routing]"
MODEL = "m-" + "0" * 31 + "1"


def waiver(**changes) -> Waiver:
    facts = {
        "gate": GATE,
        "model": "m-1",
        "owner": "ana@example.com",
        "reason": "metric views come in May",
        "granted": date(2026, 11, 1),
        "expires": date(2026, 12, 1),
    }
    return Waiver(**{**facts, **changes})


@pytest.fixture
def waivable(evidence, observed):
    """Make evidence in which asset routing fails, with these waivers signed."""

    def make(*waivers, **changes):
        questions = tuple(observed(n, 8, asset_routing="failed" if n > 30 else "passed") for n in range(50))
        return dataclasses.replace(evidence(questions=questions), signoffs=SignOffs(waivers=waivers), **changes)

    return make


@pytest.fixture
def criteria(criteria_bytes):
    return parse_criteria(criteria_bytes, "candidate")


def result(criteria, evidence, gate=GATE) -> GateResult:
    return next(found for found in decide(criteria, evidence) if found.gate == gate)


def test_a_waived_gate_stays_failed_and_blocks_nothing(criteria, waivable):
    assert overall(decide(criteria, waivable())) is Outcome.FAILED
    found = result(criteria, waivable(waiver()))
    assert found.outcome is Outcome.FAILED
    assert not found.blocks
    assert found.said == "failed, waived until 2026-12-01 by ana@example.com"
    assert "metric views come in May" in found.told
    assert overall(decide(criteria, waivable(waiver()))) is Outcome.PASSED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expires": date(2026, 11, 19)}, "the waiver by ana@example.com expired on 2026-11-19"),
        ({"granted": date(2026, 11, 21)}, "counts only from 2026-11-21"),
        ({"granted": date(2026, 8, 1)}, "runs for 122 days, the criteria allow 90"),
        ({"model": "m-2"}, ""),
        ({"gate": "threshold[completeness]"}, ""),
        ({"stage": "production"}, ""),
    ],
)
def test_a_waiver_that_is_not_in_force_does_nothing_and_is_named(criteria, waivable, changes, said):
    found = result(criteria, waivable(waiver(**changes)))
    assert found.blocks
    assert found.waived is None
    assert said in found.reason


def test_without_a_date_no_waiver_counts(criteria, waivable):
    assert result(criteria, waivable(waiver(), observed_at="")).blocks


@pytest.mark.parametrize("changes", [{"model": "any"}, {"stage": "candidate"}, {"expires": date(2026, 11, 20)}])
def test_a_waiver_for_any_version_for_this_stage_or_until_today_counts(criteria, waivable, changes):
    assert not result(criteria, waivable(waiver(**changes))).blocks


def test_the_criteria_may_allow_less_than_90_days(criteria_bytes, waivable):
    document = load(criteria_bytes, "criteria.yaml")
    document["stages"]["candidate"]["full"]["waiver_days"] = 14
    strict = parse_criteria(yaml.safe_dump(document).encode(), "candidate")
    found = result(strict, waivable(waiver()))
    assert found.blocks
    assert "runs for 30 days, the criteria allow 14" in found.reason


def test_a_gate_that_passed_is_not_shown_as_waived(criteria, evidence):
    known = dataclasses.replace(evidence(), signoffs=SignOffs(waivers=(waiver(),)))
    assert result(criteria, known).waived is None


@pytest.mark.parametrize("stem", [stem for family in RULES for stem in family.STEMS if not family.WAIVABLE])
def test_p0_and_the_gates_on_the_evidence_can_never_be_waived(criteria, waivable, stem):
    signed = waiver(gate=stem, model="any")
    broken = waivable(signed)
    for gate in (found for found in decide(criteria, broken) if found.gate == stem):
        assert gate.waived is None
    with pytest.raises(InvalidSignOffError, match=f"{stem} can never be waived"):
        parse_waivers(file("waivers", entry(gate=stem)))


def test_a_failed_p0_gate_is_not_waived_although_somebody_signed_it(criteria, evidence, observed):
    wrong = tuple(observed(n, 8, result_correctness="failed" if n == 3 else "passed") for n in range(50))
    known = dataclasses.replace(evidence(questions=wrong), signoffs=SignOffs(waivers=(waiver(gate="p0"),)))
    found = result(criteria, known, "p0")
    assert found.blocks
    assert "can never be waived" in found.reason


def test_no_family_of_evidence_was_forgotten():
    never = {stem for family in RULES for stem in family.STEMS if not family.WAIVABLE}
    assert {"p0", "model_intact", "evaluation_intact", "same_config", "same_questions", "fresh_evaluation"} <= never
    assert {"judge_versions", "prompt_versions", "benchmark_set", "no_drift"} <= never
    assert family_of("threshold[x]").WAIVABLE


def test_nothing_but_waived_gates_is_no_pass():
    waived = GateResult("a", Outcome.FAILED, "no", waived=Waived("2026-12-01", "ana", "because"))
    assert overall([waived]) is Outcome.UNDECIDED


def entry(**changes):
    facts = {
        "gate": GATE,
        "model": "any",
        "owner": "ana",
        "reason": "later",
        "granted": "2026-11-01",
        "expires": "2026-12-01",
    }
    return {name: value for name, value in {**facts, **changes}.items() if value is not None}


def file(kind, *entries, **document) -> bytes:
    return yaml.safe_dump({"format_version": 1, kind: list(entries), **document}).encode()


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"gate": "treshold[x]"}, "gate", "there is no gate 'treshold[x]'"),
        ({"gate": "p0"}, "gate", "p0 can never be waived"),
        ({"gate": "same_config"}, "gate", "same_config can never be waived"),
        ({"model": "orders"}, "model", "'orders' is not a model id (m- and 32 lower-case hex digits), or any"),
        ({"owner": " "}, "owner", "it is empty"),
        ({"reason": None}, "reason", "reason is required but missing"),
        ({"expires": None}, "expires", "expires is required but missing"),
        ({"expires": "soon"}, "expires", "is not a day"),
        ({"expires": "20261201"}, "expires", "is not a day"),
        ({"expires": "2026-10-01"}, "expires", "is before"),
        ({"expires": "2027-02-01"}, "expires", "at most 90 days, this one for 92"),
        ({"stage": "live"}, "stage", "is not one of"),
        ({"until": "2026-12-01"}, "until", "unknown key 'until'"),
    ],
)
def test_what_is_wrong_with_a_waiver_is_named_with_its_place(changes, path, said):
    with pytest.raises(InvalidSignOffError) as caught:
        parse_waivers(file("waivers", entry(), entry(**changes)))
    places = {violation.path: violation.message for violation in caught.value.violations}
    assert said in places[f"$.waivers[1]{'.' if path else ''}{path}"]


def test_every_violation_is_listed_at_once():
    broken = [entry(gate="p0"), entry(expires="never"), entry(owner="")]
    with pytest.raises(InvalidSignOffError) as caught:
        parse_waivers(file("waivers", *broken))
    assert {violation.path for violation in caught.value.violations} == {
        "$.waivers[0].gate",
        "$.waivers[1].expires",
        "$.waivers[2].owner",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"row": "sample"}, "did you mean 'sample_size'?"),
        ({"row": "offline_evaluation"}, "nobody can attest it"),
        ({"evidence": "see the wiki"}, "'see the wiki' is not a link, https://…"),
        ({"content_sha256": "c" * 64}, "names both a version and a content"),
        ({"model_id": None}, "does not say what it is about"),
        ({"by": None}, "by is required but missing"),
        ({"attested_on": "2026-11-31"}, "is not a day"),
    ],
)
def test_what_is_wrong_with_an_attestation_is_named(changes, said):
    facts = {
        "row": "sample_size",
        "by": "ana",
        "attested_on": "2026-11-01",
        "evidence": "https://example.com/1",
        "expires": "2026-12-01",
        "model_id": MODEL,
    }
    good = file("attestations", facts)
    assert parse_attestations(good)[0].expires == date(2026, 12, 1)
    broken = {name: value for name, value in {**facts, **changes}.items() if value is not None}
    with pytest.raises(InvalidSignOffError) as caught:
        parse_attestations(file("attestations", broken))
    assert said in " ".join(f"{violation.message} {violation.fix}" for violation in caught.value.violations)


def test_files_that_are_not_there_hold_nothing_and_those_that_are_have_a_digest():
    assert signoffs_from(lambda name: None) == SignOffs()
    found = signoffs_from(lambda name: file("waivers", entry()) if name == "waivers.yaml" else None)
    assert len(found.waivers) == 1
    assert list(found.files) == ["waivers.yaml"]


@pytest.mark.parametrize("value", [0, 91, 1.5, "90"])
def test_the_criteria_cannot_allow_more_than_90_days(criteria_bytes, value):
    document = load(criteria_bytes, "criteria.yaml")
    document["stages"]["candidate"]["full"]["waiver_days"] = value
    with pytest.raises(InvalidCriteriaError, match="waiver_days"):
        parse_criteria(yaml.safe_dump(document).encode(), "candidate")


@pytest.mark.parametrize("tag", ["genie.gate.production.verdict", "", "two words", "a/b"])
def test_an_approval_tag_is_a_plain_name_and_none_of_ours(criteria_bytes, tag):
    document = load(criteria_bytes, "criteria.yaml")
    document["stages"]["candidate"]["full"]["approval_tag"] = tag
    with pytest.raises(InvalidCriteriaError, match="approval_tag"):
        parse_criteria(yaml.safe_dump(document).encode(), "candidate")


def test_an_approval_tag_stands_only_where_a_mark_is_written(criteria_bytes):
    document = load(criteria_bytes, "criteria.yaml")
    document["stages"]["candidate"]["p0"]["approval_tag"] = "Approval"
    with pytest.raises(InvalidCriteriaError, match="never marks a version"):
        parse_criteria(yaml.safe_dump(document).encode(), "candidate")


def test_the_waiver_shows_in_every_report(criteria, waivable):
    from mlflow_genie_plugin.gating.explain import explain
    from mlflow_genie_plugin.gating.html_report.checks import families
    from mlflow_genie_plugin.gating.phrases import sentence
    from mlflow_genie_plugin.gating.report import terminal_lines
    from mlflow_genie_plugin.gating.verdict import make_verdict, parse_verdict, verdict_bytes

    known = waivable(waiver())
    verdict = make_verdict(
        criteria, "criteria.yaml", known, decide(criteria, known), custom_gates={}, problems={}, suite_files={},
        dry_run=False, decided_at="2026-11-20T12:00:00.000Z", provenance={},
    )  # fmt: skip
    assert verdict.outcome is Outcome.PASSED
    said = "failed, waived until 2026-12-01 by ana@example.com"
    explanation = explain(verdict, known, {}, ())
    terminal = " ".join(" ".join(terminal_lines(verdict, explanation)).split())
    assert said in terminal
    assert "metric views come in May" in terminal
    assert "1 waived" in sentence(verdict)
    assert said in sentence(verdict)
    assert "waived until 2026" in markdown(verdict, explanation)
    assert any(said in row.reason for family in families(verdict) for row in family.shown)
    again = parse_verdict(verdict_bytes(verdict))
    assert again == verdict
    assert again.result(GATE).said == said


def test_of_several_waivers_the_one_that_lasts_longest_is_named(criteria, waivable):
    short, long = (waiver(expires=day, owner=day.isoformat()) for day in (date(2026, 12, 1), date(2026, 12, 24)))
    for signed in ((short, long), (long, short)):
        assert result(criteria, waivable(*signed)).waived.owner == "2026-12-24"
    # Those that are not in force are all named, those that ended last first.
    over = [waiver(expires=date(2026, 11, day), owner=f"owner {day}") for day in (12, 18, 15)]
    said = [f"; the waiver by owner {day} expired on 2026-11-{day}" for day in (18, 15, 12)]
    assert result(criteria, waivable(*over)).reason.endswith("".join(said))
    assert result(criteria, waivable(*over)).reason == result(criteria, waivable()).reason + "".join(said)


def test_a_waiver_may_run_as_long_as_the_criteria_allow():
    today = date(2026, 11, 20)
    assert waiver().why_not(today, 30) == ""
    assert waiver().why_not(today, 29) == "runs for 30 days, the criteria allow 29"
    assert waiver().why_not(date(2026, 12, 2), 30) == "expired on 2026-12-01"
    assert waiver().why_not(date(2026, 10, 31), 30) == "counts only from 2026-11-01"


def test_a_waiver_of_what_can_never_be_waived_is_named_word_for_word(criteria, evidence, observed):
    wrong = tuple(observed(n, 8, result_correctness="failed" if n == 3 else "passed") for n in range(50))
    plain = evidence(questions=wrong)
    known = dataclasses.replace(plain, signoffs=SignOffs(waivers=(waiver(gate="p0"),)))
    never = "; the waiver by ana@example.com does nothing: this gate can never be waived"
    assert result(criteria, known, "p0").reason == result(criteria, plain, "p0").reason + never


def test_sign_offs_are_read_from_beside_the_criteria_and_need_not_be_there(tmp_path):
    assert signoffs_beside(tmp_path / "criteria.yaml") == SignOffs()
    (tmp_path / "waivers.yaml").write_bytes(file("waivers", entry()))
    found = signoffs_beside(tmp_path / "criteria.yaml")
    assert [signed.gate for signed in found.waivers] == [GATE]
    assert list(found.files) == ["waivers.yaml"]
    (tmp_path / "attestations.yaml").mkdir()
    with pytest.raises(UnreadableFileError, match=r"cannot read .*attestations\.yaml: Is a directory"):
        signoffs_beside(tmp_path / "criteria.yaml")

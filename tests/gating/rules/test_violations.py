"""Everything that can be wrong with criteria and sign-offs, and what is then said, word for word: ``violations.json``.

To change a sentence on purpose, run with ``GENIE_WRITE_SENTENCES=1`` and read the difference of the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from mlflow_genie_plugin.errors import InvalidCriteriaError, InvalidSignOffError
from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.manifest import JUDGES
from mlflow_genie_plugin.gating.signoffs import parse_attestations, parse_waivers

AGREED = Path(__file__).with_name("violations.json")
INF, NAN = float("inf"), float("nan")
BETTER = {"greater_is_better": True, "aliases": ["quality/mean", "other/mean"]}
POINT = {"rule": "point", "tolerance": 0.02, "minimum_common": 0.8, "no_baseline": "allowed"}
NON_INFERIOR = {"rule": "non_inferior", "margin": 0.05, "minimum_common": 0.8, "no_baseline": "allowed"}
SLICE = {"judge": "result_correctness", "target": 0.8, "floor": 0.6, "minimum": 10}
AFTER = {"tolerance": 0.02, "minimum_common": 0.8, "then": "fail"}
LEFT_OUT = object()

# Scope, line of the section, what stands there.
LINES = [
    ("full", "judges", {"asset_routing": LEFT_OUT}),
    ("full", "judges", {"asset_roting": {"target": 0.9, "floor": 0.8}}),
    *(
        ("full", "judges", {"asset_routing": {"target": target, "floor": floor}})
        for target, floor in (
            (0.8, 0.9), (0.9, 0.9), (95, 0.8), (0.9, 85), (1.5, 1), (100.5, 1), (0, 0), (-0.1, 0), (NAN, 0.5),
            (0.9, INF), (True, 0), ("0.9", 0),
        )
    ),
    ("full", "judges", "none"),
    ("full", "judges", {judge: {"off": "later"} for judge in JUDGES}),
    ("full", "p0", {"judges": ["result_correctnes", "completeness"], "minimum": 1}),
    ("full", "p0", {"judges": ["repeatability"], "minimum": 1}),
    ("p0", "p0", {"off": "later"}),
    ("full", "p0", {"off": "no question is of that kind"}),
    ("full", "p0", ["result_correctness"]),
    *(("full", "error_budget", value) for value in (1, 2, -0.5, 0, True, None)),
    *(("full", "minimum_judged", value) for value in (0, 98, 1.01, INF)),
    ("full", "minimum_questions", 0),
    ("full", "slices", {"category": {**SLICE, "judge": "repeatability", "floor": 0.9}}),
    ("full", "slices", {"category": {**SLICE, "judge": "nobody", "target": 80}, "area": "all"}),
    ("full", "slices", {"off": "none", "category": SLICE}),
    ("full", "slices", []),
    *(("full", "regression", {"parent": {**POINT, **changes}}) for changes in (
        {"tolerance": 2}, {"tolerance": 0}, {"tolerance": -0.01}, {"minimum_common": 0}, {"minimum_common": 80},
        {"judges": ["completeness", "repeatability", "complete"]}, {"judges": "completeness"},
    )),
    *(("full", "regression", {"champion": {**NON_INFERIOR, **changes}}) for changes in ({"margin": 0}, {"margin": 5})),
    ("full", "regression", {"parent": "point"}),
    ("full", "regression", {"off": " ", "parent": {**POINT, "tolerance": 9}}),
    *(("held_out", "post_deploy", {**AFTER, **changes}) for changes in (
        {"tolerance": 3}, {"minimum_common": 0}, {"judges": ["repeatability", "nobody"]}, {"then": "maybe"},
    )),
    ("held_out", "post_deploy", "warn"),
    *(("full", "latency", {"p90": value}) for value in (0, -1, INF, NAN, "60", True)),
    *(("full", "freshness", {"days": value}) for value in (0, -1, INF, 0.5)),
    ("full", "freshness", 30),
    ("full", "drift", {"same": "title"}),
    ("full", "versions", {"judges": {"completness": "1"}, "prompts": "recorded"}),
    ("full", "versions", {"judges": "current", "prompts": {"orders": 3}}),
    ("full", "benchmarks", {"sha256": ["abc"]}),
    ("full", "metrics", {"a/mean": {"threshold": NAN, **BETTER}, "b/mean": {"threshold": 1, **BETTER}}),
    ("full", "metrics", {"a/mean": {"threshold": -INF, "greater_is_better": False, "aliases": []}}),
    ("full", "metrics", {"a/mean": 0.7, "quality/mean": {"threshold": 1, **BETTER}}),
    ("full", "metrics", {"off": " ", "a/mean": {"threshold": INF, **BETTER}}),
    ("full", "required_logging", {"params": []}),
    ("full", "settled_passes", "maybe"),
    ("full", "rule", "luck"),
    *(("full", "waiver_days", value) for value in (0, 91, 7.5)),
    ("full", "custom_gates", ["p0", "own_gate", "threshold[own]", "judged"]),
    ("full", "custom_gates", "p0"),
    ("slice", "approval_tag", "genie_approval"),
    ("p0", "approval_tag", "genie_approval"),
    ("full", "approval_tag", "genie_approval"),
    ("full", "approval_tag", ""),
    ("slice", "p0", {"judges": ["result_correctness"], "minimum": 1}),
    ("p0", "rule", "point"),
    ("full", "unheard_of", 1),
    *(("full", "checklist", value) for value in (
        {"cost": LEFT_OUT}, {"sample_sise": "required"}, {"cost": "required"}, {"cost": {"at_most": 0.1}},
        {"cost": {"worse_by_at_most": 10}}, {"cost": {"worse_by_at_most": -0.1}}, {"sample_size": {"at_least": 0}},
        {"sample_size": {"at_least": INF}}, {"policy_version": {"at_least": 1}},
        {"experiment_variant": {"at_most": 10}},
    )),
    ("full", "checklist", "required"),
    *(("full", line, LEFT_OUT) for line in (
        "judges", "rule", "p0", "slices", "regression", "latency", "freshness", "drift", "versions", "benchmarks",
        "metrics", "required_logging", "checklist", "minimum_questions", "error_budget", "minimum_judged",
        "settled_passes", "waiver_days",
    )),
    ("held_out", "post_deploy", LEFT_OUT),
]  # fmt: skip

WAIVER = {
    "gate": "threshold[asset_routing]", "model": "any", "owner": "ana", "reason": "later", "granted": "2026-11-01",
    "expires": "2026-12-01",
}  # fmt: skip
ATTESTATION = {
    "row": "sample_size", "by": "ana", "attested_on": "2026-11-01", "evidence": "https://example.com/1",
    "expires": "2026-12-01", "content_sha256": "a" * 64,
}  # fmt: skip
WAIVERS = [
    {"gate": "p0"}, {"gate": "same_questions"}, {"gate": "own_gate"}, {"gate": "treshold[asset_routing]"}, {"gate": 7},
    {"granted": "2026-12-02"}, {"granted": "2026-12-01"}, {"expires": "2027-01-30"}, {"expires": "2027-01-31"},
    {"expires": "20270130"}, {"granted": "2026-W47-5"}, {"expires": "2026-11-31"}, {"expires": "someday"},
    {"expires": "2026-11x30"}, {"expires": None}, {"owner": ""}, {"stage": "prod"}, {"reason": LEFT_OUT}, {"more": 1},
]  # fmt: skip
ATTESTATIONS = [
    {"row": "sample_sise"}, {"row": "offline_evaluation"}, {"row": 1}, {"model_id": "m-" + "0" * 32},
    {"content_sha256": LEFT_OUT}, {"content_sha256": "abc"}, {"attested_on": "2026-12-02"},
    {"attested_on": "2026-12-01"},
    {"attested_on": "yesterday"}, {"expires": "2026/12/01"}, {"by": " "}, {"evidence": LEFT_OUT},
]  # fmt: skip


def with_changes(before, changes):
    if not isinstance(before, dict) or not isinstance(changes, dict):
        return changes
    return {key: value for key, value in {**before, **changes}.items() if value is not LEFT_OUT}


def name_of(value):
    return "left out" if value is LEFT_OUT else json.dumps(value, default=lambda _: "left out", sort_keys=True)


def said_of(parse, document, *more):
    try:
        parse(yaml.safe_dump(document).encode(), *more)
    except (InvalidCriteriaError, InvalidSignOffError) as error:
        found = [f"{found.path} {found.rule}: {found.message} > {found.fix}" for found in error.violations]
        return [f"{error.what.splitlines()[0]} > {error.next_step}", *found]
    return []


CASES = {line: [case for case in LINES if case[1] == line] for _, line, _ in LINES}


@pytest.fixture
def said(criteria_bytes):
    """A function that tries every change of one line, each on its own, and returns what is said."""

    def of(line):
        found = {}
        for scope, _, value in CASES[line]:
            # Through text, so that the aliases of the file become copies that can be changed one by one.
            document = json.loads(json.dumps(load(criteria_bytes, "criteria.yaml")))
            stage = "production" if scope == "held_out" or line == "checklist" else "candidate"
            section = document["stages"][stage][scope]
            merged = with_changes(section.get(line), value) if line in ("judges", "checklist") else value
            document["stages"][stage][scope] = with_changes({**section, line: None}, {line: merged})
            name = f"{scope} {name_of(value)}"
            assert name not in found
            found[name] = said_of(parse_criteria, document, stage)
        return found

    return of


@pytest.mark.parametrize("line", CASES)
def test_every_violation_of_a_line_is_named_as_it_was_agreed(said, line):
    held(line, said(line))


@pytest.mark.parametrize(
    ("kind", "parse", "entry", "changes"),
    [("waivers", parse_waivers, WAIVER, WAIVERS), ("attestations", parse_attestations, ATTESTATION, ATTESTATIONS)],
)
def test_every_violation_of_what_is_signed_is_named_as_it_was_agreed(kind, parse, entry, changes):
    documents = {
        name_of(changed): {"format_version": 1, kind: [entry, with_changes(entry, changed)]} for changed in changes
    }
    held(kind, {name: said_of(parse, document) for name, document in documents.items()})


def held(what, said):
    agreed = json.loads(AGREED.read_text(encoding="utf-8")) if AGREED.exists() else {}
    if os.environ.get("GENIE_WRITE_SENTENCES"):
        AGREED.write_text(json.dumps({**agreed, what: said}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        pytest.fail(f"{AGREED.name} was written anew; read what changed and run again without the variable")
    assert said == agreed[what]

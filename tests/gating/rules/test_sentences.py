"""Every sentence that a gate can say, held word for word in ``sentences.json``.

People act on these sentences, and most tests look at outcomes only. To change one on purpose, run with
``GENIE_WRITE_SENTENCES=1`` and read the difference of the file.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from mlflow_genie_plugin.gating.checklist import ROWS
from mlflow_genie_plugin.gating.criteria import load, parse_criteria
from mlflow_genie_plugin.gating.decide import decide
from mlflow_genie_plugin.gating.observed import BaselineObserved, Hashes, LiveObserved, MetricObserved, RunObserved
from mlflow_genie_plugin.gating.question_observed import FindingObserved
from mlflow_genie_plugin.gating.rules.post_deploy import PROMOTION
from mlflow_genie_plugin.gating.signed import Attestation, SignOffs

REPOSITORY = Path(__file__).parents[3]
SENTENCES = Path(__file__).with_name("sentences.json")
OTHER, LONG = "f" * 64, "9" * 64
POINT = {"rule": "point", "tolerance": 0.02, "minimum_common": 0.8, "no_baseline": "allowed"}
NON_INFERIOR = {"rule": "non_inferior", "margin": 0.05, "minimum_common": 0.8, "no_baseline": "allowed"}
RELEVANCE = {"relevance/mean": {"threshold": 0.7, "greater_is_better": True, "aliases": ["relevance_to_query/mean"]}}
COST = {"cost/p90": {"threshold": 0.05, "greater_is_better": False, "aliases": []}}
BY_CATEGORY = {"judge": "result_correctness", "target": 0.8, "floor": 0.6, "minimum": 10}
PROMPTED = {
    "llm_mode": "settle",
    "llm_prompt": "orders_judge",
    "llm_prompt_version": "3",
    "llm_prompt_sha256": "a" * 64,
}
CORRECT = "threshold[result_correctness]"

# Name → the lines of criteria that are changed, and how the evidence is made.
SCENARIOS = {}


def scenario(name, stage="candidate", scope="full", **lines):
    def add(make):
        assert name not in SCENARIOS
        SCENARIOS[name] = (stage, scope, lines, make)
        return make

    return add


def spoiled(name, **changes):
    scenario(name)(lambda m: m.evidence(**changes))


def rows_of(name, make, **lines):
    scenario(name, **lines)(lambda m: m.evidence(questions=make(m)))


scenario("all right")(lambda m: m.evidence())
scenario("never evaluated")(
    lambda m: m.evidence(model={"evaluation": None, "evaluation_problem": "model m-1 was never evaluated"})
)
scenario("no evaluation, no reason")(lambda m: m.evidence(model={"evaluation": None}))

# Integrity
scenario("edited model")(lambda m: m.evidence(model={"model_problem": "genie_space.json is not what was saved"}))
scenario("unknown hashes")(lambda m: m.evidence(model={"hashes": None}))
scenario("one unknown hash")(lambda m: m.evidence(model={"hashes": Hashes("c" * 64, "b" * 64, None)}))
spoiled("edited result", recorded_sha256=OTHER)
spoiled("result without a digest", recorded_sha256=None)
spoiled("contradicting result", problem="its scores are not what its findings give")
spoiled("running", state="running")
spoiled("no state", state=None)
spoiled("invalid", status="invalid", invalid_reason="the live space changed meanwhile")
spoiled("third attempt", attempts=3)
spoiled("held out for a candidate", scope="held_out")
spoiled("another model's result", model_id="m-7")
spoiled("another model's run", recorded_model_id="m-7")
spoiled("a result of nothing", model_id="")
spoiled("a run of nothing", recorded_model_id=None)
spoiled("another content", hashes=Hashes(OTHER, "b" * 64, "a" * 64))
spoiled("another behaviour", hashes=Hashes("c" * 64, OTHER, "a" * 64))
spoiled("another snapshot", hashes=Hashes("c" * 64, "b" * 64, OTHER))
spoiled("an unknown content", hashes=Hashes(None, "b" * 64, "a" * 64))
spoiled("another space before", live_before=OTHER)
spoiled("another space after", live_after=OTHER)
spoiled("unknown space before", live_before=None)
spoiled("unknown space after", live_after=None)
spoiled("another benchmark set in the run", recorded_benchmarks_sha256=OTHER)
spoiled("another benchmark set stored", stored_benchmarks_sha256=LONG)
spoiled("no benchmark set", stored_benchmarks_sha256=None)
spoiled("planned questions unknown", planned=None)
spoiled("planned ids unknown, all else known", planned=None, planned_count=50)
spoiled("P0 questions unknown", p0=None)
spoiled("fewer planned than rows", planned_count=40)
spoiled("more planned than rows", planned_count=60)
rows_of("a row is missing", lambda m: m.questions(50)[:-1])
rows_of("seven rows are missing", lambda m: m.questions(50)[:-7])
rows_of("a row too many", lambda m: m.questions(51))
rows_of("a row twice", lambda m: [*m.questions(50)[:-1], m.questions(50)[0]])
rows_of("another question", lambda m: m.changed(50, [3, 4], differs="question, expected SQL"))

# Coverage
scenario("one question")(lambda m: m.evidence(count=1, p0_count=1))
scenario("eight questions")(lambda m: m.evidence(count=8))
scenario("no questions")(lambda m: m.evidence(count=0, p0_count=0))
rows_of("one unanswered", lambda m: m.changed(50, [7], answered=False))
rows_of("two unanswered", lambda m: m.changed(50, [7, 8], answered=False))
rows_of("eight unanswered", lambda m: m.changed(50, range(20, 28), answered=False))
rows_of("one errored", lambda m: m.questions(50, errored=[30]))
rows_of("two errored", lambda m: m.questions(50, errored=[30, 31]))
rows_of("seven abstained", lambda m: m.questions(50, abstained=range(30, 37)))
rows_of("a judge missing everywhere", lambda m: [m.without(q, "completeness") for q in m.questions(50)])
rows_of("a word that means nothing", lambda m: m.questions(50, great=[30]))
rows_of("asked once", lambda m: [m.asked_once(q) for q in m.questions(50)],
        judges={"repeatability": {"target": 0.9, "floor": 0.7}})  # fmt: skip
for score in (math.nan, math.inf, -0.1, 1.1):
    rows_of(f"score {score}", lambda m, score=score: [m.scored(m.questions(1)[0], score), *m.questions(50)[1:]])

# P0
rows_of("one P0 failed", lambda m: m.questions(50, failed=[3]))
rows_of("seven P0 failed", lambda m: m.questions(50, failed=range(7)))
rows_of("one P0 open", lambda m: m.questions(50, abstained=[3]))
rows_of("six P0 open, one failed", lambda m: m.questions(50, abstained=range(6), failed=[6]))
rows_of("a P0 without a row", lambda m: m.questions(50)[1:])
rows_of("P0 by a model's word", lambda m: [*map(m.settled, m.questions(8)), *m.questions(50)[8:]])
rows_of("P0 by a model's word that counts", lambda m: [*map(m.settled, m.questions(8)), *m.questions(50)[8:]],
        p0={"judges": ["result_correctness"], "minimum": 1, "settled_passes": "count"})  # fmt: skip
rows_of("P0 judged by two", lambda m: m.questions(50, judge="completeness", failed=[2]),
        p0={"judges": ["result_correctness", "completeness"], "minimum": 1})  # fmt: skip
scenario("no P0")(lambda m: m.evidence(p0_count=0))
scenario("too few P0", p0={"judges": ["result_correctness"], "minimum": 9})(lambda m: m.evidence())
scenario("P0 off", p0={"off": "this space has no priority questions"})(lambda m: m.evidence())

# Thresholds
rows_of("7 of 50 wrong", lambda m: m.questions(50, failed=range(10, 17)))
rows_of("8 of 50 wrong", lambda m: m.questions(50, failed=range(10, 18)))
rows_of("16 of 50 wrong", lambda m: m.questions(50, failed=range(10, 26)))
rows_of("8 of 50 open", lambda m: m.questions(50, abstained=range(10, 18)))
rows_of("nothing judged", lambda m: m.questions(50, errored=range(50)))
rows_of("settled passes", lambda m: [*m.questions(40), *map(m.settled, m.questions(50)[40:])])
rows_of("settled passes do not count", lambda m: [*m.questions(40), *map(m.settled, m.questions(50)[40:])],
        settled_passes="not")  # fmt: skip
for rule in ("lower_bound", "exact"):
    rows_of(f"all right, {rule}", lambda m: m.questions(50), rule=rule)
    rows_of(f"7 of 50 wrong, {rule}", lambda m: m.questions(50, failed=range(10, 17)), rule=rule)
    rows_of(f"8 of 50 wrong, {rule}", lambda m: m.questions(50, failed=range(10, 18)), rule=rule)
    scenario(f"4 of 27 wrong, {rule}", rule=rule)(
        lambda m: m.evidence(count=27, questions=m.questions(27, failed=range(23, 27)))
    )
    scenario(f"floor at the target, {rule}", rule=rule, judges={"result_correctness": {"target": 0.9, "floor": 0.9}})(
        lambda m: m.evidence(questions=m.questions(50, failed=range(10, 15)))
    )

# Latency
for name, seconds in {
    "slow": [2.0] * 44 + [121.0] * 6,
    "half slow": [70.0] * 26 + [1.0] * 24,
    "some unknown": [2.0] * 44 + [None] * 6,
    "half unknown, half slow": [130.0] * 25 + [None] * 25,
    "unknown": [None] * 50,
    "no numbers": [math.nan, math.inf, -1.0, 0.0] + [1.0] * 46,
    "at the limit": [60.0] * 25 + [120.0] * 25,
}.items():
    rows_of(f"latency {name}", lambda m, seconds=seconds: m.timed(m.questions(50), seconds))
scenario("one slow", latency={"p99": 10.25})(
    lambda m: m.evidence(questions=m.timed(m.questions(50), [11.0] + [1.0] * 49))
)
for limit in (0.83, 0.84):
    scenario(f"pace {limit}", latency={"questions_per_minute": limit})(lambda m: m.evidence())
scenario("pace unknown", latency={"questions_per_minute": 1})(lambda m: m.evidence(started_at=""))
scenario("pace backwards", latency={"questions_per_minute": 1})(
    lambda m: m.evidence(started_at="2026-11-20T10:00:01.000Z")
)

# Slices
scenario("weak slice", slices={"category": BY_CATEGORY})(
    lambda m: m.evidence(questions=m.questions(50, failed=range(0, 12, 2)))
)
scenario("small slice", slices={"category": BY_CATEGORY})(
    lambda m: m.evidence(questions=m.entries(50, {n: {"category": "rare"} for n in range(4)}))
)
scenario("small slice that must be assessed", slices={"category": {**BY_CATEGORY, "assess": ["rare", "unheard-of"]}})(
    lambda m: m.evidence(questions=m.entries(50, {n: {"category": "rare"} for n in range(4)}))
)
scenario("no such field", slices={"region": BY_CATEGORY})(lambda m: m.evidence())
scenario("every slice small", slices={"category": {**BY_CATEGORY, "minimum": 26}})(lambda m: m.evidence())
scenario("slices by priority", slices={"priority": BY_CATEGORY})(lambda m: m.evidence())
scenario("slices by list", slices={"tables": {**BY_CATEGORY, "minimum": 1}})(
    lambda m: m.evidence(questions=m.entries(50, {n: {"tables": ["b", "a", "b"]} for n in range(4)}))
)
scenario("slices without values", slices={"x": BY_CATEGORY})(
    lambda m: m.evidence(questions=m.entries(50, {1: {"x": ""}, 2: {"x": []}, 3: {"x": 7}}))
)
scenario("slices, strict", rule="lower_bound", slices={"category": {**BY_CATEGORY, "floor": 0.7}})(
    lambda m: m.evidence(questions=m.questions(50, failed=range(0, 10, 2)))
)
scenario("slices with open questions", slices={"category": BY_CATEGORY})(
    lambda m: m.evidence(questions=m.questions(50, errored=range(0, 14, 2)))
)

# Regression
for name, lost, gained, judge in (
    ("nothing lost", [], [], "result_correctness"),
    ("one lost", [3], [], "result_correctness"),
    ("two lost", [3, 4], [], "result_correctness"),
    ("seven lost, one gained", range(10, 17), [30], "result_correctness"),
    ("another judge lost", [3, 4], [], "completeness"),
):
    for rule, line in (("point", POINT), ("non inferior", NON_INFERIOR)):
        scenario(f"{name}, {rule}", regression={"parent": line})(
            lambda m, lost=lost, gained=gained, judge=judge: m.two_versions(
                m.questions(50, judge=judge, failed=lost), m.questions(50, judge=judge, failed=gained)
            )
        )
scenario("60 the same, non inferior", regression={"parent": NON_INFERIOR})(
    lambda m: m.two_versions(m.questions(60), m.questions(60))
)
scenario("30 of 100 lost, non inferior", regression={"parent": NON_INFERIOR})(
    lambda m: m.two_versions(m.questions(100, failed=range(20, 50)), m.questions(100))
)
scenario("worse by the margin, non inferior", regression={"parent": NON_INFERIOR})(
    lambda m: m.two_versions(m.questions(100, failed=range(20, 26)), m.questions(100))
)
scenario("open now", regression={"parent": POINT})(
    lambda m: m.two_versions(m.questions(50, errored=[20, 21]), m.questions(50, failed=[20]))
)
scenario("open before", regression={"parent": POINT})(
    lambda m: m.two_versions(m.questions(50, failed=[3, 4]), m.questions(50, errored=range(10, 13)))
)
scenario("too many open before", regression={"parent": POINT})(
    lambda m: m.two_versions(m.questions(50), m.questions(50, errored=range(11)))
)
scenario("one judge only", regression={"parent": {**POINT, "judges": ["completeness"]}})(
    lambda m: m.two_versions(m.questions(50, failed=[3, 4]), m.questions(50))
)
scenario(
    "judge of another version", regression={"parent": {**POINT, "judges": ["result_correctness", "completeness"]}}
)(
    lambda m: m.two_versions(
        m.questions(50), m.questions(50), baseline={"judges": {"result_correctness": {"version": "0"}}}
    )
)
scenario("changed questions", regression={"parent": POINT})(
    lambda m: m.two_versions(m.questions(50), m.changed(50, range(5), expected_sql="SELECT 1"))
)
scenario("too many changed questions", regression={"parent": POINT})(
    lambda m: m.two_versions(m.questions(50), m.changed(50, range(11), question="Another?"))
)
scenario("fewer questions than before", regression={"parent": POINT})(
    lambda m: m.two_versions(m.questions(30), m.questions(50))
)
scenario("fewer questions than before, in another scope", regression={"parent": POINT})(
    lambda m: m.two_versions(m.questions(30), m.questions(50), baseline={"scope": "held_out"})
)
scenario("no baseline allowed", regression={"champion": POINT})(lambda m: m.evidence())
scenario("no baseline refused", regression={"champion": {**POINT, "no_baseline": "refused"}})(lambda m: m.evidence())
scenario("nobody looked", regression={"models:/orders/3": POINT})(lambda m: m.evidence())
scenario("baseline with a problem", regression={"parent": POINT})(
    lambda m: m.evidence(model={"baselines": {"parent": BaselineObserved("m-0", problem="m-0 was never evaluated")}})
)
scenario("baseline without an evaluation", regression={"parent": POINT})(
    lambda m: m.evidence(model={"baselines": {"parent": BaselineObserved("m-0")}})
)
for name, changes in {
    "edited": {"recorded_sha256": OTHER},
    "incomplete": {"state": "running"},
    "of another model": {"model_id": "m-7", "recorded_model_id": "m-8"},
    "of nothing": {"model_id": "", "recorded_model_id": None},
    "of other questions": {"stored_benchmarks_sha256": OTHER},
}.items():
    scenario(f"baseline {name}", regression={"parent": POINT})(
        lambda m, changes=changes: m.two_versions(m.questions(50), m.questions(50), baseline=changes)
    )

# Freshness, drift, versions, benchmark set, logging, metrics
for finished in ("2026-10-21T11:59:00Z", "2026-11-19T12:00:00Z", "2026-11-20T12:30:00Z", "yesterday", ""):
    spoiled(f"finished {finished or 'never'}", finished_at=finished)
scenario("no clock")(lambda m: m.evidence(model={"observed_at": ""}))
scenario("fresh for a day", freshness={"days": 1})(lambda m: m.evidence(finished_at="2026-11-18T12:00:00Z"))
for name, live in {
    "same": LiveObserved("c" * 64, "b" * 64),
    "other": LiveObserved(OTHER, OTHER),
    "unknown": LiveObserved(None, None),
    "unread": LiveObserved(problem="nobody is signed in"),
    "unobserved": None,
}.items():
    for same in ("behaviour", "content"):
        scenario(f"live space {name}, {same}", drift={"same": same})(
            lambda m, live=live: m.evidence(model={"live": live})
        )
scenario("live space, unknown version", drift={"same": "content"})(
    lambda m: m.evidence(model={"live": LiveObserved(OTHER, OTHER), "hashes": None})
)
scenario("another version of a judge", versions={"judges": {"result_correctness": "99"}, "prompts": "recorded"})(
    lambda m: m.evidence(judges={"result_correctness": {"version": "1"}})
)
scenario("older judges", versions={"judges": "current", "prompts": "recorded"})(
    lambda m: m.evidence(judges={"result_correctness": {"version": "0"}, "completeness": {}})
)
for name, prompts, facts in (
    ("recorded", "recorded", PROMPTED),
    ("not recorded", "recorded", {**PROMPTED, "llm_prompt_version": ""}),
    ("without a digest", "recorded", {**PROMPTED, "llm_prompt_sha256": ""}),
    ("pinned", {"orders_judge": "3"}, PROMPTED),
    ("another version", {"orders_judge": "2"}, PROMPTED),
    ("not pinned", {"another": "3"}, PROMPTED),
):
    scenario(f"prompt {name}", versions={"judges": "current", "prompts": prompts})(
        lambda m, facts=facts: m.evidence(judges={"result_correctness": {"version": "2", **facts}})
    )
scenario("an accepted benchmark set", benchmarks={"sha256": ["d" * 64, OTHER]})(lambda m: m.evidence())
scenario("another benchmark set", benchmarks={"sha256": [OTHER, LONG]})(lambda m: m.evidence())
scenario("an unknown benchmark set", benchmarks={"sha256": [OTHER]})(
    lambda m: m.evidence(benchmarks_sha256="", recorded_benchmarks_sha256=None, stored_benchmarks_sha256=None)
)
LOGGING = {"params": ["p", "q"], "metrics": ["m"], "tags": ["t"], "artifacts": ["a/b.json"]}
for name, run in {
    "nothing": RunObserved({}, {}, {}, ()),
    "all": RunObserved({"p": "1", "q": "2"}, {"t": "x"}, {"m": 0.0}, ("a/b.json", "c")),
    "blank": RunObserved({"p": " ", "q": "2"}, {"t": ""}, {"m": math.nan}, ("a",)),
    "unlisted": RunObserved({"p": "1", "q": "2"}, {"t": "x"}, {"m": 1.0}, None),
    "no run": None,
}.items():
    scenario(f"logged {name}", required_logging=LOGGING)(lambda m, run=run: m.evidence(model={"run": run}))
for name, line, found in (
    ("reached", RELEVANCE, {"relevance/mean": (0.7, None, None)}),
    ("not reached", RELEVANCE, {"relevance/mean": (0.69, None, None)}),
    ("by its other name", RELEVANCE, {"relevance_to_query/mean": (0.9, 50, 50)}),
    (
        "both names agree",
        RELEVANCE,
        {"relevance/mean": (0.9, None, None), "relevance_to_query/mean": (0.9, None, None)},
    ),
    (
        "both names differ",
        RELEVANCE,
        {"relevance/mean": (0.9, None, None), "relevance_to_query/mean": (0.6, None, None)},
    ),
    ("missing", RELEVANCE, {}),
    ("nan", RELEVANCE, {"relevance/mean": (math.nan, None, None)}),
    ("inf", RELEVANCE, {"relevance/mean": (math.inf, None, None)}),
    ("of few rows", RELEVANCE, {"relevance/mean": (1.0, 10, 2)}),
    ("of no rows", RELEVANCE, {"relevance/mean": (1.0, 0, 0)}),
    ("of nearly all rows", RELEVANCE, {"relevance/mean": (1.0, 50, 49)}),
    ("low enough", COST, {"cost/p90": (0.05, None, None)}),
    ("too high", COST, {"cost/p90": (0.06, None, None)}),
):
    scenario(f"metric {name}", metrics=line)(
        lambda m, found=found: m.evidence(
            model={
                "metrics": {
                    key: MetricObserved(v, f"evaluation run {'r' * 32}", r, a) for key, (v, r, a) in found.items()
                }
            }
        )
    )

# After deployment, and the checklist of a promotion
EARLIER = {"started_at": "2026-11-10T09:00:00.000Z", "finished_at": "2026-11-10T10:00:00.000Z", "run_id": "b" * 32}


def deployed(m, wrong, promotion=None, **before):
    now = m.evidence(100, questions=m.questions(100, failed=wrong), scope="held_out")
    old = m.evidence(100, questions=m.questions(100), **{**EARLIER, **before}).evaluation
    found = promotion if promotion is not None else BaselineObserved("m-1", old)
    return dataclasses.replace(now, baselines={**now.baselines, PROMOTION: found})


HELD_OUT = {"stage": "production", "scope": "held_out"}
scenario("deployed, the same", **HELD_OUT)(lambda m: deployed(m, []))
scenario("deployed, three worse", **HELD_OUT)(lambda m: deployed(m, [20, 21, 22]))
scenario(
    "deployed, three worse, warned", **HELD_OUT, post_deploy={"tolerance": 0.02, "minimum_common": 0.8, "then": "warn"}
)(lambda m: deployed(m, [20, 21, 22]))
scenario("deployed, never promoted", **HELD_OUT)(
    lambda m: deployed(m, [], BaselineObserved(None, absent="the version was never promoted"))
)
scenario("deployed, promotion unreadable", **HELD_OUT)(
    lambda m: deployed(m, [], BaselineObserved("m-1", problem="run b cannot be read"))
)
scenario("deployed, promotion edited", **HELD_OUT)(lambda m: deployed(m, [], recorded_sha256=OTHER))
scenario("deployed, judged before the promotion", **HELD_OUT)(
    lambda m: deployed(m, [], finished_at="2026-11-21T10:00:00.000Z")
)
scenario("deployed, nobody looked", **HELD_OUT)(lambda m: m.evidence(100, questions=m.questions(100), scope="held_out"))


def production(m, facts=(), attestations=(), **changes):
    known = m.evidence(**changes)
    return dataclasses.replace(known, row_facts=tuple(facts), signoffs=SignOffs(tuple(attestations)))


def attested(name, **changes):
    facts = {"row": name, "by": "ana", "attested_on": date(2026, 11, 1), "evidence": "https://example.com/1",
             "expires": date(2026, 11, 30), "model_id": "m-1"}  # fmt: skip
    return Attestation(**{**facts, **changes})


PRODUCTION = {"stage": "production"}
scenario("production, nothing signed", **PRODUCTION)(production)
scenario("production, all attested", **PRODUCTION)(
    lambda m: production(m, attestations=[attested(row) for row in ROWS])
)
scenario("production, expired", **PRODUCTION)(
    lambda m: production(m, attestations=[attested(row, expires=date(2026, 11, 19)) for row in ROWS])
)
scenario("production, not yet", **PRODUCTION)(
    lambda m: production(m, attestations=[attested(row, attested_on=date(2026, 11, 21)) for row in ROWS])
)
scenario("production, of another version", **PRODUCTION)(
    lambda m: production(m, attestations=[attested(row, model_id="m-2") for row in ROWS])
)
scenario("production, bad questions", **PRODUCTION)(
    lambda m: production(m, questions=m.questions(50, failed=range(10, 30)))
)


@pytest.fixture
def m(evidence, questions, two_versions):
    """What scenarios make their evidence with."""

    def changed(count, numbers, **changes):
        return [dataclasses.replace(q, **changes) if n in set(numbers) else q for n, q in enumerate(questions(count))]

    def entries(count, own):
        return [
            dataclasses.replace(q, entry={"priority": q.priority, **own.get(n, {"category": "usual"})})
            for n, q in enumerate(questions(count))
        ]

    def with_finding(question, judge, finding):
        return dataclasses.replace(question, findings={**question.findings, judge: finding})

    return SimpleNamespace(
        evidence=evidence,
        questions=lambda count, judge="result_correctness", **ids: questions(
            count, judge, **{outcome: list(numbers) for outcome, numbers in ids.items()}
        ),
        two_versions=two_versions,
        changed=changed,
        entries=entries,
        timed=lambda rows, seconds: [
            dataclasses.replace(q, latency_seconds=s) for q, s in zip(rows, seconds, strict=True)
        ],
        without=lambda q, judge: dataclasses.replace(
            q, findings={name: finding for name, finding in q.findings.items() if name != judge}
        ),
        settled=lambda q: with_finding(
            q, "result_correctness", FindingObserved("passed", 1.0, "said a model", settled=True)
        ),
        asked_once=lambda q: with_finding(
            q, "repeatability", FindingObserved("abstained", None, "asked once", not_asked=True)
        ),
        scored=lambda q, score: with_finding(q, "result_correctness", FindingObserved("passed", score)),
    )


@cache
def criteria_of(stage, scope, lines):
    document = load((REPOSITORY / "gates" / "criteria.yaml").read_bytes(), "criteria.yaml")
    section, changed = {**document["stages"][stage][scope]}, json.loads(lines)
    judges = {**section["judges"], **changed.pop("judges", {})}
    document["stages"][stage][scope] = {**section, **changed, "judges": judges}
    return parse_criteria(yaml.safe_dump(document).encode(), stage)


def line_of(result):
    """Everything that a result says, on one line; ids are counted where they are many."""
    found = [f"{result.gate}: {result.outcome}"]
    found += [f"{result.measured} of {result.required}"] if result.measured or result.required else []
    found += [numbers_of(result), result.reason, ids_of(result)]
    found += [f"warning: {result.warning}"] if result.warning else []
    for part in result.parts:
        found += [f"{part.name} {part.outcome} {part.measured}", numbers_of(part), part.reason, ids_of(part)]
    # The versions of this plugin's judges are no sentence.
    return re.sub(r"(needed is version|, version) \d+(?= here|;|:|,)", r"\1 N", " | ".join(filter(None, found)))


def numbers_of(result):
    numbers = [*([] if result.value is None else [result.value]), *(result.interval or ())]
    return " ".join(f"{number:.5f}" for number in numbers)


def ids_of(result):
    shown = (
        result.questions if len(result.questions) < 8 else (*result.questions[:2], f"{len(result.questions)} in all")
    )
    return " ".join(shown)


@pytest.fixture
def said(m):
    """Decide on every scenario; return what is said for the first time."""
    seen, found = set(), {}
    for name, (stage, scope, lines, make) in SCENARIOS.items():
        results = decide(criteria_of(stage, scope, json.dumps(lines, sort_keys=True)), make(m))
        told = [line for line in map(line_of, results) if line not in seen]
        seen.update(told)
        found[name] = told
    return found


def test_every_sentence_is_the_one_that_was_agreed(said):
    if os.environ.get("GENIE_WRITE_SENTENCES"):
        SENTENCES.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        pytest.fail(f"{SENTENCES.name} was written anew; read what changed and run again without the variable")
    agreed = json.loads(SENTENCES.read_text(encoding="utf-8"))
    assert list(agreed) == list(said)
    for name, results in said.items():
        assert results == agreed[name], name

"""The plugin as a user meets it: real pytest, a real store, exit codes and marks."""

from __future__ import annotations

import json


def test_a_good_version_passes_and_is_marked(gate_store):
    done = gate_store.pytest("gates/", model=gate_store.good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "genie gate: PASS" in done.stdout
    tags = gate_store.tags(gate_store.good)
    assert tags["genie.gate.candidate.verdict"] == "passed"
    assert tags["genie.gate.candidate.evaluation_run_id"] == gate_store.runs["good"]
    verdict = json.loads((gate_store.project / "genie-verdict" / "candidate" / "verdict.json").read_bytes())
    assert verdict["outcome"] == "passed"
    assert {gate["outcome"] for gate in verdict["gates"]} == {"passed"}


def test_a_wrong_p0_answer_fails_and_is_named(gate_store):
    done = gate_store.pytest("gates/", model=gate_store.bad)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "genie gate: FAIL" in done.stdout
    assert "q003" in done.stdout
    assert gate_store.tags(gate_store.bad)["genie.gate.candidate.verdict"] == "failed"

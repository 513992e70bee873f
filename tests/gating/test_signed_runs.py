"""Real gate runs that rest on something signed, and what verify makes of it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from mlflow_genie_plugin.clock import SYSTEM_CLOCK

pytestmark = pytest.mark.e2e


def waivers(gate, **changes) -> str:
    today = SYSTEM_CLOCK.now().date().isoformat()
    facts = {"gate": gate, "model": "any", "owner": "ana", "reason": "later", "granted": today, "expires": today}
    return json.dumps({"format_version": 1, "waivers": [{**facts, **changes}]})


def lines(done) -> str:
    return " ".join((done.stdout + done.stderr).split())


def test_production_is_undecided_until_every_row_is_attested(gate_store):
    undecided = gate_store.pytest("gates/", "--genie-stage=production", model=gate_store.good)
    assert undecided.returncode == 10, undecided.stdout
    assert f"mlflow-genie attest policy_version --model-id {gate_store.good}" in lines(undecided)
    assert not gate_store.marked(gate_store.good, "production")

    path = gate_store.attest(gate_store.bad)
    assert gate_store.pytest("gates/", "--genie-stage=production", model=gate_store.good).returncode == 10

    gate_store.attest(gate_store.good)
    passed = gate_store.pytest("gates/", "--genie-stage=production", model=gate_store.good)
    assert passed.returncode == 0, passed.stdout
    assert gate_store.marked(gate_store.good, "production")

    # The trusted ref has no attestations: verify does not take those of the change under test.
    import os
    import subprocess
    import sys

    command = [sys.executable, "-m", "mlflow_genie_plugin.cli.main", "verify", "--model-id", gate_store.good]
    environment = {**os.environ, **gate_store.environment}

    def verify(*arguments):
        return subprocess.run(
            [*command, "--stage", "production", *arguments],
            cwd=gate_store.project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert verify().returncode == 0, verify().stdout
    path.unlink()
    without = verify()
    assert without.returncode == 1
    assert "checklist[policy_version]" in without.stdout


def test_a_waived_gate_is_shown_as_failed_and_waived_wherever_the_run_is_reported(gate_store):
    criteria = gate_store.project / "gates" / "criteria.yaml"
    criteria.write_text(criteria.read_text().replace("latency: {p50: 60,", "latency: {p50: 1,"))
    failed = gate_store.pytest("gates/", model=gate_store.good)
    assert failed.returncode == 1, failed.stdout

    signed = gate_store.project / "gates" / "waivers.yaml"
    signed.write_text(waivers("latency[p50]"))
    passed = gate_store.pytest("gates/", "--junitxml=gates.xml", model=gate_store.good)
    assert passed.returncode == 0, passed.stdout
    said = f"failed, waived until {SYSTEM_CLOCK.now().date().isoformat()} by ana"
    assert said in lines(passed)
    assert gate_store.marked(gate_store.good)
    assert gate_store.tags(gate_store.good)["genie.gate.candidate.waived"] == "latency[p50]"
    verdict = json.loads((gate_store.project / "genie-verdict/candidate/verdict.json").read_bytes())
    (waived,) = [gate for gate in verdict["gates"] if gate.get("waived")]
    assert (waived["gate"], waived["outcome"], waived["waived"]["owner"]) == ("latency[p50]", "failed", "ana")
    assert list(verdict["signoffs"]) == ["waivers.yaml"]
    properties = {
        node.get("name"): node.get("value") for node in ET.parse(gate_store.project / "gates.xml").iter("property")
        if node.get("value", "").startswith("failed")
    }  # fmt: skip
    assert said in properties["genie_outcome"]
    assert said in (gate_store.project / "genie-verdict/candidate/report.html").read_text()

    signed.write_text(waivers("latency[p50]", granted="2026-01-01", expires="2026-01-31"))
    expired = gate_store.pytest("gates/", model=gate_store.good)
    assert expired.returncode == 1
    assert "the waiver by ana expired on 2026-01-31" in lines(expired)
    assert not gate_store.marked(gate_store.good)


@pytest.mark.parametrize("gate", ["p0", "same_questions", "evaluation_intact"])
def test_a_file_that_waives_p0_or_the_evidence_stops_the_run(gate_store, gate):
    (gate_store.project / "gates" / "waivers.yaml").write_text(waivers(gate))
    done = gate_store.pytest("gates/", model=gate_store.bad)
    assert done.returncode == 4, done.stdout
    assert f"{gate} can never be waived" in lines(done)
    assert gate_store.tags(gate_store.bad) == {}

"""The commands that people sign with: attest, waive; and history, which shows what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.cli.main import main
from mlflow_genie_plugin.clock import SYSTEM_CLOCK
from mlflow_genie_plugin.gating.signoffs import parse_attestations, parse_waivers

CONTENT = "c" * 64
ATTEST = ("attest", "sample_size", "--content-sha256", CONTENT, "--by", "ana", "--evidence", "https://example.com/7")
WAIVE = ("waive", "threshold[asset_routing]", "--model-id", "any", "--owner", "ana", "--reason", "later")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "gates").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "gates"


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


def test_attest_makes_the_file_and_says_what_comes_next(folder):
    done = run(*ATTEST)
    assert done.exit_code == 0, done.output
    (entry,) = parse_attestations((folder / "attestations.yaml").read_bytes())
    assert (entry.row, entry.by, entry.content_sha256, entry.model_id) == ("sample_size", "ana", CONTENT, None)
    assert (entry.expires - entry.attested_on).days == 90
    assert entry.attested_on == SYSTEM_CLOCK.now().date()
    assert "+- row: sample_size" in done.stdout
    assert "protected branch" in done.stderr


def test_a_dry_run_shows_the_change_and_writes_nothing(folder):
    done = run(*ATTEST, "--dry-run")
    assert done.exit_code == 0
    assert "+- row: sample_size" in done.stdout
    assert not (folder / "attestations.yaml").exists()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_stands_in_the_file_stays_byte_for_byte(folder, newline):
    before = newline.join(
        [
            "# ours",
            "format_version: 1   # do not touch",
            "waivers:",
            "  # the first",
            '  - {gate: "slice[category]", model: any, owner: bo, reason: x, granted: 2026-01-01, expires: 2026-01-31}',
            "",
        ]
    ).encode()
    path = folder / "waivers.yaml"
    path.write_bytes(before)
    done = run(*WAIVE)
    assert done.exit_code == 0, done.output
    assert path.read_bytes().startswith(before)
    assert [waiver.gate for waiver in parse_waivers(path.read_bytes())] == [
        "slice[category]",
        "threshold[asset_routing]",
    ]


def test_a_second_entry_is_added_and_the_same_one_is_not(folder):
    run(*ATTEST)
    again = run(*ATTEST)
    assert "has this entry already" in again.stdout
    run(*ATTEST, "--days", "5")
    assert len(parse_attestations((folder / "attestations.yaml").read_bytes())) == 2


def test_json_says_what_was_written(folder):
    done = run(*WAIVE, "--stage", "candidate", "--days", "7", "--json")
    document = json.loads(done.stdout)
    assert document["written"] is True
    assert document["entry"]["stage"] == "candidate"
    assert Path(document["file"]).name == "waivers.yaml"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("attest", "sample", *ATTEST[2:]), "did you mean 'sample_size'?"),
        (("attest", "offline_evaluation", *ATTEST[2:]), "nobody can attest it"),
        ((*ATTEST[:-1], "on the wiki"), "'on the wiki' is not a link, https://…"),
        ((*ATTEST, "--expires", "2020-01-01"), "is before"),
        ((*ATTEST, "--model-id", "m-1"), "an attestation is about one thing"),
        ((*ATTEST[:2], *ATTEST[4:]), "an attestation is about one thing"),
        (("waive", "p0", *WAIVE[2:]), "p0 can never be waived"),
        (("waive", "same_config", *WAIVE[2:]), "same_config can never be waived"),
        (("waive", "my_gate", *WAIVE[2:]), "there is no gate 'my_gate'"),
        ((*WAIVE, "--days", "91"), "at most 90 days"),
        ((*WAIVE[:-1], " "), "$.waivers[0].reason: it is empty"),
        ((*WAIVE, "--file", "nowhere/waivers.yaml"), "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_signed_is_refused_and_nothing_is_written(folder, arguments, said):
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert list(folder.iterdir()) == []


def test_a_broken_file_is_not_added_to(folder):
    path = folder / "waivers.yaml"
    path.write_text("format_version: 1\nwaivers:\n- gate: p0\n")
    done = run(*WAIVE)
    assert done.exit_code == 2
    assert path.read_text() == "format_version: 1\nwaivers:\n- gate: p0\n"


def test_a_waiver_that_the_criteria_would_not_honour_is_refused(folder):
    import yaml

    from mlflow_genie_plugin.gating.criteria import load
    from mlflow_genie_plugin.gating.suite import packaged_criteria

    document = load(packaged_criteria().read_bytes(), "criteria.yaml")
    document["stages"]["production"]["full"]["waiver_days"] = 10
    (folder / "criteria.yaml").write_text(yaml.safe_dump(document))
    done = run(*WAIVE)
    assert done.exit_code == 2
    assert "allows waivers of 10 days for production" in " ".join(done.stderr.split())
    assert run(*WAIVE, "--stage", "candidate").exit_code == 0
    assert run(*WAIVE, "--days", "10").exit_code == 0


def test_a_version_is_pinned_by_its_id_and_its_history_is_shown(folder, tracking):
    from mlflow_genie_plugin.snapshot.create import create_genie_model_version

    config = {"version": 2, "data_sources": {"tables": [{"identifier": "a.b.c"}]}, "instructions": {}}
    model_id = create_genie_model_version("0" * 32, config, 1, "orders")
    done = run(*ATTEST[:2], "--model-id", f"models:/{model_id}", *ATTEST[4:])
    assert done.exit_code == 0, done.output
    assert parse_attestations((folder / "attestations.yaml").read_bytes())[0].model_id == model_id
    shown = run("history", model_id)
    assert shown.exit_code == 0
    assert f"{model_id} (" in shown.stdout
    assert "0 evaluations, 0 verdicts" in shown.stdout
    assert json.loads(run("history", model_id, "--json").stdout)["events"] == []
    assert run("waive", "threshold[asset_routing]", "--model-id", "m-" + "0" * 32, *WAIVE[4:]).exit_code == 2

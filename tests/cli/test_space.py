import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlflow_genie_plugin.cli.main import main
from mlflow_genie_plugin.space.fingerprint import behaviour_hash, content_hash
from mlflow_genie_plugin.space.parse import parse_space

TEXT_ID = "0f" * 16
SPACE_ID = "ab" * 16


def document():
    return {
        "version": 2,
        "data_sources": {"tables": [{"identifier": "dev.sales.customers"}, {"identifier": "dev.sales.orders"}]},
        "instructions": {"text_instructions": [{"id": TEXT_ID, "content": ["Revenue is net.\n", "Use euros.\n"]}]},
        "benchmarks": {
            "questions": [
                {
                    "id": "1e" * 16,
                    "question": ["How many?"],
                    "answer": [{"format": "SQL", "content": ["SELECT count(*)\n", "FROM dev.sales.orders"]}],
                }
            ]
        },
    }


@pytest.fixture
def write(tmp_path):
    def write(name, value):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return str(path)

    return write


def run(*arguments):
    return CliRunner().invoke(main, ["space", *map(str, arguments)])


def test_validate_accepts_a_good_file(write):
    path = write("good.json", document())
    result = run("validate", path)
    assert (result.exit_code, result.stdout) == (0, f"{path}: valid\n")


def test_validate_prints_every_finding_of_every_file_and_exits_1(write):
    bad = document()
    bad["data_sources"]["tables"].reverse()
    bad["instructions"]["text_instructions"][0]["id"] = "x"
    bad["instructions"]["text_instructions"][0]["content"] = ["a", "b"]
    paths = [write("good.json", document()), write("bad.json", bad)]
    result = run("validate", *paths)
    assert result.exit_code == 1
    assert f"{paths[0]}: valid\n" in result.stdout
    assert "bad.json: not valid, 2 errors, 1 warning" in result.stdout
    for rule in ("[order]", "[id-format]", "[fused-lines]"):
        assert rule in result.stdout
    assert all(len(line) <= 100 for line in result.stdout.split("\n") if str(paths[1]) not in line)
    report = json.loads(run("validate", "--json", *paths).stdout)
    assert report["valid"] is False
    assert [(entry["valid"], entry["errors"], entry["warnings"]) for entry in report["results"]] == [
        (True, 0, 0),
        (False, 2, 1),
    ]
    assert {v["rule"] for v in report["results"][1]["violations"]} == {"order", "id-format", "fused-lines"}


def test_validate_lets_warnings_pass(write):
    advised = document()
    advised["instructions"]["text_instructions"][0]["content"] = ["a", "b"]
    assert run("validate", write("advised.json", advised)).exit_code == 0


def test_validate_calls_the_data_assets_form_invalid_and_an_unreadable_file_bad_input(write):
    assert run("validate", write("old.json", {"data_assets": [], "general_instructions": ""})).exit_code == 1
    cut_off = run("validate", write("cut.json", '{"version": 2'))
    assert cut_off.exit_code == 2
    assert cut_off.stderr.startswith("error[MG206]:")
    assert run("validate", "nowhere.json").exit_code == 2
    report = json.loads(run("validate", "--json", "nowhere.json").stdout)
    assert report["error"]["code"] == "MG206"


def test_hash_prints_both_hashes(write):
    path = write("space.json", document())
    lines = run("hash", path).stdout.split("\n")
    assert lines[:2] == [f"content    {content_hash(document())}", f"behaviour  {behaviour_hash(document())}"]
    assert json.loads(run("hash", "--json", path).stdout) == {
        "content_sha256": content_hash(document()),
        "behaviour_sha256": behaviour_hash(document()),
    }


def test_diff_tells_what_changed_and_whether_answers_can(write):
    after = document()
    after["instructions"]["text_instructions"][0]["content"][0] = "Revenue is gross.\n"
    paths = write("a.json", document()), write("b.json", after)
    result = run("diff", *paths)
    assert result.exit_code == 0
    assert result.stdout == "\n".join(
        [
            "0 added, 0 removed, 1 changed, 3 unchanged",
            '~ instruction "Revenue is gross. Use euros."',
            "    - Revenue is net.",
            "    + Revenue is gross.",
            "Can change answers: yes (instruction).",
            "",
        ]
    )
    assert run("diff", "--exit-code", *paths).exit_code == 1
    assert run("diff", "--exit-code", paths[0], paths[0]).exit_code == 0
    machine = json.loads(run("diff", "--json", *paths).stdout)
    assert machine["different"]
    assert machine["changes_behaviour"]
    assert machine["changes"][0]["key"] == TEXT_ID


def test_show_sums_up_and_exports(write, tmp_path):
    answer = {"space_id": SPACE_ID, "title": "Sales", "warehouse_id": "w", "serialized_space": json.dumps(document())}
    path = write("answer.json", answer)
    shown = run("show", path).stdout
    assert "Sales" in shown
    assert content_hash(document()) in shown
    assert "  dev.sales.orders" in shown
    out = tmp_path / "out" / "sales.geniespace.json"
    assert run("show", path, "-o", out).exit_code == 0
    assert json.loads(out.read_text()) == document()
    assert run("show", path, "--envelope", "-o", out).exit_code == 0
    assert json.loads(out.read_text()) == {"title": "Sales", "warehouse_id": "w", "serialized_space": document()}
    assert parse_space(out.read_text()).envelope.title == "Sales"
    machine = json.loads(run("show", "--json", path).stdout)
    assert machine["serialized_space"] == document()
    assert (machine["space_id"], machine["counts"]["tables"]) == (SPACE_ID, 2)


def test_show_normalise_mends_what_validate_says_it_mends(write, tmp_path):
    bad = document()
    bad["data_sources"]["tables"].reverse()
    path = write("bad.json", bad)
    assert run("validate", path).exit_code == 1
    assert run("show", path, "--normalise", "-o", path).exit_code == 0
    assert run("validate", path).exit_code == 0
    assert run("hash", path).stdout.split()[1] == content_hash(bad)


def test_remap_writes_the_new_config_or_shows_it(write, tmp_path):
    path, out = write("dev.json", document()), tmp_path / "prod.json"
    shown = run("remap", path, "-m", "dev=prod")
    assert shown.exit_code == 0
    assert "+ table prod.sales.orders" in shown.stdout
    written = run("remap", path, "-m", "dev=prod", "--warehouse", "w2", "-o", out)
    assert written.exit_code == 0
    assert "dev." not in out.read_text()
    assert json.loads(out.read_text())["warehouse_id"] == "w2"


def test_remap_writes_nothing_while_an_old_name_is_left(write, tmp_path):
    config = document()
    config["data_sources"]["tables"][0]["identifier"] = "dev.sales"
    path, out = write("dev.json", config), tmp_path / "prod.json"
    result = run("remap", path, "-m", "dev=prod", "-o", out)
    assert result.exit_code == 1
    assert "still mentions dev" in result.stderr
    assert not out.exists()
    assert json.loads(run("remap", "--json", path, "-m", "dev=prod", "-o", out).stdout)["written"] is None


def test_remap_refuses_a_mapping_that_makes_no_sense(write):
    result = run("remap", write("dev.json", document()), "-m", "dev=prod.sales")
    assert result.exit_code == 2
    assert "same number of parts" in result.stderr


def test_merge_writes_what_fits_together_and_lists_what_does_not(write, tmp_path):
    ours, theirs, clash = document(), document(), document()
    ours["instructions"]["text_instructions"][0]["content"] = ["Revenue is gross.\n", "Use euros.\n"]
    theirs["data_sources"]["tables"].append({"identifier": "dev.sales.zones"})
    clash["instructions"]["text_instructions"][0]["content"] = ["Revenue is secret.\n", "Use euros.\n"]
    base_path, ours_path = write("base.json", document()), write("ours.json", ours)
    out = tmp_path / "merged.json"
    assert run("merge", base_path, ours_path, write("theirs.json", theirs), "-o", out).exit_code == 0
    assert "Revenue is gross" in out.read_text()
    assert "dev.sales.zones" in out.read_text()
    out.unlink()
    clash_path = write("clash.json", clash)
    result = run("merge", base_path, ours_path, clash_path, "-o", out)
    assert result.exit_code == 1
    assert "Revenue is secret." in result.stderr
    assert not out.exists()
    assert run("merge", base_path, ours_path, clash_path, "-o", out, "--favour", "ours").exit_code == 0
    assert content_hash(json.loads(out.read_text())) == content_hash(ours)
    assert json.loads(run("merge", "--json", base_path, ours_path, clash_path).stdout)["merged"] is False


def test_an_address_that_names_no_space_is_bad_usage():
    result = run("hash", "https://host/sql/dashboards/1")
    assert result.exit_code == 2
    assert "names no Genie space" in result.stderr


OFFLINE = """
import sys
sys.argv = ["mlflow-genie", *sys.argv[1:]]
from mlflow_genie_plugin.cli.main import main
try:
    main()
except SystemExit as end:
    code = end.code
heavy = {"mlflow", "databricks.sdk", "pandas", "duckdb", "sqlalchemy", "numpy"} & set(sys.modules)
print("HEAVY", sorted(heavy), "CODE", code, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["validate", "bad.json"],
        ["show", "good.json"],
        ["hash", "good.json"],
        ["diff", "good.json", "bad.json"],
        ["remap", "good.json", "-m", "dev=prod"],
        ["merge", "good.json", "good.json", "good.json"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_offline_commands_are_quick_and_load_nothing_heavy(write, tmp_path, arguments):
    bad = document()
    bad["title"] = "x"
    write("good.json", document())
    write("bad.json", bad)
    times = []
    for _ in range(3):
        # Processor time, not the clock: other tests run beside this one.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", OFFLINE, "space", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if times[-1] < 0.5:
            break
    assert f"HEAVY [] CODE {1 if arguments[0] == 'validate' else 0}" in done.stderr
    assert min(times) < 0.5, f"took {min(times):.2f} s"


def test_live_spaces_are_listed_shown_and_compared(local_workspace, tmp_path):
    from mlflow_genie_plugin.emulator.server import SAMPLE_SPACE_ID

    listed = json.loads(run("list", "--json").stdout)
    assert [entry["space_id"] for entry in listed] == [SAMPLE_SPACE_ID]
    assert SAMPLE_SPACE_ID in run("list").stdout
    shown = json.loads(run("show", "--json", f"genie:/{SAMPLE_SPACE_ID}").stdout)
    assert shown["etag"]
    assert shown["title"] == listed[0]["title"]
    out = tmp_path / "live.json"
    address = f"{local_workspace.url}/genie/rooms/{SAMPLE_SPACE_ID}?o=1"
    assert run("show", address, "--envelope", "-o", out).exit_code == 0
    assert run("diff", "--exit-code", SAMPLE_SPACE_ID, out).exit_code == 0
    assert run("validate", SAMPLE_SPACE_ID).exit_code == 0


def test_a_space_that_does_not_exist_is_said_plainly(local_workspace):
    result = run("show", "genie:/" + "0a" * 16)
    assert result.exit_code == 2
    assert result.stderr.startswith("error[MG105]:")
    assert Path(local_workspace.url).name not in result.stderr

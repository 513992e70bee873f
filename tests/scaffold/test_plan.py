import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_genie_plugin.errors import ConflictError, UnreadableFileError, UnsupportedFormatError
from mlflow_genie_plugin.scaffold.plan import State, carry_out, plan_init
from mlflow_genie_plugin.scaffold.record import RECORD, Record, read_record
from mlflow_genie_plugin.scaffold.wanted import Kind, Wanted, wanted_files

GATE = Wanted("gates/test_a.py", b"new gate\n", Kind.GATE)
TEMPLATE = Wanted(".github/workflows/g.yml", b"new workflow\n", Kind.TEMPLATE)
OWN = Wanted("gates/criteria.yaml", b"new numbers\n", Kind.OWN)
SHARED = Wanted("databricks.yml", b"bundle\n", Kind.SHARED)
ALL = [GATE, TEMPLATE, OWN, SHARED]


def plan(directory, wanted=ALL, **options):
    return plan_init(directory, wanted, read_record(directory), ci="github", branch="main", **options)


def put(directory, path, data):
    (directory / path).parent.mkdir(parents=True, exist_ok=True)
    (directory / path).write_bytes(data)


def states(found):
    return {step.path: (step.state, step.action) for step in found.steps}


def contents(directory):
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.relative_to(directory).as_posix() != RECORD
    }


def test_an_empty_folder_gets_everything_and_a_second_time_nothing(tmp_path):
    carry_out(plan(tmp_path))
    assert contents(tmp_path) == {item.path: item.data for item in ALL}
    again = plan(tmp_path)
    assert {step.state for step in again.steps} == {State.SAME}
    before = (tmp_path / RECORD).read_bytes()
    carry_out(again)
    assert (tmp_path / RECORD).read_bytes() == before


def test_a_plan_writes_nothing(tmp_path):
    plan(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("item", [GATE, TEMPLATE])
def test_a_file_of_somebody_else_is_a_conflict_and_then_nothing_is_written(tmp_path, item):
    put(tmp_path, item.path, b"mine\n")
    found = plan(tmp_path)
    assert states(found)[item.path] == (State.FOREIGN, "conflict")
    with pytest.raises(ConflictError):
        carry_out(found)
    assert contents(tmp_path) == {item.path: b"mine\n"}
    carry_out(plan(tmp_path, force=True))
    assert (tmp_path / item.path).read_bytes() == item.data


@pytest.mark.parametrize("item", [OWN, SHARED])
@pytest.mark.parametrize("options", [{}, {"upgrade": True}, {"force": True}])
def test_what_is_the_teams_own_is_never_replaced(tmp_path, item, options):
    put(tmp_path, item.path, b"mine\n")
    found = plan(tmp_path, **options)
    assert states(found)[item.path] == (State.YOURS, "keep")
    carry_out(found)
    assert (tmp_path / item.path).read_bytes() == b"mine\n"


def test_upgrade_refreshes_what_nobody_changed_and_lists_what_somebody_did(tmp_path):
    older = [Wanted(item.path, b"old " + item.data, item.kind) for item in ALL]
    carry_out(plan(tmp_path, older))
    put(tmp_path, TEMPLATE.path, b"my runner\n")
    without = plan(tmp_path)
    assert states(without)[GATE.path] == (State.OLDER, "keep")
    found = plan(tmp_path, upgrade=True)
    assert states(found) == {
        GATE.path: (State.OLDER, "write"),
        TEMPLATE.path: (State.EDITED, "keep"),
        OWN.path: (State.YOURS, "keep"),
        SHARED.path: (State.OLDER, "write"),
    }
    carry_out(found)
    assert (tmp_path / GATE.path).read_bytes() == GATE.data
    assert (tmp_path / TEMPLATE.path).read_bytes() == b"my runner\n"
    # What was kept is still known as changed, not as written by this version.
    assert states(plan(tmp_path, upgrade=True))[TEMPLATE.path] == (State.EDITED, "keep")


def test_a_gate_that_is_no_longer_shipped_is_taken_out_by_upgrade_only_when_unchanged(tmp_path):
    retired = Wanted("gates/test_old.py", b"old\n", Kind.GATE)
    carry_out(plan(tmp_path, [*ALL, retired]))
    assert states(plan(tmp_path))[retired.path] == (State.GONE, "keep")
    put(tmp_path, retired.path, b"changed\n")
    assert states(plan(tmp_path, upgrade=True))[retired.path] == (State.LEFT, "keep")
    put(tmp_path, retired.path, b"old\n")
    carry_out(plan(tmp_path, upgrade=True))
    assert not (tmp_path / retired.path).exists()
    assert retired.path not in read_record(tmp_path).files


def test_gates_of_the_teams_own_are_left_alone(tmp_path):
    carry_out(plan(tmp_path))
    put(tmp_path, "gates/test_ours.py", b"ours\n")
    carry_out(plan(tmp_path, upgrade=True, force=True))
    assert (tmp_path / "gates/test_ours.py").read_bytes() == b"ours\n"


def test_a_record_cannot_lead_out_of_the_gates(tmp_path):
    repository = tmp_path / "repository"
    outside = tmp_path / "test_outside.py"
    outside.write_bytes(b"x")
    (repository / "gates").mkdir(parents=True)
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    record = Record("0", "github", "main", {"gates/../../test_outside.py": digest, "tests/test_b.py": digest})
    put(repository, "tests/test_b.py", b"x")
    found = plan_init(repository, ALL, record, ci="github", branch="main", upgrade=True, force=True)
    assert found.having("remove") == []


@pytest.mark.parametrize("obstacle", ["folder", "link", "linked folder", "file for a folder"])
def test_what_is_no_plain_file_is_in_the_way_even_with_force(tmp_path, obstacle):
    repository, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    repository.mkdir()
    elsewhere.mkdir()
    (elsewhere / "x").write_bytes(b"x")
    if obstacle == "folder":
        (repository / GATE.path).mkdir(parents=True)
    elif obstacle == "link":
        (repository / "gates").mkdir()
        (repository / GATE.path).symlink_to(elsewhere / "x")
    elif obstacle == "linked folder":
        (repository / "gates").symlink_to(elsewhere)
    else:
        (repository / "gates").write_bytes(b"x")
    found = plan_init(repository, [GATE], Record(), ci=None, branch="main", force=True)
    assert states(found)[GATE.path] == (State.BLOCKED, "conflict")
    assert (elsewhere / "x").read_bytes() == b"x"


def test_a_file_that_changed_since_the_plan_stops_it(tmp_path):
    found = plan(tmp_path)
    put(tmp_path, OWN.path, b"meanwhile\n")
    with pytest.raises(ConflictError, match="changed meanwhile"):
        carry_out(found)
    assert contents(tmp_path) == {OWN.path: b"meanwhile\n"}


def test_a_run_that_was_killed_before_the_record_goes_on(tmp_path):
    put(tmp_path, GATE.path, GATE.data)
    carry_out(plan(tmp_path))
    assert set(read_record(tmp_path).files) == {GATE.path, TEMPLATE.path, SHARED.path}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"{", UnreadableFileError),
        (b'{"format_version": 2}', UnsupportedFormatError),
        (b'{"format_version": 1}', UnreadableFileError),
        (
            json.dumps({"format_version": 1, "plugin_version": "1", "ci": "x", "branch": "main", "files": {}}).encode(),
            UnreadableFileError,
        ),
    ],
)
def test_a_record_that_is_none_is_refused(tmp_path, data, error):
    put(tmp_path, RECORD, data)
    with pytest.raises(error):
        read_record(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    there=st.dictionaries(st.sampled_from([item.path for item in ALL]), st.sampled_from([b"a", b"b", b"new gate\n"])),
    recorded=st.booleans(),
    upgrade=st.booleans(),
)
def test_without_force_only_bytes_that_init_wrote_are_ever_replaced(tmp_path_factory, there, recorded, upgrade):
    directory = tmp_path_factory.mktemp("repository")
    if recorded:
        carry_out(plan(directory, [Wanted(item.path, b"a", item.kind) for item in ALL]))
    for path, data in there.items():
        put(directory, path, data)
    before = contents(directory)
    found = plan(directory, upgrade=upgrade)
    if found.having("conflict"):
        with pytest.raises(ConflictError):
            carry_out(found)
        assert contents(directory) == before
        return
    carry_out(found)
    after = contents(directory)
    for path, data in before.items():
        assert after[path] == data or (recorded and upgrade and data == b"a")
    assert set(after) == {*before, *(item.path for item in ALL)}


def test_the_whole_packaged_suite_is_wanted_byte_for_byte():
    from importlib.resources import files

    suite = files("mlflow_genie_plugin.suite")
    wanted = {item.path: item.data for item in wanted_files(None, "main")}
    for entry in suite.iterdir():
        if entry.is_file() and not entry.name.endswith(".pyc"):
            assert wanted[f"gates/{entry.name}"] == entry.read_bytes()


def test_no_token_is_left_in_what_is_written():
    for ci in ("github", "gitlab", "azure", "databricks-job"):
        for item in wanted_files(ci, "trunk"):
            if item.kind in (Kind.TEMPLATE, Kind.SHARED):
                assert not {"@BRANCH@", "@VERSION@", "@CHECKOUT@", "@UPLOAD@"} & set(item.data.decode().split())
                assert b"@BRANCH@" not in item.data

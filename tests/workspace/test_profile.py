import pytest

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
from mlflow_genie_plugin.workspace.profile import resolve_profile

TARGETS = """
bundle: {name: demo}
workspace: {profile: TOP}
targets:
  dev: {default: true, workspace: {profile: DEV}}
  prod: {workspace: {profile: PROD}}
  bare: {}
"""


@pytest.fixture
def bundle(tmp_path, clean_environment):
    folder = tmp_path / "bundle"
    folder.mkdir()

    def write(text):
        (folder / "databricks.yml").write_text(text)
        return folder

    return write


@pytest.mark.parametrize(
    ("profile", "target", "expected"),
    [
        ("MINE", None, ("MINE", "--profile")),
        ("MINE", "prod", ("MINE", "--profile")),
        (None, None, ("DEV", "databricks.yml, target dev")),
        (None, "prod", ("PROD", "databricks.yml, target prod")),
        (None, "bare", ("TOP", "databricks.yml")),
    ],
)
def test_the_argument_then_the_target_then_the_top_level_decides(bundle, profile, target, expected):
    assert resolve_profile(bundle(TARGETS), profile, target) == expected


def test_the_bundle_is_found_in_a_folder_above(bundle):
    inner = bundle(TARGETS) / "a" / "b"
    inner.mkdir(parents=True)
    assert resolve_profile(inner)[0] == "DEV"


def test_the_only_target_counts_without_being_default(bundle):
    assert resolve_profile(bundle("targets: {dev: {workspace: {profile: DEV}}}"))[0] == "DEV"


def test_the_target_of_the_environment_counts(bundle, monkeypatch):
    monkeypatch.setenv("DATABRICKS_BUNDLE_TARGET", "prod")
    assert resolve_profile(bundle(TARGETS))[0] == "PROD"


@pytest.mark.parametrize("text", ["", "bundle: {name: x}", "targets: {a: {}, b: {}}", "workspace:\ntargets:\n"])
def test_a_bundle_that_names_no_profile_leaves_it_to_the_environment(bundle, text, monkeypatch):
    assert resolve_profile(bundle(text)) == (None, "environment or the DEFAULT profile")
    monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "CI")
    assert resolve_profile(bundle(text)) == (None, "profile CI from DATABRICKS_CONFIG_PROFILE")
    monkeypatch.setenv("DATABRICKS_HOST", "https://host")
    assert resolve_profile(bundle(text)) == (None, "environment (DATABRICKS_HOST)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("workspace: [", r"databricks\.yml:1:\d+"),
        ("workspace: {profile: DEV", r"databricks\.yml:\d+:\d+"),
        ("- a list", "the document should be a mapping"),
        ("workspace: DEV", "workspace should be a mapping"),
        ("workspace: {profile: 3}", "workspace.profile is 3"),
        ("targets: {dev: {workspace: {profile: [A]}}}", r"targets\.dev\.workspace\.profile"),
    ],
)
def test_a_malformed_bundle_is_reported_with_the_place(bundle, text, words):
    with pytest.raises(UnreadableFileError, match=words):
        resolve_profile(bundle(text))


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        (TARGETS, "stage", "no target 'stage' .*dev, prod, bare"),
        ("targets: {a: {default: true}, b: {default: true}}", None, "more than one target as default: a, b"),
        ("workspace: {profile: '${var.p}'}", None, "variable"),
        ("targets: {prod: {}}", "prod", "names no workspace.profile"),
    ],
)
def test_what_cannot_be_decided_is_refused(bundle, text, target, words):
    with pytest.raises(UsageError, match=words):
        resolve_profile(bundle(text), target=target)


def test_a_target_without_a_bundle_is_refused(clean_environment, tmp_path):
    with pytest.raises(UsageError, match=r"no databricks\.yml"):
        resolve_profile(tmp_path, target="dev")

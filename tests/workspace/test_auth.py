import logging
import traceback

import pytest

from mlflow_genie_plugin.errors import (
    GenieError,
    NotSignedInError,
    PermissionDeniedError,
    UnreadableFileError,
    UsageError,
    WorkspaceUnavailableError,
)
from mlflow_genie_plugin.workspace.auth import connect

SECRETS = ["planted-token-4711", "planted-account-0815", "planted-host.cloud.databricks.com", "127.0.0.1"]
SPACES = "/api/2.0/genie/spaces"


def write_profiles(home, **profiles):
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        for name, values in profiles.items()
    )
    (home / ".databrickscfg").write_text(text)


def test_no_credentials_says_how_to_get_some(clean_environment, settings):
    with pytest.raises(NotSignedInError, match=r"no Databricks credentials found.*databricks auth login.*local serve"):
        connect(settings=settings)


def test_an_unknown_profile_is_named_with_the_known_ones(clean_environment, settings):
    write_profiles(clean_environment, DEV={"host": "https://planted-host.cloud.databricks.com", "token": SECRETS[0]})
    with pytest.raises(
        NotSignedInError, match=r"profile 'PROD' \(--profile\) is not in .*profiles there: DEV"
    ) as caught:
        connect(profile="PROD", settings=settings)
    assert caught.value.next_step == "databricks auth login --profile PROD, or choose another with --profile"


def test_credentials_of_the_environment_that_are_rejected_are_named(local_workspace, settings, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", SECRETS[0])
    with pytest.raises(NotSignedInError, match="rejects the credentials") as caught:
        connect(settings=settings)
    wanted = "databricks auth login, and unset or correct DATABRICKS_TOKEN of the environment, which comes first"
    assert caught.value.next_step == wanted


@pytest.mark.parametrize("named_by", ["argument", "databricks.yml"])
def test_an_unknown_profile_never_falls_back_to_the_environment(
    clean_environment, settings, script, monkeypatch, tmp_path, named_by
):
    monkeypatch.setenv("DATABRICKS_HOST", script.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", SECRETS[0])
    if named_by == "databricks.yml":
        (tmp_path / "project" / "databricks.yml").write_text("workspace: {profile: PROD}\n")
    with pytest.raises(NotSignedInError, match=r"profile 'PROD' .* \(profiles there: none\)"):
        connect(profile="PROD" if named_by == "argument" else None, settings=settings)
    assert script.requests == []


def test_a_profile_signs_in_and_says_where_it_came_from(clean_environment, settings, script, tmp_path):
    write_profiles(clean_environment, DEV={"host": script.url, "token": SECRETS[0]})
    (tmp_path / "project" / "databricks.yml").write_text("workspace: {profile: DEV}\n")
    workspace = connect(settings=settings)
    assert (workspace.profile, workspace.origin) == ("DEV", "databricks.yml")
    assert workspace.is_local
    assert script.sent("GET", SPACES)


def test_an_environment_that_contradicts_the_profile_is_refused(clean_environment, settings, script, monkeypatch):
    write_profiles(clean_environment, DEV={"host": "https://planted-host.cloud.databricks.com", "token": "x" * 8})
    monkeypatch.setenv("DATABRICKS_HOST", script.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", SECRETS[0])
    with pytest.raises(UsageError, match=r"DATABRICKS_HOST, DATABRICKS_TOKEN .*may mean different workspaces"):
        connect(profile="DEV", settings=settings)
    assert script.requests == []


def test_a_malformed_configuration_file_is_named(clean_environment, settings):
    (clean_environment / ".databrickscfg").write_text("host = https://planted-host.cloud.databricks.com\n")
    with pytest.raises(UnreadableFileError, match=r"\.databrickscfg"):
        connect(settings=settings)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (
            401,
            {"error_code": "UNAUTHENTICATED", "message": "token expired"},
            NotSignedInError,
            "rejects the credentials",
        ),
        (403, {"error_code": "403", "message": "Invalid access token."}, NotSignedInError, "rejects the credentials"),
        (403, {"error_code": "PERMISSION_DENIED", "message": "no Genie"}, PermissionDeniedError, "access to Genie"),
        (404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "No API found"}, GenieError, "enable Genie"),
        (200, "<html>sign in</html>", WorkspaceUnavailableError, "not JSON"),
        (500, {"error_code": "INTERNAL_ERROR", "message": "oops"}, WorkspaceUnavailableError, "oops"),
    ],
)
def test_access_is_proven_with_a_clear_error(workspace, script, status, body, error, words):
    script.on("GET", SPACES, (status, body))
    with pytest.raises(error, match=words):
        workspace.prove_access()


@pytest.mark.parametrize(
    ("host", "least", "most"), [("http://127.0.0.1:9", 0, 5), ("https://workspace.invalid", 20, 60)]
)
def test_an_unreachable_workspace_is_reported_within_the_budget(
    clean_environment, settings, clock, monkeypatch, host, least, most
):
    monkeypatch.setenv("DATABRICKS_HOST", host)
    monkeypatch.setenv("DATABRICKS_TOKEN", SECRETS[0])
    with pytest.raises(WorkspaceUnavailableError, match="no connection"):
        connect(settings=settings, clock=clock)
    assert least < sum(clock.slept) <= most


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"error_code": "UNAUTHENTICATED", "message": "bad token planted-token-4711"}),
        (403, {"error_code": "PERMISSION_DENIED", "message": "account planted-account-0815"}),
        (400, {"error_code": "BAD_REQUEST", "message": "see https://planted-host.cloud.databricks.com/x"}),
        (500, "<html>Bearer planted-token-4711 on 127.0.0.1</html>"),
        (200, "not json planted-token-4711"),
        "drop",
    ],
)
def test_nothing_private_is_in_errors_causes_logs_or_reprs(
    script, settings, clock, clean_environment, monkeypatch, caplog, answer
):
    monkeypatch.setenv("DATABRICKS_HOST", script.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", SECRETS[0])
    monkeypatch.setenv("DATABRICKS_ACCOUNT_ID", SECRETS[1])
    caplog.set_level(logging.DEBUG)
    script.on("GET", SPACES, answer)
    workspace = connect(settings=settings, clock=clock, prove=False)
    with pytest.raises(GenieError) as caught:
        workspace.prove_access()
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=False)
    said = "".join(frames.format()) + repr(caught.value.details) + repr(workspace) + workspace.host_digest
    records = "".join(logging.Formatter().format(record) for record in caplog.records)
    assert caught.value.__cause__ is not None
    for secret in SECRETS:
        assert secret not in said
        assert secret not in records


def test_the_host_digest_names_the_same_host_alike(workspace, script, settings, clock):
    again = connect(settings=settings, clock=clock, prove=False)
    assert again.host_digest == workspace.host_digest
    assert len(workspace.host_digest) == 12


def test_who_we_are_is_asked_once(workspace, script):
    script.on("GET", "/api/2.0/preview/scim/v2/Me", (200, {"userName": "ana"}))
    assert (workspace.user_name, workspace.user_name) == ("ana", "ana")
    assert len(script.sent("GET", "/api/2.0/preview/scim/v2/Me")) == 1

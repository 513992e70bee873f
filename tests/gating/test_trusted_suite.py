"""What is trusted is read from where the verifier says, and from nowhere a change under test could reach."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlflow_genie_plugin.errors import UnreadableFileError, UsageError
from mlflow_genie_plugin.gating.suite import packaged_criteria
from mlflow_genie_plugin.gating.trusted_git import commit_of, file_of
from mlflow_genie_plugin.gating.trusted_suite import trusted_suite


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository whose branch main holds the trusted criteria, and a change that holds others."""
    folder = tmp_path / "repository"
    (folder / "gates").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "gates" / "criteria.yaml").write_text("trusted\n")
    (folder / "gates" / "test_p0.py").write_text("trusted gate\n")
    (folder / "conftest.py").write_text("trusted conftest\n")
    (folder / "benchmarks.yaml").write_text("trusted benchmarks\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "trusted")
    git(folder, "branch", "-M", "main")
    git(folder, "checkout", "-q", "-b", "change")
    (folder / "gates" / "criteria.yaml").write_text("loose\n")
    (folder / "benchmarks.yaml").write_text("easy\n")
    git(folder, "commit", "-q", "-a", "-m", "loose")
    return folder


def test_everything_comes_from_the_ref_and_nothing_is_checked_out(repository):
    before = git(repository, "status", "--porcelain", "--branch")
    trusted = trusted_suite("main", repository)
    assert trusted.criteria() == b"trusted\n"
    assert trusted.named("benchmarks.yaml") == b"trusted benchmarks\n"
    assert trusted.beside("waivers.yaml") is None
    assert trusted.shown == f"commit {git(repository, 'rev-parse', 'main')[:12]} (main)"
    assert git(repository, "status", "--porcelain", "--branch") == before


def test_a_folder_of_the_ref_can_be_named(repository):
    (repository / "strict").mkdir()
    (repository / "strict" / "criteria.yaml").write_text("strict\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "strict")
    assert trusted_suite("change:strict", repository).criteria() == b"strict\n"
    with pytest.raises(UnreadableFileError, match=r"has no nowhere/criteria\.yaml"):
        trusted_suite("change:nowhere", repository).criteria()


@pytest.mark.parametrize(
    ("name", "recorded", "found"),
    [
        ("gates/test_p0.py", "gates/criteria.yaml", b"trusted gate\n"),
        ("checks/test_p0.py", "checks/criteria.yaml", b"trusted gate\n"),
        ("test_p0.py", "criteria.yaml", b"trusted gate\n"),
        ("conftest.py", "gates/criteria.yaml", b"trusted conftest\n"),
        ("gates/none.py", "gates/criteria.yaml", None),
        ("../gates/test_p0.py", "gates/criteria.yaml", None),
        ("gates/../conftest.py", "gates/criteria.yaml", None),
        ("/etc/hostname", "gates/criteria.yaml", None),
    ],
)
@pytest.mark.parametrize("place", ["main", "folder"])
def test_each_file_has_its_counterpart(repository, place, name, recorded, found):
    git(repository, "checkout", "-q", "main")
    trusted = trusted_suite("main" if place == "main" else "./gates", repository)
    assert trusted.counterpart(name, recorded) == found


def test_a_folder_called_like_the_ref_does_not_take_its_place(repository):
    (repository / "main").mkdir()
    (repository / "main" / "criteria.yaml").write_text("loose\n")
    with pytest.raises(UsageError, match="both a folder and a git ref") as caught:
        trusted_suite("main", repository)
    written = "--suite refs/heads/main or refs/remotes/main"
    assert caught.value.next_step == f"give --suite ./main for the folder, {written} for the ref"
    assert trusted_suite(".", repository / "main").criteria() == b"loose\n"
    assert trusted_suite("refs/heads/main", repository).criteria() == b"trusted\n"
    assert trusted_suite("./main", repository).criteria() == b"loose\n"


def test_a_tag_called_like_the_branch_does_not_take_its_place(repository):
    git(repository, "tag", "main", "change")
    with pytest.raises(UsageError, match="refs/tags/main or refs/heads/main"):
        trusted_suite("main", repository)
    with pytest.raises(UsageError, match="can mean"):
        trusted_suite("main~0", repository)
    assert trusted_suite("refs/heads/main", repository).criteria() == b"trusted\n"


def test_a_branch_called_like_a_remote_branch_does_not_take_its_place(repository):
    git(repository, "update-ref", "refs/remotes/origin/main", "main")
    assert trusted_suite("origin/main", repository).criteria() == b"trusted\n"
    git(repository, "branch", "origin/main", "change")
    with pytest.raises(UsageError, match="refs/heads/origin/main or refs/remotes/origin/main"):
        trusted_suite("origin/main", repository)


def test_a_branch_called_like_a_commit_does_not_take_its_place(repository):
    short = git(repository, "rev-parse", "main")[:8]
    assert trusted_suite(short, repository).criteria() == b"trusted\n"
    git(repository, "branch", short, "change")
    with pytest.raises(UsageError, match="the beginning of a commit id"):
        trusted_suite(short, repository)


def test_replaced_objects_are_not_read(repository):
    git(repository, "replace", git(repository, "rev-parse", "main"), git(repository, "rev-parse", "change"))
    assert git(repository, "show", "main:gates/criteria.yaml") == "loose"
    assert trusted_suite("main", repository).criteria() == b"trusted\n"


def test_nothing_that_the_repository_configures_is_run(repository, tmp_path):
    witness = tmp_path / "witness"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {witness}\ncat\n")
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).symlink_to(program)
    (repository / ".gitattributes").write_text("* filter=own diff=own\n")
    for key, value in {
        "core.hooksPath": hooks, "core.fsmonitor": program, "core.pager": program, "filter.own.smudge": program,
        "diff.own.textconv": program, "diff.external": program, "alias.cat-file": f"!{program}",
    }.items():  # fmt: skip
        git(repository, "config", key, str(value))
    witness.unlink(missing_ok=True)
    trusted = trusted_suite("main", repository)
    assert trusted.criteria() == b"trusted\n"
    assert trusted.counterpart("gates/test_p0.py", "gates/criteria.yaml") == b"trusted gate\n"
    assert not witness.exists()


def test_a_link_in_a_commit_leads_nowhere(repository):
    (repository / "gates" / "criteria.yaml").unlink()
    (repository / "gates" / "criteria.yaml").symlink_to("/etc/hostname")
    git(repository, "commit", "-q", "-a", "-m", "link")
    assert trusted_suite("change", repository).criteria() == b"/etc/hostname"


@pytest.mark.parametrize("place", ["no-such-ref", "", "--help", ":gates", "no/such/folder/"])
def test_what_is_neither_folder_nor_commit_is_refused(repository, place):
    with pytest.raises(UsageError):
        trusted_suite(place, repository)


def test_what_is_missing_is_named_with_what_to_give(repository):
    with pytest.raises(UsageError) as caught:
        trusted_suite("no/such/folder/", repository)
    said = (caught.value.what, caught.value.next_step)
    assert said == ("no/such/folder/ has no criteria.yaml", "give the folder of the gates, or a git ref")
    with pytest.raises(UnreadableFileError) as caught:
        trusted_suite("main", repository).named("none.yaml")
    assert caught.value.what.endswith("(main) has no none.yaml")
    assert "of the same folder or commit" in caught.value.next_step
    (repository / "gates" / "criteria.yaml").unlink()
    with pytest.raises(UnreadableFileError) as caught:
        trusted_suite("refs/heads/main:nowhere", repository).criteria()
    assert caught.value.next_step == "give --suite DIR, --suite GIT_REF or --suite GIT_REF:DIR"


def test_a_name_with_two_meanings_is_refused_with_both(repository):
    git(repository, "tag", "main", "change")
    with pytest.raises(UsageError) as caught:
        commit_of("main", repository)
    assert caught.value.what == "main can mean refs/tags/main or refs/heads/main"
    assert caught.value.next_step == "give --suite the one you trust, written in full"
    assert commit_of("refs/tags/main", repository) == git(repository, "rev-parse", "change")


def test_without_git_only_folders_are_suites(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))
    with pytest.raises(UsageError) as caught:
        trusted_suite("main", repository)
    assert caught.value.what.startswith("git cannot be run: ")
    assert caught.value.next_step == "give a folder with --suite"
    assert trusted_suite("./gates", repository).criteria() == b"loose\n"


def test_outside_a_repository_only_folders_are_suites(tmp_path):
    assert commit_of("main", tmp_path) is None
    assert file_of("0" * 40, "x", tmp_path) is None
    with pytest.raises(UsageError, match="neither a folder nor a commit"):
        trusted_suite("main", tmp_path)


def test_without_a_place_the_gates_here_are_trusted_or_else_the_package(repository, tmp_path):
    assert trusted_suite(None, repository).criteria() == b"loose\n"
    assert trusted_suite(None, repository).recorded_criteria == "gates/criteria.yaml"
    package = trusted_suite(None, tmp_path)
    assert package.criteria() == packaged_criteria().read_bytes()
    assert package.shown == "the installed package"

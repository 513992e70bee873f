"""The files that a repository gets: the packaged suite as it is now, and the templates of one CI system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable

from mlflow_genie_plugin import __version__

SUITE = "mlflow_genie_plugin.suite"
GATES = "gates"
CRITERIA = f"{GATES}/criteria.yaml"
BENCHMARKS = "benchmarks.yaml"
VERSION_FILE = "genie-version.txt"
NO_VERSION = b"none\n"

# CI system → file in the repository → template.
CI_FILES = {
    "github": {
        ".github/workflows/genie-gates.yml": "github-gates.yml",
        ".github/workflows/genie-release.yml": "github-release.yml",
    },
    "gitlab": {".gitlab-ci.yml": "gitlab-root.yml", ".gitlab/genie.gitlab-ci.yml": "gitlab.yml"},
    "azure": {
        "azure-pipelines/genie-gates.yml": "azure-gates.yml",
        "azure-pipelines/genie-release.yml": "azure-release.yml",
    },
    "databricks-job": {
        "databricks.yml": "bundle.yml",
        "resources/genie_gates.job.yml": "bundle-jobs.yml",
        f"{GATES}/databricks_task.py": "databricks_task.py",
    },
}

# Files that may be there already for other things → what they must hold then, and how to say it.
ADD_BY_HAND = {
    ".gitignore": ("genie-verdict", "genie-verdict/ and genie-*.xml, which gate runs leave"),
    ".gitlab-ci.yml": (
        ".gitlab/genie.gitlab-ci.yml",
        "under include:  - local: .gitlab/genie.gitlab-ci.yml   (and the stages gates, verify, promote)",
    ),
    "databricks.yml": (
        "resources/",
        "under include:  - resources/*.yml   (and the variables reader, verifier, verdicts)",
    ),
}

# By commit, because a tag can be moved.
_ACTIONS = {
    "@CHECKOUT@": "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
    "@SETUP_PYTHON@": "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0",
    "@UPLOAD@": "actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0",
    "@DOWNLOAD@": "actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131 # v7.0.0",
}


class Kind(StrEnum):
    """Whose a file is.

    A gate stays as shipped, a template may be adapted, what is the team's own is written once. A shared file is a
    template that many repositories have already for other things; theirs is kept, and a line has to be added by hand.
    """

    GATE = "gate"
    TEMPLATE = "template"
    OWN = "own"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that the repository should have; ``path`` is relative, with slashes."""

    path: str
    data: bytes
    kind: Kind


def wanted_files(ci: str | None, branch: str, benchmarks: bytes | None = None) -> list[Wanted]:
    """Return every file of a repository with the gates, in the order they are listed.

    Args:
        ci: A key of ``CI_FILES``, or None for no CI system.
        branch: The protected branch.
        benchmarks: The benchmarks file; None for one without questions.
    """
    requirement = f"mlflow-genie-plugin=={__version__}\n".encode()
    return [
        *_suite(files(SUITE), GATES),
        Wanted(f"{GATES}/requirements.txt", requirement, Kind.TEMPLATE),
        Wanted(f"{GATES}/.gitattributes", _template("gitattributes"), Kind.TEMPLATE),
        Wanted(BENCHMARKS, benchmarks or _template("benchmarks.yaml"), Kind.OWN),
        Wanted(VERSION_FILE, NO_VERSION, Kind.OWN),
        Wanted(".gitignore", _template("gitignore"), Kind.SHARED),
        *(
            Wanted(path, rendered(template, branch), Kind.SHARED if path in ADD_BY_HAND else Kind.TEMPLATE)
            for path, template in CI_FILES.get(ci or "", {}).items()
        ),
    ]


def rendered(template: str, branch: str) -> bytes:
    """Return a template with the protected branch, this package's version and the pinned actions filled in."""
    text = _template(template).decode()
    for token, value in {**_ACTIONS, "@BRANCH@": branch, "@VERSION@": __version__}.items():
        text = text.replace(token, value)
    return text.encode()


def pytest_ini() -> Wanted:
    """Return the pytest settings of a repository that has none."""
    return Wanted("pytest.ini", _template("pytest.ini"), Kind.TEMPLATE)


def _suite(folder: Traversable, path: str) -> Iterator[Wanted]:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _suite(entry, f"{path}/{entry.name}")
        elif not entry.name.endswith(".pyc"):
            kind = Kind.GATE if entry.name.endswith(".py") else Kind.OWN
            yield Wanted(f"{path}/{entry.name}", entry.read_bytes(), kind)


def _template(name: str) -> bytes:
    return files(__package__).joinpath("templates", name).read_bytes()

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def _fenced_blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in re.finditer(r"(?ms)^```(\w*)\n(.*?)^```$", text)
    ]


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Every page a person reads, by its path in the repository."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(found)}


@pytest.fixture(scope="session")
def blocks(pages) -> list[Block]:
    """Every fenced block of these pages."""
    return [block for page in pages for block in _fenced_blocks(page)]


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The documentation site, built strictly: every warning of MkDocs is an error."""
    if any(importlib.util.find_spec(name) is None for name in ("mkdocs", "material")):
        if os.environ.get("GENIE_REQUIRE_DOCS"):
            pytest.fail("MkDocs or its theme is not installed, and GENIE_REQUIRE_DOCS is set")
        pytest.skip("MkDocs or its theme is not installed")
    target = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return target

"""The rows of TPC-H as Parquet files, generated once into a folder that later runs find again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from mlflow_genie_plugin.emulator.sample_tables import TABLES
from mlflow_genie_plugin.errors import MissingExtraError, UnwritableFileError


def generate_tpch(directory: Path, scale: float = 0.01) -> Path:
    """Return the folder with one Parquet file per table, made on the first call.

    Raises:
        MissingExtraError: The generator is not installed.
        UnwritableFileError: The files cannot be written.
    """
    target = Path(directory).resolve() / f"tpch-{scale:g}"
    if target.is_dir():
        return target
    generator = shutil.which("tpchgen-cli", path=os.pathsep.join(_script_folders()))
    if generator is None:
        raise MissingExtraError(
            "the sample data needs tpchgen-cli, which is not installed",
            next_step="run: pip install 'mlflow-genie-plugin[local]'",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tpch-") as unfinished:
            made = Path(unfinished) / "made"
            made.mkdir()
            command = [generator, "parquet", "-s", f"{scale:g}", f"--output-dir={made}", "--quiet"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            absent = [name for name in TABLES if not (made / f"{name}.parquet").is_file()]
            if done.returncode or absent:
                reason = (done.stderr.strip().splitlines() or [f"no file for {', '.join(absent)}"])[-1]
                raise UnwritableFileError(
                    f"the sample data could not be generated in {directory}: {reason}",
                    next_step="free disk space or choose another folder",
                )
            _publish(made, target)
    except OSError as exc:
        raise UnwritableFileError(
            f"the sample data cannot be written to {directory}: {exc}",
            next_step="free disk space or choose another folder",
        ) from exc
    return target


def _publish(made: Path, target: Path) -> None:
    """Put the finished folder in place at once; another process that was faster made the same files."""
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _script_folders() -> list[str]:
    # Beside this interpreter first, so that a virtual environment works without being activated.
    return [
        str(Path(sys.executable).parent),
        sysconfig.get_path("scripts"),
        *os.environ.get("PATH", os.defpath).split(os.pathsep),
    ]

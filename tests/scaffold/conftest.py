import pytest

from mlflow_genie_plugin.scaffold.wanted import CI_FILES, wanted_files


@pytest.fixture(scope="session")
def pipelines(tmp_path_factory):
    """CI system → folder with the files that init writes for it."""
    folders = {}
    for ci in CI_FILES:
        folder = tmp_path_factory.mktemp(ci)
        for item in wanted_files(ci, "main"):
            path = folder / item.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item.data)
        folders[ci] = folder
    return folders

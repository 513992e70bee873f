"""What a person sees in MLflow's own pages after the quickstart, in a real browser."""

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.fixture(scope="module")
def ui(quickstart, mlflow_ui):
    return mlflow_ui(f"sqlite:///{quickstart.directory / 'mlflow.db'}")


def test_the_versions_page_lists_both_snapshots(ui, page_text, quickstart):
    page = page_text(f"{ui}/#/experiments/{quickstart.experiment_id}/models")
    assert quickstart.good_name in page
    assert quickstart.bad_name in page


def test_the_version_page_shows_params_and_lineage(ui, page_text, quickstart):
    page = page_text(f"{ui}/#/experiments/{quickstart.experiment_id}/models/{quickstart.bad['model_id']}")
    assert "parent_model_id" in page
    assert quickstart.good["model_id"] in page
    assert "behaviour_sha256" in page


def test_the_evaluation_shows_a_trace_a_question(ui, page_text, quickstart):
    run = f"runs/{quickstart.good['evaluation_run_id']}/traces"
    page = page_text(f"{ui}/#/experiments/{quickstart.experiment_id}/{run}")
    # Of many columns MLflow's table shows the first ten; a trace shows all judges, see the pages of planted faults.
    assert "asset_routing" in page

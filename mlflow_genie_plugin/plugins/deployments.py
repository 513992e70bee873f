"""The MLflow deployments target ``genie``: a deployment is a space, deploying a model is a guarded restore to it.

MLflow finds the client class, ``run_local`` and ``target_help`` in this module; it allows exactly one client class.
Its interface names an ``endpoint`` everywhere; a space has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow.deployments import BaseDeploymentClient, PredictionsResponse

from mlflow_genie_plugin.errors import ConflictError, UsageError
from mlflow_genie_plugin.flavor.layout import DEFAULT_MODEL_CONFIG, FLAVOR_NAME
from mlflow_genie_plugin.plugins.deployment_arguments import (
    flag,
    inputs_of,
    options_of,
    plain_cell,
    space_id_named,
    version_held,
)
from mlflow_genie_plugin.plugins.deployment_error import DeploymentError, as_mlflow_errors
from mlflow_genie_plugin.settings import resolve_settings

if TYPE_CHECKING:
    from mlflow_genie_plugin.flavor.load import Snapshot
    from mlflow_genie_plugin.workspace.live_space import LiveSpace
    from mlflow_genie_plugin.workspace.port import Workspace


class GenieDeploymentClient(BaseDeploymentClient):
    """Deploys saved spaces. The name of a deployment is a space's id, address or exact title.

    Args:
        target_uri: ``genie``, or ``genie:/PROFILE`` for a Databricks profile.
    """

    def __init__(self, target_uri: str) -> None:
        super().__init__(target_uri)  # type: ignore[no-untyped-call]
        self._profile = target_uri.partition(":")[2].strip("/") or None
        self._connected: dict[str | None, Workspace] = {}

    def create_deployment(
        self,
        name: str,
        model_uri: str,
        flavor: str | None = None,
        config: Mapping[str, Any] | None = None,
        endpoint: str | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Put the model back into the space and prove it by reading the space again.

        Refused when the space holds something that is no saved version (an edit nobody saved), unless
        ``-C force=true``.

        Args:
            name: Space id, address or exact title.
            model_uri: The version to deploy.
            flavor: ``genie-space`` or None.
            config: ``space_id``, ``profile``, ``force``, ``with_benchmarks``, ``include``, ``break_glass``.
            endpoint: Not used.
        """
        with as_mlflow_errors():
            return self._deploy(name, model_uri, flavor, config)

    def update_deployment(
        self,
        name: str,
        model_uri: str | None = None,
        flavor: str | None = None,
        config: Mapping[str, Any] | None = None,
        endpoint: str | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Do the same as :meth:`create_deployment`."""
        with as_mlflow_errors():
            if model_uri is None:
                raise UsageError("no model is given", next_step="give the version to deploy: -m models:/…")
            return self._deploy(name, model_uri, flavor, config)

    def delete_deployment(
        self,
        name: str,
        config: Mapping[str, Any] | None = None,  # noqa: ARG002
        endpoint: str | None = None,  # noqa: ARG002
    ) -> None:
        """Do nothing to the space: nothing here ever trashes one, because its conversations would be lost for good."""
        import logging

        logging.getLogger(__name__).warning("space %s is left as it is; move it to the trash in the workspace", name)

    def list_deployments(self, endpoint: str | None = None) -> list[dict[str, Any]]:  # noqa: ARG002
        """Return the spaces this identity can see."""
        with as_mlflow_errors():
            return [
                {"name": space.space_id, "title": space.title, "flavor": FLAVOR_NAME}
                for space in self._workspace(None).spaces.list_spaces()
            ]

    def get_deployment(self, name: str, endpoint: str | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Return the live space's hashes and the saved version it holds (None: it was edited since, or never saved)."""
        from mlflow_genie_plugin.snapshot.capture import config_of

        with as_mlflow_errors():
            live = self._live(name, {}, self._workspace(None))
            now = config_of(live)
            held = version_held(live)
            return {
                "name": name,
                "flavor": FLAVOR_NAME,
                "space_id": live.space_id,
                "title": live.title,
                "warehouse_id": live.warehouse_id,
                "etag": live.etag,
                "content_sha256": now.content_sha256,
                "behaviour_sha256": now.behaviour_sha256,
                "model_id": held.model_id if held else None,
            }

    def predict(
        self,
        deployment_name: str | None = None,
        inputs: Any = None,
        endpoint: str | None = None,  # noqa: ARG002
    ) -> PredictionsResponse:
        """Ask the live space, whatever it holds now.

        Args:
            deployment_name: Space id, address or exact title.
            inputs: As for the model's ``predict``: a question, a list, ``{"question": …}``, a one-column DataFrame.
            endpoint: Not used.
        """
        from mlflow_genie_plugin.flavor.pyfunc import GenieSpaceModel
        from mlflow_genie_plugin.snapshot.capture import config_of

        with as_mlflow_errors():
            if not deployment_name:
                raise UsageError("no deployment is given", next_step="give --name: a space id, address or exact title")
            workspace = self._workspace(None)
            live = self._live(deployment_name, {}, workspace)
            config = {
                **DEFAULT_MODEL_CONFIG,
                "space_id": live.space_id,
                "profile": self._profile,
                # The live space is what is asked; there is no model it could have drifted from.
                "allow_drift": True,
            }
            frame = GenieSpaceModel(config_of(live), None, config, workspace=workspace).predict(inputs_of(inputs))
            rows = [{key: plain_cell(value) for key, value in row.items()} for row in frame.to_dict(orient="records")]
            return PredictionsResponse({"predictions": rows})

    def _deploy(
        self, name: str, model_uri: str, flavor: str | None, config: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        from mlflow_genie_plugin.flavor.load import read_snapshot
        from mlflow_genie_plugin.snapshot.plan_restore import plan_restore
        from mlflow_genie_plugin.snapshot.restore import apply_restore

        options = options_of(config)
        force, with_benchmarks = flag(options, "force"), flag(options, "with_benchmarks")
        if flavor not in (None, FLAVOR_NAME):
            raise UsageError(f"flavor {flavor} cannot be deployed here", next_step=f"the flavor is {FLAVOR_NAME}")
        settings = resolve_settings()
        snapshot = read_snapshot(model_uri)
        workspace = self._workspace(options.get("profile"))
        live = self._live(name, options, workspace)
        include = [part for part in str(options.get("include", "")).split(",") if part.strip()]
        plan = plan_restore(snapshot, live, keep_benchmarks=not with_benchmarks, include=include)
        if plan.changes_config and not force and version_held(live) is None:
            raise ConflictError(
                f'space "{live.title}" ({live.space_id}) holds a configuration that was never saved; '
                "nothing was written",
                next_step="save it with mlflow-genie snapshot, or overwrite it with -C force=true",
            )

        def guard(version: Snapshot, space_id: str) -> None:
            from mlflow_genie_plugin.gating.guard import require_verified

            require_verified(version, space_id, settings=settings, break_glass_reason=options.get("break_glass"))

        result = apply_restore(
            plan,
            workspace,
            guard=guard,
            settings=settings,
            snapshot=snapshot,
            break_glass_reason=options.get("break_glass"),
        )
        return {"name": name, "flavor": FLAVOR_NAME, **result.to_json()}

    def _workspace(self, profile: str | None) -> Workspace:
        from mlflow_genie_plugin.workspace.auth import connect

        chosen = profile or self._profile
        if chosen not in self._connected:
            self._connected[chosen] = connect(profile=chosen, settings=resolve_settings())
        return self._connected[chosen]

    def _live(self, name: str, options: Mapping[str, str], workspace: Workspace) -> LiveSpace:
        return workspace.spaces.get_space(space_id_named(options.get("space_id") or name, workspace))


def run_local(name: str, model_uri: str, flavor: str | None = None, config: Mapping[str, Any] | None = None) -> None:
    """Refuse: a space runs in a workspace; the local one is started from the command line."""
    del name, model_uri, flavor, config
    raise DeploymentError(
        UsageError(
            "a Genie space cannot run as a local process",
            next_step="start the local workspace with mlflow-genie local serve, set the variables it prints, "
            "then run mlflow deployments create -t genie",
        )
    )


def target_help() -> str:
    """Return what ``mlflow deployments help -t genie`` prints."""
    return """Target genie: deploys models of flavor genie-space to Databricks Genie Spaces.

Target URI: genie, or genie:/PROFILE for a Databricks profile.
Name:       the space's id, its browser address, or its exact title.

create, update   put the model back into the space: the live configuration is saved as a model version first,
                 written with its etag, read back and compared. Production spaces take only verified versions.
get, list        the live space and the version it holds; the spaces you can see
predict          ask the live space: -I FILE with {"question": ["…"]} or {"inputs": ["…"]}
delete           never touches the space

Config (-C NAME=VALUE):
  space_id         write to this space, whatever the name says
  profile          Databricks profile
  force            true: also overwrite an edit that nobody saved as a version
  with_benchmarks  true: also put back the model's benchmark questions
  include          deployment fields too: title,description,warehouse,folder
  break_glass      reason for writing an unverified version to a production space; recorded
"""

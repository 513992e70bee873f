"""A small client of the control API, for tests and scripts; the standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from mlflow_genie_plugin.errors import UsageError, WorkspaceUnavailableError


class LocalControl:
    """Changes what a running local workspace does.

    Args:
        url: Host of the workspace.
        token: The owner's token.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def reset(self, seed: int | None = None) -> None:
        """Forget all state and behaviour, add the sample space again; ``seed`` makes ids repeat from here."""
        self._call("POST", "/local/reset", {} if seed is None else {"seed": seed})

    def seed(self, seed: int) -> None:
        """Reset with ids that repeat."""
        self.reset(seed)

    def configure(self, **values: Any) -> dict[str, Any]:
        """Set any of the behaviour's fields (see ``Behaviour``) and return all of them."""
        return dict(self._call("PATCH", "/local/behaviour", values))

    def behaviour(self) -> dict[str, Any]:
        """Return how the workspace behaves now."""
        return dict(self._call("GET", "/local/behaviour"))

    def latency(self, seconds: float) -> None:
        """Let answers take this long."""
        self.configure(latency_seconds=seconds, polls_until_done=None)

    def transition(self, polls: int | None) -> None:
        """Let an answer be complete at its n-th poll; None goes back to time."""
        self.configure(polls_until_done=polls)

    def quota(self, questions_per_minute: int, *, in_message: bool = False, retry_after: bool = True) -> None:
        """Limit questions a minute; over it come HTTP 429, or failed messages with ``in_message``."""
        self.configure(
            questions_per_minute=questions_per_minute, quota_in_message=in_message, retry_after_header=retry_after
        )

    def read_lag(self, seconds: float) -> None:
        """Let reads show a space as it was for this long after an update."""
        self.configure(read_lag_seconds=seconds)

    def row_cap(self, rows: int) -> None:
        """Set the most rows that the query-result API returns."""
        self.configure(row_cap=rows)

    def advance_clock(self, seconds: float) -> None:
        """Move the workspace's clock forward."""
        self.configure(clock_offset_seconds=self.behaviour()["clock_offset_seconds"] + seconds)

    def fault(self, route: str, **fields: Any) -> None:
        """Let a route go wrong; fields of ``Fault`` are status, error_code, message, times, skip and more."""
        self._call("POST", "/local/faults", {"route": route, **fields})

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._call("DELETE", "/local/faults")

    def script_answer(self, **fields: Any) -> None:
        """Decide the next answer; the fields are those of ``ScriptedAnswer``: status, question, sql, text and more."""
        self._call("POST", "/local/answers", fields)

    def clear_answers(self) -> None:
        """Let every question be answered by the space again."""
        self._call("DELETE", "/local/answers")

    def space(self, space_id: str) -> dict[str, Any]:
        """Return a space as stored, whatever a lagging read shows."""
        return dict(self._call("GET", f"/local/spaces/{space_id}"))

    def load_space(
        self,
        document: Mapping[str, Any],
        *,
        title: str | None = None,
        description: str | None = None,
        space_id: str | None = None,
        generate: bool = False,
    ) -> dict[str, Any]:
        """Bring a space in; ``generate`` first makes small tables for what it names.

        Returns:
            ``space`` (its id and title) and ``generated`` (a line for each table, metric view or function made).
        """
        body = {
            "serialized_space": json.dumps(document),
            "title": title,
            "description": description,
            "space_id": space_id,
            "generate": generate,
        }
        return dict(self._call("POST", "/local/spaces", body))

    def edit_space(self, space_id: str, document: Mapping[str, Any] | None = None, **fields: str) -> dict[str, Any]:
        """Edit a space as a person in the browser would; ``document`` replaces its configuration."""
        body: dict[str, Any] = dict(fields)
        if document is not None:
            body["serialized_space"] = json.dumps(document)
        return dict(self._call("PATCH", f"/local/spaces/{space_id}", body))

    def trash_space(self, space_id: str) -> None:
        """Move a space to the trash."""
        self._call("DELETE", f"/local/spaces/{space_id}")

    def add_sample(self) -> None:
        """Put the sample space back as it was at first."""
        self._call("POST", "/local/sample", {})

    def set_tags(self, table: str, tags: Mapping[str, str], *, column: str = "") -> None:
        """Replace the Unity Catalog tags of a table, or of one of its columns; a reset leaves them."""
        self._call("PUT", "/local/tags", {"table": table, "column": column, "tags": dict(tags)})

    def end_evaluation(self, run_id: str, status: str) -> None:
        """Let an evaluation run end now as DONE, EVALUATION_FAILED, EVALUATION_CANCELLED or EVALUATION_TIMEOUT."""
        self._call("POST", f"/local/evaluations/{run_id}/end", {"status": status})

    def expire_evaluation(self, run_id: str) -> None:
        """Drop the rows that an evaluation run keeps; its SQL stays."""
        self._call("POST", f"/local/evaluations/{run_id}/expire", {})

    def requests(self, route: str = "") -> list[dict[str, Any]]:
        """Return the requests received, oldest first; those of the control API are not among them."""
        found: list[dict[str, Any]] = self._call("GET", f"/local/requests?{urlencode({'route': route})}")["requests"]
        return found

    def clear_requests(self) -> None:
        """Forget the requests received."""
        self._call("DELETE", "/local/requests")

    def add_identity(self, user_name: str, *, level: str | None = None, space_id: str | None = None) -> str:
        """Add a user without administrator rights and return the token; ``level`` is given on ``space_id``."""
        body = {"user_name": user_name, "level": level, "space_id": space_id}
        return str(self._call("POST", "/local/identities", body)["token"])

    def expire_token(self, token: str | None = None, *, expired: bool = True) -> None:
        """Let a token (the owner's by default) be refused from now on, or again accepted."""
        self._call("POST", "/local/expire-token", {"token": token, "expired": expired})

    def coverage(self) -> list[dict[str, str]]:
        """Return all routes with name, method and path."""
        routes: list[dict[str, str]] = self._call("GET", "/local/coverage")["routes"]
        return routes

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the local workspace's own http address
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            method=method,
        )
        # The workspace is on this machine: a proxy from the environment must not get in between.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            message = json.loads(error.read()).get("message", error.reason)
            raise UsageError(f"the local workspace refused {method} {path}: {message}") from error
        except OSError as error:
            raise WorkspaceUnavailableError(
                f"there is no local workspace at {self._url}",
                next_step="start one with: mlflow-genie local serve",
            ) from error

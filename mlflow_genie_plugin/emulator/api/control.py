"""Routes under ``/local``: what a test does to the workspace from outside; they need the owner's token."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, TypeVar

from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route
from mlflow_genie_plugin.emulator.api_errors import invalid, missing
from mlflow_genie_plugin.emulator.behaviour import Fault, ScriptedAnswer
from mlflow_genie_plugin.emulator.export_rules import accept_export
from mlflow_genie_plugin.emulator.messages import TERMINAL
from mlflow_genie_plugin.emulator.space import Space, space_body
from mlflow_genie_plugin.emulator.world import WAREHOUSE_ID
from mlflow_genie_plugin.errors import UsageError

_FIELDS = ("title", "description", "warehouse_id", "parent_path", "serialized_space")
Values = TypeVar("Values", Fault, ScriptedAnswer)


def reset(request: ApiRequest) -> Any:
    seed = request.fields().get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise invalid(f"seed must be a whole number, got {seed!r}")
    request.world.reset(seed)
    return {}


def get_behaviour(request: ApiRequest) -> Any:
    return request.world.controls.behaviour.to_json()


def set_behaviour(request: ApiRequest) -> Any:
    return request.world.set_behaviour(request.fields()).to_json()


def add_fault(request: ApiRequest) -> Any:
    fault = _values(Fault, request.fields())
    if fault.drop not in {"", "before", "after"}:
        raise invalid(f"drop must be 'before' or 'after', got '{fault.drop}'")
    names = {route.name for route in request.routes}
    if fault.route != "*" and fault.route not in names:
        raise invalid(f"there is no route '{fault.route}'; known are {', '.join(sorted(names))}")
    with request.world.controls.lock:
        request.world.controls.faults.append(fault)
    return asdict(fault)


def list_faults(request: ApiRequest) -> Any:
    return {"faults": [asdict(fault) for fault in request.world.controls.faults]}


def clear_faults(request: ApiRequest) -> Any:
    with request.world.controls.lock:
        request.world.controls.faults.clear()
    return {}


def script_answer(request: ApiRequest) -> Any:
    answer = _values(ScriptedAnswer, request.fields())
    if answer.status not in TERMINAL:
        raise invalid(f"status must be one of {', '.join(sorted(TERMINAL))}, got '{answer.status}'")
    with request.world.controls.lock:
        request.world.controls.scripted.append(answer)
    return asdict(answer)


def clear_answers(request: ApiRequest) -> Any:
    with request.world.controls.lock:
        request.world.controls.scripted.clear()
    return {}


def load_space(request: ApiRequest) -> Any:
    """Bring a space in as it was exported; with ``generate``, first make small tables for what it names."""
    world = request.world
    text = request.text("serialized_space", required=True) or ""
    document = accept_export(text)
    made: list[str] = []
    if request.fields().get("generate"):
        made = world.warehouse.generate(document)
    with world.lock:
        wanted = request.text("space_id")
        space = world.spaces.create(
            world.identities.by_token[world.identities.owner_token],
            serialized_space=text,
            warehouse_id=WAREHOUSE_ID,
            title=request.text("title"),
            description=request.text("description"),
            space_id=None if wanted and world.spaces.get(wanted) else wanted,
        )
    return {"space": space_body(space, with_config=False), "generated": made}


def edit_space(request: ApiRequest) -> Any:
    """Edit a space as a person in the browser would: at once, whatever its etag, without faults or lag of the API."""
    with request.world.lock:
        changes = {name: request.text(name) for name in _FIELDS}
        after = request.world.spaces.update(_live(request), changes, lagging=False)
    return space_body(after, with_config=True)


def get_space(request: ApiRequest) -> Any:
    return space_body(_live(request), with_config=True)


def trash_space(request: ApiRequest) -> Any:
    with request.world.lock:
        space = _live(request)
        request.world.conversations.delete_of_space(space.space_id)
        request.world.spaces.trash(space)
    return {}


def add_sample(request: ApiRequest) -> Any:
    space = request.world.add_sample()
    if space is None:
        raise missing("this workspace was started without the sample space")
    return space_body(space, with_config=False)


def set_tags(request: ApiRequest) -> Any:
    tags = request.fields().get("tags")
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise invalid("tags must be an object of strings")
    try:
        request.world.warehouse.engine.set_tags(
            request.text("table", required=True) or "", tags, column=request.text("column") or ""
        )
    except UsageError as error:
        raise invalid(str(error)) from None
    return {}


def end_evaluation(request: ApiRequest) -> Any:
    run = request.world.evaluations.end(request.path["eval_run_id"], request.text("status", required=True) or "")
    return {"eval_run_id": run.run_id, "eval_run_status": run.status}


def expire_evaluation(request: ApiRequest) -> Any:
    return {"eval_run_id": request.world.evaluations.expire(request.path["eval_run_id"]).run_id}


def list_requests(request: ApiRequest) -> Any:
    wanted = request.query.get("route", "")
    found = [item for item in list(request.world.controls.requests) if wanted in {"", item.route}]
    return {"requests": [item.to_json() for item in found]}


def clear_requests(request: ApiRequest) -> Any:
    request.world.controls.requests.clear()
    return {}


def add_identity(request: ApiRequest) -> Any:
    user_name = request.text("user_name", required=True) or ""
    token = request.world.add_identity(user_name, request.text("level"), request.text("space_id"))
    return {"user_name": user_name, "token": token}


def expire_token(request: ApiRequest) -> Any:
    identities = request.world.identities
    token = request.text("token") or identities.owner_token
    if token not in identities.by_token:
        raise missing("there is no such token")
    if request.fields().get("expired", True):
        identities.expired.add(token)
    else:
        identities.expired.discard(token)
    return {}


def coverage(request: ApiRequest) -> Any:
    routes = [asdict_route(route) for route in request.routes]
    return {"routes": sorted(routes, key=lambda item: item["name"])}


def asdict_route(route: Route) -> dict[str, str]:
    """Return a route for the table of what is implemented."""
    return {"name": route.name, "method": route.method, "path": route.template}


def _live(request: ApiRequest) -> Space:
    space = request.world.live_space(request.path["space_id"])
    if space is None:
        raise missing(f"there is no space {request.path['space_id']}")
    return space


def _values(kind: type[Values], given: dict[str, Any]) -> Values:
    known = {item.name for item in fields(kind)} - {"seen", "served"}
    if unknown := sorted(set(given) - known):
        raise invalid(f"unknown field '{unknown[0]}'; known are {', '.join(sorted(known))}")
    try:
        return kind(**given)
    except TypeError as error:
        raise invalid(str(error)) from None


ROUTES = [
    Route("local.reset", "POST", "/local/reset", reset, blocking=True),
    Route("local.behaviour", "GET", "/local/behaviour", get_behaviour),
    Route("local.set_behaviour", "PATCH", "/local/behaviour", set_behaviour),
    Route("local.add_fault", "POST", "/local/faults", add_fault),
    Route("local.list_faults", "GET", "/local/faults", list_faults),
    Route("local.clear_faults", "DELETE", "/local/faults", clear_faults),
    Route("local.script_answer", "POST", "/local/answers", script_answer),
    Route("local.clear_answers", "DELETE", "/local/answers", clear_answers),
    Route("local.load_space", "POST", "/local/spaces", load_space, blocking=True),
    Route("local.get_space", "GET", "/local/spaces/{space_id}", get_space),
    Route("local.edit_space", "PATCH", "/local/spaces/{space_id}", edit_space),
    Route("local.trash_space", "DELETE", "/local/spaces/{space_id}", trash_space),
    Route("local.add_sample", "POST", "/local/sample", add_sample),
    Route("local.set_tags", "PUT", "/local/tags", set_tags),
    Route("local.end_evaluation", "POST", "/local/evaluations/{eval_run_id}/end", end_evaluation),
    Route("local.expire_evaluation", "POST", "/local/evaluations/{eval_run_id}/expire", expire_evaluation),
    Route("local.list_requests", "GET", "/local/requests", list_requests),
    Route("local.clear_requests", "DELETE", "/local/requests", clear_requests),
    Route("local.add_identity", "POST", "/local/identities", add_identity),
    Route("local.expire_token", "POST", "/local/expire-token", expire_token),
    Route("local.coverage", "GET", "/local/coverage", coverage),
]

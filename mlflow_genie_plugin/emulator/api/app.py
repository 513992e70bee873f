"""The workspace over HTTP: sign-in, routing, injected faults, the request log, errors in the platform's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mlflow_genie_plugin.emulator.api import (
    catalog,
    control,
    conversations,
    downloads,
    evaluations,
    spaces,
    statements,
    workspace,
)
from mlflow_genie_plugin.emulator.api.routing import ApiRequest, Route, Router
from mlflow_genie_plugin.emulator.api_errors import ApiError, bad_request, unauthenticated
from mlflow_genie_plugin.emulator.behaviour import Fault, ReceivedRequest
from mlflow_genie_plugin.emulator.identities import Identity
from mlflow_genie_plugin.emulator.world import World
from mlflow_genie_plugin.errors import GenieError

ROUTES: list[Route] = [
    *spaces.ROUTES,
    *conversations.ROUTES,
    *downloads.ROUTES,
    *evaluations.ROUTES,
    *statements.ROUTES,
    *catalog.ROUTES,
    *workspace.ROUTES,
    *control.ROUTES,
]
_LOG = logging.getLogger(__name__)
_NOBODY = Identity("", 0)
_LARGEST_BODY = 64 * 1024 * 1024


def make_app(world: World, drop_connection: Callable[[Any], None]) -> ASGIApp:
    """Return the ASGI application for ``world``; ``drop_connection`` closes a client's connection at once."""
    router = Router.of(ROUTES)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        response = await _respond(world, router, request, body)
        if response is None:
            drop_connection(scope.get("client"))
            return
        await response(scope, receive, send)

    return app


async def _respond(world: World, router: Router, request: Request, body: bytes) -> Response | None:
    method, path = request.method, request.url.path
    name, user = "unknown", _NOBODY
    fault: Fault | None = None
    try:
        route, parameters = router.find(method, path)
        name = route.name
        user = _signed_in(world, route, request.headers.get("authorization", ""))
        controls_itself = name.startswith("local.")
        fault = None if controls_itself else world.controls.take_fault(name)
        if fault is not None and (early := await _apply(fault)) is not _GO_ON:
            _log(world, request, name, user, fault.status, body)
            return early
        call = ApiRequest(world, router.routes, user, parameters, _query(request), _json(body), _base(request))
        value = await _call(route, call)
        response = _answer(value)
    except ApiError as error:
        response = _refusal(error)
    except GenieError as error:
        response = _refusal(ApiError(500, "INTERNAL_ERROR", str(error)))
    except Exception as error:  # noqa: BLE001 - the last boundary before HTTP
        # A defect of ours, answered as the platform answers its own; the traceback is for whoever runs the server.
        _LOG.exception("%s failed", name)
        response = _refusal(ApiError(500, "INTERNAL_ERROR", f"{name}: {type(error).__name__}: {error}"))
    if not name.startswith("local."):
        _log(world, request, name, user, response.status_code, body)
    return None if fault is not None and fault.drop == "after" else response


_GO_ON = Response()


async def _apply(fault: Fault) -> Response | None:
    if fault.delay_seconds:
        await asyncio.sleep(fault.delay_seconds)
    if fault.drop == "before":
        return None
    if fault.status and not fault.drop:
        code = fault.error_code or _CODES.get(fault.status, "INTERNAL_ERROR")
        return _refusal(ApiError(fault.status, code, fault.message, fault.retry_after))
    return _GO_ON


_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


async def _call(route: Route, call: ApiRequest) -> Any:
    if route.blocking:
        return await run_in_threadpool(route.handler, call)
    return route.handler(call)


def _signed_in(world: World, route: Route, authorization: str) -> Identity:
    if route.open:
        return _NOBODY
    if route.name.startswith("local."):
        if not world.identities.opens_control(authorization):
            raise unauthenticated("the control API needs the token that the local workspace printed when it started")
        return world.identities.by_token[world.identities.owner_token]
    return world.identities.of_header(authorization)


def _query(request: Request) -> dict[str, str]:
    text = request.scope["query_string"].decode("latin-1")
    return dict(parse_qsl(text, keep_blank_values=True)) if text else {}


def _json(body: bytes) -> Any:
    if not body:
        return None
    if len(body) > _LARGEST_BODY:
        raise bad_request("Request body is too large")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: not JSON") from None


def _answer(value: Any) -> Response:
    if isinstance(value, str):
        return PlainTextResponse(value)
    return Response(orjson.dumps(value), media_type="application/json")


def _refusal(error: ApiError) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return Response(orjson.dumps(error.body()), error.status, headers, "application/json")


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _log(world: World, request: Request, name: str, user: Identity, status: int, body: bytes) -> None:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    world.controls.requests.append(
        ReceivedRequest(request.method, path, name, status, user.user_name, world.controls.now(), body)
    )

"""Routes of the workspace: a method, a path template, the SDK's name of the call, and a handler without HTTP in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow_genie_plugin.emulator.api_errors import ApiError, bad_request, invalid

if TYPE_CHECKING:
    from mlflow_genie_plugin.emulator.identities import Identity
    from mlflow_genie_plugin.emulator.world import World


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request after routing and sign-in; ``routes`` are all there are."""

    world: World
    routes: Sequence[Route]
    identity: Identity
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    base_url: str = ""

    def text(self, name: str, *, required: bool = False) -> str | None:
        """Return a string field of the body."""
        value = self.fields().get(name)
        if value is None:
            if required:
                raise invalid(f"Missing required field: {name}")
            return None
        if not isinstance(value, str):
            raise bad_request(f"Could not parse request object: Expected a string for {name}")
        return value

    def fields(self) -> dict[str, Any]:
        """Return the body as an object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise bad_request("Could not parse request object: Expected a JSON object")
        return self.body

    def page(self, default: int = 20, maximum: int = 100) -> tuple[int, int]:
        """Return (offset, size) from page_token and page_size."""
        return page_bounds(self.query, default, maximum)


Handler = Callable[[ApiRequest], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API.

    Attributes:
        name: Name of the SDK call, for example ``genie.get_space``.
        method: HTTP method.
        template: Path with ``{names}``; ``{name:path}`` may contain slashes.
        handler: Returns the JSON body, or raises :class:`ApiError`.
        blocking: The handler runs SQL or waits, so it is run on a thread.
        open: Needs no sign-in.
    """

    name: str
    method: str
    template: str
    handler: Handler
    blocking: bool = False
    open: bool = False


@dataclass(slots=True)
class Router:
    """Finds the route of a request."""

    routes: list[Route] = field(default_factory=list)
    _compiled: dict[str, list[tuple[re.Pattern[str], Route]]] = field(default_factory=dict)

    @classmethod
    def of(cls, routes: Iterable[Route]) -> Router:
        router = cls()
        names: set[str] = set()
        for route in routes:
            if route.name in names:
                raise ValueError(f"two routes are called {route.name}")
            names.add(route.name)
            router.routes.append(route)
            router._compiled.setdefault(route.method, []).append((_pattern(route.template), route))
        return router

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and its path parameters.

        Raises:
            ApiError: 501 naming the route, so that a gap is never mistaken for an answer.
        """
        for pattern, route in self._compiled.get(method, ()):
            if match := pattern.fullmatch(path):
                return route, match.groupdict()
        raise ApiError(
            501,
            "NOT_IMPLEMENTED",
            f"the local workspace does not implement {method} {path}; see docs/local-workspace.md",
        )


def page_bounds(query: dict[str, str], default: int, maximum: int) -> tuple[int, int]:
    """Return (offset, size) from ``page_token`` and ``page_size``.

    Raises:
        ApiError: A size that is no number, or a token this workspace did not give out.
    """
    size_text, token = query.get("page_size", ""), query.get("page_token", "")
    try:
        size = int(size_text) if size_text else default
    except ValueError:
        raise invalid(f"Invalid page_size: {size_text}") from None
    if size < 0:
        raise invalid(f"Invalid page_size: {size_text}")
    if token and not (token.startswith("offset-") and token[7:].isdigit()):
        raise invalid(f"Invalid page_token: {token}")
    return (int(token[7:]) if token else 0), min(size or default, maximum)


def page_of(items: list[Any], bounds: tuple[int, int], key: str) -> dict[str, Any]:
    """Return one page of ``items`` under ``key``, with the token of the next page when there is one."""
    offset, size = bounds
    page: dict[str, Any] = {key: items[offset : offset + size]}
    if offset + size < len(items):
        page["next_page_token"] = f"offset-{offset + size}"
    return page


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", template)
    text = ""
    for index in range(0, len(parts), 3):
        text += re.escape(parts[index])
        if index + 1 < len(parts):
            text += f"(?P<{parts[index + 1]}>{'.+' if parts[index + 2] else '[^/]+'})"
    return re.compile(text)

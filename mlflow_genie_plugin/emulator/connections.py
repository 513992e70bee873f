"""Open connections of the server, so that a fault can cut one as a network would."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """Knows the transport of each client address."""

    def __init__(self) -> None:
        self._transports: dict[Any, asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """Return the server's HTTP protocol, with its connections registered here."""
        transports = self._transports

        class Registered(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                transports[transport.get_extra_info("peername")] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername"), None)
                super().connection_lost(exc)

        return Registered

    def drop(self, client: Any) -> None:
        """Close the client's connection without an answer."""
        transport = self._transports.get(tuple(client) if client else None)
        if transport is not None:
            transport.abort()

"""How the workspace says no: an HTTP status, an error code the SDK maps to an exception, and a message."""

from __future__ import annotations


class ApiError(Exception):
    """An answer other than 2xx, as the REST API words it.

    Args:
        status: HTTP status.
        error_code: The platform's code, for example ``INVALID_PARAMETER_VALUE``.
        message: Text shown to the caller.
        retry_after: Seconds for the ``Retry-After`` header; None sends none.
    """

    def __init__(self, status: int, error_code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.retry_after = retry_after

    def body(self) -> dict[str, str]:
        """Return the JSON body of the answer."""
        return {"error_code": self.error_code, "message": self.message}


def invalid(message: str) -> ApiError:
    """A parameter is wrong (400)."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def bad_request(message: str) -> ApiError:
    """The request itself is malformed (400)."""
    return ApiError(400, "BAD_REQUEST", message)


def missing(message: str) -> ApiError:
    """The thing named does not exist (404)."""
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def unauthenticated(message: str) -> ApiError:
    """No or wrong credentials (401)."""
    return ApiError(401, "UNAUTHENTICATED", message)


def denied(message: str) -> ApiError:
    """The identity may not do this (403)."""
    return ApiError(403, "PERMISSION_DENIED", message)


def aborted(message: str) -> ApiError:
    """Someone else changed the thing meanwhile (409)."""
    return ApiError(409, "ABORTED", message)


def too_many(message: str, retry_after: int | None) -> ApiError:
    """Slow down (429)."""
    return ApiError(429, "RESOURCE_EXHAUSTED", message, retry_after)

"""Who calls: tokens, users, and whether a token is still good."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlflow_genie_plugin.emulator.api_errors import unauthenticated

OWNER = "owner@local.workspace"


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the workspace. Administrators may do everything, as in the cloud."""

    user_name: str
    user_id: int
    is_admin: bool = False


@dataclass(slots=True)
class Identities:
    """Tokens and the users behind them; the owner's token also opens the control API, even when expired."""

    owner_token: str
    by_token: dict[str, Identity] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.by_token.setdefault(self.owner_token, Identity(OWNER, 1001, is_admin=True))

    def add(self, user_name: str, token: str, *, is_admin: bool = False) -> Identity:
        identity = Identity(user_name, 1001 + len(self.by_token), is_admin)
        self.by_token[token] = identity
        return identity

    def of_header(self, authorization: str) -> Identity:
        """Return the identity behind an Authorization header.

        Raises:
            ApiError: 401 when there is none, it is unknown, or it has expired.
        """
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or not token:
            raise unauthenticated("Credential was not sent or was of an unsupported type for this API.")
        identity = self.by_token.get(token)
        if identity is None:
            raise unauthenticated("Invalid access token.")
        if token in self.expired:
            raise unauthenticated("The access token has expired.")
        return identity

    def opens_control(self, authorization: str) -> bool:
        return authorization == f"Bearer {self.owner_token}"

"""How does a request fail? One named error for each scimType and each other status (RFC 7644 3.12)."""

from typing import ClassVar

ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """What the client is told: a status, perhaps a scimType, and what to do next."""

    status: ClassVar[int] = 400
    scim_type: ClassVar[str] = ""

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}

    def body(self) -> dict[str, object]:
        body: dict[str, object] = {"schemas": [ERROR_URN], "status": str(self.status), "detail": self.detail}
        if self.scim_type:
            body["scimType"] = self.scim_type
        return body


class InvalidFilter(ScimError):
    """The filter's syntax, or an attribute and operator that don't go together."""

    scim_type = "invalidFilter"


class InvalidSyntax(ScimError):
    """The body isn't what the request needs."""

    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """A PATCH path that is malformed or names nothing in the schemas."""

    scim_type = "invalidPath"


class UnknownAttribute(InvalidPath):
    """A PATCH path that can be read, and names an attribute that no schema has."""


class NoTarget(ScimError):
    """A PATCH path that hits nothing."""

    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value is missing, or of the wrong type."""

    scim_type = "invalidValue"


class Mutability(ScimError):
    """An attempt to change what is read-only, or to remove what is required."""

    scim_type = "mutability"


class TooMany(ScimError):
    """The request asks for more work than one request may."""

    scim_type = "tooMany"


class Uniqueness(ScimError):
    status = 409
    scim_type = "uniqueness"


class Unauthorized(ScimError):
    """No credential, or one that isn't valid."""

    status = 401

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="scim"'})


class Forbidden(ScimError):
    status = 403


class Missing(ScimError):
    """No such resource, or no such path."""

    status = 404


class NotAllowed(ScimError):
    status = 405

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"{method} can't be used here; use {allowed}", headers={"Allow": allowed})


class PreconditionFailed(ScimError):
    """If-Match names another version than the present one."""

    status = 412


class TooLarge(ScimError):
    status = 413


class UnsupportedMediaType(ScimError):
    status = 415


class TooManyRequests(ScimError):
    """Overload protection (T15)."""

    status = 429

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Failed(ScimError):
    """A fault of ours."""

    status = 500


class Unsupported(ScimError):
    status = 501


class Unavailable(ScimError):
    """The database can't be reached (T29)."""

    status = 503

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})

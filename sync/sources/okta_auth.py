"""How do we sign in to Okta? With an API token, or as a service app by private_key_jwt (RFC 7523).

| Okta answers the token request | that is |
| --- | --- |
| 200, Bearer | a token for an hour, kept in memory and renewed 60 s before its end |
| 200, DPoP; 400 invalid_dpop_proof, use_dpop_nonce | DPoP is required: it must be switched off at the app |
| 400, 401 | refused; what it says beside its code isn't repeated, it may hold what was sent |
| 429, 5xx, anything else | later |
"""

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sync.ports import Transient, Unauthorized
from sync.pulled import Incomplete
from sync.sources.http import Answer, Caller
from sync.sources.okta_rate import wait_after_429

SCOPES = ("okta.groups.read", "okta.users.read")
EARLY = 60.0  #: seconds before its end a token is renewed
ASSERTION_SECONDS = 300  #: Okta allows an hour
TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105
DPOP_OFF = (
    "Okta wants DPoP from this app, which isn't supported: in the app's General Settings untick "
    "'Require Demonstrating Proof of Possession (DPoP) header in token requests'"
)
_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HINTS = {
    "invalid_client": "check client_id, private_key and key_id, and this machine's clock",
    "invalid_scope": f"grant {' and '.join(SCOPES)} to the app (Okta API Scopes)",
    "unauthorized_client": "the app must be of type API Services",
}


class SignIn(Protocol):
    def authorization(self) -> tuple[str, str]:
        """Scheme and token. Raises Transient, Unauthorized."""

    def renew(self) -> bool:
        """The token was refused: whether another can be had."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    token: str = field(repr=False)

    def authorization(self) -> tuple[str, str]:
        return "SSWS", self.token

    def renew(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the algorithm that it signs with."""

    key: Any = field(repr=False)
    algorithm: str
    id: str

    @classmethod
    def of(cls, text: str, id: str = "") -> "SigningKey":
        """From PEM or from a JWK, as Okta's console shows them. Raises ValueError, without the key in it."""
        key, algorithm = None, None
        try:
            if text.lstrip().startswith("{"):
                found = json.loads(text)
                id = id or str(found.get("kid", ""))
                key = jwt.PyJWK(found, algorithm="RS256" if found.get("kty") == "RSA" else "ES256").key
            else:
                key = load_pem_private_key(text.encode(), None)
        except Exception:  # whatever the libraries raise may quote the key
            key = None
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
            algorithm = "RS256"
        elif isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            algorithm = "ES256"
        if algorithm is None:
            raise ValueError(
                "private_key must be an RSA key of 2048 bits or more, or an EC key on P-256, "
                "as PEM without a passphrase or as JWK"
            )
        return cls(key, algorithm, id)


@dataclass(slots=True)
class ServiceApp:
    """`clock`: the time that the assertion bears, aware UTC."""

    caller: Caller
    client_id: str
    key: SigningKey
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    granted: frozenset[str] = frozenset()  #: scopes of the last token
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    def authorization(self) -> tuple[str, str]:
        if not self._token or self.monotonic() >= self._until:
            self._ask()
        return "Bearer", self._token

    def renew(self) -> bool:
        self._token = ""
        return True

    def _ask(self) -> None:
        asked = self.monotonic()
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(SCOPES),
            "client_assertion_type": _TYPE,
            "client_assertion": self._assertion(),
        }
        answer = self.caller.send("POST", TOKEN_PATH, form=form)
        if answer.status != 200:
            self._refuse(answer)
        fields = answer.json()
        kind, token, lasts = (fields.get(name) for name in ("token_type", "access_token", "expires_in"))
        if isinstance(kind, str) and kind.lower() == "dpop":
            raise Unauthorized(DPOP_OFF)
        if not isinstance(kind, str) or kind.lower() != "bearer" or not _is_token(token):
            raise Incomplete("Okta's token answer holds no bearer token")
        if isinstance(lasts, bool) or not isinstance(lasts, int) or lasts < 1:
            raise Incomplete("Okta's token answer doesn't say how long the token is good")
        scope = fields.get("scope")
        self.granted = frozenset(scope.split()[:100]) if isinstance(scope, str) else frozenset()
        self._token, self._until = str(token), asked + max(0.0, min(lasts, 3600) - EARLY)

    def _assertion(self) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.caller.base + TOKEN_PATH,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        headers = {"kid": self.key.id} if self.key.id else None
        return jwt.encode(claims, self.key.key, algorithm=self.key.algorithm, headers=headers)

    def _refuse(self, answer: Answer) -> None:
        if answer.status == 429:
            wait = wait_after_429(answer, 0, self.clock())
            raise Transient("Okta is asked for too many tokens (429)", retry_after=wait)
        if 300 <= answer.status < 400:
            raise Transient(
                f"Okta gives no token now ({answer.status}): it redirects, which isn't followed; "
                "check org_url"
            )
        if answer.status not in (400, 401, 403):
            raise Transient(f"Okta gives no token now ({answer.status})")
        code = _error(answer)
        if code in ("invalid_dpop_proof", "use_dpop_nonce"):
            raise Unauthorized(DPOP_OFF)
        hint = _HINTS.get(code, "check the service app")
        raise Unauthorized(f"Okta refuses the service app ({code or answer.status}): {hint}")


def _error(answer: Answer) -> str:
    try:
        code = answer.json().get("error")
    except Incomplete:
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code) else ""


def _is_token(token: object) -> bool:
    return isinstance(token, str) and 0 < len(token) <= 10_000 and all("!" <= c <= "~" for c in token)

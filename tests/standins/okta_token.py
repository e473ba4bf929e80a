"""Whom does the org authorization server give a token to? `POST /oauth2/v1/token`, private_key_jwt only."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt

from tests.standins.answers import Answer, answer

_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class ServiceApp:
    client_id: str
    keys: dict[str, Any]  #: key id to public key
    scopes: frozenset[str] = frozenset({"okta.groups.read", "okta.users.read"})
    dpop: bool = False  #: "Require Demonstrating Proof of Possession" is ticked
    role: bool = True  #: an admin role is assigned to the app
    life: timedelta = timedelta(hours=1)
    used: set[str] = field(default_factory=set)  #: jti of assertions that were taken
    tokens: dict[str, datetime] = field(default_factory=dict)  #: token to its end

    def answer(self, body: bytes, headers: dict[str, str], url: str, now: datetime) -> Answer:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != _TYPE:
            return _refused("invalid_request", "private_key_jwt is needed")
        wrong = self._wrong(form.get("client_assertion", ""), url, now)
        if wrong:
            return _refused("invalid_client", wrong, 401)
        asked = frozenset(form.get("scope", "").split())
        if not asked or not asked <= self.scopes:
            return _refused("invalid_scope", "One or more scopes are not configured for the client.")
        if self.dpop and "dpop" not in headers:
            return _refused("invalid_dpop_proof", "The DPoP proof JWT header is missing.")
        if self.dpop:
            return _refused("use_dpop_nonce", "Authorization server requires nonce in DPoP proof.")
        token = "eyJ" + secrets.token_urlsafe(30)
        self.tokens[token] = now + self.life
        seconds = int(self.life.total_seconds())
        granted = " ".join(sorted(asked))
        return answer(
            200, {"token_type": "Bearer", "expires_in": seconds, "access_token": token, "scope": granted}
        )

    def _wrong(self, assertion: str, url: str, now: datetime) -> str:
        try:
            head = jwt.get_unverified_header(assertion)
            key = self.keys.get(head.get("kid", ""))
            if key is None:
                return "The JWT's kid names no key of the client."
            claims = jwt.decode(
                assertion, key, algorithms=["RS256", "ES256"], audience=url, options={"verify_exp": False,
                "verify_iat": False, "require": ["iss", "sub", "aud", "exp", "jti"]},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            return f"The client_assertion is not valid: {type(error).__name__}"
        if not claims["iss"] == claims["sub"] == self.client_id:
            return "iss and sub must be the client id."
        if not now.timestamp() < claims["exp"] <= now.timestamp() + 3600:
            return "The client_assertion is expired, or good for more than an hour."
        if claims["jti"] in self.used:
            return "The client_assertion was used before."
        self.used.add(claims["jti"])
        return ""


def _refused(error: str, description: str, status: int = 400) -> Answer:
    headers = (("DPoP-Nonce", "n0nce"),) if error == "use_dpop_nonce" else ()
    return answer(status, {"error": error, "error_description": description}, *headers)

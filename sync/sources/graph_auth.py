"""Where do tokens for Microsoft Graph come from? From msal, which is kept from doing what it shouldn't.

It would follow a redirect with the client secret, believe a discovery document that names another host for
the token, keep a refused token or an error, and raise nearly anything. Here each call goes to the authority's
host or fails, nothing of an answer is logged, and after any failure msal begins anew.
"""

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import orjson
import requests

from sync.ports import Transient, Unauthorized
from sync.sources.http import blot, blotted, check_url, line

LARGEST_ANSWER = 1_000_000
#: what Entra ID says of credentials that are wrong; anything else may pass by itself
_REFUSED = frozenset(
    {
        "invalid_client", "unauthorized_client", "invalid_grant", "invalid_request", "invalid_scope",
        "access_denied", "unsupported_grant_type", "invalid_resource",
    }
)  # fmt: skip


_SECRET = frozenset({"client_secret", "client_assertion", "x-identity-header", "secret", "authorization"})


@dataclass(frozen=True, slots=True)
class ClientSecret:
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM with the private key and the certificate; or PFX, without a passphrase."""

    file: Path


@dataclass(frozen=True, slots=True)
class FederatedToken:
    """A projected token (workload identity), read anew each time: it's renewed in its file."""

    file: Path


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """Of the machine; `client_id`: a user-assigned one, "": the system's."""

    client_id: str = ""


Credential = ClientSecret | Certificate | FederatedToken | ManagedIdentity


@dataclass(slots=True)
class SignIn:
    credential: Credential
    tenant_id: str
    client_id: str
    authority: str  #: https://login.microsoftonline.com
    resource: str  #: https://graph.microsoft.com
    verify: str | bool = True
    timeout: float = 30.0
    _app: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.authority = check_url(self.authority, "authority")
        # it writes answers that aren't JSON into the log, and with them parts of tokens
        logging.getLogger("msal").setLevel(logging.CRITICAL)

    def token(self) -> str:
        """An access token; from msal's memory while it is good. Raises Transient, Unauthorized."""
        try:
            if self._app is None:
                self._app = self._make()
            answer = self._ask()
        except (Transient, Unauthorized):
            self._app = None
            raise
        except ValueError:  # what isn't JSON, and JSON that says something else than it must
            self._app = None
            raise Transient(
                f"the sign-in at {self._host} failed: an answer isn't JSON, or not what a sign-in answers: "
                "is a proxy or a maintenance page in its place? Check authority and tenant_id"
            ) from None
        except Exception as error:  # depending on the fault nearly anything (see the facts on msal)
            self._app = None
            raise Transient(
                f"the sign-in at {self._host} failed: its answer isn't understood ({type(error).__name__}); "
                "check authority and tenant_id"
            ) from None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if isinstance(token, str) and token and all("!" <= letter <= "~" for letter in token):
            return token
        self._app = None
        raise self._refusal(answer if isinstance(answer, dict) else {})

    def roles(self) -> frozenset[str]:
        """The application permissions that the token names; empty if it can't be read. For advice only: the
        token is Graph's to understand, and nothing is allowed by it here."""
        try:
            _, payload, _ = self.token().split(".")
            told = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            roles = told.get("roles", [])
        except (ValueError, AttributeError):
            return frozenset()
        return frozenset(line(role, 60) for role in roles if isinstance(role, str))

    def renew(self) -> None:
        """The token was refused: msal must not hand it out again."""
        self._app = None

    @property
    def _host(self) -> str:
        return urlsplit(self.authority).netloc.lower()

    def _make(self) -> Any:
        http = _Http(self.verify, self.timeout, self._host)
        if isinstance(self.credential, ManagedIdentity):
            identity = (
                msal.UserAssignedManagedIdentity(client_id=self.credential.client_id)
                if self.credential.client_id
                else msal.SystemAssignedManagedIdentity()
            )
            return msal.ManagedIdentityClient(identity, http_client=_Http(True, self.timeout, ""))
        return msal.ConfidentialClientApplication(  # asks the authority for its endpoints
            self.client_id,
            client_credential=_client_credential(self.credential),
            authority=f"{self.authority}/{self.tenant_id}",
            http_client=http,
            instance_discovery=False,
        )

    def _ask(self) -> Any:
        if isinstance(self.credential, ManagedIdentity):
            return self._app.acquire_token_for_client(resource=self.resource)
        return self._app.acquire_token_for_client([f"{self.resource}/.default"])

    def _refusal(self, answer: Mapping[str, Any]) -> Exception:
        error = line(str(answer.get("error", "no token in the answer")), 60)
        codes = answer.get("error_codes")
        numbers = [code for code in codes if isinstance(code, int)] if isinstance(codes, list) else []
        told = f"{self._host} gives no token: {error}" + "".join(f" AADSTS{code}" for code in numbers[:3])
        if error in _REFUSED:
            return Unauthorized(f"{told}: check tenant_id, client_id, and that the credential isn't over")
        return Transient(told)


def _client_credential(credential: ClientSecret | Certificate | FederatedToken) -> Any:
    """As msal wants it. Raises Unauthorized, with what to do, for a file that can't be read."""
    match credential:
        case ClientSecret(value):
            return value
        case FederatedToken(file):
            _read(file)
            return {"client_assertion": lambda: _read(file)}
        case Certificate(file) if file.suffix.lower() in (".pfx", ".p12"):
            return {"private_key_pfx_path": str(file)}
        case Certificate(file):
            pem = _read(file)
            if "PRIVATE KEY-----" not in pem or "BEGIN CERTIFICATE-----" not in pem:
                raise Unauthorized(f"{file} must hold a private key and its certificate, both as PEM")
            return {"private_key": pem, "public_certificate": pem[pem.index("-----BEGIN CERTIFICATE") :]}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unauthorized(f"can't read {file}: {type(error).__name__}") from None


@dataclass(slots=True)
class _Http:
    """msal's http_client: to one host only, over https, no redirect, a bounded answer."""

    verify: str | bool
    timeout: float
    host: str  #: with its port; "": this machine's identity endpoint, wherever msal knows it to be
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def get(self, url: str, params: Any = None, headers: Any = None, **kwargs: Any) -> "_Response":
        return self._send("GET", url, params, None, headers)

    def post(
        self, url: str, params: Any = None, data: Any = None, headers: Any = None, **kwargs: Any
    ) -> "_Response":
        return self._send("POST", url, params, data, headers)

    def close(self) -> None:
        self._session.close()

    def _send(self, method: str, url: str, params: Any, data: Any, headers: Any) -> "_Response":
        parts = urlsplit(url)
        if self.host and (parts.scheme != "https" or parts.netloc.lower() != self.host):
            raise Transient(f"{self.host} names another host for its tokens, which isn't asked")
        # what this machine's own endpoint gives isn't a proxy's business
        proxies: Any = None if self.host else {"http": None, "https": None}
        try:
            with self._session.request(
                method, url, params=params, data=data, headers=headers, timeout=self.timeout, stream=True,
                allow_redirects=False, auth=_same, verify=self.verify if self.host else True, proxies=proxies,
            ) as answer:  # fmt: skip
                content = bytearray()
                for chunk in answer.iter_content(65_536):
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        raise Transient(f"an answer of {parts.hostname} is larger than it can be")
                if 300 <= answer.status_code < 400:
                    raise Transient(
                        f"the sign-in at {parts.hostname} answers {answer.status_code}: it redirects, which "
                        "isn't followed; check authority"
                    )
                if answer.status_code == 429 or answer.status_code >= 500:
                    raise Transient(
                        f"the sign-in at {parts.hostname} answers {answer.status_code}: it is tried again"
                    )
                secrets = _secrets(data) + _secrets(headers)
                told = blot(bytes(content), secrets).decode("utf-8", "replace")
                return _Response(answer.status_code, told, blotted(answer.headers, secrets))
        except requests.RequestException as error:
            raise Transient(f"{parts.hostname} can't be reached: {type(error).__name__}") from None


def _secrets(sent: Any) -> list[str]:
    """In a form or in headers of msal's: what must not be quoted back."""
    fields = sent if isinstance(sent, dict) else {}
    secrets = [value for name, value in fields.items() if name.lower() in _SECRET and value]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in secrets]


def _same(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given as `auth`, so that no .netrc is looked at."""
    return prepared


@dataclass(frozen=True, slots=True)
class _Response:
    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise Transient(f"the sign-in answered {self.status_code}")

"""Why is AnySoft not reached, and which setting mends it? Nothing that is said holds a secret."""

import socket
import ssl
from http.client import HTTPException

import orjson
import requests
from urllib3.exceptions import NameResolutionError


def reason(error: BaseException) -> str:
    """What is in the way, and what to do; of the errors within errors the innermost that tells."""
    chain: list[BaseException] = [error]
    while (cause := _within(chain[-1])) is not None and len(chain) < 10:
        chain.append(cause)
    for each in chain:
        match each:
            case ssl.SSLCertVerificationError():
                return (
                    f"has a certificate that isn't trusted ({each.verify_message}): "
                    "CONNECTOR_CA_BUNDLE names the file of whom to trust"
                )
            case ssl.SSLError():
                return f"doesn't speak TLS as it should ({each.reason or 'no reason given'})"
            case NameResolutionError() | socket.gaierror():
                return "isn't known by that name: check CONNECTOR_ANYSOFT__URL, and the name server"
            case ConnectionRefusedError():
                return "refuses the connection: check the port in CONNECTOR_ANYSOFT__URL, and that it runs"
            case requests.exceptions.ProxyError():
                return "is to be reached by a proxy that doesn't answer: check HTTPS_PROXY"
            case requests.ConnectTimeout():
                return "doesn't take the connection in time: check the network between"
            case requests.Timeout() | TimeoutError():
                return "gave no answer in time (CONNECTOR_ANYSOFT__TIMEOUT_SECONDS)"
            case ConnectionError() | HTTPException():
                return "closed the connection before its answer was whole"
    return f"gave no answer ({type(error).__name__})"


def _within(error: BaseException) -> BaseException | None:
    """urllib3 and requests hand the error that they met on as a reason, an argument or a cause."""
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return inner
    return next((a for a in error.args if isinstance(a, BaseException)), error.__cause__ or error.__context__)


def no_token(url: str, status: int, content: bytes) -> str:
    """Whether it is the secret that is wrong, or the address."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        answer = None
    code = (answer.get("code") or answer.get("error")) if isinstance(answer, dict) else None
    who = "CONNECTOR_ANYSOFT__CLIENT_ID and CONNECTOR_ANYSOFT__CLIENT_SECRET (or ..._FILE)"
    if code in ("invalid_client", "unauthorized_client", "access_denied", "invalid_grant"):
        return f"AnySoft at {url} refuses the client id or secret: check {who}"
    return (
        f"{url}/oauth2/token gives no token ({status}): check CONNECTOR_ANYSOFT__URL, the address without "
        f"/v1 at its end, and then {who}"
    )

"""How is a notice posted to a webhook? JSON, signed, to an address that was checked, no redirect (T24).

    X-Connector-Signature: t=UNIX_SECONDS,v1=HEX

HEX is HMAC-SHA256 with the secret over `UNIX_SECONDS.BODY`. A receiver knows a matter by its `id`, and takes
the highest `revision` of it: a message can come twice, or late.
"""

import hashlib
import hmac
from datetime import UTC, datetime

import orjson
import urllib3

from connector.addresses import Private, check, resolve
from connector.store.notices import Notice

TIMEOUT_SECONDS = 10.0


class NotSent(Exception):
    """It may be tried again; the text shows no path and no secret."""


def channel_of(url: str) -> str:
    """Names a webhook where its URL, often a secret itself, must not stand."""
    return f"webhook:{hashlib.sha256(url.encode()).hexdigest()[:16]}"


def body_of(notice: Notice, base_url: str) -> bytes:
    return orjson.dumps(
        {
            "id": notice.matter,
            "revision": notice.revision,
            "kind": notice.kind,
            "stage": notice.stage,
            "over": notice.over,
            "subject": notice.subject,
            "text": notice.body,
            "link": f"{base_url}{notice.link}" if notice.link and base_url else None,
            "facts": notice.facts,
            "opened_at": notice.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        }
    )


def signature(secret: str, body: bytes, at: datetime) -> str:
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def post(
    url: str, body: bytes, secret: str, now: datetime, *, allow_private: bool, ca_bundle: str | None = None
) -> None:
    """Any 2xx is success. Raises NotSent."""
    parts = check(url, allow_private)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        address = str(resolve(host, port, allow_private))
    except Private as error:
        raise NotSent(str(error)) from None
    except OSError:
        raise NotSent(f"the name {host} can't be resolved") from None
    pool = (
        urllib3.HTTPSConnectionPool(
            address,
            port,
            server_hostname=host,
            assert_hostname=host,
            ca_certs=ca_bundle,
            cert_reqs="CERT_REQUIRED",
        )
        if secure
        else urllib3.HTTPConnectionPool(address, port)
    )
    headers = {
        "Host": host if parts.port is None else f"{host}:{port}",
        "Content-Type": "application/json",
        "User-Agent": "anysoft-connector",
        "X-Connector-Signature": signature(secret, body, now),
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        answer = pool.urlopen(
            "POST", target, body=body, headers=headers, redirect=False, retries=False,
            timeout=urllib3.Timeout(total=TIMEOUT_SECONDS), preload_content=False,
        )  # fmt: skip
        answer.close()  # what it says doesn't matter, and isn't read
    except urllib3.exceptions.SSLError as error:
        raise NotSent(
            f"the certificate of {host} isn't trusted ({_of_tls(error)}): "
            "CONNECTOR_CA_BUNDLE names a file of authorities"
        ) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NotSent(f"{host} can't be reached: {type(error).__name__}") from None
    finally:
        pool.close()
    if not 200 <= answer.status < 300:
        raise NotSent(f"{host} answered {answer.status}")


def _of_tls(error: urllib3.exceptions.SSLError) -> str:
    cause = error.args[0] if error.args else None
    return getattr(cause, "verify_message", "") or type(cause or error).__name__

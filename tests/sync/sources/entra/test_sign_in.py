"""Does each credential get a token, and does its secret stay where it belongs? (T23, T24)"""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from sync.ports import Transient, Unauthorized
from sync.sources.graph_auth import (
    Certificate,
    ClientSecret,
    Credential,
    FederatedToken,
    ManagedIdentity,
    SignIn,
)
from tests.standins.answers import Answer, Fault, Seen, answer
from tests.standins.graph import CLIENT, TENANT, Entra
from tests.standins.tls import Authority
from tests.sync.sources.entra.faults import DISCOVERY, LOGIN, put, raw, status

KEY = rsa.generate_private_key(65_537, 2048)


def sign_in(entra: Entra, tls: Authority, credential: Credential) -> SignIn:
    return SignIn(credential, TENANT, CLIENT, entra.url, "https://graph.microsoft.com", str(tls.bundle), 5.0)


def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anysoft-connector")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )


CERTIFICATE = certificate()


def asked(entra: Entra) -> dict[str, str]:
    """The form of the last request for a token."""
    seen: Seen = [one for one in entra.seen if "/token" in one.line][-1]
    return {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = CERTIFICATE.public_bytes(Encoding.PEM)
    (tmp_path / "key-first.pem").write_bytes(private + public)
    (tmp_path / "certificate-first.pem").write_bytes(public + private)
    (tmp_path / "only-key.pem").write_bytes(private)
    for name, how in (("app.pfx", NoEncryption()), ("locked.pfx", BestAvailableEncryption(b"passphrase"))):
        made = pkcs12.serialize_key_and_certificates(b"app", KEY, CERTIFICATE, None, how)
        (tmp_path / name).write_bytes(made)
    (tmp_path / "token").write_text("canary-federated-token\n")
    return tmp_path


def test_a_secret(entra: Entra, tls: Authority) -> None:
    signed = sign_in(entra, tls, ClientSecret(entra.secret))
    assert signed.token() == signed.token()
    assert len(entra.lines("oauth2")) == 1, "kept in memory"
    assert asked(entra)["scope"] == "https://graph.microsoft.com/.default"
    assert signed.roles() == {"GroupMember.Read.All", "User.Read.All"}
    assert "canary" not in repr(signed)


@pytest.mark.parametrize("name", ["key-first.pem", "certificate-first.pem", "app.pfx"])
def test_a_certificate_is_proved_by_a_signature(entra: Entra, tls: Authority, files: Path, name: str) -> None:
    with pytest.raises(Unauthorized, match="AADSTS"):
        sign_in(entra, tls, Certificate(files / name)).token()  # it wasn't uploaded
    entra.certificates.append(CERTIFICATE)
    assert sign_in(entra, tls, Certificate(files / name)).token()
    form = asked(entra)
    assert "client_secret" not in form
    claims = jwt.decode(
        form["client_assertion"],
        KEY.public_key(),
        ["PS256", "RS256"],
        audience=f"{entra.url}/{TENANT}/oauth2/v2.0/token",
    )
    assert (claims["iss"], claims["sub"]) == (CLIENT, CLIENT)


def test_a_federated_token_is_read_anew_each_time(entra: Entra, tls: Authority, files: Path) -> None:
    entra.federated = {"canary-federated-token", "canary-next-token"}
    signed = sign_in(entra, tls, FederatedToken(files / "token"))
    signed.token()
    assert asked(entra)["client_assertion"] == "canary-federated-token"
    (files / "token").write_text("canary-next-token\n")
    signed.renew()
    signed.token()
    assert asked(entra)["client_assertion"] == "canary-next-token"


@pytest.mark.parametrize(
    ("credential", "says"),
    [
        (lambda f: Certificate(f / "missing.pem"), "can't read"),
        (lambda f: Certificate(f / "only-key.pem"), "a private key and its certificate"),
        (lambda f: FederatedToken(f / "missing"), "can't read"),
        (lambda f: ClientSecret("another"), "AADSTS7000215"),
    ],
    ids=["no file", "no certificate", "no token", "wrong secret"],
)
def test_what_is_wrong_with_a_credential_is_said(
    entra: Entra, tls: Authority, files: Path, credential: object, says: str
) -> None:
    with pytest.raises(Unauthorized, match=says):
        sign_in(entra, tls, credential(files)).token()  # type: ignore[operator]


def test_a_locked_pfx_ends_no_worker(entra: Entra, tls: Authority, files: Path) -> None:
    with pytest.raises((Transient, Unauthorized)):
        sign_in(entra, tls, Certificate(files / "locked.pfx")).token()


@pytest.mark.parametrize(
    ("where", "spoil"),
    [
        (LOGIN, status(500)),
        (LOGIN, status(429, ("Retry-After", "5"))),
        (LOGIN, status(200, body=[])),
        (LOGIN, status(200, body={"access_token": {"a": 1}, "expires_in": 60, "token_type": "Bearer"})),
        (LOGIN, status(200, body={"access_token": "a\r\nb: c", "expires_in": 60, "token_type": "Bearer"})),
        (LOGIN, status(200, body={"error": 7})),
        (LOGIN, raw(b"<html>canary-html</html>", "text/html")),
        (LOGIN, raw(b'{"access_token": "canary-cut')),
        (LOGIN, raw(b"x" * 2_000_000)),
        (LOGIN, lambda a: a.__class__(307, b"", (("Location", "https://elsewhere.example/"),))),
        (DISCOVERY, status(404)),
        (DISCOVERY, raw(b"[]")),
        (DISCOVERY, put(token_endpoint="https://elsewhere.example/token")),
        (DISCOVERY, put(token_endpoint="http://127.0.0.1/token")),
        (DISCOVERY, put(token_endpoint=7)),
    ],
)
def test_t24_t25_whatever_the_sign_in_answers_it_is_tried_again_later(
    entra: Entra, tls: Authority, where: str, spoil: object, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """One error and no other; nothing of the answer in the log; the secret to nobody else; and it heals."""
    caplog.set_level(logging.DEBUG)
    signed = sign_in(entra, tls, ClientSecret(entra.secret))
    entra.faults.append(Fault(where, spoil))  # type: ignore[arg-type]
    with pytest.raises(Transient) as failed:
        signed.token()
    assert "canary" not in str(failed.value) + caplog.text + "".join(capsys.readouterr())
    entra.faults.clear()
    assert signed.token()


@pytest.mark.parametrize("file", ["key-first.pem", "token"])
@pytest.mark.parametrize("code", [200, 400, 401, 500])
@pytest.mark.parametrize("page", [False, True], ids=["JSON", "HTML"])
def test_t23_a_sign_in_that_quotes_the_assertion_tells_it_to_nobody(
    entra: Entra, tls: Authority, files: Path, file: str, code: int, page: bool,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A certificate's signed assertion, or a federated token; a client secret is among the faults."""
    caplog.set_level(logging.WARNING, "urllib3")  # as connector.log has it
    caplog.set_level(logging.DEBUG)

    def quote(given: Answer) -> Answer:
        sent = asked(entra)["client_assertion"]
        more = ("request-id", sent), ("Location", f"https://elsewhere.example/{sent}")
        told = {"error": sent, "error_description": f"AADSTS700027: {sent}", "error_codes": [sent]}
        return (
            raw(f"<html>{sent}</html>".encode(), "text/html", code)(given)
            if page
            else answer(code, told, *more)
        )

    entra.faults.append(Fault(LOGIN, quote))
    credential = FederatedToken(files / file) if file == "token" else Certificate(files / file)
    with pytest.raises((Transient, Unauthorized)) as failed:
        sign_in(entra, tls, credential).token()
    sent = asked(entra)["client_assertion"]
    said = f"{failed.value!r} {failed.value}{caplog.text}{''.join(capsys.readouterr())}"
    assert not {part for part in (sent, *sent.split(".")) if part in said}


def test_a_managed_identity_asks_the_machine(
    entra: Entra, tls: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """App Service's way: the endpoint and its header come from the environment."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{entra.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "canary-header")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.bundle))
    assert sign_in(entra, tls, ManagedIdentity("client")).token() in entra.tokens
    (seen,) = [one for one in entra.seen if "/msi/token" in one.line]
    assert "resource=https://graph.microsoft.com" in seen.line
    assert "client_id=client" in seen.line
    assert seen.headers["x-identity-header"] == "canary-header"

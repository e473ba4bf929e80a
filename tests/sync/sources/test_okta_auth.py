"""How do we sign in to Okta? API token, or a service app by private_key_jwt; never more than that leaks."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from structlog.testing import capture_logs

from sync.ports import Transient, Unauthorized
from sync.pulled import Finding, Incomplete
from sync.sources.http import Caller
from sync.sources.okta_api import Api
from sync.sources.okta_auth import ApiToken, SigningKey
from tests.standins.answers import Answer, Fault, answer
from tests.standins.okta import Okta, error
from tests.sync.sources.okta_world import EC, RSA, Reader, app_there, first, pem

TOKEN = "POST /oauth2"
GIVEN = {"token_type": "Bearer", "access_token": "S3CR3T", "expires_in": 3600}


@pytest.fixture
def group(okta: Okta) -> str:
    return okta.org.group("LIC-AnyPrint", okta.org.hire("ada@northmill.example", "bo@northmill.example"))


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
def test_a_service_app_reads_with_one_token_for_an_hour(
    okta: Okta, reader: Reader, group: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    okta.app = app_there(key)
    source = reader.as_app(key).source()
    assert len(first(source, group).members[group]) == 2
    okta.org.go(3000)
    first(source, group)
    assert [line for line in okta.lines() if TOKEN in line] == ["POST /oauth2/v1/token"]
    okta.org.go(590)
    assert first(source, group).whole, "renewed a little before its end"
    assert len([line for line in okta.lines() if TOKEN in line]) == 2


def test_the_assertion_is_short_lived_and_for_this_org_only(okta: Okta, reader: Reader, group: str) -> None:
    okta.app = app_there()
    first(reader.as_app().source(), group)
    (asked,) = [seen for seen in okta.seen if seen.line.startswith(TOKEN)]
    fields = dict(part.split("=", 1) for part in asked.body.decode().split("&"))
    assert fields["scope"] == "okta.groups.read+okta.users.read"
    assertion = fields["client_assertion"]
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims["aud"] == f"{okta.url}/oauth2/v1/token"
    assert claims["exp"] - claims["iat"] == 300
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("form", ["pem", "pkcs1", "jwk"])
def test_the_key_may_be_pem_or_jwk(okta: Okta, reader: Reader, group: str, form: str) -> None:
    okta.app = app_there(RSA)
    reader.as_app(RSA)
    if form == "jwk":
        found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA)) | {"kid": "k1"}
        key = SigningKey.of(json.dumps(found))
    elif form == "pkcs1":
        text = RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        key = SigningKey.of(text.decode(), "k1")
    else:
        key = SigningKey.of(pem(RSA), "k1")
    assert (key.algorithm, key.id) == ("RS256", "k1")
    reader.sign_in.key = key  # type: ignore[union-attr]
    assert first(reader.source(), group).whole == {group}


LOCKED = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"canary-secret"))
NO_KEYS = {
    "nothing": "",
    "a text": "canary-secret",
    "half a JWK": '{"kty":"RSA","n":"canary-secret"}',
    "a secret": '{"kty":"oct","k":"canary-secret"}',
    "too short": pem(rsa.generate_private_key(65_537, 1024)),
    "another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "with a passphrase": LOCKED.decode(),
    "the public one": RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
def test_t23_a_key_that_is_of_no_use_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="private_key must be") as refused:
        SigningKey.of(text)
    assert "canary-secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_dpop_must_be_off_and_the_message_says_where(okta: Okta, reader: Reader, group: str) -> None:
    okta.app = app_there(dpop=True)
    with pytest.raises(Unauthorized, match="untick 'Require Demonstrating Proof of Possession"):
        first(reader.as_app().source(), group)
    okta.app.dpop = False
    okta.faults = [Fault(TOKEN, lambda given: given.with_json(given_json(given) | {"token_type": "DPoP"}))]
    with pytest.raises(Unauthorized, match="untick 'Require Demonstrating"):
        first(reader.source(), group)


def given_json(given: Answer) -> dict[str, object]:
    found: dict[str, object] = json.loads(given.body)
    return found


@pytest.mark.parametrize(
    ("status", "body", "raised", "say"),
    [
        (401, {"error": "invalid_client", "error_description": "S3CR3T"}, Unauthorized, "check client_id"),
        (400, {"error": "invalid_scope"}, Unauthorized, "grant okta.groups.read and okta.users.read"),
        (400, {"error": "unauthorized_client"}, Unauthorized, "API Services"),
        (403, {"error": "S3CR3T\nx"}, Unauthorized, "403"),
        (403, "S3CR3T", Unauthorized, "403"),
        (500, {}, Transient, "500"),
        (302, {}, Transient, "302"),
        (429, {"errorCode": "E0000047"}, Transient, "429"),
        (200, [], Incomplete, "not a JSON object"),
        (200, {"token_type": "Bearer", "expires_in": 3600}, Incomplete, "no bearer token"),
        (200, GIVEN | {"token_type": "mac"}, Incomplete, "no bearer token"),
        (200, GIVEN | {"access_token": "S3CR3T\r\nX: y"}, Incomplete, "no bearer token"),
        (200, GIVEN | {"expires_in": "soon"}, Incomplete, "how long"),
        (200, GIVEN | {"expires_in": -1}, Incomplete, "how long"),
    ],
)  # fmt: skip
def test_t25_whatever_the_token_endpoint_answers(
    okta: Okta, reader: Reader, group: str, status: int, body: object, raised: type[Exception], say: str
) -> None:
    okta.app = app_there()
    okta.faults = [Fault(TOKEN, lambda given: answer(status, body))]
    source = reader.as_app().source()
    with capture_logs() as logged, pytest.raises(raised, match=say) as refused:
        first(source, group)
    assert "S3CR3T" not in f"{refused.value}{logged}"
    okta.faults = []
    assert first(source, group).whole == {group}


def test_t24_a_token_request_that_is_redirected_takes_nothing_along(
    okta: Okta, reader: Reader, group: str
) -> None:
    okta.app = app_there()
    with Okta(tls=okta.tls) as other:
        gone = Answer(307, b"", (("Location", f"{other.url}/oauth2/v1/token"),))
        okta.faults = [Fault(TOKEN, lambda given: gone)]
        with pytest.raises(Transient):
            first(reader.as_app().source(), group)
        assert other.seen == []


def test_a_token_that_is_taken_back_is_renewed_once(okta: Okta, reader: Reader, group: str) -> None:
    okta.app = app_there()
    source = reader.as_app().source()
    first(source, group)
    okta.app.tokens.clear()
    assert first(source, group).whole == {group}
    okta.faults = [Fault("GET", lambda given: error(401, "E0000011", "Invalid token provided"))]
    before = len(okta.seen)
    with pytest.raises(Unauthorized, match="E0000011"):
        first(source, group)
    assert len(okta.seen) - before == 3, "asked, a new token, asked once more"


def test_an_api_token_is_sent_as_ssws_and_not_asked_for_again(okta: Okta, reader: Reader, group: str) -> None:
    first(reader.source(), group)
    assert {seen.headers["authorization"] for seen in okta.seen} == {f"SSWS {okta.api_token}"}
    okta.api_token = "another"
    before = len(okta.seen)
    reader.sign_in = ApiToken("00old")
    with pytest.raises(Unauthorized, match="make a new one"):
        first(reader.source(), group)
    assert len(okta.seen) - before == 1


def test_an_admin_url_is_refused_with_the_right_one() -> None:
    caller = Caller("https://acme-admin.okta.com", "Okta")
    with pytest.raises(ValueError, match=r"https://acme\.okta\.com"):
        Api(caller, ApiToken("t"), lambda: None, lambda s: None)  # type: ignore[arg-type, return-value]


# ---- directory check ----


@pytest.fixture
def checked(okta: Okta, reader: Reader, group: str) -> Reader:
    okta.app = app_there()
    return reader.as_app()


def test_check_says_that_all_is_well_with_no_right_too_many(checked: Reader, group: str) -> None:
    found = checked.source().check([group])
    assert [each.what for each in found] == [
        "sign-in", "least privilege", "okta.groups.read", "okta.users.read", f"group {group}",
    ]  # fmt: skip
    assert all(each.ok for each in found)


def test_check_names_a_scope_that_is_too_much(okta: Okta, checked: Reader, group: str) -> None:
    okta.faults = [
        Fault(TOKEN, lambda given: given.with_json(given_json(given) | {"scope": "okta.users.manage"}))
    ]
    (excess,) = [each for each in checked.source().check([group]) if not each.ok]
    assert excess == Finding("least privilege", False, "take these scopes from the app: okta.users.manage")


def test_check_says_which_scope_is_missing(okta: Okta, checked: Reader, group: str) -> None:
    assert okta.app is not None
    okta.app.scopes = frozenset({"okta.groups.read"})
    (refused,) = checked.source().check([group])
    assert not refused.ok
    assert "grant okta.groups.read and okta.users.read" in refused.say


def test_check_says_that_the_role_is_missing(okta: Okta, checked: Reader, group: str) -> None:
    assert okta.app is not None
    okta.app.role = False
    wrong = [each for each in checked.source().check([group]) if not each.ok]
    assert {each.what for each in wrong} == {"okta.groups.read", "okta.users.read", f"group {group}"}
    assert all("a role that may view these groups" in each.say for each in wrong)


def test_check_names_a_group_that_isnt_there(checked: Reader) -> None:
    (wrong,) = [each for each in checked.source().check(["00gDeleted"]) if not each.ok]
    assert wrong.what == "group 00gDeleted"
    assert "mapping repin" in wrong.say


def test_check_warns_that_an_api_token_can_do_more(okta: Okta, reader: Reader, group: str) -> None:
    found = {each.what: each for each in reader.source().check([group])}
    assert found["least privilege"].ok
    assert "can't be narrowed" in found["least privilege"].say

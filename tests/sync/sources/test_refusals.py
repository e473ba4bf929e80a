"""What does an operator read of a sign-in that was refused, and does the guide say what to do about it?"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.ports import Transient, Unauthorized
from sync.pulled import Incomplete
from sync.sources.graph_auth import ClientSecret, SignIn
from tests.standins.answers import Answer, Fault, Spoil, answer
from tests.standins.graph import CLIENT, TENANT, Entra
from tests.standins.okta import Okta, error
from tests.standins.tls import Authority, authority
from tests.sync.sources.entra.faults import DISCOVERY, LOGIN
from tests.sync.sources.okta_world import Reader, app_there, first

ROOT = Path(__file__).parents[3]
GUIDES = ROOT / "docs" / "guides"
TOKEN = "POST /oauth2"
CHECK = ": check tenant_id, client_id, and that the credential isn't over"
DPOP = (
    "Okta wants DPoP from this app, which isn't supported: in the app's General Settings untick "
    "'Require Demonstrating Proof of Possession (DPoP) header in token requests'"
)


@dataclass(frozen=True, slots=True)
class Case:
    where: str  #: which request is answered so
    spoil: Spoil
    raised: type[Exception]
    say: str  #: all of it; HOST is the stand-in's name, PORT its port
    row: str  #: of the guide's table


def told(status: int, fields: object) -> Spoil:
    return lambda given: answer(status, fields)


def aadsts(status: int, name: str, *codes: int) -> Spoil:
    """As Entra ID has it; its description quotes what it likes, and is never shown."""
    return told(status, {"error": name, "error_description": "AADSTS: canary", "error_codes": codes})


def moved(given: Answer) -> Answer:
    return Answer(302, b"", (("Location", "https://elsewhere.example/canary"),))


def page_of(status: int) -> Spoil:
    return lambda given: Answer(status, b"<html>canary</html>", (("Content-Type", "text/html"),))


page = page_of(200)


def elsewhere(given: Answer) -> Answer:
    found = given.json
    assert isinstance(found, dict)
    return given.with_json(found | {"token_endpoint": "https://elsewhere.example/token"})


NO = "HOST:PORT gives no token: "
NO_JSON = (
    "the sign-in at HOST:PORT failed: an answer isn't JSON, or not what a sign-in answers: is a proxy or a "
    "maintenance page in its place? Check authority and tenant_id"
)
MOVED = "the sign-in at HOST answers 302: it redirects, which isn't followed; check authority"
MOVED_ROW = "the sign-in at … answers 302: it redirects, which isn't followed"
ENTRA = (
    Case(LOGIN, aadsts(401, "invalid_client", 7000215), Unauthorized,
         f"{NO}invalid_client AADSTS7000215{CHECK}", "invalid_client AADSTS7000215"),
    Case(LOGIN, aadsts(401, "invalid_client", 7000222), Unauthorized,
         f"{NO}invalid_client AADSTS7000222{CHECK}", "invalid_client AADSTS7000222"),
    Case(LOGIN, aadsts(401, "invalid_client", 700027), Unauthorized,
         f"{NO}invalid_client AADSTS700027{CHECK}", "invalid_client AADSTS700027"),
    Case(LOGIN, aadsts(400, "unauthorized_client", 700016), Unauthorized,
         f"{NO}unauthorized_client AADSTS700016{CHECK}", "unauthorized_client AADSTS700016"),
    Case(LOGIN, aadsts(503, "temporarily_unavailable", 90033), Transient,
         "the sign-in at HOST answers 503: it is tried again",
         "the sign-in at … answers 503: it is tried again"),
    Case(DISCOVERY, page_of(502), Transient,
         "the sign-in at HOST answers 502: it is tried again",
         "the sign-in at … answers 503: it is tried again"),
    Case(DISCOVERY, aadsts(400, "invalid_tenant", 90002), Transient, NO_JSON,
         "the sign-in at … failed: an answer isn't JSON"),
    Case(LOGIN, page, Transient, NO_JSON, "the sign-in at … failed: an answer isn't JSON"),
    Case(LOGIN, moved, Transient, MOVED, MOVED_ROW),
    Case(DISCOVERY, moved, Transient, MOVED, MOVED_ROW),
    Case(DISCOVERY, elsewhere, Transient,
         "HOST:PORT names another host for its tokens, which isn't asked",
         "… names another host for its tokens"),
)  # fmt: skip
NO_APP = "Okta refuses the service app "
OKTA = (
    Case(TOKEN, told(401, {"error": "invalid_client", "error_description": "canary"}), Unauthorized,
         f"{NO_APP}(invalid_client): check client_id, private_key and key_id, and this machine's clock",
         "refuses the service app (invalid_client)"),
    Case(TOKEN, told(400, {"error": "invalid_scope"}), Unauthorized,
         f"{NO_APP}(invalid_scope): grant okta.groups.read and okta.users.read to the app (Okta API Scopes)",
         "refuses the service app (invalid_scope)"),
    Case(TOKEN, told(400, {"error": "unauthorized_client"}), Unauthorized,
         f"{NO_APP}(unauthorized_client): the app must be of type API Services",
         "refuses the service app (unauthorized_client)"),
    Case(TOKEN, told(400, {"error": "invalid_dpop_proof"}), Unauthorized, DPOP,
         "Okta wants DPoP from this app"),
    Case(TOKEN, told(400, {"error": "use_dpop_nonce"}), Unauthorized, DPOP,
         "Okta wants DPoP from this app"),
    Case(TOKEN, moved, Transient,
         "Okta gives no token now (302): it redirects, which isn't followed; check org_url",
         "it redirects, which isn't followed"),
    Case(TOKEN, page, Incomplete, "the answer isn't JSON (text/html)", "the answer isn't JSON"),
    Case("GET", lambda given: error(401, "E0000011", "canary"), Unauthorized,
         "Okta: GET /api/v1/groups: 401 E0000011: the token is refused; make a new one, or check the "
         "service app", "401 E0000011"),
    Case("GET", lambda given: error(403, "E0000006", "canary"), Unauthorized,
         "Okta: GET /api/v1/groups: 403 E0000006: grant okta.groups.read and okta.users.read, and a role "
         "that may view these groups", "403 E0000006"),
    Case("GET", moved, Incomplete,
         "Okta: GET /api/v1/groups: 302: it redirects, which isn't followed; check org_url",
         "it redirects, which isn't followed"),
)  # fmt: skip


def rows(guide: str) -> list[str]:
    """What it says, as the guide's table has it."""
    table = (GUIDES / guide).read_text("utf-8").partition("| it says | do |\n| --- | --- |\n")[2]
    return [line.split(" | ")[0].removeprefix("| ") for line in table.split("\n\n")[0].splitlines()]


def parts(row: str) -> list[str]:
    """Between what is put in: …, or a number."""
    return [part for part in (part.strip(" :") for part in re.split(r"…|\b\d+\b", row)) if part]


def sign_in(entra: Entra, bundle: Path) -> SignIn:
    return SignIn(ClientSecret(entra.secret), TENANT, CLIENT, entra.url, entra.url, str(bundle), 5.0)


def check(case: Case, guide: str, url: str, refused: pytest.ExceptionInfo[Exception]) -> None:
    host, _, port = url.removeprefix("https://").partition(":")
    said = re.sub(r" \(request [^)]*\)", "", str(refused.value))
    assert (type(refused.value), said) == (case.raised, case.say.replace("HOST", host).replace("PORT", port))
    assert case.row in rows(guide)
    assert all(part in said for part in parts(case.row)), "as the guide has it"


@pytest.mark.parametrize("case", ENTRA, ids=lambda case: f"{case.where}: {case.row}")
def test_what_is_said_of_a_sign_in_at_entra(entra: Entra, tls: Authority, case: Case) -> None:
    signed = sign_in(entra, tls.bundle)
    entra.faults = [Fault(case.where, case.spoil)]
    with pytest.raises((Transient, Unauthorized)) as refused:
        signed.token()
    check(case, "entra-pull.md", entra.url, refused)
    entra.faults = []
    assert signed.token()


@pytest.mark.parametrize("case", OKTA, ids=lambda case: f"{case.where}: {case.row}")
def test_what_is_said_of_a_sign_in_at_okta(okta: Okta, reader: Reader, case: Case) -> None:
    okta.app = app_there()
    group = okta.org.group("LIC-AnyPrint", okta.org.hire("ada@northmill.example"))
    source = reader.as_app().source()
    okta.faults = [Fault(case.where, case.spoil)]
    with pytest.raises((Transient, Unauthorized, Incomplete)) as refused:
        first(source, group)
    check(case, "okta-pull.md", okta.url, refused)
    okta.faults = []
    assert first(source, group).whole == {group}


def test_what_is_said_of_a_certificate_that_nobody_trusts(
    entra: Entra, okta: Okta, tmp_path: Path, reader: Reader
) -> None:
    other = authority(tmp_path)
    with pytest.raises(Transient) as refused:
        sign_in(entra, other.bundle).token()
    assert str(refused.value) == "127.0.0.1 can't be reached: SSLError"
    okta.app = app_there()
    with pytest.raises(Transient) as refused:
        first(Reader(okta, other.bundle).as_app().source(), "00g")
    assert str(refused.value) == "Okta can't be reached: SSLError"
    for guide in ("entra-pull.md", "okta-pull.md"):
        assert "can't be reached: SSLError" in rows(guide)


def texts() -> Iterator[str]:
    """Each text of the code, with … for what is put into it."""
    for folder in ("sync", "connector"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                match node:
                    case ast.JoinedStr():
                        yield "".join(
                            str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values
                        )
                    case ast.Constant(str(value)):
                        yield value


#: the status, or what the other side says, stands for the rest of it
CODES = ("403 … grant GroupMember.Read.All", "410 … everything is read anew", "429")
SHOWN = {case.row for case in (*ENTRA, *OKTA)} | {"can't be reached: SSLError"}


@pytest.mark.parametrize("guide", ["entra-pull.md", "okta-pull.md"])
def test_each_other_message_of_a_guide_is_one_of_the_code(guide: str) -> None:
    said = "\n".join(texts())
    for row in rows(guide):
        if row in SHOWN:
            continue
        for part in parts(row.replace(": 404 (or 403)", "")):
            assert part in said or row in CODES, f"{row}: the code says no {part!r}"

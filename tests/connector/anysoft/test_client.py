"""What does the client make of a tenant that lies, stalls, redirects or refuses? (T25, T10, R29)"""

import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connector.anysoft.client import HttpTenant
from connector.anysoft.transport import Transport, check_url
from sync.model import AccountId, ProductId, SubscriptionId
from sync.ports import Missing, Rejected, Transient, Unauthorized
from tests.contracts.licensing_http import CLIENT, SECRET, connected, serving
from tests.contracts.licensing_world import ADDRESS, BILLING

ID = SubscriptionId("sub-1")
TOKEN = Response(json.dumps({"access_token": "t0k", "token_type": "Bearer", "expires_in": 3600}), 200)


@dataclass
class Peer:
    """Answers the token call, and everything else with what the test says; remembers what came."""

    answer: Callable[[Request], Response]
    token: Callable[[], Response] = lambda: TOKEN
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data()
        path = environ["RAW_URI"].partition("?")[0]
        self.seen.append((request.method, path, request.headers.get("Authorization", "")))
        return (self.token() if path == "/oauth2/token" else self.answer(request))(environ, start)

    @property
    def calls(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.seen if path != "/oauth2/token"]


@pytest.fixture
def reach() -> Iterator[Callable[..., HttpTenant]]:
    with ExitStack() as running:

        def connect(peer: Peer, timeout: float = 10.0) -> HttpTenant:
            return running.enter_context(connected(running.enter_context(serving(peer)), timeout))

        yield connect


Reach = Callable[..., HttpTenant]


def says(status: int, body: object = None, **headers: str) -> Callable[[Request], Response]:
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Response(raw, status, named, content_type="application/problem+json")


def problem(code: str, **more: object) -> dict[str, object]:
    return {"type": "t", "title": "t", "status": 0, "code": code, "detail": "because\nof it"} | more


def transport_of(tenant: HttpTenant) -> Transport:
    assert isinstance(tenant._transport, Transport)
    return tenant._transport


def read(tenant: HttpTenant) -> object:
    return tenant.tenant()


def write(tenant: HttpTenant) -> object:
    return tenant.assign(ID, [AccountId("u")], "k")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 301, 302, 307, 204, 206, 299])
def test_what_isnt_the_answer_is_transient_and_a_write_may_be_done(reach: Reach, status: int) -> None:
    peer = Peer(says(status, "" if status == 204 else "<html>", Location="/elsewhere"))
    tenant = reach(peer)
    with pytest.raises(Transient) as reading:
        read(tenant)
    with pytest.raises(Transient) as writing:
        write(tenant)
    assert (reading.value.maybe_done, writing.value.maybe_done) == (False, True)
    assert peer.calls == ["GET /v1/tenant", "POST /v1/subscriptions/sub-1/assignments"], "nothing is followed"


def ahead(**lapse: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**lapse), usegmt=True)


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("7", 7, 7), ("0", 0, 0), ("31536000", 3600, 3600), ("9" * 30, 3600, 3600),
        (ahead(seconds=100), 30, 100), (ahead(days=365), 3600, 3600), (ahead(days=-1), 0, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
def test_R29_retry_after(reach: Reach, status: int, given: str, least: float, most: float) -> None:
    tenant = reach(Peer(says(status, problem("rate_limited"), Retry_After=given)))
    with pytest.raises(Transient) as later:
        write(tenant)
    assert later.value.retry_after is not None
    assert least <= later.value.retry_after <= most
    assert later.value.maybe_done is (status == 503), "429 was not carried out"


@pytest.mark.parametrize("given", ["", "-5", "soon", "1.5", "٣"])
def test_R29_no_retry_after_that_can_be_read(reach: Reach, given: str) -> None:
    headers = {"Retry_After": given} if given.isascii() else {}
    with pytest.raises(Transient) as later:
        write(reach(Peer(says(429, problem("rate_limited"), **headers))))
    assert later.value.retry_after is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "below_assigned"), (409, "change_pending"), (422, "invalid"), (422, "idempotency_mismatch"),
        (400, "odd"), (413, "too_large"),
    ],
)  # fmt: skip
def test_refusals_are_told_by_code(reach: Reach, status: int, code: str) -> None:
    body = problem(code, errors=[{"field": "quantity", "message": "no"}])
    with pytest.raises(Rejected, match="because of it") as refused:
        write(reach(Peer(says(status, body))))
    assert (refused.value.code, refused.value.fields) == (code, (("quantity", "no"),))


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"code": 5}', '{"code": "x", "errors": [5]}'])
@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refusal_that_cant_be_read_proves_nothing(reach: Reach, status: int, body: str) -> None:
    with pytest.raises(Transient) as strange:
        write(reach(Peer(says(status, body))))
    assert strange.value.maybe_done


def test_404_is_missing_only_by_its_code(reach: Reach) -> None:
    with pytest.raises(Missing):
        read(reach(Peer(says(404, problem("not_found")))))
    for tenant in (reach(Peer(says(404, "<html>"))), reach(Peer(says(404, problem("no_such_route"))))):
        with pytest.raises(Transient, match="CONNECTOR_ANYSOFT__URL"):
            read(tenant)
        assert tenant.destinations() == (), "a tenant without these routes shows only the counter"


def test_L1_403_is_unauthorized(reach: Reach) -> None:
    for body in (problem("role_required"), "<html>"):
        with pytest.raises(Unauthorized):
            write(reach(Peer(says(403, body))))


# ---- tokens ----


def test_a_token_is_asked_for_once_and_renewed_when_it_ends_early(reach: Reach) -> None:
    good = {"access": "one"}

    def token() -> Response:
        return Response(
            json.dumps({"access_token": good["access"], "token_type": "bearer", "expires_in": 99})
        )

    def answer(request: Request) -> Response:
        if request.headers["Authorization"] != f"Bearer {good['access']}":
            return says(401, problem("invalid_token"))(request)
        return says(200, {"id": "t", "name": "T", "roles": []})(request)

    peer = Peer(answer, token)
    tenant = reach(peer)
    tenant.tenant()
    tenant.tenant()
    good["access"] = "two"
    tenant.tenant()
    assert [path for _, path, _ in peer.seen] == [
        "/oauth2/token", "/v1/tenant", "/v1/tenant", "/v1/tenant", "/oauth2/token", "/v1/tenant",
    ]  # fmt: skip


def test_a_token_refused_twice_is_given_up(reach: Reach) -> None:
    peer = Peer(says(401, problem("invalid_token")))
    with pytest.raises(Unauthorized, match="a new token was refused too"):
        write(reach(peer))
    assert len(peer.seen) == 4


@pytest.mark.parametrize("status", [400, 401, 403])
def test_T23_refused_credentials_are_named_without_the_secret(reach: Reach, status: int) -> None:
    peer = Peer(says(200, {}), lambda: says(status, {"error": SECRET})(None))  # type: ignore[arg-type]
    with pytest.raises(Unauthorized, match="CONNECTOR_ANYSOFT__CLIENT_ID") as refused:
        write(reach(peer))
    assert SECRET not in str(refused.value)
    assert peer.calls == []
    assert SECRET not in repr(Transport("https://x.example", CLIENT, SECRET))


@pytest.mark.parametrize(
    "body",
    [
        "<html>", "[]", {}, {"access_token": "", "token_type": "Bearer", "expires_in": 9},
        {"access_token": "a\r\nX: y", "token_type": "Bearer", "expires_in": 9},
        {"access_token": "a", "token_type": "mac", "expires_in": 9},
        {"access_token": "a", "token_type": "Bearer", "expires_in": "9"},
        {"access_token": "a" * 20_000, "token_type": "Bearer", "expires_in": 9},
    ],
)  # fmt: skip
def test_T25_a_strange_token_answer_sends_nothing(reach: Reach, body: object) -> None:
    peer = Peer(says(200, {}), lambda: says(200, body)(None))  # type: ignore[arg-type]
    with pytest.raises(Transient) as strange:
        write(reach(peer))
    assert not strange.value.maybe_done, "the call itself never left"
    assert peer.calls == []


def test_T25_a_login_that_redirects_is_not_followed(reach: Reach) -> None:
    peer = Peer(says(200, {}), lambda: Response("", 302, {"Location": "/elsewhere"}))
    with pytest.raises(Transient):
        write(reach(peer))
    assert [path for _, path, _ in peer.seen] == ["/oauth2/token"]


def test_T23_no_netrc_is_looked_at(reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("NO_PROXY", "*")
    peer = Peer(says(200, {"id": "t", "name": "T", "roles": []}))
    tenant = reach(peer)
    transport_of(tenant)._session.trust_env = True  # as with a tenant elsewhere
    read(tenant)
    assert [authorization for _, _, authorization in peer.seen] == ["", "Bearer t0k"]


# ---- answers ----


@pytest.mark.parametrize("body", ["", "<html>", '{"results": [', "null", "NaN", "[]", "[" * 3000, b"\xff"])
def test_T25_an_answer_that_isnt_the_contracts(reach: Reach, body: str | bytes) -> None:
    with pytest.raises(Transient) as strange:
        write(reach(Peer(says(200, body))))
    assert strange.value.maybe_done


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{"user_id": "other", "status": "assigned"}],
        [{"user_id": "u", "status": "assigned"}, {"user_id": "u", "status": "assigned"}],
        [{"user_id": "u", "status": "unassigned"}],
        [{"user_id": "u", "status": "fine"}],
    ],
)
def test_T25_results_about_something_else_settle_nothing(reach: Reach, results: object) -> None:
    with pytest.raises(Transient) as strange:
        write(reach(Peer(says(200, {"results": results}))))
    assert strange.value.maybe_done


def test_T25_an_answer_without_end_is_cut(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.anysoft.transport.LARGEST_ANSWER", 200_000)

    def flood() -> Iterator[bytes]:
        while True:
            yield b" " * 65_536

    with pytest.raises(Transient, match="larger than"):
        read(reach(Peer(lambda request: Response(flood(), 200))))


@pytest.mark.parametrize("drop", [65_536, 1], ids=["chunks", "bytes"])
def test_T25_an_answer_that_drips_is_cut(reach: Reach, drop: int) -> None:
    moments = iter(range(0, 100_000, 15))
    tenant = reach(Peer(lambda request: Response((b" " * drop for _ in range(50)), 200)))
    transport_of(tenant).monotonic = lambda: float(next(moments))
    with pytest.raises(Transient, match="doesn't end"):
        read(tenant)


def test_a_time_out_leaves_a_write_in_doubt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with connected(url, 0.2) as tenant:
            transport_of(tenant)._token, transport_of(tenant)._token_until = "t", 1e18
            with pytest.raises(Transient) as reading:
                read(tenant)
            with pytest.raises(Transient) as writing:
                write(tenant)
    assert (reading.value.maybe_done, writing.value.maybe_done) == (False, True)
    with connected(url, 0.2) as tenant:
        transport_of(tenant)._token, transport_of(tenant)._token_until = "t", 1e18
        with pytest.raises(Transient) as refused:
            write(tenant)
    assert not refused.value.maybe_done, "nobody listens: nothing was sent"


# ---- lists ----


def test_T25_a_list_that_comes_round_again_is_no_list(reach: Reach) -> None:
    peer = Peer(says(200, {"items": [], "next": "again"}))
    with pytest.raises(Transient, match="next"):
        list(reach(peer).accounts())
    assert len(peer.calls) == 2


def test_T25_a_list_that_never_ends_is_no_list(reach: Reach) -> None:
    count = iter(range(10**9))

    def answer(request: Request) -> Response:
        return says(200, {"items": [], "next": str(next(count))})(request)

    with pytest.raises(Transient, match="next"):
        list(reach(Peer(answer)).accounts())


def test_T25_a_broken_page_ends_the_list_with_an_error(reach: Reach) -> None:
    user = {"id": "u", "user_name": "u", "active": True}

    def answer(request: Request) -> Response:
        broken = {"items": [{"id": 5}], "next": None}
        return says(200, broken if "cursor" in request.args else {"items": [user], "next": "c"})(request)

    accounts = reach(Peer(answer)).accounts()
    assert next(accounts).id == "u"
    with pytest.raises(Transient, match=re.escape("items[0].id")):
        next(accounts)


def test_a_tenant_that_ignores_the_query_gives_us_nobody_else(reach: Reach) -> None:
    users = [{"id": str(n), "user_name": name, "active": True} for n, name in enumerate(["Bob", "ADA"])]
    tenant = reach(Peer(says(200, {"items": users, "next": None})))
    assert tenant.find_account("eve") is None
    found = tenant.find_account("ada")
    assert found is not None
    assert found.id == "1"


@pytest.mark.parametrize("id", ["", ".", "..", "x" * 65, "a\nb", "\ud800"])
def test_T24_an_id_that_leads_elsewhere_is_not_sent(reach: Reach, id: str) -> None:
    peer = Peer(says(200, {}))
    with pytest.raises(Missing):
        reach(peer).change_quantity(SubscriptionId(id), 3, "k")
    assert peer.seen == []


def test_T24_an_id_is_one_segment_of_the_path(reach: Reach) -> None:
    peer = Peer(says(404, problem("not_found")))
    with pytest.raises(Missing):
        reach(peer).subscription(SubscriptionId("../users?x=1#y"))
    assert peer.calls == ["GET /v1/subscriptions/..%2Fusers%3Fx%3D1%23y"]


def test_what_is_sent_is_the_contracts(reach: Reach) -> None:
    sent: list[tuple[str, object]] = []

    def answer(request: Request) -> Response:
        sent.append((request.headers["Idempotency-Key"], request.get_json()))
        return says(409, problem("already_subscribed"))(request)

    with pytest.raises(Rejected):
        reach(Peer(answer)).add_product(ProductId("anyprint"), 5, BILLING, ADDRESS, "key-1")
    assert sent == [
        (
            "key-1",
            {
                "product_id": "anyprint",
                "quantity": 5,
                "billing": {
                    "name": "Contoso Ltd",
                    "email": "billing@contoso.example",
                    "purchase_order": "PO-17",
                },
                "address": {
                    "line1": "1 High Street",
                    "line2": "2nd floor",
                    "city": "Leeds",
                    "region": "Yorkshire",
                    "postal_code": "LS1 1AA",
                    "country": "GB",
                },
            },
        )
    ]


@pytest.mark.parametrize(
    "url",
    ["https://anysoft.example", "https://a.example:8443/base/", "http://127.0.0.1:80", "http://[::1]:1"],
)
def test_urls(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "", "anysoft.example", "http://anysoft.example", "http://127.0.0.1.example", "ftp://a.example",
        "https://u:p@a.example", "https://a.example?x=1", "https://a.example#x", "https://", "http://10.0.0.1",
    ],
)  # fmt: skip
def test_T24_urls_that_mustnt_get_the_secret(url: str) -> None:
    with pytest.raises(ValueError, match="AnySoft URL"):
        check_url(url)

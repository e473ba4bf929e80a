"""What does the client make of a tenant that lies, stalls, redirects or refuses? (T25, T10, R29)"""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from connector.anysoft.transport import Transport
from sync.ports import Missing, Rejected, Transient, Unauthorized
from tests.connector.anysoft.peer import (
    Peer,
    Reach,
    problem,
    read,
    says,
    transport_of,
    write,
)
from tests.contracts.licensing_http import CLIENT, SECRET, connected


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


def ahead(lapse: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + lapse, usegmt=True)


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("7", 7, 7), ("0", 0, 0), ("31536000", 3600, 3600), ("9" * 30, 3600, 3600),
        (timedelta(seconds=100), 30, 100), (timedelta(days=365), 3600, 3600), (timedelta(days=-1), 0, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
def test_R29_retry_after(
    reach: Reach, status: int, given: str | timedelta, least: float, most: float
) -> None:
    given = given if isinstance(given, str) else ahead(given)
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

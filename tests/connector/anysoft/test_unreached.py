"""Does what is said of an AnySoft that isn't reached name host, cause and remedy, and no secret?"""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from ssl import SSLError
from threading import Thread

import pytest
from werkzeug.wrappers import Response

from connector.anysoft.transport import Request, Transport
from sync.ports import Transient, Unauthorized
from tests.connector.anysoft.peer import Peer, Reach, problem, read, says, transport_of
from tests.standins.tls import authority

SECRET = "s3kret-s3kret"
Answer = Callable[[socket.socket], None]


@pytest.fixture
def listening() -> Iterator[Callable[[Answer], int]]:
    """The port on which each connection is treated so."""
    with ExitStack() as running:

        def listen(answer: Answer) -> int:
            server = running.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                with suppress(OSError):
                    while True:
                        with server.accept()[0] as taken:
                            answer(taken)

            Thread(target=run, daemon=True).start()
            return int(server.getsockname()[1])

        yield listen


def said(url: str) -> str:
    with pytest.raises(Transient) as caught:
        Transport(url, "id", SECRET, 5.0).send(Request("GET", "/v1/tenant"))
    told = str(caught.value)
    assert SECRET not in told
    assert url.split("/")[2] in told, "the host"
    return told


def test_a_port_on_which_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "refuses the connection: check the port in CONNECTOR_ANYSOFT__URL" in said(
        f"http://127.0.0.1:{port}"
    )


def test_a_name_that_nobody_has() -> None:
    assert "isn't known by that name" in said("https://anysoft.invalid")


def _cut(taken: socket.socket) -> None:
    taken.recv(10_000)


def _half(taken: socket.socket) -> None:
    taken.recv(10_000)
    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


@pytest.mark.parametrize("answer", [_cut, _half])
def test_a_connection_that_is_closed(listening: Callable[[Answer], int], answer: Answer) -> None:
    assert "closed the connection before its answer was whole" in said(
        f"http://127.0.0.1:{listening(answer)}"
    )


def test_a_certificate_that_is_not_trusted(listening: Callable[[Answer], int], tmp_path: Path) -> None:
    there = authority(tmp_path)

    def shake_hands(taken: socket.socket) -> None:
        with suppress(SSLError, OSError):
            there.server.wrap_socket(taken, server_side=True)

    told = said(f"https://localhost:{listening(shake_hands)}")
    assert "has a certificate that isn't trusted" in told
    assert "CONNECTOR_CA_BUNDLE" in told


def _refusal(reach: Reach, answer: Response) -> str:
    tenant = reach(Peer(says(200, {}), token=lambda: answer))
    with pytest.raises(Unauthorized) as caught:
        read(tenant)
    assert transport_of(tenant).client_secret not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("body", [problem("invalid_client"), {"error": "invalid_client"}])
def test_a_wrong_secret_names_both_settings(reach: Reach, body: object) -> None:
    told = _refusal(reach, says(401, body)(None))  # type: ignore[arg-type]
    assert "refuses the client id or secret" in told
    assert "CONNECTOR_ANYSOFT__CLIENT_ID and CONNECTOR_ANYSOFT__CLIENT_SECRET" in told


@pytest.mark.parametrize("body", [problem("invalid_token"), "<h1>Sign in</h1>", [1]])
def test_an_address_that_is_not_the_base_is_not_blamed_on_the_secret(reach: Reach, body: object) -> None:
    told = _refusal(reach, says(401, body)(None))  # type: ignore[arg-type]
    assert "refuses the client id" not in told
    assert "gives no token (401): check CONNECTOR_ANYSOFT__URL, the address without /v1" in told


def test_the_call_for_a_token_is_named_as_it_was_sent(reach: Reach) -> None:
    tenant = reach(Peer(says(200, {}), token=lambda: Response("", 503)))
    with pytest.raises(Transient) as caught:
        read(tenant)
    assert "POST /oauth2/token: 503" in str(caught.value)
    assert not caught.value.maybe_done

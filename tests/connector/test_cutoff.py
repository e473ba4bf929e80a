"""Is a connection ended on which nothing is sent any more, and no other?"""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from connector import cutoff

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked as Linux is")

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connected(listener: socket.socket) -> Pair:
    """Our end, and the client's."""
    client = socket.create_connection(listener.getsockname(), 5)
    ours, _ = listener.accept()
    return ours, client


def test_only_a_connection_to_which_nothing_was_sent_is_ended(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as other:
        pairs = [connected(listener), connected(listener), connected(other)]
        (dribbled, dribbling), (answered, asking), (elsewhere, foreign) = pairs
        time.sleep(0.4)
        dribbling.sendall(b"x")  # what comes in is no reason to wait on
        answered.sendall(b"x")
        assert cutoff.cut(port, 0.3) == 1
        assert dribbled.recv(9) == b"x"
        assert dribbled.recv(9) == b""  # what a server that waits for more finds
        assert dribbling.recv(9) == b""
        assert asking.recv(9) == b"x"
        asking.sendall(b"y")
        assert answered.recv(9) == b"y"
        foreign.sendall(b"z")
        assert elsewhere.recv(9) == b"z"
        assert listener.getsockname()[1] == port
        for end in (end for pair in pairs for end in pair):
            end.close()


def test_an_answer_that_nobody_reads_is_ended(listener: socket.socket) -> None:
    ours, client = connected(listener)
    with closing(ours), closing(client):
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.sendall(bytes(50_000_000))
        time.sleep(0.6)
        assert cutoff.cut(listener.getsockname()[1], 0.5) == 1
        with pytest.raises(BrokenPipeError):
            ours.send(b"x")

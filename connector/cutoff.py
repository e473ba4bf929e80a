"""Which connections are ended? Those on which nothing was sent for two minutes.

Granian limits how long a header may take, but waits for ever for a body, and for a client that doesn't read
its answer; a thread waits with it and can't be interrupted. The kernel knows when it last sent something on
each connection (Linux: TCP_INFO, tcp(7)); shutting the connection down ends the wait. Granian itself closes
the idle ones before. Elsewhere than on Linux nothing is ended.
"""

import os
import socket
import stat
import sys
import time
from contextlib import suppress
from threading import Thread

SECONDS = 120.0  #: 16 MB at 150 kB/s; Okta itself waits 60 s for an answer
#: struct tcp_info of linux/tcp.h: tcpi_last_data_sent, in milliseconds
_LAST_SENT = slice(44, 48)


def watch(port: int, *, every: float = 5.0) -> None:
    """From now on, in this process, for the connections that came to `port`."""
    if sys.platform == "linux":
        Thread(target=_watch, args=(port, every), name="cutoff", daemon=True).start()


def _watch(port: int, every: float) -> None:
    while True:
        time.sleep(every)
        cut(port, SECONDS)


def cut(port: int, seconds: float) -> int:
    """End them; how many there were."""
    return sum(_cut(int(name), port, seconds) for name in os.listdir("/proc/self/fd"))


def _cut(number: int, port: int, seconds: float) -> bool:
    with suppress(OSError):  # closed meanwhile; or it has no peer, as it listens
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return False
        # A duplicate, so that nobody else gets the number in between.
        with socket.socket(fileno=os.dup(number)) as connection:
            if connection.family not in (socket.AF_INET, socket.AF_INET6):
                return False
            if connection.getsockname()[1] != port or not connection.getpeername():
                return False
            told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_SENT.stop)
            if int.from_bytes(told[_LAST_SENT], sys.byteorder) < seconds * 1000:
                return False
            connection.shutdown(socket.SHUT_RDWR)
            return True
    return False

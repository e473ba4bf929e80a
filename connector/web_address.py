"""Where is the endpoint served, and is that free?"""

import socket
from urllib.error import URLError
from urllib.request import urlopen


class PortTaken(Exception):
    """Nothing can be served on this address; the message says what to do."""


def check_port(host: str, port: int) -> None:
    """Raises PortTaken if the address can't be had: Granian would only say so in its log."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise PortTaken(f"--host: there is no address {host}: use 127.0.0.1, or 0.0.0.0 for all") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise PortTaken(
                f"can't serve on {host}:{port}: {error.strerror}; choose another with --port, "
                "or stop what is running there"
            ) from None


def free_port(host: str) -> int:
    """A port that nobody listens on now. Raises PortTaken if the address can't be had."""
    check_port(host, 0)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def url_of(host: str, port: int) -> str:
    """Where this machine reaches what is served on that address."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 (http on this machine)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False

"""Which addresses may a notice be sent to? Public ones, unless a setting allows the network's own (T24).

Checked when the setting is read (what the URL itself shows) and when something is sent (what the name stands
for then); the connection is made to an address that was checked, so that a name can't change in between.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address


class Private(Exception):
    """The address is inside the network, and that isn't allowed."""


def check(url: str, allow_private: bool) -> SplitResult:
    """The parts of a webhook's URL. Raises ValueError, with what to write instead."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("one of the webhooks is no URL: write https://HOST/PATH") from None
    host = parts.hostname or ""
    plain = parts.scheme == "http" and allow_private
    if (parts.scheme != "https" and not plain) or not host or port == 0:
        raise ValueError(
            f"the webhook at {host or '?'} isn't https://HOST/PATH (http is only for allow_private)"
        )
    if parts.username or parts.password or parts.fragment or not (url.isascii() and url.isprintable()):
        raise ValueError(
            f"the webhook at {host} must be plain ASCII without a user name, password and fragment"
        )
    if not allow_private and _is_ours(host):
        raise ValueError(f"{host} is inside the network: set allow_private if it is meant")
    return parts


def resolve(host: str, port: int, allow_private: bool) -> Address:
    """The address to connect to. Raises OSError; Private when any of the name's addresses isn't public."""
    found = {ip_address(str(each[4][0]).split("%")[0]) for each in _look_up(host, port)}
    if not allow_private and (inside := sorted(str(a) for a in found if not _is_public(a))):
        raise Private(f"{host} is {inside[0]}, inside the network: set allow_private if it is meant")
    return min(found, key=lambda address: (address.version, int(address)))


def _look_up(host: str, port: int) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _is_ours(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not _is_public(ip_address(host))
    except ValueError:
        return bool(name) and all(c.isdigit() or c in "x.abcdef" for c in name) and name[-1].isdigit()


def _is_public(address: Address) -> bool:
    """Also of an IPv6 address that carries an IPv4 one."""
    carried = address.ipv4_mapped or address.sixtofour if isinstance(address, IPv6Address) else None
    if carried is not None:
        return _is_public(carried)
    return address.is_global and not address.is_multicast

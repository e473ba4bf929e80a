"""T24: which addresses may a notice be sent to?"""

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from connector.addresses import Private, check, resolve
from connector.settings import Notify


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://10.1.2.3/x", "https://192.168.0.1/", "https://169.254.169.254/latest",
        "https://[::1]/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/", "https://[2002:0a00:0001::]/",
        "https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://localhost/", "https://a.localhost/",
        "https://printer.local/", "https://metadata.google.internal/", "https://0.0.0.0/", "https://224.0.0.1/",
    ],
)  # fmt: skip
def test_t24_an_address_inside_the_network_is_refused_when_it_is_saved(url: str) -> None:
    with pytest.raises(ValueError, match="inside the network"):
        check(url, allow_private=False)
    assert check(url, allow_private=True).hostname


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/", "ftp://hooks.example.com/", "https:///x", "https://u:p@hooks.example.com/",
     "https://hooks.example.com:0/", "https://hooks.example.com/\r\nX: y", "https://hooks.example.com:99999/"],
)  # fmt: skip
def test_t24_what_is_no_webhook_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="webhook"):
        check(url, allow_private=False)


def test_t24_a_name_that_stands_for_an_inner_address_is_refused_when_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answers(*found: str) -> Any:
        return lambda *args, **more: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f, 443)) for f in found]

    monkeypatch.setattr(socket, "getaddrinfo", answers("93.184.216.34"))
    assert resolve("hooks.example.com", 443, False) == ip_address("93.184.216.34")
    monkeypatch.setattr(socket, "getaddrinfo", answers("93.184.216.34", "10.0.0.5"))
    with pytest.raises(Private, match=r"10\.0\.0\.5"):
        resolve("hooks.example.com", 443, False)
    assert resolve("hooks.example.com", 443, True) == ip_address("10.0.0.5")


def test_urls_need_a_secret() -> None:
    with pytest.raises(ValueError, match="secret"):
        Notify(urls=("https://hooks.example.com/x",))

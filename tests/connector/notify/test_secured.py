"""Do notices go by TLS alone where they should, and only to whom the authority vouches for?"""

import json
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connector import addresses
from connector.cli.root import main
from connector.notify import mail
from connector.store import trouble
from connector.store.engine import writing
from tests.company import PRINT
from tests.connector.notify.office import OPERATORS, Office, leaver, opened, short
from tests.standins.mailbox import Tls
from tests.standins.tls import Authority

KINDS = {"prompt", "hold", "removals", "trouble", "digest"}
PASSWORD: dict[str, object] = {"username": "connector", "password": "only by TLS"}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Commands set up the log."""
    yield
    logging.getLogger().handlers.clear()


def trusting(office: Office, bundle: Path) -> None:
    settings = office.post.settings
    office.post = replace(office.post, settings=settings.model_copy(update={"ca_bundle": bundle}))


def on_port_465(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    """No test may listen there: the stand-in's port is taken for it."""
    monkeypatch.setattr(mail, "SMTPS", office.box.port)


def everything(office: Office) -> None:
    """A prompt, a hold, an announcement, trouble and its end, the day's digest."""
    company = office.company
    leaver(office)
    ids = company.hire(*(f"p{n}@northmill.example" for n in range(8)))
    group = company.group("LIC-Many", ids)
    company.map(group, PRINT)
    company.round()
    office.tell()
    company.leave(group, *ids)
    company.round()
    office.tell()
    for _ in range(2):
        with writing(company.engine) as connection:
            trouble.note(connection, "AnySoft does not answer", None, company.now)
        company.go(minutes=6)
        office.tell()
    with writing(company.engine) as connection:
        trouble.over(connection)
    office.tell()
    company.go(hours=13, minutes=40)
    office.tell()
    office.tell()


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.ALWAYS])
def test_r18_r24_r27_r29_each_kind_goes_by_tls_once_and_its_end_in_its_thread(
    engine: Engine, northmill: Authority, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(engine, northmill.server, tls, northmill.bundle, smtp=PASSWORD) as office:
        if tls is Tls.ALWAYS:
            on_port_465(monkeypatch, office)
        everything(office)
        assert office.failing() == []
        assert office.box.secured, "there were some"
        assert all(office.box.secured)
        assert set(office.box.passwords) == {b"AGNvbm5lY3RvcgBvbmx5IGJ5IFRMUw=="}
        assert office.hook.scheme == "https"
        assert {said["kind"] for said in office.hook.said} == KINDS
        told = [(said["id"], said["revision"]) for said in office.hook.said]
        assert len(told) == len(set(told)), "each once"
        threads = [m for m in office.box.to(OPERATORS) if not m["In-Reply-To"]]
        assert len(threads) == len({said["id"] for said in office.hook.said}), "one message a matter"
        assert office.subjects("zoe.n@northmill.example") == ["You will lose anyprint"]


def test_t24_whom_the_authority_does_not_vouch_for_gets_nothing_and_doctor_says_why(
    engine: Engine, northmill: Authority, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    with opened(engine, northmill.server, Tls.STARTTLS, smtp=PASSWORD) as office:
        short(office.company, 5, 3)
        office.tell()
        assert (office.box.mails, office.box.passwords, office.hook.got) == ([], [], [])
        assert len(office.company.holders(PRINT)) == 3, "no round waits for a mail"
        assert {n.channel.partition(":")[0]: n.attempts for n in office.failing()} == {
            "operators": 1,
            "webhook": 1,
        }
        monkeypatch.chdir(tmp_path)
        for name, value in {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "SECRET_KEY": "0" * 64,
            "NOTIFY__SMTP__HOST": "127.0.0.1",
            "NOTIFY__SMTP__FROM": "c@northmill.example",
            "NOTIFY__SMTP__TO": OPERATORS,
        }.items():
            monkeypatch.setenv(f"CONNECTOR_{name}", value)
        capsys.readouterr()
        main(("doctor", "--json"))
        [found] = [each for each in json.loads(capsys.readouterr().out) if each["check"] == "notices"]
        assert found["state"] == "attention"
        assert "the certificate of 127.0.0.1 isn't trusted" in found["said"]
        assert "CONNECTOR_CA_BUNDLE" in found["said"]
        trusting(office, northmill.bundle)
        office.company.go(minutes=1)
        office.tell()
        assert office.failing() == []
        assert len(office.subjects()) == len(office.hook.got) == 1


def test_t24_a_certificate_for_another_name_is_none(
    sqlite_engine: Engine, northmill: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    with opened(sqlite_engine, northmill.server, Tls.STARTTLS, northmill.bundle) as office:
        monkeypatch.setattr(addresses, "_look_up", lambda host, port: found)
        settings = office.post.settings
        elsewhere = office.hook.url.replace("127.0.0.1", "hooks.northmill.example")
        notify = settings.notify.model_copy(update={"urls": (elsewhere,)})
        office.post = replace(office.post, settings=settings.model_copy(update={"notify": notify}))
        short(office.company, 5, 3)
        office.tell()
        assert office.hook.got == []
        [failing] = office.failing()
        assert "the certificate of hooks.northmill.example isn't trusted" in failing.failure
        assert len(office.subjects()) == 1, "one channel's failure is not another's"


def test_t25_a_mail_server_without_starttls_gets_no_mail_and_no_password(sqlite_engine: Engine) -> None:
    with opened(sqlite_engine, tls=Tls.NEVER, smtp=PASSWORD | {"starttls": True}) as office:
        short(office.company, 5, 3)
        office.tell()
        assert (office.box.mails, office.box.passwords) == ([], [])
        [failing] = office.failing()
        assert "STARTTLS" in failing.failure


def test_a_file_of_authorities_that_is_none_fails_the_sending_only(
    sqlite_engine: Engine, northmill: Authority, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    with opened(sqlite_engine, northmill.server, Tls.STARTTLS, broken) as office:
        short(office.company, 5, 3)
        office.tell()
        assert len(office.failing()) == 2

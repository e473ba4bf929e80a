"""Which office do the tests of notices look at? A real company, a mail server and a webhook on loopback."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from sqlalchemy import Engine

from connector.notify.post import Post
from connector.settings import Settings
from connector.store import notices
from connector.store.engine import reading
from connector.store.notices import Notice
from scim.store import Kind
from tests.company import PRINT, Company
from tests.standins.hook import Hook, hook
from tests.standins.mailbox import Mailbox, Tls, mailbox

SECRET = "a secret of sixteen"
OPERATORS = "ops@northmill.example"


@dataclass
class Office:
    company: Company
    box: Mailbox
    hook: Hook
    post: Post

    def tell(self) -> None:
        self.post.tick(Event())

    def subjects(self, address: str = OPERATORS) -> list[str]:
        return [str(m["Subject"]) for m in self.box.to(address)]

    def failing(self) -> list[Notice]:
        with reading(self.company.engine) as connection:
            return notices.failing(connection)

    def hire(self, name: str, email: str) -> str:
        with self.company.directory().writing() as writer:
            attributes = {"userName": name, "active": True, "emails": [{"value": email, "primary": True}]}
            return writer.create(Kind.USER, attributes).id


@contextmanager
def opened(
    engine: Engine,
    certificate: ssl.SSLContext | None = None,
    tls: Tls = Tls.NEVER,
    trusted: Path | None = None,
    smtp: Mapping[str, object] | None = None,
) -> Iterator[Office]:
    """`certificate`: the mail server's, if it speaks TLS, and the webhook's. `trusted`: the authorities'."""
    company = Company(engine)
    with mailbox(certificate, tls) as box, hook(certificate) as receiver:
        address = {"host": "127.0.0.1", "port": box.port, "from": "c@northmill.example", "to": OPERATORS}
        notify = {
            "urls": [receiver.url], "secret": SECRET, "allow_private": True, "digest_hour": 23,
            "smtp": {"starttls": tls is not Tls.NEVER} | address | dict(smtp or {}),
        }  # fmt: skip
        given = {"notify": notify, "public_url": "https://licenses.northmill.example", "ca_bundle": trusted}
        settings = Settings(command_line=given)  # type: ignore[call-arg]
        post = Post(settings, engine, company.clock, lambda s, e: company.tenant)
        office = Office(company, box, receiver, post)
        office.tell()  # what was announced before there was a channel is past
        yield office


def short(company: Company, people: int, seats: int) -> tuple[list[str], str]:
    company.buy(PRINT, seats)
    ids = company.hire(*(f"p{n}@northmill.example" for n in range(people)))
    group = company.group("LIC-AnyPrint", ids)
    company.map(group, PRINT)
    company.round()
    return ids, group


def leaver(office: Office) -> tuple[str, str]:
    company = office.company
    company.buy(PRINT, 5)
    id = office.hire("zoe@northmill.example", "zoe.n@northmill.example")
    group = company.group("LIC-AnyPrint", [id])
    company.map(group, PRINT)
    company.round()
    company.leave(group, id)
    company.round()
    office.tell()
    assert office.subjects("zoe.n@northmill.example") == [], "not before the settle window ends"
    company.go(minutes=16)
    company.round()
    office.tell()
    return id, group

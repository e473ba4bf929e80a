"""How do the tests read the stand-in of Okta? Sources that live by its clock, and reads to their end."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sync.delta import fold
from sync.pulled import Active, Cursor, Page, Refresh
from sync.sources.http import Caller
from sync.sources.okta import Okta as Source
from sync.sources.okta_api import Api
from sync.sources.okta_auth import ApiToken, ServiceApp, SignIn, SigningKey
from tests.standins.okta import Okta
from tests.standins.okta_token import ServiceApp as AppThere

RSA = rsa.generate_private_key(65_537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def app_there(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = EC, **options: object) -> AppThere:
    """A service app of the org, with this public key."""
    return AppThere("0oaNorthmill", {"k1": key.public_key()}, **options)  # type: ignore[arg-type]


@dataclass(slots=True)
class Reader:
    """A source whose waits move the org's clock, and how often and how long it waited."""

    okta: Okta
    bundle: Path
    sign_in: SignIn | None = None
    timeout: float = 5.0
    provisioned: bool = False
    waits: list[float] = field(default_factory=list)

    def caller(self) -> Caller:
        return Caller(self.okta.url, "Okta", str(self.bundle), self.timeout)

    def source(self) -> Source:
        caller = self.caller()
        api = Api(
            caller,
            self.sign_in or ApiToken(self.okta.api_token),
            lambda: self.okta.org.now,
            self._pause,
            self._seconds,
        )
        return Source(api, self.provisioned)

    def as_app(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = EC, id: str = "k1") -> "Reader":
        """The same, signed in as the service app."""
        signing, caller = SigningKey.of(pem(key), id), self.caller()
        self.sign_in = ServiceApp(caller, "0oaNorthmill", signing, lambda: self.okta.org.now, self._seconds)
        return self

    def _pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.okta.org.go(seconds)

    def _seconds(self) -> float:
        return self.okta.org.now.timestamp()


@dataclass(frozen=True, slots=True)
class Read:
    """What one read came to."""

    active: Active
    pages: int
    names: dict[str, str]  #: of groups
    members: dict[str, set[str]]  #: of groups that were read; by id
    whole: frozenset[str]
    unread: dict[str, str]
    gone: frozenset[str]  #: groups
    people: dict[str, bool]  #: active?, by id


def read(source: Source, cursor: Cursor, *groups: str) -> Read:
    """To its end, over a new source state each page (a source keeps nothing between two)."""
    pages: list[Page] = []
    while not pages or not pages[-1].complete:
        page = fold(source.read(cursor, groups))
        pages.append(page)
        cursor = page.next
        assert len(pages) < 1000, "the read doesn't end"
    assert isinstance(cursor, Active)
    members: dict[str, set[str]] = {}
    whole: set[str] = set()
    for page in pages:
        members |= {group: set() for group in page.anew}
        whole -= set(page.anew)
        for entry in page.entries:
            members[entry.group].add(entry.member)
        whole |= {each.group for each in page.whole}
    return Read(
        cursor,
        len(pages),
        {group.id: group.name for page in pages for group in page.groups},
        members,
        frozenset(whole),
        {each.group: each.why for page in pages for each in page.unread},
        frozenset(id for page in pages for id in page.groups_gone),
        {user.id: user.active for page in pages for user in page.users},
    )


def first(source: Source, *groups: str) -> Read:
    return read(source, Refresh(), *groups)

"""What does a test of the whole program hold in its hands? A folder, a directory elsewhere, and commands."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509

from tests.connector.processes import command, environment
from tests.standins.answers import Answer, Fault, Seen
from tests.standins.graph import CLIENT, TENANT, Entra
from tests.standins.okta import Okta
from tests.standins.tls import Authority
from tests.sync.sources.okta_world import EC, app_there, pem

DOMAIN = "northmill.example"
BUY = (
    "--billing-name=A", "--billing-email=a@x.example", "--address-line1=B 1", "--address-city=C",
    "--address-postal-code=1", "--address-country=SE", "--json",
)  # fmt: skip


class Elsewhere(Protocol):
    """A stand-in, whoever it stands for. People are named by their login without the domain."""

    kind: str

    def declare(self, folder: Path) -> tuple[str, ...]:
        """Make an app with a key in `folder`; the options of `directory add` that name both."""

    def hire(self, names: Iterable[str]) -> list[str]: ...

    def team(self, name: str, members: Iterable[str] = ()) -> str: ...

    def join(self, team: str, *members: str) -> None: ...

    def leave(self, team: str, member: str) -> None: ...

    def seen(self) -> Sequence[Seen]:
        """The requests of reads so far; each process has a token of its own."""

    def is_first(self, seen: Seen) -> bool:
        """Whether a read begins with this request; else it goes on with a link."""

    def be_slow(self, seconds: float) -> None:
        """One entry in a page; each answer takes so long."""

    def be_large(self) -> None:
        """Pages as large as the vendor makes them, and calls enough for a hundred thousand people."""


@dataclass(slots=True)
class EntraElsewhere:
    server: Entra
    kind: str = "entra"

    def declare(self, folder: Path) -> tuple[str, ...]:
        """A certificate, made as the guide says."""
        key, crt, both = (folder / name for name in ("connector.key", "connector.crt", "entra.pem"))
        made = ("openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "365", "-subj")
        files = ("-keyout", str(key), "-out", str(crt))
        subprocess.run((*made, "/CN=anysoft-connector", *files), check=True, capture_output=True)
        both.write_bytes(key.read_bytes() + crt.read_bytes())
        both.chmod(0o600)
        self.server.certificates.append(x509.load_pem_x509_certificate(crt.read_bytes()))
        who = ("--tenant-id", TENANT, "--client-id", CLIENT, "--certificate-file", str(both))
        return (*who, "--authority", self.server.url, "--graph-url", self.server.url)

    def hire(self, names: Iterable[str]) -> list[str]:
        return self.server.tenant.hire(*names)

    def team(self, name: str, members: Iterable[str] = ()) -> str:
        return self.server.tenant.team(name, members)

    def join(self, team: str, *members: str) -> None:
        self.server.tenant.join(team, *members)

    def leave(self, team: str, member: str) -> None:
        self.server.tenant.leave(team, member)

    def seen(self) -> Sequence[Seen]:
        return [seen for seen in list(self.server.seen) if "/delta" in seen.line]

    def is_first(self, seen: Seen) -> bool:
        return "/groups/delta" in seen.line and "$skiptoken" not in seen.line

    def be_slow(self, seconds: float) -> None:
        self.server.page, self.server.faults = 1, [_slow(seconds)]

    def be_large(self) -> None:
        self.server.page = 1000


@dataclass(slots=True)
class OktaElsewhere:
    """Its people and groups were made an hour ago; from now on its clock is the machine's."""

    server: Okta
    kind: str = "okta"

    def __post_init__(self) -> None:
        self.server.org.now = datetime.now(UTC) - timedelta(hours=1)

    def declare(self, folder: Path) -> tuple[str, ...]:
        """A service app with a key."""
        self.server.app, self.server.real_time = app_there(EC), True
        key = folder / "okta.key"
        key.touch(0o600)
        key.write_text(pem(EC))
        app = ("--client-id", "0oaNorthmill", "--private-key-file", str(key), "--key-id", "k1")
        return ("--org-url", self.server.url, *app)

    def hire(self, names: Iterable[str]) -> list[str]:
        return self.server.org.hire(*(f"{name}@{DOMAIN}" for name in names))

    def team(self, name: str, members: Iterable[str] = ()) -> str:
        return self.server.org.group(name, members)

    def join(self, team: str, *members: str) -> None:
        self.server.org.now = datetime.now(UTC)
        self.server.org.join(team, *members)

    def leave(self, team: str, member: str) -> None:
        self.server.org.now = datetime.now(UTC)
        self.server.org.leave(team, member)

    def seen(self) -> Sequence[Seen]:
        return [seen for seen in list(self.server.seen) if seen.line.startswith("GET ")]

    def is_first(self, seen: Seen) -> bool:
        return seen.line.startswith("GET /api/v1/groups?") and "after=" not in seen.line

    def be_slow(self, seconds: float) -> None:
        self.server.page, self.server.faults = 1, [_slow(seconds)]

    def be_large(self) -> None:
        self.server.buckets["group"].limit = 10_000  # else most of the time is spent waiting


@dataclass(slots=True)
class Outside:
    """A data folder, and the program run in it."""

    folder: Path
    elsewhere: Elsewhere
    tls: Authority
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.env = {"CONNECTOR_CA_BUNDLE": str(self.tls.bundle)}

    @property
    def name(self) -> str:
        return self.elsewhere.kind

    def call(self, *arguments: str, code: int = 0, seconds: float = 1200) -> Any:
        """One command, as an operator types it; its JSON, or its text."""
        done = subprocess.run(
            command(*arguments), cwd=self.folder, env=environment(**self.env), capture_output=True, text=True,
            timeout=seconds, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        told = done.stdout + done.stderr
        assert done.returncode == code, (arguments, told[-4000:])
        assert "canary" not in told
        assert "PRIVATE KEY" not in told
        return json.loads(done.stdout) if "--json" in arguments else told

    def declare(self, interval: str = "", *options: str) -> None:
        """As the guides' second step."""
        how = self.elsewhere.declare(self.folder)
        often = ("--interval", interval) if interval else ()
        self.call("directory", "add", self.name, "--kind", self.elsewhere.kind, *how, *often, *options)

    def licensed(self, group: str, seats: int, *options: str) -> None:
        self.call("license", "add", "anyprint", f"--quantity={seats}", *BUY)
        mapping = ("--directory", self.name, "--group", group, "--product", "anyprint")
        self.call("mapping", "add", *mapping, *options, "--yes")

    def sync(self, code: int = 0) -> Any:
        return self.call("sync", "--directory", self.name, "--wait", "--json", code=code)

    def listed(self) -> dict[str, Any]:
        """The directory, as `directory list` has it."""
        (row,) = self.call("directory", "list", "--json")
        return dict(row)

    # ---- what came of it ----

    def pulls(self, column: str) -> Any:
        """Of the directory's row on its reading."""
        return self.ask(f"SELECT {column} FROM pulls")[0][0]

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "data" / "connector.sqlite", timeout=30)) as connection:
            return connection.execute(query, values).fetchall()

    def holders(self) -> set[str]:
        """Of a license at AnySoft; without the domain."""
        query = "SELECT a.user_name FROM tenant_assignments t JOIN tenant_accounts a ON a.id = t.account_id"
        return {name.partition("@")[0] for (name,) in self.ask(query)}

    def state(self, name: str) -> str:
        told = self.call("explain", f"{name}@{DOMAIN}", "--json")
        return next((str(each["state"]) for each in told["products"]), "none")

    def end_leases(self) -> None:
        """As time would, once a process was killed."""
        with closing(sqlite3.connect(self.folder / "data" / "connector.sqlite", timeout=30)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            connection.execute("UPDATE leases SET expires_at = 0")
            connection.commit()


MakeOutside = Callable[[str], Outside]  #: of entra or okta


def _slow(seconds: float) -> Fault:
    def wait(given: Answer) -> Answer:
        time.sleep(seconds)
        return given

    return Fault("^GET", wait)

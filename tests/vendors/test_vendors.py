"""Are the stand-ins of Okta and Graph what they stand for? Asked by the vendors' own SDKs, not by us."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.connector.processes import ROOT
from tests.standins.answers import Fault
from tests.standins.graph import CLIENT, TENANT, Entra
from tests.standins.okta import Okta
from tests.standins.okta_org import text_of
from tests.standins.tls import Authority, authority
from tests.sync.sources.okta_faults import each, limited
from tests.sync.sources.okta_world import RSA, app_there, pem

pytestmark = pytest.mark.long
PYTHON = ROOT / ".venv-vendors" / "bin" / "python"


def told_by(script: str, tls: Authority, **given: object) -> Any:
    """What the SDK printed."""
    assert PYTHON.exists(), "make .venv-vendors/.installed installs the vendors' SDKs; `make long` does it"
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name(script)], input=json.dumps(given), capture_output=True, text=True,
        timeout=300, check=False, env=os.environ | {"SSL_CERT_FILE": str(tls.bundle)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls"))


# ---- Okta ----


@pytest.fixture
def okta(tls: Authority) -> Iterator[Okta]:
    """Six people in three groups, made just now; pages of two."""
    with Okta(tls=tls.server, page=2, real_time=True, app=app_there(RSA)) as server:
        server.org.now = datetime.now(UTC)
        ids = server.org.hire(*(f"user{n}.north@northmill.example" for n in range(6)))
        server.org.group("LIC-AnyPrint", ids)
        server.org.group("LIC-AnyScan", ids[:3])
        server.org.group("Nobody")
        server.org.status(ids[1], "SUSPENDED")
        yield server


def org_as_it_is(okta: Okta) -> dict[str, Any]:
    org = okta.org
    first = next(iter(org.teams.values()))
    return {
        "groups": {
            team.id: {
                "name": team.name,
                "type": team.type,
                "members_changed": as_sent(team.membership_updated),
                "count": len(team.members),
                "members": sorted(team.members),
            }
            for team in org.teams.values()
        },
        "people": {
            account.id: {
                "login": account.login,
                "email": account.login,
                "name": f"{account.first} {account.last}",
                "status": account.status,
                "changed": as_sent(account.updated),
            }
            for account in org.accounts.values()
        },
        "named": [first.id],
        "one": next(iter(org.accounts.values())).login,
        "missing": [404, "E0000007"],
    }


def as_sent(moment: datetime) -> str:
    """To the millisecond."""
    return datetime.fromisoformat(text_of(moment)).isoformat()


@pytest.mark.parametrize("signed_in", ["SSWS", "PrivateKey"])
def test_okta_s_sdk_signs_in_and_sees_the_whole_org(okta: Okta, tls: Authority, signed_in: str) -> None:
    options: dict[str, Any] = {"authorizationMode": signed_in, "token": okta.api_token}
    if signed_in == "PrivateKey":
        scopes = ["okta.groups.read", "okta.users.read"]
        options |= {"clientId": "0oaNorthmill", "scopes": scopes, "privateKey": pem(RSA), "kid": "k1"}
        del options["token"]
    since = text_of(okta.org.now - timedelta(hours=1))
    seen = told_by("okta_sdk.py", tls, url=okta.url, options=options, since=since)
    assert seen == org_as_it_is(okta)
    tokens = [line for line in okta.lines() if "/oauth2/v1/token" in line]
    assert len(tokens) == (1 if signed_in == "PrivateKey" else 0)


def test_okta_s_sdk_waits_as_the_limits_tell_it(okta: Okta, tls: Authority) -> None:
    """429, until the second that the header names: it asks again then, and goes on."""
    ends = str(int(okta.org.now.timestamp()) + 2)
    spoil = limited(Limit="600", Remaining="0", Reset=ends)
    okta.faults = [Fault(r"GET /api/v1/groups\?", spoil, times=1)]
    options = {"authorizationMode": "SSWS", "token": okta.api_token}
    since = text_of(okta.org.now - timedelta(hours=1))
    assert told_by("okta_sdk.py", tls, url=okta.url, options=options, since=since) == org_as_it_is(okta)


def test_okta_s_models_refuse_an_org_that_is_not_as_okta_s(okta: Okta, tls: Authority) -> None:
    """So that the test above can fail."""
    okta.faults = [Fault(r"GET /api/v1/users\?", each(status=17))]
    options = {"authorizationMode": "SSWS", "token": okta.api_token}
    since = text_of(okta.org.now - timedelta(hours=1))
    with pytest.raises(AssertionError, match="status"):
        told_by("okta_sdk.py", tls, url=okta.url, options=options, since=since)


# ---- Microsoft Graph ----


@pytest.fixture
def entra(tls: Authority) -> Iterator[Entra]:
    """A group nested in another, and one of a device; pages of two."""
    with Entra(tls.server, page=2) as server:
        tenant = server.tenant
        people = tenant.hire("ada", "bo", "cy", "dan", "eve")
        tenant.change(people[1], enabled=False, mail=None)
        inner = tenant.team("inner", people[3:])
        tenant.team("outer", [*people[:3], inner, "6b1c1d9e-0000-4000-8000-00000000dead"])
        yield server


def test_microsoft_s_sdk_signs_in_and_sees_the_whole_tenant(entra: Entra, tls: Authority) -> None:
    groups = list(entra.tenant.teams)
    who = {"tenant": TENANT, "client": CLIENT, "secret": entra.secret}
    seen = told_by("graph_sdk.py", tls, url=entra.url, bundle=str(tls.bundle), who=who, groups=groups)
    people = {p.id: [p.upn, p.mail, p.name, p.enabled] for p in entra.tenant.people.values()}
    assert seen == {
        "groups": {
            team.id: {
                "name": team.name,
                "members": [[id, f"#microsoft.graph.{kind}", False] for id, kind in team.members.items()],
            }
            for team in entra.tenant.teams.values()
        },
        "people": people,
        "unknown": [],
        "changes": 0,
        "count": 2,
        "one": next(iter(people.values())),
        "missing": [404, "Request_ResourceNotFound", True],
        "batch": [200, 200, 404],
    }

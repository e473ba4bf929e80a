"""Does the license extension tell what the ledger says, to who asks for it, and only of the own people?"""

import re
from typing import Any

import pytest

from connector.anysoft.client import HttpTenant
from connector.anysoft.tenant import BuiltInTenant
from scim.schema import LICENSE
from sync.ports import Transient
from tests.company import CENTRE, PRINT, Company
from tests.connector.endpoint.conftest import Served

_LONG_AGO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
def company(served: Served) -> Company:
    """Ada has AnyPrint and waits for the add-on behind Eve; Ivo waits for AnyPrint; Kim has nothing."""
    company = Company(served.engine)
    company.buy(PRINT, 2)
    company.buy(CENTRE, 1)
    eve, ada, ivo, _ = company.hire("eve", "ada", "ivo", "kim")
    company.map(company.group("LIC-AnyPrint", [eve, ada]), PRINT)
    company.map(company.group("LIC-Centre", [eve]), CENTRE)
    company.round()
    company.go(minutes=5)
    company.map(company.group("LIC-More", [ivo]), PRINT)
    company.map(company.group("LIC-More-Centre", [ada]), CENTRE)
    company.round()
    return company


def shown(user: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    """Product, state and position; whoever has nothing has no such attribute either (RFC 7643 2.5)."""
    assert (LICENSE in user["schemas"]) is (LICENSE in user)
    licenses = user.get(LICENSE, {"licenses": []})["licenses"]
    return [(each["product"], each["state"], each.get("position")) for each in licenses]


@pytest.mark.parametrize("asked", [LICENSE, f"{LICENSE}:licenses", f"userName,{LICENSE.lower()}"])
def test_who_asks_gets_each_user_s_licenses(served: Served, company: Company, asked: str) -> None:
    client = served.client("entra")
    found = client.get(f"/scim/v2/Users?attributes={asked}&sortBy=userName").get_json(force=True)["Resources"]
    ada, eve, ivo, kim = found
    assert shown(eve) == [(PRINT, "assigned", None), (CENTRE, "assigned", None)]
    assert shown(ada) == [(PRINT, "assigned", None), (CENTRE, "waiting", 1)]
    assert shown(ivo) == [(PRINT, "waiting", 1)]
    assert shown(kim) == []
    (license,) = ivo[LICENSE]["licenses"]
    assert set(license) == {"product", "state", "reason", "since", "position"}
    assert _LONG_AGO.fullmatch(license["since"])
    assert license["reason"]
    one = client.get(f"/scim/v2/Users/{ivo['id']}?attributes={asked}").get_json(force=True)
    assert shown(one) == shown(ivo)


def test_nobody_gets_it_unasked_and_nobody_can_write_it(served: Served, company: Company) -> None:
    """T21: returned on request, read-only."""
    client = served.client("entra")
    for path in ("/scim/v2/Users", '/scim/v2/Users?filter=userName eq "ada"', "/scim/v2/Users?attributes=id"):
        for user in client.get(path).get_json(force=True)["Resources"]:
            assert LICENSE not in user
            assert LICENSE not in user["schemas"]
    mine = {"licenses": [{"product": CENTRE, "state": "assigned"}]}
    sent = {"userName": "zoe", LICENSE: mine}
    made = client.post(f"/scim/v2/Users?attributes={LICENSE}", json=sent).get_json(force=True)
    assert shown(made) == []
    patch = {"Operations": [{"op": "add", "path": f"{LICENSE}:licenses", "value": mine["licenses"]}]}
    path = f"/scim/v2/Users/{made['id']}?attributes={LICENSE}"
    assert shown(client.patch(path, json=patch).get_json(force=True)) == []  # skipped with a warning
    assert company.round().plan.actions == ()


def test_another_directory_s_licenses_are_not_shown(served: Served, company: Company) -> None:
    """T18: the same person in another directory, who isn't linked by a guess."""
    client = served.client("okta", "okta")
    client.post("/scim/v2/Users", json={"userName": "stranger"})
    answer = client.get(f"/scim/v2/Users?attributes={LICENSE}").get_json(force=True)
    assert [shown(user) for user in answer["Resources"]] == [[]]


def test_it_is_told_while_anysoft_is_down(
    served: Served, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T29: the ledger answers, not AnySoft."""

    def down(*arguments: object) -> object:
        raise Transient("AnySoft is down")

    for tenant in (BuiltInTenant, HttpTenant):
        for name in ("products", "subscriptions", "assignments"):
            monkeypatch.setattr(tenant, name, down)
    answer = served.client("entra").get(f"/scim/v2/Users?attributes={LICENSE}")
    assert answer.status_code == 200
    assert [shown(user) for user in answer.get_json(force=True)["Resources"]][2] == [(PRINT, "waiting", 1)]

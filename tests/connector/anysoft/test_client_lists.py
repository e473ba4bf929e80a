"""What does the client make of odd lists, ids and addresses? (T24, T25)"""

import re

import pytest
from werkzeug.wrappers import Request, Response

from connector.anysoft.transport import check_url
from sync.model import ProductId, SubscriptionId
from sync.ports import Missing, Rejected, Transient
from tests.connector.anysoft.peer import Peer, Reach, problem, says
from tests.contracts.licensing_world import ADDRESS, BILLING


def test_T25_a_list_that_comes_round_again_is_no_list(reach: Reach) -> None:
    peer = Peer(says(200, {"items": [], "next": "again"}))
    with pytest.raises(Transient, match="next"):
        list(reach(peer).accounts())
    assert len(peer.calls) == 2


def test_T25_a_list_that_never_ends_is_no_list(reach: Reach) -> None:
    count = iter(range(10**9))

    def answer(request: Request) -> Response:
        return says(200, {"items": [], "next": str(next(count))})(request)

    with pytest.raises(Transient, match="next"):
        list(reach(Peer(answer)).accounts())


def test_T25_a_broken_page_ends_the_list_with_an_error(reach: Reach) -> None:
    user = {"id": "u", "user_name": "u", "active": True}

    def answer(request: Request) -> Response:
        broken = {"items": [{"id": 5}], "next": None}
        return says(200, broken if "cursor" in request.args else {"items": [user], "next": "c"})(request)

    accounts = reach(Peer(answer)).accounts()
    assert next(accounts).id == "u"
    with pytest.raises(Transient, match=re.escape("items[0].id")):
        next(accounts)


def test_a_tenant_that_ignores_the_query_gives_us_nobody_else(reach: Reach) -> None:
    users = [{"id": str(n), "user_name": name, "active": True} for n, name in enumerate(["Bob", "ADA"])]
    tenant = reach(Peer(says(200, {"items": users, "next": None})))
    assert tenant.find_account("eve") is None
    found = tenant.find_account("ada")
    assert found is not None
    assert found.id == "1"


@pytest.mark.parametrize("id", ["", ".", "..", "x" * 65, "a\nb", "\ud800"])
def test_T24_an_id_that_leads_elsewhere_is_not_sent(reach: Reach, id: str) -> None:
    peer = Peer(says(200, {}))
    with pytest.raises(Missing):
        reach(peer).change_quantity(SubscriptionId(id), 3, "k")
    assert peer.seen == []


def test_T24_an_id_is_one_segment_of_the_path(reach: Reach) -> None:
    peer = Peer(says(404, problem("not_found")))
    with pytest.raises(Missing):
        reach(peer).subscription(SubscriptionId("../users?x=1#y"))
    assert peer.calls == ["GET /v1/subscriptions/..%2Fusers%3Fx%3D1%23y"]


def test_what_is_sent_is_the_contracts(reach: Reach) -> None:
    sent: list[tuple[str, object]] = []

    def answer(request: Request) -> Response:
        sent.append((request.headers["Idempotency-Key"], request.get_json()))
        return says(409, problem("already_subscribed"))(request)

    with pytest.raises(Rejected):
        reach(Peer(answer)).add_product(ProductId("anyprint"), 5, BILLING, ADDRESS, "key-1")
    assert sent == [
        (
            "key-1",
            {
                "product_id": "anyprint",
                "quantity": 5,
                "billing": {
                    "name": "Contoso Ltd",
                    "email": "billing@contoso.example",
                    "purchase_order": "PO-17",
                },
                "address": {
                    "line1": "1 High Street",
                    "line2": "2nd floor",
                    "city": "Leeds",
                    "region": "Yorkshire",
                    "postal_code": "LS1 1AA",
                    "country": "GB",
                },
            },
        )
    ]


@pytest.mark.parametrize(
    "url",
    ["https://anysoft.example", "https://a.example:8443/base/", "http://127.0.0.1:80", "http://[::1]:1"],
)
def test_urls(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "", "anysoft.example", "http://anysoft.example", "http://127.0.0.1.example", "ftp://a.example",
        "https://u:p@a.example", "https://a.example?x=1", "https://a.example#x", "https://", "http://10.0.0.1",
    ],
)  # fmt: skip
def test_T24_urls_that_mustnt_get_the_secret(url: str) -> None:
    with pytest.raises(ValueError, match="AnySoft URL"):
        check_url(url)

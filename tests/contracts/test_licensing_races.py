"""T01, R12, L12: does everything hold when many act at once? Threads and processes, on both databases."""

from collections import Counter

from sqlalchemy import Engine

from connector.anysoft import office
from sync.model import AccountId, ProductId, SubscriptionId
from sync.ports import Rejected, Unauthorized
from tests.contracts.licensing_racers import at_once, in_processes
from tests.contracts.licensing_world import ADDRESS, BILLING, World, world


def test_T01_40_takers_in_4_processes_5_seats_exactly_5(engine: Engine) -> None:
    anysoft = world(engine, lambda tenant: tenant)
    id, people = anysoft.subscribe("anyprint", 5), anysoft.people(40)
    statuses = in_processes(anysoft.url, id, [people[n::4] for n in range(4)])
    assert Counter(statuses) == {"assigned": 5, "no_license_left": 35}
    assert len(anysoft.holders(id)) == 5


def test_T01_takers_and_givers_at_once_keep_the_counter_exact(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 6), anysoft.people(12)
    anysoft.assign(id, people[:6])

    def swap(person: AccountId) -> str:
        call = anysoft.licensing.unassign if person in people[:6] else anysoft.licensing.assign
        return call(id, [person], f"swap-{person}")[0].status

    counted = Counter(at_once(swap, people))
    assert counted["unassigned"] == 6
    assert counted["assigned"] + counted["no_license_left"] == 6
    assert len(anysoft.holders(id)) == counted["assigned"]


def test_L12_no_addon_is_left_without_its_base_by_a_race(anysoft: World) -> None:
    base, addon = anysoft.subscribe("anyprint", 20), anysoft.subscribe("anyprint-centre", 20)
    people = anysoft.people(10)
    anysoft.assign(base, people)

    def act(what: tuple[str, AccountId]) -> str:
        verb, person = what
        if verb == "take addon":
            return anysoft.licensing.assign(addon, [person], f"a-{person}")[0].status
        return anysoft.licensing.unassign(base, [person], f"u-{person}")[0].status

    counted = Counter(at_once(act, [(verb, p) for p in people for verb in ("take addon", "give base")]))
    assert anysoft.holders(addon) == anysoft.holders(base)
    assert counted["assigned"] == counted["required_by_addon"] == len(anysoft.holders(addon))
    assert counted["unassigned"] == counted["requires_product"] == 10 - len(anysoft.holders(base))


def test_L4_destinations_made_at_once_stay_within_the_quantities(anysoft: World) -> None:
    anysoft.subscribe("anyscan", 2)
    anysoft.subscribe("anyscan-destination", 1)

    def make(n: int) -> str:
        try:
            anysoft.licensing.add_destination(f"Scans {n}", f"make-{n}")
        except Rejected as refused:
            return refused.code
        return "made"

    assert Counter(at_once(make, range(12))) == {"made": 3, "no_license_left": 9}


def test_T10_one_key_sent_by_many_at_once_takes_effect_once(anysoft: World) -> None:
    def add(_: int) -> str:
        return anysoft.licensing.add_product(ProductId("anyprint"), 3, BILLING, ADDRESS, "one-key").id

    (id,) = {SubscriptionId(id) for id in at_once(add, range(8))}
    assert anysoft.billed("anyprint") == [("upfront", 3, "12.00")]

    def grow(_: int) -> str:
        return str(anysoft.licensing.change_quantity(id, 4, "grow"))

    assert len(set(at_once(grow, range(8)))) == 1


def test_L9_many_see_a_change_take_effect_and_it_is_billed_once(anysoft: World) -> None:
    id = anysoft.subscribe("anyprint", 3)
    anysoft.licensing.change_quantity(id, 4, anysoft.key())
    anysoft.clock.go(days=28)

    def look(_: int) -> str:
        return str(anysoft.now(id).quantity)

    assert at_once(look, range(8)) == ["4"] * 8
    assert anysoft.billed("anyprint") == [
        ("upfront", 3, "12.00"),
        ("increase", 1, "4.00"),
        ("renewal", 4, "16.00"),
    ]


def test_one_name_made_by_many_at_once_is_one_user(anysoft: World) -> None:
    def make(n: int) -> str:
        try:
            return anysoft.licensing.create_account("Ada@contoso.example", "", "", "", f"make-{n}").id
        except Rejected as refused:
            return dict(refused.fields)["user_id"]

    (id,) = set(at_once(make, range(12)))
    assert [account.id for account in anysoft.licensing.accounts()] == [id]


def test_L1_a_revoked_role_stops_the_very_next_write(anysoft: World) -> None:
    id, people = anysoft.subscribe("anyprint", 30), anysoft.people(20)

    def take(n: int) -> str:
        if n == 10:
            office.revoke_role(anysoft.engine)
            return f"revoked at {len(anysoft.holders(id))}"
        try:
            return anysoft.licensing.assign(id, [people[n]], f"take-{n}")[0].status
        except Unauthorized:
            return "unauthorized"

    counted = Counter(at_once(take, range(20)))
    assert counted["assigned"] + counted["unauthorized"] == 19
    assert counted[f"revoked at {counted['assigned']}"] == 1, "nobody was assigned after it"

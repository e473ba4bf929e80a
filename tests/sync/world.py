"""Which people, groups and products do the rules' tests speak of? Written plainly, with short names."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.decide import decide
from sync.entitle import entitle
from sync.mapping import applicable
from sync.model import (
    LONG_AGO,
    Decision,
    Facts,
    GroupId,
    Held,
    HoldId,
    Loss,
    Mapping,
    MappingId,
    Membership,
    Money,
    Origin,
    Person,
    PersonId,
    Policy,
    Product,
    ProductId,
    ProductType,
    Reason,
    Record,
    RunId,
    Standing,
)
from sync.plan import Catalog
from tests.moments import START, at

PRINT, CENTRE, RELEASE = ProductId("anyprint"), ProductId("anyprint-centre"), ProductId("anyprint-release")
SCAN, DESTINATION = ProductId("anyscan"), ProductId("anyscan-destination")
PRICE = Money(Decimal("4.00"), "EUR")


def product(id: ProductId, name: str, *requires: ProductId, kind: ProductType = ProductType.USER) -> Product:
    return Product(id, "", name, kind, requires, "", PRICE)


PRODUCTS = (
    product(CENTRE, "AnyPrint Centre", PRINT),
    product(PRINT, "AnyPrint"),
    product(RELEASE, "AnyPrint Release", PRINT),
    product(SCAN, "AnyScan", kind=ProductType.METERED),
    product(DESTINATION, "AnyScan Destination", SCAN, kind=ProductType.METERED),
)
CATALOG = Catalog(PRODUCTS, frozenset(p.id for p in PRODUCTS))

POLICY = Policy()  #: settle 15 minutes, grace 24 hours, none for the disabled
SETTLED = 15  #: minutes
GRACE = 24 * 60  #: minutes

ANNA = PersonId(1)
#: each group is mapped to one product: group 10 gives AnyPrint by mapping 10, …
STAFF, OTHER_STAFF, CENTRES, RELEASES = GroupId(10), GroupId(11), GroupId(20), GroupId(30)
GIVES = {STAFF: PRINT, OTHER_STAFF: PRINT, CENTRES: CENTRE, RELEASES: RELEASE}


def mapping(group: GroupId, gives: ProductId | None = None, **values: Any) -> Mapping:
    wanted = GIVES[group] if gives is None else gives
    given: dict[str, Any] = {"id": MappingId(group), "group_name": f"G{group}", "directory": "entra"} | values
    return Mapping(group=group, product=wanted, **given)


MAPPINGS = tuple(mapping(group) for group in GIVES)


def person(id: int = 1, *, records: Sequence[bool] = (True,), **values: Any) -> Person:
    """`records`: whether each directory's record of them is active."""
    name = values.pop("user_name", f"p{id}@example.com")
    given: dict[str, Any] = {
        "display_name": "",
        "email": "",
        "external_id": "",
        "account": None,
        "epoch": LONG_AGO,
    }
    live = tuple(Record(f"d{n}", name, active) for n, active in enumerate(records))
    return Person(id=PersonId(id), user_name=name, records=live, **(given | values))


def reason(group: GroupId = STAFF, since: datetime = START, priority: int = 100) -> Reason:
    return Reason(MappingId(group), group, f"G{group}", priority, since)


def holds(product: ProductId = PRINT, *groups: GroupId, **values: Any) -> Standing:
    """Managed, surely held, entitled by these groups since the start."""
    given: dict[str, Any] = {
        "held": Held.YES,
        "origin": Origin.MANAGED,
        "assigned_at": at(0),
        "assigned_run": RunId(1),
    }
    return Standing(ANNA, product, reasons=tuple(map(reason, groups)), since=at(0), **(given | values))


def waits(product: ProductId = PRINT, *groups: GroupId, **values: Any) -> Standing:
    given: dict[str, Any] = {"since": at(0), "waiting": True} | values
    return Standing(ANNA, product, reasons=tuple(map(reason, groups)), **given)


def judge(
    groups: Iterable[GroupId],
    *standings: Standing,
    now: datetime = START,
    who: Person | None = None,
    policy: Policy = POLICY,
    catalog: Catalog = CATALOG,
    mappings: Sequence[Mapping] = MAPPINGS,
    since: datetime = START,
) -> Decision:
    """What is decided of a person who is a member of these groups since `since`."""
    members = tuple(Membership(group, since) for group in groups)
    facts = Facts(who or person(), members, standings)
    entitled = entitle(facts, applicable(mappings, ()))
    return decide(facts, entitled, {m.id: m for m in mappings}, catalog, now, policy)


def of(decision: Decision, product: ProductId = PRINT) -> Standing:
    return next(s for s in decision.standings if s.product == product)


def after(decision: Decision, product: ProductId = PRINT, **values: Any) -> tuple[Standing, ...]:
    """The person's standings with one changed, as by the ledger."""
    return tuple(replace(s, **values) if s.product == product else s for s in decision.standings)


def loss(
    who: int, *groups: GroupId, product: ProductId = PRINT, hold: int | None = None, **values: Any
) -> Loss:
    in_hold = None if hold is None else HoldId(hold)
    return Loss(PersonId(who), product, groups, at(0), hold=in_hold, **values)

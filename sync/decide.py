"""What follows for one person: what to keep, want, announce, remove? (R01-R10, R27)

Each product is judged after its bases, by two questions: may they have it (`wants`), and do they (`held`)?

| held at AnySoft | wants it                            | doesn't                                     |
| --------------- | ----------------------------------- | ------------------------------------------- |
| no              | waits, or is blocked                | nothing, or blocked (disabled, conflict)    |
| in doubt        | confirm: ask again                  | as yes, managed                             |
| yes, managed    | keep; a loss under way is forgotten | settle window, announcement, grace, removal |
| yes, by hand    | keep, with its reasons              | keep (R08)                                  |

A managed add-on is lost with its base, whoever wants it (R10). Protected people are never touched (R08).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from unicodedata import normalize

from sync.catalog import bases_first
from sync.keeping import (
    Case,
    is_ours,
    keep,
    keep_manual,
    refuse,
    spare,
    to_confirm,
    until_done,
    want,
    wished_active,
)
from sync.losing import gone_bases, lose, removable
from sync.model import (
    Decision,
    Entitlement,
    Facts,
    Held,
    Loss,
    MappingId,
    Person,
    Policy,
    ProductId,
    Standing,
)
from sync.model import Mapping as GroupMapping
from sync.plan import Catalog


def decide(
    facts: Facts,
    entitlements: Mapping[ProductId, Entitlement],
    applicable_mappings: Mapping[MappingId, GroupMapping],
    catalog: Catalog,
    now: datetime,
    policy: Policy,
) -> Decision:
    """The person's standings as they should be stored, and what is to be done now.

    Pure and idempotent: deciding again on the result, at the same `now`, changes nothing more.
    """
    person = facts.person
    why_not = _why_not(person, policy)
    stored = {s.product: s for s in facts.standings}
    decided: dict[ProductId, Standing] = {}
    losses: list[Loss] = []
    announce: list[ProductId] = []
    confirm: list[ProductId] = []
    order = bases_first(stored.keys() | entitlements.keys(), catalog)
    for product in order:
        found = entitlements.get(product)
        case = Case(
            person=person,
            stored=stored.get(product) or Standing(person.id, product),
            reasons=found.reasons if found else (),
            why_not=why_not,
            decided=decided,
            addons=tuple(stored[addon] for addon in catalog.addons(product) if addon in stored),
            catalog=catalog,
            now=now,
            policy=policy,
        )
        if _is_lost(case):
            losing = lose(case, applicable_mappings)
            decided[product] = losing.standing
            losses.extend([losing.loss] if losing.loss else [])
            announce.extend([product] if losing.announce else [])
        else:
            decided[product] = _not_lost(case)
            confirm.extend([product] if to_confirm(case, decided[product]) else [])
    going, decided = removable(decided, catalog, now)
    for product in going if why_not else ():
        if product in entitlements:  # what it is once the license is gone (R16)
            decided[product] = replace(decided[product], blocked=why_not)
    kept = [s for product, s in decided.items() if product not in going]
    active = None if why_not == "PROTECTED" else wished_active(person, kept)
    if active is False:
        active, decided = until_done(decided, stored, now)
    return Decision(
        person=person,
        standings=tuple(decided[product] for product in order),
        changed=tuple(p for p in order if decided[p] != stored.get(p, Standing(person.id, p))),
        losses=tuple(losses),
        regained=tuple(p for p in order if p in stored and stored[p].lost_why and not decided[p].lost_why),
        announce=tuple(announce),
        remove=tuple(product for product in reversed(order) if product in going),
        confirm=tuple(confirm),
        active=active,
    )


def _is_lost(case: Case) -> bool:
    """Held by our doing, and either not for this person any more or without its base (R10)."""
    if not is_ours(case.stored) or case.why_not == "PROTECTED":
        return False
    return not case.wants or bool(gone_bases(case))


def _not_lost(case: Case) -> Standing:
    if case.why_not == "PROTECTED":
        return spare(case)
    if case.stored.held is Held.NO:
        return want(case) if case.wants else refuse(case)
    return keep(case) if is_ours(case.stored) else keep_manual(case)


def _why_not(person: Person, policy: Policy) -> str:
    """Why the person may be given nothing, whatever their groups say; "" if they may."""
    if folded(person.user_name) in policy.protected:
        return "PROTECTED"
    if person.conflict:
        return "CONFLICT"
    return "" if person.enabled else "DISABLED"


def folded(user_name: str) -> str:
    """As user names are compared: NFKC, case folded, NFKC again (case folding can undo it)."""
    return normalize("NFKC", normalize("NFKC", user_name).casefold())

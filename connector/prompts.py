"""What does somebody need to know before more seats are bought? The content of a prompt (R18).

| said | so that |
| --- | --- |
| who waits, since when, because of which group | it is known for whom |
| what is charged now and at the renewal, or "price unknown" | nobody decides blindly (L5, L6, L11) |
| the renewal date, "wait until then" where it is near | an increase is billed at once, nothing is pro rata |
| licenses of disabled people, in grace, by hand without any group | they may be freed instead |
| what happens if nobody answers | waiting is a decision, too |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from connector.store import queue
from connector.store.mirror import read_facts
from connector.store.tables import persons, standings, users
from sync.model import Money, PersonId, Policy, ProductId, Request, RequestState

#: people listed; the count counts all
LISTED = 20
#: a renewal that is so near is worth waiting for (L6)
NEAR = timedelta(days=7)
#: from so many seats on a discount is worth a mail (L11, R18)
MANY_SEATS = 50


@dataclass(frozen=True, slots=True)
class Waits:
    user: str
    since: datetime
    because: tuple[str, ...]  #: groups
    base_waits: bool


@dataclass(frozen=True, slots=True)
class Cheaper:
    """Licenses that may be freed instead of bought."""

    why: str  #: disabled, in_grace, no_group
    count: int
    people: tuple[str, ...]  #: the first of them


@dataclass(frozen=True, slots=True)
class Content:
    people: tuple[Waits, ...]
    cheaper: tuple[Cheaper, ...]
    wait_until: date | None  #: the renewal, when it is near
    contact: str  #: AnySoft's sales, where they should be asked; "" needn't
    headroom: int  #: seats of the proposal beyond the need
    saves: Money | None  #: at each renewal, of a proposal to have fewer; None: it isn't one, or price unknown
    if_nobody_answers: str


def content(
    connection: Connection,
    request: Request,
    price: Money | None,
    renews_on: date | None,
    policy: Policy,
    contact: str,
    now: datetime,
) -> Content:
    wanted = request.target if request.target is not None else request.proposed
    more = wanted - request.quantity
    ask_sales = price is None or more >= MANY_SEATS
    near = renews_on is not None and timedelta() <= _midnight(renews_on, now) - now <= NEAR
    return Content(
        people=_people(connection, request.product),
        cheaper=_cheaper(connection, request.product),
        wait_until=renews_on if near and more > 0 and request.state is RequestState.OPEN else None,
        contact=contact if ask_sales and more > 0 else "",
        headroom=max(0, more - request.need) if more > 0 else 0,
        saves=Money(price.amount * -more, price.currency) if price is not None and request.lowers else None,
        if_nobody_answers=_unanswered(request, policy),
    )


def lines(request: Request, said: Content, charge_now: Money | None, next_bill: Money | None,
          renews_on: date | None) -> list[str]:  # fmt: skip
    """As text, for mail and terminal."""
    wanted = request.target if request.target is not None else request.proposed
    unused = (
        f"{request.quantity - request.proposed} more than are needed: fewer cost less from the renewal on"
    )
    short = f"{request.waiting} wait, {request.need} missing{_over(request)}"
    later = request.state is RequestState.SCHEDULED and not request.lowers
    shown = [
        f"{request.product}: {request.quantity} bought, {unused if request.lowers else short}.",
        *(_scheduled(request, wanted) if later else _proposed(request, wanted, said.headroom)),
        f"Charged {'then' if later else 'now'}: {'nothing' if request.lowers else _amount(charge_now)}; "
        + (f"at the next renewal on {renews_on:%Y-%m-%d}" if renews_on else "at the next renewal")
        + f": {_amount(next_bill)}{f', {_amount(said.saves)} less than now' if said.saves else ''}. "
        + "Nothing is pro rata, nothing is refunded.",
    ]
    if said.wait_until:
        shown.append(f"The renewal is near: wait until {said.wait_until:%Y-%m-%d}, or `request schedule`.")
    if said.contact:
        shown.append(f"For the price of so many, or where it is unknown, ask {said.contact} first.")
    shown += [f"Cheaper: {_WHY[c.why].format(c.count)} ({', '.join(c.people)})" for c in said.cheaper]
    shown += [f"Waits: {_waits(w)}" for w in said.people]
    if request.waiting > len(said.people):
        shown.append(f"… and {request.waiting - len(said.people)} more")
    if said.if_nobody_answers:
        shown.append(said.if_nobody_answers)
    return shown


def _over(request: Request) -> str:
    """Nobody is evicted: whoever waits needs the seats bought that are assigned beyond the quantity (R22)."""
    over = request.need - request.waiting
    return f" ({over} of them are assigned beyond what is bought)" if request.waiting and over > 0 else ""


def _proposed(request: Request, wanted: int, headroom: int) -> Iterator[str]:
    beyond = f", {headroom} of them headroom" if headroom else ""
    yield f"Proposed: {wanted} in all ({wanted - request.quantity:+d}){beyond}."


def _scheduled(request: Request, target: int) -> Iterator[str]:
    when = f" for {request.due_at:%Y-%m-%d %H:%M} UTC" if request.due_at else ""
    covered = request.need - request.uncovered
    yield (
        f"Scheduled{when}: {target} in all ({target - request.quantity:+d}), "
        f"for {covered} of the {request.need} missing."
    )
    what = f"{request.uncovered} missing beyond that" if request.uncovered else "Needed sooner"
    yield f"{what}: `request approve {request.id}` buys {request.proposed} in all now instead."


_WHY = {
    "disabled": "{} held by people who are disabled or deleted",
    "in_grace": "{} about to be removed, in settle window, grace or hold",
    "no_group": "{} assigned by hand to people whom no group gives it",
}


def _waits(w: Waits) -> str:
    because = f", member of {', '.join(w.because)}" if w.because else ""
    base = "; the product that it requires is waited for, too" if w.base_waits else ""
    return f"{w.user}, since {w.since:%Y-%m-%d %H:%M} UTC{because}{base}"


def _amount(money: Money | None) -> str:
    return "price unknown" if money is None else f"{money.amount} {money.currency}"


def _midnight(day: date, now: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)


def _unanswered(request: Request, policy: Policy) -> str:
    if request.state is not RequestState.OPEN or request.expires_at is None:
        return ""
    if request.lowers:
        return "If nobody answers, the unused ones are paid for once more; it is proposed again then."
    return (
        f"If nobody answers, nothing is bought: it is asked again after "
        f"{' and '.join(str(d) for d in policy.remind_days)} days and expires on "
        f"{request.expires_at:%Y-%m-%d %H:%M} UTC; who waits goes on waiting and gets the next free seat."
    )


def _people(connection: Connection, product: ProductId) -> tuple[Waits, ...]:
    line = queue.read_queue(connection, product, LISTED)
    found = {f.person.id: f for f in read_facts(connection, [w.person for w in line], ())}
    groups: dict[PersonId, tuple[str, ...]] = {
        person: tuple(
            sorted({r.group_name for s in facts.standings if s.product == product for r in s.reasons})
        )
        for person, facts in found.items()
    }
    return tuple(Waits(w.user_name, w.since, groups.get(w.person, ()), not w.base_ready) for w in line)


def _cheaper(connection: Connection, product: ProductId) -> tuple[Cheaper, ...]:
    live = exists(select(users.c.pk).where(users.c.person_pk == standings.c.person_pk, users.c.active))
    known = exists(select(users.c.pk).where(users.c.person_pk == standings.c.person_pk))
    leaving = and_(
        standings.c.lost_at.is_not(None),
        standings.c.due_at.is_not(None),
        ~standings.c.kept,
        standings.c.blocked != "REQUIRED_BY_ADDON",  # stays while the add-on does (R10)
    )
    ways = (
        ("disabled", and_(~live, ~leaving)),
        ("in_grace", leaving),
        ("no_group", and_(known, live, standings.c.origin == "manual", standings.c.reasons == "[]")),
    )
    found = (_way(connection, product, why, which) for why, which in ways)
    return tuple(each for each in found if each.count)


def _way(connection: Connection, product: ProductId, why: str, which: ColumnElement[bool]) -> Cheaper:
    holds = and_(standings.c.product == product, standings.c.held == "yes", which)
    count = connection.scalar(select(func.count()).select_from(standings).where(holds)) or 0
    names: Sequence[str] = ()
    if count:
        query = select(persons.c.user_name).join(standings, standings.c.person_pk == persons.c.pk)
        names = connection.scalars(query.where(holds).order_by(persons.c.folded).limit(5)).all()
    return Cheaper(why, count, tuple(names))

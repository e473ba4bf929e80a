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
from sync import costs
from sync.costs import in_words
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
    bill_after: Money | None  #: at the renewals after the next, when that comes before what is scheduled
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
    more = wanted - request.quantity if request.state.alive else 0
    ask_sales = price is None or more >= MANY_SEATS
    near = renews_on is not None and timedelta() <= _midnight(renews_on, now) - now <= NEAR
    return Content(
        people=_people(connection, request.product) if request.state.alive else (),
        cheaper=_cheaper(connection, request.product) if request.state.alive else (),
        wait_until=renews_on if near and more > 0 and request.state is RequestState.OPEN else None,
        contact=contact if ask_sales and more > 0 else "",
        headroom=max(0, more - request.need) if more > 0 else 0,
        bill_after=costs.bill_after(request, price) if costs.bills_before(request, renews_on) else None,
        saves=costs.cost(price, -more) if request.lowers else None,
        if_nobody_answers=_unanswered(request, policy),
    )


def lines(request: Request, said: Content, charge_now: Money | None, next_bill: Money | None,
          renews_on: date | None) -> list[str]:  # fmt: skip
    """As text, for mail and terminal."""
    if not request.state.alive:
        return list(_ended(request))
    wanted = request.target if request.target is not None else request.proposed
    unused = (
        f"{request.quantity - request.proposed} more than are needed: fewer cost less from the renewal on"
    )
    short = f"{request.waiting} wait, {request.need} missing{_over(request)}"
    later = request.state is RequestState.SCHEDULED and not request.lowers
    shown = [
        f"{request.product}: {request.quantity} bought, {unused if request.lowers else short}.",
        *(_scheduled(request, wanted) if later else _proposed(request, wanted, said.headroom)),
        _costs(request, charge_now, next_bill, renews_on, said.bill_after, said.saves),
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


def question(after: Request, price: Money | None, renews_on: date) -> str:
    """What an approval buys, what it costs, and when: for who was shown nothing (R19). `after`: the request
    as the approval leaves it."""
    target = after.target or after.proposed
    when = f" on {after.due_at:%Y-%m-%d %H:%M} UTC" if after.due_at else ""
    short = f"{after.need} missing. " if after.need else ""
    bill = costs.next_bill(after, after.quantity, price, renews_on)
    later = costs.bill_after(after, price) if costs.bills_before(after, renews_on) else None
    saves = costs.cost(price, after.quantity - target) if after.lowers else None
    cost = _costs(after, costs.charge_now(after, after.quantity, price), bill, renews_on, later, saves)
    verb = "Lower it" if after.lowers else "Buy"
    return (
        f"{after.product}: {after.quantity} bought, {short}{target} in all "
        f"({target - after.quantity:+d}){when}. {cost} {verb}?"
    )


def _costs(request: Request, charge: Money | None, bill: Money | None, renews_on: date | None,
           bill_after: Money | None, saves: Money | None) -> str:  # fmt: skip
    then = "then" if request.state is RequestState.SCHEDULED and not request.lowers else "now"
    on = f" on {renews_on:%Y-%m-%d}" if renews_on else ""
    less = f", {in_words(saves)} less than now" if saves else ""
    later = f", at each one after it is bought: {in_words(bill_after)}" if bill_after else ""
    return (
        f"Charged {then}: {'nothing' if request.lowers else in_words(charge)}; at the next renewal{on}: "
        f"{in_words(bill)}{less}{later}. Nothing is pro rata, nothing is refunded."
    )


def _ended(request: Request) -> Iterator[str]:
    """What was asked, what was decided by whom, and what came of it."""
    r = request
    unused = f"{r.quantity - r.proposed} more than were needed"
    short = f"{r.waiting} waited, {r.need} were missing"
    yield f"{r.product}: {r.quantity} were bought, {unused if r.lowers else short}."
    if r.decided_by and r.decided_at and r.target is not None:
        price = "" if r.lowers else f", a seat at {in_words(r.price)}"
        due = f", due {r.due_at:%Y-%m-%d %H:%M} UTC" if r.due_at else ""
        yield (
            f"Decided by {r.decided_by}, {r.decided_at:%Y-%m-%d %H:%M} UTC: {r.target} in all "
            f"({r.target - r.quantity:+d}){price}{due}."
        )
    by = f" by {r.decided_by}" if r.state is RequestState.DECLINED else ""
    why = f": {r.reason}" if r.reason else ""
    came = f"AnySoft has confirmed {r.target}" if r.state is RequestState.DONE else "Nothing was changed"
    yield f"{r.state.value.capitalize()}{by}, {r.ended_at:%Y-%m-%d %H:%M} UTC{why}. {came}."


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

"""queue, request, hold: what waits for a seat, and what waits for a person."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from sqlalchemy import Connection

from connector import known, prompts, shown, wiring
from connector.cli.kinds import DAY, ID, LINE, PRODUCT, QUANTITY, SEEN, USER, Said
from connector.cli.license import amount, anysoft_of, known_of, licenses_of
from connector.cli.out import json_option, show_fields, show_note, show_rows, text
from connector.cli.shell import Failed, Shell, now, pass_shell, refusals
from connector.known import Known
from connector.store import holds, queue, requests, signals
from connector.store.engine import reading, writing
from connector.store.explain import find_people
from connector.store.operators import Role
from sync import lowering
from sync import quantity as rules
from sync.model import Figures, Hold, HoldId, Money, ProductId, Request, RequestId, Subscription
from sync.ports import Licensing

MOST = 100_000


@click.group("queue")
def queue_() -> None:
    """Who waits for a seat."""


@queue_.command("list")
@click.argument("product", type=PRODUCT)
@json_option
@pass_shell
def list_queue(shell: Shell, product: str, as_json: bool) -> None:
    """Everybody who waits for PRODUCT, in order (R14)."""
    shell.actor()
    there = _check_product(shell, product)
    with reading(shell.engine) as connection:
        line = queue.read_queue(connection, ProductId(product), MOST)
    rows = [
        {
            "position": place,
            "user": w.user_name,
            "priority": w.priority,
            "since": w.since,
            "moved": w.moved_to < 0,
            "base_ready": w.base_ready,
            **there.marks(),
        }
        for place, w in enumerate(line, 1)
    ]
    columns = ("position", "user", "priority", "since", "moved", "base_ready")
    show_note(there.note, as_json=as_json)
    show_rows(rows, columns, as_json=as_json, nothing=f"Nobody waits for {product}.")


@queue_.command("move")
@click.argument("product", type=PRODUCT)
@click.argument("user", type=USER)
@click.option("--to", type=click.IntRange(1, MOST), required=True, help="The new place; 1 is next.")
@json_option
@pass_shell
def move(shell: Shell, product: str, user: str, to: int, as_json: bool) -> None:
    """Put USER at another place, before everybody who wasn't moved."""
    actor = shell.actor(Role.OPERATOR)
    _check_product(shell, product)
    with refusals(), writing(shell.engine) as connection:
        found = find_people(connection, user)
        if not found:
            raise Failed(f"no directory has a user {user}: see `queue list {product}`")
        try:
            place = queue.move(connection, ProductId(product), found[0], to, actor.name, now())
        except LookupError:
            raise Failed(f"{user} doesn't wait for {product}: see `queue list {product}`") from None
    show_fields(
        {"user": user, "product": product, "position": place.position, "of": place.of}, as_json=as_json
    )


def _check_product(shell: Shell, product: str) -> Known:
    """AnySoft isn't asked: who waits for what is in the ledger."""
    there = known.recall(wiring.licensing(shell.settings, shell.engine), shell.engine, wiring.clock())
    sold = [p.id for p in there.products]
    if product not in sold:
        raise Failed(f"there is no product {product}: use one of {', '.join(sold)}")
    return there


@click.group("request")
def request_() -> None:
    """Quantity requests: whether to buy more."""


@request_.command("list")
@json_option
@pass_shell
def list_requests(shell: Shell, as_json: bool) -> None:
    """The living ones, then those that ended."""
    actor = shell.actor()
    with reading(shell.engine) as connection:
        found = requests.list_requests(connection)
    there = known_of(shell)
    licenses = licenses_of(shell, there)
    rows = [_row(each, licenses) | there.marks() for each in found]
    _note_shown(shell, actor.name, found, licenses)
    columns = (
        "id",
        "product",
        "state",
        "quantity",
        "proposed",
        "target",
        "waiting",
        "need",
        "charge_now",
        "next_bill",
        "opened_at",
    )
    show_note(there.note, as_json=as_json)
    rows = rows if as_json else [_spoken(row) for row in rows]
    show_rows(rows, columns, as_json=as_json, nothing="Nobody was asked to buy anything.")


@request_.command("show")
@click.argument("id", type=ID)
@json_option
@pass_shell
def show_request(shell: Shell, id: int, as_json: bool) -> None:
    """What is asked, what it costs, who waits."""
    actor = shell.actor()
    with refusals(), reading(shell.engine) as connection:
        found = requests.get(connection, RequestId(id))
        line = queue.read_queue(connection, found.product, 50) if found.state.alive else []
    there, settings = known_of(shell), shell.settings
    licenses = licenses_of(shell, there)
    with reading(shell.engine) as connection:
        asked = shown.prompt(found, licenses)
        said = prompts.content(
            connection, found, asked.price, asked.renews_on, wiring.policy(settings),
            settings.sync.sales_contact, now(),
        )  # fmt: skip
    _note_shown(shell, actor.name, [found], licenses)
    row = _row(found, licenses)
    show_note(there.note, as_json=as_json)
    if as_json:
        people = {"people": [w.user_name for w in line], "waits": said.people}
        more = {name: getattr(said, name) for name in _SAID}
        show_fields(row | people | more | there.marks(), as_json=True)
        return
    show_fields(_spoken(row), as_json=False)
    click.echo()
    for each in prompts.lines(found, said, asked.charge_now, asked.next_bill, asked.renews_on):
        click.echo(text(each))


#: what a prompt says beside its figures (R18)
_SAID = ("cheaper", "wait_until", "contact", "headroom", "if_nobody_answers")


seen_option = click.option(
    "--seen",
    type=SEEN,
    metavar="Q:NEED[:PRICE]",
    help="The figures that were decided on: bought, missing, and the price of a seat, 4.00:EUR or unknown "
    "(those that were shown to you last).",
)


@request_.command()
@click.argument("id", type=ID)
@click.option("--quantity", type=QUANTITY, help="Another absolute quantity than the proposed one.")
@seen_option
@json_option
@pass_shell
def approve(shell: Shell, id: int, quantity: int | None, seen: Said | None, as_json: bool) -> None:
    """Buy: the quantity is raised in the next round (R19, R20); a smaller one is sent before the renewal."""

    def change(r: Request, seen: Figures, sub: Subscription, price: Money | None, by: str) -> Request:
        if r.lowers and seen.quantity == r.quantity:
            return lowering.approve(r, quantity, sub, by, now())
        return rules.approve(r, quantity, seen, sub, price, by, now())

    _buy(shell, id, change, seen, as_json)


@request_.command()
@click.argument("id", type=ID)
@click.option("--quantity", type=QUANTITY, help="Another absolute quantity than the proposed one.")
@click.option("--at", "due_at", type=DAY, help="When to buy (at the renewal).")
@seen_option
@json_option
@pass_shell
def schedule(
    shell: Shell, id: int, quantity: int | None, due_at: datetime | None, seen: Said | None, as_json: bool
) -> None:
    """Buy later: at the renewal, or at the time given."""
    if due_at is not None and due_at <= now():
        raise click.BadParameter("must lie ahead; `request approve` buys now", param_hint="--at")

    def change(r: Request, seen: Figures, sub: Subscription, price: Money | None, by: str) -> Request:
        return rules.schedule(r, quantity, seen, sub, price, by, now(), due_at)

    _buy(shell, id, change, seen, as_json)


#: of the request, as it was seen, at AnySoft's quantity and price now, by whom
Purchase = Callable[[Request, Figures, Subscription, Money | None, str], Request]


def _buy(shell: Shell, id: int, purchase: Purchase, said: Said | None, as_json: bool) -> None:
    """Bound to what is `said`, else to what this person saw last. Who saw nothing is shown on a terminal what
    would be bought, and asked; elsewhere nothing is decided (R19)."""
    actor, anysoft = shell.actor(Role.APPROVER), anysoft_of(shell)
    with refusals(), reading(shell.engine) as connection:
        r = requests.get(connection, RequestId(id))
        shown_last = requests.last_shown(connection, actor.name, RequestId(id))
    unseen = said is None and shown_last is None
    if unseen and r.decidable and not sys.stdin.isatty():
        raise Failed(
            f"request {id} was never shown to {actor.name}: look first (`request show {id}`), "
            "then decide, or say the figures that it is decided on: --seen Q:NEED"
        )

    def change(r: Request, by: str, at: datetime) -> Request:
        sub, price = _offered(anysoft, r)  # as it is now, or nothing is bought
        seen = _seen(said, shown_last, Figures(r.quantity, r.need, price))
        after = purchase(r, seen, sub, price, by)
        if not unseen:
            return after
        click.confirm(text(prompts.question(after, price, sub.renews_on)), abort=True, err=True)
        sub, price = _offered(anysoft, r)  # an answer takes its time
        return purchase(r, seen, sub, price, by)

    _decide(shell, id, change, as_json)


def _seen(said: Said | None, shown_last: Figures | None, there: Figures) -> Figures:
    """What isn't said is as it was shown; `there`: the request's, for whom nothing was shown."""
    if said is None:
        return shown_last or there
    quantity, need, price = said
    if price is None:
        return Figures(quantity, need, (shown_last or there).price)
    return Figures(quantity, need, price if isinstance(price, Money) else None)


def _offered(anysoft: Licensing, r: Request) -> tuple[Subscription, Money | None]:
    """What is bought, and the price of a seat."""
    price = next((each.unit_price for each in anysoft.products() if each.id == r.product), None)
    return anysoft.subscription(r.subscription), price


def _note_shown(shell: Shell, to: str, found: Sequence[Request], licenses: Sequence[shown.License]) -> None:
    prices = {each.product: each.price for each in licenses}
    figures = {
        r.id: Figures(r.quantity, r.need, prices.get(r.product)) for r in found if r.decidable and r.id
    }
    with writing(shell.engine) as connection:
        requests.note_shown(connection, to, figures, now())


@request_.command()
@click.argument("id", type=ID)
@click.option("--reason", type=LINE, required=True, help="Why not.")
@json_option
@pass_shell
def decline(shell: Shell, id: int, reason: str, as_json: bool) -> None:
    """Don't buy; those who wait go on waiting."""
    _decide(shell, id, lambda r, by, at: rules.decline(r, by, reason, at), as_json)


Change = Callable[[Request, str, datetime], Request]


def _decide(shell: Shell, id: int, change: Change, as_json: bool) -> None:
    """The decision and the ask for a round: both are stored, or neither. New figures count as shown."""
    actor = shell.actor(Role.APPROVER)
    with refusals():
        with reading(shell.engine) as connection:
            before = requests.get(connection, RequestId(id))
        try:
            after = change(before, actor.name, now())
            with writing(shell.engine) as connection:
                stored = requests.store(connection, before, after, actor.name, now())
                signals.ask(connection, False, actor.name, now())
        except rules.Changed as error:
            with writing(shell.engine) as connection:
                requests.note_shown(connection, actor.name, {RequestId(id): error.figures}, now())
            raise Failed(f"{error}, or see `request show {id}`") from None
        except (rules.NotOpen, requests.Changed) as error:
            raise Failed(f"{error}: see `request show {id}`") from None
    row = _row(stored, licenses_of(shell, known_of(shell)))
    show_fields(row if as_json else _spoken(row), as_json=as_json)


_MONEY = ("price", "charge_now", "next_bill", "approved_price")


def _row(request: Request, licenses: Sequence[shown.License]) -> dict[str, Any]:
    prompt = shown.prompt(request, licenses)
    return asdict(prompt) | {name: amount(getattr(prompt, name)) for name in _MONEY}


def _spoken(row: dict[str, Any]) -> dict[str, Any]:
    """What isn't known is said to be so, never left out (L11). What ended costs nothing any more."""
    alive = () if row["ended_at"] else ("price", "charge_now", "next_bill")
    approved = () if row["target"] is None else ("approved_price",)
    return row | {name: row[name] or "price unknown" for name in (*alive, *approved)}


@click.group()
def hold() -> None:
    """Removals that wait for a person (R24)."""


@hold.command("list")
@json_option
@pass_shell
def list_holds(shell: Shell, as_json: bool) -> None:
    """Open ones first."""
    shell.actor()
    with reading(shell.engine) as connection:
        rows = [_hold(connection, each) for each in holds.list_holds(connection)]
    if not as_json:
        rows = [row | {"removals": len(row["removals"])} for row in rows]
    columns = ("id", "state", "reason", "group", "product", "removals", "opened_at")
    show_rows(rows, columns, as_json=as_json, nothing="No removal was held.")


@hold.command("show")
@click.argument("id", type=ID)
@json_option
@pass_shell
def show_hold(shell: Shell, id: int, as_json: bool) -> None:
    """Who would lose what, and the digest that a release needs."""
    shell.actor()
    with refusals(), reading(shell.engine) as connection:
        row = _hold(connection, holds.get(connection, HoldId(id)))
    if not as_json:
        row["removals"] = [f"{each['user']} ({each['product']})" for each in row["removals"]]
    show_fields(row, as_json=as_json)


def _hold(connection: Connection, held: Hold) -> dict[str, Any]:
    removals = [(r.user_name, str(r.product)) for r in holds.removals(connection, held.id)]
    return shown.hold(held, removals)


@hold.command()
@click.argument("id", type=ID)
@click.option("--digest", type=LINE, required=True, help="Of the removals that you saw: `hold show ID`.")
@json_option
@pass_shell
def release(shell: Shell, id: int, digest: str, as_json: bool) -> None:
    """Let exactly these removals go on; of a rejected hold those of the people whom it still keeps."""
    _settle(shell, lambda c, by: holds.release(c, HoldId(id), digest, by, now()), as_json)


@hold.command()
@click.argument("id", type=ID)
@json_option
@pass_shell
def reject(shell: Shell, id: int, as_json: bool) -> None:
    """These people keep their license until a group entitles them again, or a person releases them."""
    _settle(shell, lambda c, by: holds.reject(c, HoldId(id), by, now()), as_json)


def _settle(shell: Shell, decide: Callable[[Connection, str], Hold], as_json: bool) -> None:
    actor = shell.actor(Role.APPROVER)
    with refusals():
        try:
            with writing(shell.engine) as connection:
                decided = decide(connection, actor.name)
                row = _hold(connection, decided)
                signals.ask(connection, False, actor.name, now())
        except holds.Undecidable as error:
            raise Failed(str(error)) from None
    show_fields(row if as_json else row | {"removals": len(row["removals"])}, as_json=as_json)

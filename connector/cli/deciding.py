"""queue, request, hold: what waits for a seat, and what waits for a person."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import click
from sqlalchemy import Connection

from connector import known, prompts, shown, wiring
from connector.cli.kinds import DAY, ID, LINE, PRODUCT, QUANTITY, SEEN, USER, Figures
from connector.cli.license import amount, known_of, licenses_of
from connector.cli.out import json_option, show_fields, show_note, show_rows, text
from connector.cli.shell import Failed, Shell, now, pass_shell, refusals
from connector.known import Known
from connector.store import holds, queue, requests, signals
from connector.store.engine import reading, writing
from connector.store.explain import find_people
from connector.store.operators import Role
from sync import lowering
from sync import quantity as rules
from sync.model import Hold, HoldId, ProductId, Request, RequestId, Subscription

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
    rows = [row | there.marks() for row in _prompts(shell, found, there)]
    _note_shown(shell, actor.name, found)
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
        line = queue.read_queue(connection, found.product, 50)
    there, settings = known_of(shell), shell.settings
    licenses = licenses_of(shell, there)
    with reading(shell.engine) as connection:
        asked = shown.prompt(found, licenses)
        price = next((each.price for each in licenses if each.product == found.product), None)
        said = prompts.content(
            connection, found, price, asked.renews_on, wiring.policy(settings),
            settings.sync.sales_contact, now(),
        )  # fmt: skip
    _note_shown(shell, actor.name, [found])
    row = _prompts(shell, [found], there)[0]
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


seen_option = click.option("--seen", type=SEEN, metavar="Q:NEED", help="The figures that were decided on: "
                           "bought and missing (those that were shown to you last).")  # fmt: skip


@request_.command()
@click.argument("id", type=ID)
@click.option("--quantity", type=QUANTITY, help="Another absolute quantity than the proposed one.")
@seen_option
@json_option
@pass_shell
def approve(shell: Shell, id: int, quantity: int | None, seen: Figures | None, as_json: bool) -> None:
    """Buy: the quantity is raised in the next round (R19, R20); a smaller one is sent before the renewal."""

    def change(r: Request, sub: Subscription, figures: Figures, by: str, at: datetime) -> Request:
        if r.lowers and figures[0] == r.quantity:
            return lowering.approve(r, quantity, sub, by, at)
        return rules.approve(r, quantity, *figures, sub, by, at)

    _buy(shell, id, change, seen, as_json)


@request_.command()
@click.argument("id", type=ID)
@click.option("--quantity", type=QUANTITY, help="Another absolute quantity than the proposed one.")
@click.option("--at", "due_at", type=DAY, help="When to buy (at the renewal).")
@seen_option
@json_option
@pass_shell
def schedule(
    shell: Shell, id: int, quantity: int | None, due_at: datetime | None, seen: Figures | None, as_json: bool
) -> None:
    """Buy later: at the renewal, or at the time given."""
    if due_at is not None and due_at <= now():
        raise click.BadParameter("must lie ahead; `request approve` buys now", param_hint="--at")

    def change(r: Request, sub: Subscription, figures: Figures, by: str, at: datetime) -> Request:
        return rules.schedule(r, quantity, *figures, sub, by, at, due_at)

    _buy(shell, id, change, seen, as_json)


def _buy(
    shell: Shell,
    id: int,
    change: Callable[[Request, Subscription, Figures, str, datetime], Request],
    given: Figures | None,
    as_json: bool,
) -> None:
    """Bound to `given`, else to what this person saw last. Who saw nothing is shown it on a terminal, and
    asked; elsewhere nothing is decided (R19)."""
    actor = shell.actor(Role.APPROVER)
    with refusals(), reading(shell.engine) as connection:
        r = requests.get(connection, RequestId(id))
        seen = given or requests.last_shown(connection, actor.name, RequestId(id))
    if seen is None and r.decidable:
        if not sys.stdin.isatty():
            raise Failed(
                f"request {id} was never shown to {actor.name}: look first (`request show {id}`), "
                "then decide, or say the figures that it is decided on: --seen Q:NEED"
            )
        words = f"{r.product}: {r.quantity} are bought, {r.need} missing, {r.proposed} proposed. Go on?"
        click.confirm(text(words), abort=True, err=True)
    figures, anysoft = seen or (r.quantity, r.need), wiring.licensing(shell.settings, shell.engine)
    bought = anysoft.subscription(r.subscription)  # as it is now, or nothing is bought
    _decide(shell, id, lambda r, by, at: change(r, bought, figures, by, at), as_json)


def _note_shown(shell: Shell, to: str, found: Sequence[Request]) -> None:
    with writing(shell.engine) as connection:
        requests.note_shown(connection, to, [r for r in found if r.decidable], now())


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
            _note_shown(shell, actor.name, [replace(before, quantity=error.quantity, need=error.need)])
            raise Failed(f"{error}, or see `request show {id}`") from None
        except (rules.NotOpen, requests.Changed) as error:
            raise Failed(f"{error}: see `request show {id}`") from None
    row = _prompts(shell, [stored], known_of(shell))[0]
    show_fields(row if as_json else _spoken(row), as_json=as_json)


def _prompts(shell: Shell, found: list[Request], there: Known) -> list[dict[str, Any]]:
    licenses = licenses_of(shell, there)
    rows = []
    for each in found:
        prompt = shown.prompt(each, licenses)
        costs = {"charge_now": amount(prompt.charge_now), "next_bill": amount(prompt.next_bill)}
        rows.append(asdict(prompt) | costs)
    return rows


def _spoken(row: dict[str, Any]) -> dict[str, Any]:
    """What isn't known is said to be so, never left out (L11)."""
    return row | {name: row[name] or "price unknown" for name in ("charge_now", "next_bill")}


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

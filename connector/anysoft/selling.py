"""How are products added and managed in the built-in tenant? The lock is taken.

Everything is checked before anything is written: whoever raises Rejected or Missing has changed nothing.
"""

import json
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from connector.anysoft import books, forms, rows, wire
from connector.anysoft.bodies import AddProduct, Change
from connector.anysoft.books import Bought
from connector.anysoft.licensing import CATALOG, METERED
from connector.store.tables import tenant_subscriptions
from sync.model import PendingChange, Subscription, SubscriptionId
from sync.ports import Missing, Rejected


def add_product(conn: Connection, now: datetime, wish: AddProduct) -> Subscription:
    """L5. Billed upfront, at once, in full."""
    mistakes = forms.quantity_mistakes(wish.quantity)
    if wish.product not in CATALOG:
        mistakes = [("product_id", f"must be one of {', '.join(CATALOG)}"), *mistakes]
    refuse(mistakes + forms.billing_mistakes(wish.billing) + forms.address_mistakes(wish.address))
    bought = rows.read_books(conn)
    if wish.product in bought:
        raise Rejected("already_subscribed", f"{wish.product} is subscribed: change its quantity instead")
    for base in CATALOG[wish.product].requires:
        if base not in bought:
            raise Rejected("requires_product", f"{wish.product} requires {base}: add that product first")
    today = now.date()
    entry = Bought(SubscriptionId(f"sub-{uuid.uuid4().hex}"), wish.product, wish.quantity, 0, today, today)
    conn.execute(
        insert(tenant_subscriptions).values(
            id=entry.id,
            product=entry.product,
            quantity=entry.quantity,
            started_on=today.isoformat(),
            billed_on=today.isoformat(),
            billing=json.dumps(wire.billing_json(wish.billing)),
            address=json.dumps(wire.address_json(wish.address)),
        )
    )
    rows.write_charges(conn, [books.upfront(entry, rows.read_prices(conn), now)])
    return subscription(conn, entry.id, now)


def change(
    conn: Connection, now: datetime, id: SubscriptionId, wish: Change, delay: timedelta
) -> Subscription:
    """L9, L10. A quantity that differs is pending for `delay`; the rest is in force at once.

    Settings are merged; one set to the empty text is removed.
    """
    subscription(conn, id, now)  # Missing comes before what is wrong with the wish
    mistakes = forms.quantity_mistakes(wish.quantity) if wish.quantity is not None else []
    mistakes += forms.billing_mistakes(wish.billing) if wish.billing is not None else []
    mistakes += forms.address_mistakes(wish.address) if wish.address is not None else []
    mistakes += forms.settings_mistakes(wish.settings) if wish.settings is not None else []
    if not wish.body():
        mistakes.append(("quantity", "give at least one of quantity, billing, address, settings"))
    refuse(mistakes)
    if wish.quantity is not None:
        _ask_quantity(conn, now, id, wish.quantity, delay)
    values = {}
    if wish.billing is not None:
        values["billing"] = json.dumps(wire.billing_json(wish.billing))
    if wish.address is not None:
        values["address"] = json.dumps(wire.address_json(wish.address))
    if wish.settings is not None:
        merged = settings(conn, id) | dict(wish.settings)
        values["settings"] = json.dumps({name: value for name, value in merged.items() if value})
    if values:
        row = tenant_subscriptions.c.id == id
        conn.execute(update(tenant_subscriptions).where(row).values(values))
    return subscription(conn, id, now)


def _ask_quantity(
    conn: Connection, now: datetime, id: SubscriptionId, quantity: int, delay: timedelta
) -> None:
    bought = rows.read_books(conn)
    entry = next(entry for entry in bought.values() if entry.id == id)
    if entry.pending is not None:
        raise Rejected(
            "change_pending",
            f"a change to {entry.pending.quantity} is pending until "
            f"{wire.moment_text(entry.pending.effective_by)}: ask again when it is done",
        )
    lowest = books.lowest(bought, entry.product, rows.count_destinations(conn))
    if quantity < entry.quantity and quantity < lowest:
        used = "Destinations are created" if entry.product in METERED else "users have it"
        raise Rejected(
            "below_assigned", f"{entry.product} can't go below {lowest}: that many {used}; free some first"
        )
    if quantity != entry.quantity:
        rows.write_entry(
            conn, replace(entry, pending=PendingChange(quantity, now, now + delay), refused=False)
        )


def subscription(conn: Connection, id: SubscriptionId, now: datetime) -> Subscription:
    for each in rows.read_subscriptions(conn, now.date()):
        if each.id == id:
            return each
    raise Missing(f"there is no subscription {id}: list the subscriptions for their ids")


def settings(conn: Connection, id: SubscriptionId) -> dict[str, str]:
    text = conn.execute(
        select(tenant_subscriptions.c.settings).where(tenant_subscriptions.c.id == id)
    ).scalar_one()
    return {str(name): str(value) for name, value in json.loads(text).items()}


def refuse(mistakes: forms.Mistakes) -> None:
    """Raises Rejected with all of them, when there are any."""
    if mistakes:
        raise Rejected("invalid", "; ".join(f"{field} {what}" for field, what in mistakes), mistakes)

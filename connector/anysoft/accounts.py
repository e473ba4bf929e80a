"""How are users found, made and switched off in the built-in tenant?"""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from connector.anysoft import forms, rows
from connector.anysoft.bodies import AccountChange, NewAccount
from connector.anysoft.selling import refuse
from connector.anysoft.wire import PAGE
from connector.store.fold import folded
from connector.store.rows import raw
from connector.store.tables import tenant_accounts, tenant_assignments
from sync.model import Account, AccountId, Assigned, SubscriptionId
from sync.ports import Missing, Rejected

#: accounts of a page that is no list answer
MANY = 10_000


def find(conn: Connection, user_name: str) -> Account | None:
    """Exact but for case (NFKC, case folded)."""
    if not forms.storable(user_name, forms.LONGEST_NAME):
        return None
    query = select(tenant_accounts).where(tenant_accounts.c.folded == folded(user_name))
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else rows.account(row)


def page(conn: Connection, after: str) -> list[Account]:
    """Up to 1000, by id, later than `after`."""
    query = select(tenant_accounts).where(tenant_accounts.c.id > after)
    return [
        rows.account(row) for row in conn.execute(query.order_by(tenant_accounts.c.id).limit(PAGE)).mappings()
    ]


def create(conn: Connection, wish: NewAccount) -> Account:
    """Rejected user_exists names the account there is: its `fields` are (("user_id", id),)."""
    refuse(forms.account_mistakes(wish.body()))
    _refuse_taken(conn, wish.user_name)
    account = Account(
        AccountId(f"usr-{uuid.uuid4().hex}"),
        wish.user_name,
        wish.display_name,
        wish.email,
        wish.external_id,
        active=True,
    )
    conn.execute(
        insert(tenant_accounts).values(
            id=account.id,
            user_name=account.user_name,
            folded=folded(account.user_name),
            display_name=account.display_name,
            email=account.email,
            external_id=account.external_id,
            active=True,
        )
    )
    return account


def change(conn: Connection, id: AccountId, wish: AccountChange) -> Account:
    """Who is set inactive keeps the assignments: whoever wants the seats back unassigns first."""
    mine = tenant_accounts.c.id.in_(rows.possible([id]))
    row = conn.execute(select(tenant_accounts).where(mine)).mappings().one_or_none()
    if row is None:
        raise Missing(f"there is no user {id}: find the user by name")
    values = wish.body()
    if not values:
        refuse([("active", "give at least one field to change")])
    refuse(forms.account_mistakes({name: text for name, text in values.items() if name != "active"}))
    if wish.user_name is not None:
        _refuse_taken(conn, wish.user_name, id)
        values["folded"] = folded(wish.user_name)
    conn.execute(update(tenant_accounts).where(mine).values(values))
    return rows.account(conn.execute(select(tenant_accounts).where(mine)).mappings().one())


def _refuse_taken(conn: Connection, user_name: str, id: AccountId | None = None) -> None:
    there = find(conn, user_name)
    if there is not None and there.id != id:
        raise Rejected(
            "user_exists", f"{there.user_name} is account {there.id}: use it", [("user_id", there.id)]
        )


def assignments_page(
    conn: Connection, id: SubscriptionId, narrowed: set[AccountId] | None, after: str
) -> list[Assigned]:
    """Up to 1000 holders, by account id, later than `after`; only those of `narrowed` unless it is None."""
    query = (
        select(tenant_assignments.c.account_id, tenant_assignments.c.assigned_at, tenant_accounts.c.user_name)
        .join(tenant_accounts, tenant_accounts.c.id == tenant_assignments.c.account_id)
        .where(tenant_assignments.c.subscription_id == id, tenant_assignments.c.account_id > after)
        .order_by(tenant_assignments.c.account_id)
        .limit(PAGE)
    )
    if narrowed is not None:
        query = query.where(tenant_assignments.c.account_id.in_(narrowed))
    return [Assigned(AccountId(account), name, at) for account, at, name in conn.execute(query).all()]


def assigned_page(conn: Connection, id: SubscriptionId, after: str) -> Sequence[AccountId]:
    """Up to 10,000 holders' accounts, in order, later than `after`."""
    mine = tenant_assignments.c.subscription_id == id
    query = select(tenant_assignments.c.account_id).where(mine, tenant_assignments.c.account_id > after)
    return [account for (account,) in raw(conn, query.order_by("account_id").limit(MANY))]

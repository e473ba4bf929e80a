"""Which groups are inside which, at any depth? Cycles are fine: a group found before isn't followed (R07)."""

from collections.abc import Collection

from sqlalchemy import Select, select

from connector.store.tables import groups, memberships, nestings


def descendants(roots: Collection[int] | Select[tuple[int]]) -> Select[tuple[int]]:
    """The roots and all groups inside them, by pk."""
    inside = select(groups.c.pk.label("pk")).where(groups.c.pk.in_(roots)).cte(recursive=True)
    inside = inside.union(select(nestings.c.child_pk).join(inside, nestings.c.group_pk == inside.c.pk))
    return select(inside.c.pk)


def belonging(user_pks: Collection[int] | Select[tuple[int]]) -> Select[tuple[int, int]]:
    """(user, group) of each user, direct and through nesting, each pair once."""
    held = (
        select(memberships.c.user_pk.label("user_pk"), memberships.c.group_pk.label("group_pk"))
        .where(memberships.c.user_pk.in_(user_pks))
        .cte(recursive=True)
    )
    held = held.union(
        select(held.c.user_pk, nestings.c.group_pk).join(nestings, nestings.c.child_pk == held.c.group_pk)
    )
    return select(held.c.user_pk, held.c.group_pk)

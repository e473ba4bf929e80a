"""Who has which e-mail address? An index beside the documents: Entra ID may match people by their address.

It finds candidates, in any case and of any type; what a filter says beyond that is for rowwise.py. An address
that is the userName, too, as most are, isn't kept: the userName has its own index.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select

from connector.store.fold import folded
from connector.store.tables import Key, emails, users
from scim.query import And, Attr, Compare, Condition, Op, Within

#: in bytes of UTF-8; a longer one isn't in the index, and isn't sought there
_LONGEST = 1000


def keys(attributes: Mapping[str, Any]) -> list[str]:
    """A user's addresses as the index has them."""
    found = (each.get("value") for each in attributes.get("emails") or () if isinstance(each, Mapping))
    keys = {key for text in found if isinstance(text, str) and (key := _key(text)) is not None}
    return sorted(keys - {folded(attributes["userName"])})


def write(connection: Connection, user_pk: int, before: list[str], after: list[str]) -> None:
    """Make a user's rows so; `before` is what `keys` said when they were last written."""
    if before == after:
        return
    if before:
        connection.execute(_FORGET, {"user": user_pk})
    if after:
        connection.execute(_KEEP, [{"user_pk": user_pk, "folded": key} for key in after])


def candidates(condition: Condition) -> ColumnElement[bool] | None:
    """Users of whom this condition may be true, by the index; None: it can't say."""
    match condition:
        case Compare(Attr("emails", "value", ""), Op.EQ, str(text)):
            return _having(text)
        case Within(Attr("emails", "", ""), inner):
            parts = inner.parts if isinstance(inner, And) else (inner,)
            texts = [
                part.value
                for part in parts
                if isinstance(part, Compare) and part.attr == Attr("value") and part.op is Op.EQ
            ]
            return _having(texts[0]) if texts and isinstance(texts[0], str) else None
        case _:
            return None


def _having(text: str) -> ColumnElement[bool] | None:
    key = _key(text)
    if key is None:
        return None
    addressed = select(emails.c.user_pk).where(emails.c.folded == key)
    named = select(users.c.pk).where(users.c.folded == key)
    return users.c.pk.in_(addressed.union_all(named))


def _key(text: str) -> str | None:
    key = folded(text)
    return key if len(key.encode(errors="surrogatepass")) <= _LONGEST else None


_FORGET = delete(emails).where(emails.c.user_pk == bindparam("user", type_=Key))
_KEEP = insert(emails)

"""How far has the reading of a directory come, and what has the open read said? (R23)"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from connector.store.tables.columns import Key, at, metadata


def _home() -> "Column[int]":
    reference = ForeignKey("directories.pk", ondelete="CASCADE")
    return Column("directory_pk", Key, reference, primary_key=True, autoincrement=False)


pulls = Table(
    "pulls",
    metadata,
    _home(),
    Column("generation", Key, nullable=False),  # grows with each page: compare and swap
    Column("cursor", String(10), nullable=False),  # refresh, resume, active
    Column("state", Text, nullable=False, server_default=""),  # the source's own JSON
    Column("reading", String(10), nullable=False, server_default=""),  # full, changes; "": no read is open
    Column("pages", Integer, nullable=False, server_default="0"),  # of the read that is open
    Column("pins", Text, nullable=False, server_default="{}"),  # JSON: declared name -> its id
    at("began_at", nullable=True),  # when the open read began
    at("full_at", nullable=True),  # when the last complete full read began
    at("complete_at", nullable=True),  # when the last read came to its end
    at("tried_at", nullable=True),
    at("next_at", nullable=True),  # when the schedule reads again
    at("not_before", nullable=True),  # the directory asked to wait, or reads failed again and again
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("error", Text, nullable=False, server_default=""),  # why the last attempt wasn't whole
)
staged_users = Table(  # what the open read has said; emptied when it is committed
    "staged_users",
    metadata,
    _home(),
    Column("id", String(200), primary_key=True),
    Column("state", String(10), nullable=False),  # present, disabled, gone
    Column("user_name", Text, nullable=False, server_default=""),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("false")),
)
staged_groups = Table(
    "staged_groups",
    metadata,
    _home(),
    Column("id", String(200), primary_key=True),
    Column("name", Text, nullable=False, server_default=""),  # "": only its membership was said
    Column("gone", Boolean, nullable=False, server_default=text("false")),
    Column("whole", Boolean, nullable=False, server_default=text("false")),  # all its members are staged
    Column("count", Integer, nullable=True),  # of members, as the directory counts them
    Column("unread", Text, nullable=False, server_default=""),  # why its members couldn't be read whole
)
staged_members = Table(
    "staged_members",
    metadata,
    _home(),
    Column("group_id", String(200), primary_key=True),
    Column("member_id", String(200), primary_key=True),
    Column("kind", String(5), nullable=False),  # user, group, other
    Column("present", Boolean, nullable=False),  # the last word on it
    Index("ix_staged_members_member", "directory_pk", "member_id"),
)

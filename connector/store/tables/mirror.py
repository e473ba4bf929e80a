"""What did the directories write, and who may speak for them?"""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from connector.store.tables.columns import Folded, Key, at, key, metadata

directories = Table(
    "directories",
    metadata,
    key(),
    Column("name", String(100), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),  # scim, entra, okta
    Column("options", Text, nullable=False, server_default="{}"),  # JSON: answers of PATCH, pull options
    at("created_at"),
    at("heard_at", nullable=True),  # last write by its IdP
)
credentials = Table(  # static bearer tokens and OAuth clients' secrets
    "credentials",
    metadata,
    key(),
    Column("id", String(40), nullable=False, unique=True),
    Column("directory_pk", Key, ForeignKey("directories.pk", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),  # token, client, access (a client's access token)
    Column("hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256 of 256 random bits
    Column("issuer", String(40), nullable=True, index=True),  # of an access token: its client's id
    at("created_at"),
    at("expires_at", nullable=True),
    at("revoked_at", nullable=True),
    at("used_at", nullable=True),
)
warnings = Table(  # what the IdP sent that was skipped
    "warnings",
    metadata,
    key(),
    Column("directory_pk", Key, ForeignKey("directories.pk", ondelete="CASCADE"), nullable=False),
    Column("code", String(40), nullable=False),
    Column("subject", String(500), nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    at("first_at"),
    at("last_at"),
    UniqueConstraint("directory_pk", "code", "subject"),
)


persons = Table(
    "persons",
    metadata,
    key(),
    Column("user_name", Text, nullable=False),  # as last seen; display only
    Column("folded", Folded, nullable=False, index=True),  # NFKC + casefold
    Column("display_name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("account_id", String(64), nullable=True, index=True),  # at AnySoft
    Column("account_made", Boolean, nullable=False, server_default=text("false")),  # by us (R05)
    Column("account_disabled", Boolean, nullable=False, server_default=text("false")),  # by us
    Column("conflict", Boolean, nullable=False, server_default=text("false")),  # R06
    at("epoch"),
    sqlite_autoincrement=True,
)
users = Table(
    "users",
    metadata,
    key(),
    Column("directory_pk", Key, ForeignKey("directories.pk"), nullable=False),
    Column("id", String(36), nullable=False, unique=True),  # ours, a uuid
    Column("person_pk", Key, ForeignKey("persons.pk"), nullable=False),
    Column("user_name", Text, nullable=False),
    Column("folded", Folded, nullable=False),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("external_id", Text, nullable=True),
    Column("pulled_id", String(200), nullable=True),  # the directory's own id, once a pull has met the record
    Column("pulled", Boolean, nullable=False, server_default=text("false")),  # made by a pull: it names them
    Column("active", Boolean, nullable=False),
    Column("document", Text, nullable=False),  # JSON: the SCIM attributes without id, meta, groups
    Column("version", Integer, nullable=False),
    at("created_at"),
    at("modified_at"),
    UniqueConstraint("directory_pk", "folded"),
    Index("ix_users_external", "directory_pk", "external_id"),
    Index("uq_users_pulled", "directory_pk", "pulled_id", unique=True),
    Index("ix_users_folded", "folded"),
    Index("ix_users_person_pk", "person_pk", "active"),
    sqlite_autoincrement=True,
)
emails = Table(  # addresses in the users' documents, to find people by
    "emails",
    metadata,
    Column("user_pk", Key, ForeignKey("users.pk", ondelete="CASCADE"), primary_key=True),
    Column("folded", Folded, primary_key=True),
    Index("ix_emails_folded", "folded"),
    sqlite_with_rowid=False,
)
groups = Table(
    "groups",
    metadata,
    key(),
    Column("directory_pk", Key, ForeignKey("directories.pk"), nullable=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("folded", Folded, nullable=False),
    Column("external_id", Text, nullable=True),
    Column("pulled_id", String(200), nullable=True),  # stays when it is deleted: restored, it is this one
    Column("document", Text, nullable=False),
    Column("version", Integer, nullable=False),
    at("created_at"),
    at("modified_at"),
    at("deleted_at", nullable=True),  # kept while a mapping or a reason names it
    Index("ix_groups_folded", "directory_pk", "folded"),
    Index("ix_groups_external", "directory_pk", "external_id"),
    Index("uq_groups_pulled", "directory_pk", "pulled_id", unique=True),
    sqlite_autoincrement=True,
)
memberships = Table(
    "memberships",
    metadata,
    Column("group_pk", Key, ForeignKey("groups.pk"), primary_key=True),
    Column("user_pk", Key, ForeignKey("users.pk"), primary_key=True),
    at("since"),
    Index("ix_memberships_user_pk", "user_pk", "since"),
    sqlite_with_rowid=False,
)
nestings = Table(
    "nestings",
    metadata,
    Column("group_pk", Key, ForeignKey("groups.pk"), primary_key=True),
    Column("child_pk", Key, ForeignKey("groups.pk"), primary_key=True, index=True),
    at("since"),
)
marks = Table(  # persons the next round must look at (architecture: level, not edge)
    "marks",
    metadata,
    Column("person_pk", Key, ForeignKey("persons.pk"), primary_key=True),
    Column("generation", Key, nullable=False),  # grows with each mark; taken off only if unchanged
    at("marked_at"),
    Index("ix_marks_marked_at", "marked_at"),
)
group_marks = Table(  # groups whose people must all be looked at; expanded in chunks by the worker
    "group_marks",
    metadata,
    Column("group_pk", Key, ForeignKey("groups.pk"), primary_key=True),
    Column("generation", Key, nullable=False),
    Column("after_pk", Key, nullable=False, server_default="0"),  # expanded up to this user
    at("marked_at"),
)
changes = Table(  # what SCIM changed, 90 days; `explain` reads it (R30)
    "changes",
    metadata,
    key(),
    at("at"),
    Column("directory_pk", Key, nullable=False),
    Column("person_pk", Key, nullable=True),
    Column("group_pk", Key, nullable=True),
    Column(
        "what", String(40), nullable=False
    ),  # created, updated, disabled, enabled, deleted, joined, left, …
    Column("request", String(64), nullable=False, server_default=""),  # request id in the log
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_changes_person", "person_pk", "at"),
    Index("ix_changes_at", "at"),
)

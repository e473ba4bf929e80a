"""How does Alembic run here? On the connection, in the transaction that connector.store.migrations opened."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from connector.store.tables import Moment, metadata


def _rendered(kind: str, item: object, autogenerate: AutogenContext) -> str | Literal[False]:
    """A revision must not change when the program's own types do."""
    return "sa.BigInteger()" if isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_rendered,
)
with context.begin_transaction():
    context.run_migrations()

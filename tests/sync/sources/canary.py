"""Where did a secret end up that should be nowhere? (T23)"""

from collections.abc import Collection

from sqlalchemy import Engine

from connector.store.engine import reading
from connector.store.tables import metadata
from tests.standins.graph import LINK


def spilled(engine: Engine, said: str, secrets: Collection[str]) -> list[str]:
    """Places, with what was found there: in what was said (logs, results), and in the whole database.

    Links that Graph gave are kept in cursors, with the tokens in them; they mustn't be anywhere else.
    """
    wanted = {*secrets, LINK}
    found = [f"said: {secret}" for secret in wanted if secret in said]
    with reading(engine) as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()):
                for name, value in row._mapping.items():
                    kept = {LINK} if (table.name, name) == ("pulls", "state") else set()
                    found += [f"{table.name}.{name}: {one}" for one in wanted - kept if one in str(value)]
    return found

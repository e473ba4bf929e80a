"""What does a directory leave unclear, so that somebody gets nothing until a person mends it? (R02, R06)"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from connector.store.mappings import list_mappings, namesakes
from connector.store.tables import directories, persons, users
from sync.beside import namesake
from sync.model import Mapping

#: people named
NAMED = 5


@dataclass(frozen=True, slots=True)
class Unclear:
    directory: str
    said: str  #: and what to do


def unclear(connection: Connection) -> list[Unclear]:
    """Mappings of deleted groups, groups that bear a mapped one's name, people whom two records claim."""
    return [
        *(Unclear(m.directory, dead(m)) for m in list_mappings(connection) if m.gone),
        *(Unclear(same.directory, namesake(same)) for same in namesakes(connection)),
        *_conflicts(connection),
    ]


def dead(m: Mapping) -> str:
    return (
        f"group {m.group_name} of {m.directory} is deleted, mapping {m.id} gives nothing: "
        f"`mapping repin {m.id} GROUP` if it was pushed anew, else `mapping remove {m.id}`"
    )


def _conflicts(connection: Connection) -> Iterator[Unclear]:
    query = (
        select(directories.c.name, users.c.user_name)
        .select_from(persons)
        .join(users, users.c.person_pk == persons.c.pk)
        .join(directories, directories.c.pk == users.c.directory_pk)
        .where(persons.c.conflict)
        .order_by(directories.c.name, users.c.folded)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for directory, user in connection.execute(query):
        found[directory].append(user)
    for directory, people in found.items():
        yield Unclear(
            directory,
            f"{_named(people)} of {directory} may be somebody else's name, and get no license: "
            "rename or delete one of the records that claim the name",
        )


def _named(people: Sequence[str]) -> str:
    more = f" and {len(people) - NAMED} more" if len(people) > NAMED else ""
    return f"{', '.join(people[:NAMED])}{more}"

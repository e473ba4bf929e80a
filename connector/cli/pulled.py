"""How do commands read a directory themselves? For `sync --directory`, `directory check`, a group unseen."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

import click
from sqlalchemy import Connection

from connector import sources
from connector.cli.shell import Failed, Shell, now
from connector.pulling import Puller
from connector.settings import PulledDirectory
from connector.store import directories, mappings, pulls
from connector.store.directory import Session
from connector.store.engine import reading
from connector.store.pulled_gains import meet_group
from sync.model import GroupId
from sync.ports import Fenced, Transient, Unauthorized
from sync.pull import Pulled
from sync.pulled import Finding, Incomplete, PulledGroup

#: how long a command waits for another process that is reading the directory
PATIENCE_SECONDS = 600.0


def read(shell: Shell, name: str, full: bool, progress: Callable[[str, int, int], None]) -> Pulled:
    """Read a directory here and now; after the worker, if it is at it. Raises Failed."""
    _declared(shell, name)
    puller = Puller(shell.settings, shell.engine, f"cli/{os.getpid()}/{time.monotonic_ns()}", Event())
    puller.directories = sources.declared(shell.settings, shell.engine)
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        while (done := puller.pull(name, full=full, progress=progress)) is None:
            if time.monotonic() > until:
                raise Failed(f"{name} is being read by another process for ten minutes: see its log")
            time.sleep(0.5)
    except Fenced as error:
        raise Failed(f"{error}; another process reads {name} now") from None
    return done


def check(shell: Shell, name: str) -> Sequence[Finding]:
    """Whether the directory can be read: sign-in, permissions, each group. Nothing if it isn't to be."""
    declared = sources.declared(shell.settings, shell.engine).get(name)
    if declared is None:
        return ()
    pk = pulls.declared(shell.engine, name, declared.kind, now())
    with reading(shell.engine) as connection:
        ids = pulls.mapped_ids(connection, pk) | set(pulls.pins(connection, pk).values())
    try:
        return sources.source(shell.settings, name, declared).check(sorted(ids))
    except (Transient, Unauthorized, Incomplete) as error:
        return [Finding("reading", False, str(error))]


def find_group(shell: Shell, directory: str, name_or_id: str) -> GroupId | PulledGroup:
    """As connector.store.mappings.find_group; a group of a directory that is read needn't be here yet: it is
    asked for there, and `meet` keeps it. Raises LookupError, Failed."""
    declared = sources.declared(shell.settings, shell.engine).get(directory)
    if declared is None:
        return _here(shell, directory, name_or_id)
    pulls.declared(shell.engine, directory, declared.kind, now())
    try:
        return _here(shell, directory, name_or_id)
    except LookupError:
        pass
    match _ask(shell, directory, declared, name_or_id):
        case []:
            raise LookupError(f"directory {directory} has no group {name_or_id}: check the name")
        case [one]:
            return one
        case several:
            ids = ", ".join(group.id for group in several)
            raise LookupError(
                f"{len(several)} groups of {directory} are called {name_or_id}: give one of the ids {ids}"
            )


def meet(connection: Connection, directory: str, found: GroupId | PulledGroup) -> GroupId:
    """The group that `find_group` found; one that wasn't here is, from now on, by its id (R02)."""
    if not isinstance(found, PulledGroup):
        return found
    session = Session(connection, directories.named(connection, directory).pk, now(), "")
    meet_group(session, found.id, found.name)
    session.finish()
    return mappings.find_group(connection, directory, found.id)


def check_directory(shell: Shell, name: str) -> None:
    """Raises directories.Unknown when it is neither here nor to be read."""
    if name not in sources.declared(shell.settings, shell.engine):
        with reading(shell.engine) as connection:
            directories.named(connection, name)


def _here(shell: Shell, directory: str, name_or_id: str) -> GroupId:
    with reading(shell.engine) as connection:
        return mappings.find_group(connection, directory, name_or_id)


def _ask(shell: Shell, name: str, declared: PulledDirectory, group: str) -> Sequence[PulledGroup]:
    try:
        return sources.source(shell.settings, name, declared).find_groups([group])
    except (Transient, Unauthorized, Incomplete) as error:
        raise Failed(f"{name} can't be asked for the group: {error}; see `directory check {name}`") from None


def _declared(shell: Shell, name: str) -> PulledDirectory:
    found: Mapping[str, PulledDirectory] = sources.declared(shell.settings, shell.engine)
    if name not in found:
        raise click.UsageError(
            f"--directory: {name} isn't read: declare it in the settings, or with `directory add` and a "
            "tenant id or an org URL"
        )
    return found[name]


def told(done: Pulled, name: str) -> str:
    """One line on how it went."""
    if not done.whole:
        return f"{name}: {done.why}"
    return f"{name} was read: {'everything' if done.full else 'what changed'}, {done.pages} pages."

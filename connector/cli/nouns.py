"""Which commands are there?"""

from collections.abc import Iterator

import click

from connector.cli import (
    deciding,
    demo,
    destinations,
    directory,
    doctor,
    holders,
    keeping,
    license,
    mapping,
    mapping_file,
    rounds,
    seats,
    serving,
)
from connector.cli.later import later


def all_commands() -> Iterator[click.Command]:
    yield from (serving.up, serving.web, serving.worker, serving.sign_in)
    yield from (directory.directory, directory.token, directory.client, mapping.mapping)
    yield from (license.license_, deciding.queue_, deciding.request_, deciding.hold)
    yield from (rounds.plan, rounds.sync, rounds.report, rounds.explain, demo.demo, doctor.doctor)
    yield from (keeping.audit_, keeping.db, keeping.operator, keeping.tenant)
    person = click.Group("person", help="People, and what is kept of them.")
    person.add_command(later("erase", "erasing a person"))
    yield person


rounds.report.add_command(seats.seats)
for command in (holders.users_, holders.assign, holders.unassign, holders.adopt, destinations.destinations):
    license.license_.add_command(command)
mapping.mapping.add_command(mapping_file.apply)
mapping.mapping.add_command(mapping_file.export)

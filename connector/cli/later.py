"""Which commands belong to a later version? They say so, and nothing happens (exit 2)."""

import click

from connector.cli.shell import NotYet


def later(name: str, why: str) -> click.Command:
    """A command that takes anything and answers "not yet"."""

    def answer(words: tuple[str, ...]) -> None:
        raise NotYet(why)

    return click.Command(
        name,
        callback=answer,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help=f"Not yet: {why}.",
        short_help=f"(not yet) {why}",
    )

"""Do the guides name commands, options, settings and pages that exist?"""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from connector.cli.root import build
from connector.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("**/*.md"))
_COMMAND = re.compile(r"anysoft-connector((?: [a-z][a-z-]*)+)((?: [^\n`]*)?)")
_SETTING = re.compile(r"CONNECTOR_[A-Z][A-Z_]*[A-Z]")
_LINK = re.compile(r"\]\(([^)#\s]+\.md)\)")


def commands(text: str) -> Iterator[tuple[list[str], str]]:
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        for found in _COMMAND.finditer(line):
            yield found[1].split(), found[2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for words, rest in commands(text):
        command: click.Command = build()
        for word in words:
            if not isinstance(command, click.Group):
                break  # an argument
            assert word in command.commands, f"{' '.join(words)}: there is no {word}"
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for option in re.findall(r"(?<= )--[a-z-]+", rest.partition(" #")[0]):
            assert option in known, f"{' '.join(words)}: there is no {option}"
    for name in _SETTING.findall(text):
        first = name.removeprefix("CONNECTOR_").lower().split("__")[0].removesuffix("_file")
        assert first in Settings.model_fields or first in ("config",), name
    for target in _LINK.findall(text):
        assert (page.parent / target).is_file(), f"the link to {target} leads nowhere"

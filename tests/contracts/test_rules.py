"""Has each rule of AnySoft's license section tests that run the same in process and over HTTP?

docs/anysoft-licenses.md lists them for its readers; what it lists is so.
"""

import ast
import re
from pathlib import Path

import pytest

from connector.anysoft.client import HttpTenant
from tests.contracts.conftest import REACHED
from tests.contracts.licensing_world import World

RULES = [f"L{n}" for n in range(1, 13)]
PAGE = Path(__file__).parents[2] / "docs" / "anysoft-licenses.md"


def contract_tests() -> dict[str, set[str]]:
    """By rule: the tests that take the world, which is reached in every way."""
    found: dict[str, set[str]] = {}
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and "anysoft" in {a.arg for a in node.args.args}:
                for rule in re.findall(r"_(L\d+)(?=_)", node.name):
                    found.setdefault(rule, set()).add(node.name)
    return found


def listed() -> dict[str, list[str]]:
    """By rule: the tests that the page lists."""
    rows = re.findall(r"^\| (L\d+) \|(.*)$", PAGE.read_text(), re.MULTILINE)
    return {rule: re.findall(r"`(test_\w+)`", row) for rule, row in rows}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_has_tests_that_run_in_process_and_over_http(rule: str) -> None:
    assert contract_tests().get(rule), f"{rule} has no test in tests/contracts that takes `anysoft`"


def test_the_world_is_reached_in_process_and_over_http(
    anysoft: World, request: pytest.FixtureRequest
) -> None:
    assert set(REACHED) == {"sqlite", "postgresql", "http"}
    over_http = f"[{REACHED[-1]}]" in request.node.name
    assert isinstance(anysoft.licensing, HttpTenant) is over_http
    assert (anysoft.licensing is anysoft.tenant) is not over_http


@pytest.mark.parametrize("rule", RULES)
def test_what_the_page_lists_is_so(rule: str) -> None:
    named, there = listed().get(rule, []), contract_tests().get(rule, set())
    assert named, f"{PAGE.name} lists no test of {rule}"
    assert set(named) <= there, f"{PAGE.name} lists tests of {rule} that there aren't"

"""Is each rule broken by at least one bug of `make bugs`, and does the table follow the code?"""

import ast
from functools import cache
from pathlib import Path

from tests.bugs.bug import Bug
from tests.bugs.table import BUGS, RULES
from tests.sown import ROOT, fits


def test_each_rule_is_broken_by_a_bug() -> None:
    assert {bug.rule for bug in BUGS} == set(RULES)


def test_each_bug_can_still_be_sown() -> None:
    assert [wrong for bug in BUGS for wrong in fits(bug.sown)] == []
    assert [bug.name for bug in BUGS for _, there, instead in bug.sown if there == instead] == []


def test_each_bug_is_hunted_by_tests_that_name_its_rule() -> None:
    assert [f"{bug.rule} {bug.name}" for bug in BUGS if not bug.tests] == []
    assert [f"{bug.rule}: {node}" for bug in BUGS for node in bug.tests if not names(bug, node)] == []


def names(bug: Bug, node: str) -> bool:
    """In the test's name, its docstring, its parameters, or its module's docstring."""
    path, _, name = node.partition("::")
    module, functions = parsed(ROOT / path)
    return bug.rule.lower() in (functions.get(name, "") and functions[name] + module).lower()


@cache
def parsed(path: Path) -> tuple[str, dict[str, str]]:
    """The module's docstring, and the text of each of its tests."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    return ast.get_docstring(tree) or "", {
        test.name: ast.get_source_segment(text, test) or "" for test in tests
    }

"""Which groups and people does an Okta `filter` choose? `eq` and `gt`, `and`, `or`, parentheses; no more."""

import re
from collections.abc import Callable, Mapping

Values = Mapping[str, str]
Test = Callable[[Values], bool]

_TOKEN = re.compile(r"\s*(\(|\)|\band\b|\bor\b|(\w[\w.]*)\s+(eq|gt)\s+\"([^\"]*)\")")


class BadFilter(Exception):
    """Not a filter, or one that Okta doesn't offer there."""


def chooses(text: str, allowed: Mapping[str, frozenset[str]]) -> Test:
    """`allowed`: attribute to the operators that it can be asked with. Raises BadFilter."""
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadFilter(text[at:])
        tokens.append(found)
        at = found.end()
    test, rest = _any(tokens, allowed)
    if rest:
        raise BadFilter(text)
    return test


def _any(
    tokens: list[re.Match[str]], allowed: Mapping[str, frozenset[str]]
) -> tuple[Test, list[re.Match[str]]]:
    left, rest = _all(tokens, allowed)
    if rest and rest[0][1] == "or":
        right, rest = _any(rest[1:], allowed)
        return lambda values: left(values) or right(values), rest
    return left, rest


def _all(
    tokens: list[re.Match[str]], allowed: Mapping[str, frozenset[str]]
) -> tuple[Test, list[re.Match[str]]]:
    left, rest = _one(tokens, allowed)
    if rest and rest[0][1] == "and":
        right, rest = _all(rest[1:], allowed)
        return lambda values: left(values) and right(values), rest
    return left, rest


def _one(
    tokens: list[re.Match[str]], allowed: Mapping[str, frozenset[str]]
) -> tuple[Test, list[re.Match[str]]]:
    if not tokens:
        raise BadFilter("it ends too early")
    first, rest = tokens[0], tokens[1:]
    if first[1] == "(":
        inner, rest = _any(rest, allowed)
        if not rest or rest[0][1] != ")":
            raise BadFilter("a parenthesis isn't closed")
        return inner, rest[1:]
    name, operator, value = first[2], first[3], first[4]
    if name is None or operator not in allowed.get(name, frozenset()):
        raise BadFilter(first[0])
    if operator == "eq":
        return lambda values: values[name] == value, rest
    return lambda values: values[name] > value, rest

"""How is a filter written? scim2-filter-parser's lexer and parser, mended (RFC 7644 figure 1).

As shipped `and` and `or` bind equally, numbers have one digit, escapes fail and literals lose their type.
Here a value is a string in quotes, or a bare word whose type the attribute decides.
"""
# ruff: noqa: F821, RUF012
# mypy: ignore-errors
# sly builds its tables from names in the class body that exist only there.

import json
from collections.abc import Iterator
from dataclasses import dataclass

from scim2_filter_parser import ast
from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser, SCIMParserError
from sly import Lexer

from scim.errors import InvalidFilter

_COMPARISONS = frozenset({"EQ", "NE", "CO", "SW", "EW", "GT", "GE", "LT", "LE"})


@dataclass(frozen=True, slots=True)
class Word:
    """A value without quotes: true, null, 12, or a name whose quotes were forgotten."""

    text: str


class _Values(Lexer):
    """The state after a comparison: exactly one value."""

    tokens = {COMP_VALUE, BARE}
    ignore = " \t"

    @_(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
    def COMP_VALUE(self, token):
        token.value = json.loads(token.value)
        self.begin(_Names)
        return token

    @_(r'[^\s()\[\]"]+')
    def BARE(self, token):
        token.type = "COMP_VALUE"
        token.value = Word(token.value)
        self.begin(_Names)
        return token

    def error(self, token):
        raise ValueError("a value is missing")


class _Names(SCIMLexer):
    tokens = SCIMLexer.tokens - {"FALSE", "TRUE", "NULL", "NUMBER"}

    del FALSE
    del TRUE
    del NULL
    del NUMBER

    def tokenize(self, text) -> Iterator:
        for token in super().tokenize(text):
            if token.type in _COMPARISONS:
                self.begin(_Values)
            yield token


class _Parser(SCIMParser):
    tokens = _Names.tokens
    precedence = (("left", OR), ("left", AND), ("right", NOT))

    filter = SCIMParser.filter
    value_path = SCIMParser.value_path
    attr_exp = SCIMParser.attr_exp
    log_exp = SCIMParser.log_exp
    attr_path = SCIMParser.attr_path
    sub_attr = SCIMParser.sub_attr

    @_("COMP_VALUE")
    def comp_value(self, p):
        return ast.CompValue(p[0])


def parse(text: str) -> ast.AST:
    """The syntax tree. The caller has bounded the text. Raises InvalidFilter."""
    try:
        tree = _Parser().parse(_Names().tokenize(text))
    except (SCIMParserError, ValueError, RecursionError, AttributeError) as error:
        raise InvalidFilter(
            f"can't read the filter {text[:200]!r}; write it as RFC 7644 3.4.2.2 says"
        ) from error
    if tree is None:
        raise InvalidFilter("the filter is empty")
    return tree

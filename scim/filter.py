"""What does a filter ask for? Its text to a condition on known attributes (RFC 7644 3.4.2.2)."""

import re
from collections.abc import Sequence
from typing import Any

from scim2_filter_parser import ast

from scim.body import MAX_INTEGER, is_storable
from scim.errors import InvalidFilter, UnknownAttribute
from scim.grammar import Word, parse
from scim.query import And, Attr, Compare, Condition, Literal, Not, Op, Or, Present, Within
from scim.schema import Attribute, ResourceType, Returned, Scope, Type, parse_time

MAX_BYTES = 4096
MAX_DEPTH = 20
MAX_TERMS = 100

#: Conditions on nothing; folded away, so that they only ever are a whole condition
EVERYTHING = And(())
NOTHING = Or(())

#: What nearly all requests send; read without the grammar, which takes 50 times as long
_PLAIN = re.compile(r'([A-Za-z]\w*)(?:\.([A-Za-z]\w*))? eq "([^"\\\x00-\x1f]*)"', re.ASCII)
_PLAIN_PATH = re.compile(
    r'([A-Za-z]\w*)\[([A-Za-z]\w*) eq "([^"\\\x00-\x1f]*)"\](?:\.([A-Za-z]\w*))?', re.ASCII
)
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?')
_JOINTS = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,19}(\.\d{1,30})?")
_ORDERINGS = (Op.GT, Op.GE, Op.LT, Op.LE)
_SUBSTRINGS = (Op.CO, Op.SW, Op.EW)


def read(text: str, resource_type: ResourceType, *, alone: bool = True) -> Condition:
    """The condition for one resource type. Unless it is searched `alone`, an attribute that it doesn't have
    is absent, so that comparisons with it are false (RFC 7644 3.4.2.1). Raises InvalidFilter."""
    _check_size(text)
    binder = _Binder(resource_type, alone=alone)
    if plain := _PLAIN.fullmatch(text):
        name, sub, value = plain.groups("")
        return binder.term("", name, sub, "eq", value)
    return binder.condition(parse(text))


def value_path(text: str, scope: Scope) -> tuple[str, str, str, Condition | None]:
    """A PATCH path: URN, attribute, sub-attribute and the condition in [ ], read by the filter's grammar.
    Raises InvalidFilter; UnknownAttribute when no schema has it."""
    _check_size(text)
    if plain := _PLAIN_PATH.fullmatch(text):
        name, inside, value, sub = plain.groups("")
        return "", name, sub, _Binder(_picking(scope, name, "")).term("", inside, "", "eq", value)
    try:
        expression = parse(text + " pr").expr
    except InvalidFilter as error:
        raise InvalidFilter(f"can't read the path {text[:200]!r}; write it as RFC 7644 3.5.2 says") from error
    if not isinstance(expression, ast.AttrExpr) or expression.comp_value is not None:
        raise InvalidFilter("a path names one attribute")
    outer = expression.attr_path
    if not isinstance(outer.attr_name, ast.Filter):
        return (*_names(outer), None)
    urn, name, sub = _names(outer.attr_name.namespace)
    return urn, name, sub, _Binder(_picking(scope, name, urn)).condition(outer.attr_name.expr)


def terms(text: str) -> int:
    """How many comparisons reading it may take, before anything is read; a long name is several."""
    return 1 + len(_JOINTS.findall(text)) + len(text) // 256


def _check_size(text: str) -> None:
    """Bound the work before any parser sees the text."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InvalidFilter(f"the filter is longer than {MAX_BYTES} bytes")
    bare = _STRINGS.sub('""', text)
    if len(_JOINTS.findall(bare)) >= MAX_TERMS:
        raise InvalidFilter(f"the filter has more than {MAX_TERMS} terms; ask in several requests")
    depth = 0
    for character in bare:
        if character in "([":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidFilter(f"the filter is nested deeper than {MAX_DEPTH}")
        elif character in ")]":
            depth -= 1


def _names(path: Any) -> tuple[str, str, str]:
    """URN, attribute and sub-attribute. Raises InvalidFilter."""
    if not isinstance(path.attr_name, str):
        raise InvalidFilter("an attribute can be followed by one [ ] only")
    return path.uri or "", path.attr_name, path.sub_attr.value if path.sub_attr else ""


def _right(expression: Any) -> tuple[str, str | Word | None]:
    """An expression without its attribute."""
    return expression.value, expression.comp_value.value if expression.comp_value else None


def _picking(scope: Scope, name: str, urn: str) -> Scope:
    """Where the names inside a path's [ ] are looked up."""
    attribute = scope.find(name, urn)
    if attribute is None:
        raise UnknownAttribute(f"unknown attribute {name!r}; /Schemas lists the known ones")
    return _inside(attribute)


def _inside(attribute: Attribute) -> Scope:
    if not attribute.many or attribute.type is not Type.COMPLEX:
        raise InvalidFilter(f"{attribute.name} has no values to pick by [ ]; compare it directly")
    return attribute


class _Binder:
    """One walk over the syntax tree that looks each name up in a scope."""

    def __init__(self, scope: Scope, *, alone: bool = True) -> None:
        self.scope = scope
        self.alone = alone

    def find(self, name: str, urn: str) -> Attribute | None:
        found = self.scope.find(name, urn)
        if found is None and self.alone:
            raise InvalidFilter(f"unknown attribute {name!r}; /Schemas lists the known ones")
        if found is not None and found.returned in (Returned.NEVER, Returned.REQUEST):
            raise InvalidFilter(f"{found.name} can't be searched")
        return found

    def condition(self, node: Any) -> Condition:
        if isinstance(node, ast.Filter):
            inner = self.within(node.namespace, node.expr) if node.namespace else self.condition(node.expr)
            return _negate(inner) if node.negated else inner
        if isinstance(node, ast.LogExpr):
            parts = (self.condition(node.expr1), self.condition(node.expr2))
            return _all(parts) if node.op.lower() == "and" else _any(parts)
        path = node.attr_path
        if not isinstance(path.attr_name, ast.Filter):
            urn, name, sub = _names(path)
            return self.term(urn, name, sub, *_right(node))
        # `emails[type eq "work"].value co "x"`: one element meets both
        picked = path.attr_name
        sub = picked.namespace.sub_attr
        if sub is None and node.value.lower() == "pr":
            return self.within(picked.namespace, picked.expr)
        return self.within(picked.namespace, picked.expr, (sub.value if sub else "value", node))

    def within(self, path: Any, expression: Any, term: tuple[str, Any] | None = None) -> Condition:
        urn, name, _ = _names(path)
        if path.sub_attr and term is None:
            raise InvalidFilter("only an attribute can be followed by [ ], not a sub-attribute")
        found = self.find(name, urn)
        if found is None:
            return NOTHING
        single = found.type is Type.COMPLEX and not found.many
        binder = _Binder(found if single else _inside(found))
        inner = binder.condition(expression)
        if term is not None:
            inner = _all((inner, binder.term("", term[0], "", *_right(term[1]))))
        attr = Attr(found.name, "", found.urn)
        # `name[familyName eq "x"]`: the one value, where there is one
        return _all((Present(attr), _of(attr, inner))) if single else Within(attr, inner)

    def term(self, urn: str, name: str, sub: str, verb: str, value: str | Word | None) -> Condition:
        """One comparison, or a presence, for which the value is None."""
        found = self.find(name, urn)
        if found is None:
            return NOTHING
        leaf = found.find(sub) if sub else found
        if leaf is None:
            raise InvalidFilter(f"unknown attribute {name}.{sub}; /Schemas lists the known ones")
        if value is None:
            return Present(Attr(found.name, leaf.name if sub else "", found.urn))
        if leaf.type is Type.COMPLEX:
            # `emails co "x"` and `manager eq "x"` mean their value (RFC 7643 2.4)
            default = leaf.find("value")
            if default is None:
                raise InvalidFilter(f"compare a sub-attribute of {leaf.name}")
            leaf, sub = default, default.name
        op = Op(verb.lower())
        attr = Attr(found.name, leaf.name if sub else "", found.urn)
        return Compare(attr, op, _literal(leaf, op, value))


def _literal(attribute: Attribute, op: Op, raw: str | Word) -> Literal:
    """The value in the attribute's own type: `roles[primary eq "True"]` compares a boolean."""
    text = raw.text if isinstance(raw, Word) else raw
    if isinstance(raw, Word) and text.lower() == "null":
        if op not in (Op.EQ, Op.NE):
            raise InvalidFilter(f"null can only be compared by eq and ne, not {op}")
        return None
    if not is_storable(text):
        raise InvalidFilter("the filter holds a NUL or half a surrogate pair")
    match attribute.type:
        case Type.BOOLEAN if text.lower() in ("true", "false") and op in (Op.EQ, Op.NE):
            return text.lower() == "true"
        case Type.BINARY if op in (Op.EQ, Op.NE):
            return text
        case Type.INTEGER | Type.DECIMAL if op not in _SUBSTRINGS and _NUMBER.fullmatch(text):
            if abs(float(text)) <= MAX_INTEGER:
                return float(text) if "." in text else int(text)
        case Type.DATETIME if op not in _SUBSTRINGS:
            try:
                parse_time(text)
            except ValueError as error:
                raise InvalidFilter(
                    f"{attribute.name} is compared with a time like 2026-01-31T08:00:00Z"
                ) from error
            return text
        case Type.STRING | Type.REFERENCE:
            return text
    raise InvalidFilter(f"{attribute.name} is {attribute.type}: {op} {text[:100]!r} doesn't apply to it")


def _of(outer: Attr, inner: Condition) -> Condition:
    """The same of the attribute's parts as seen from the resource."""
    match inner:
        case And(parts):
            return And(tuple(_of(outer, part) for part in parts))
        case Or(parts):
            return Or(tuple(_of(outer, part) for part in parts))
        case Not(part):
            return Not(_of(outer, part))
        case Compare(attr, op, value):
            return Compare(Attr(outer.name, attr.name, outer.urn), op, value)
        case Present(attr):
            return Present(Attr(outer.name, attr.name, outer.urn))
        case Within():
            raise AssertionError("no complex attribute has another in it (RFC 7643 2.3.8)")


def _negate(part: Condition) -> Condition:
    if part == EVERYTHING:
        return NOTHING
    return EVERYTHING if part == NOTHING else Not(part)


def _all(parts: Sequence[Condition]) -> Condition:
    if NOTHING in parts:
        return NOTHING
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def _any(parts: Sequence[Condition]) -> Condition:
    if EVERYTHING in parts:
        return EVERYTHING
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))

"""Which JSON values does an attribute take? One walk, driven by the schema (RFC 7643 2.3).

What all kinds of directories may send: attribute names in any case; null and [] for "no value"; "True" for
true; a bare string for {"value": …} (Entra's manager); one object where a list is meant, a list of one where
an object is meant. Unknown and read-only parts are left out, passwords at once.
"""

import base64
import binascii
from typing import Any

from scim.errors import InvalidSyntax, InvalidValue
from scim.schema import Attribute, Mutability, Type, fold, parse_time

#: Keys are indexed; a longer one would not fit into an index page
MAX_KEY_BYTES = 1000
#: of one attribute of a user: far more than anybody has
MAX_VALUES = 1000


def accept(attribute: Attribute, value: Any) -> Any:
    """The value in canonical form, or None for "no value". Raises InvalidValue."""
    if attribute.mutability is Mutability.WRITE_ONLY:
        return None
    if not attribute.many:
        if isinstance(value, list):
            if len(value) > 1 or (value and attribute.type is not Type.COMPLEX):
                raise InvalidValue(f"{attribute.name} has one value; send it without a list")
            value = value[0] if value else None
        return accept_one(attribute, value)
    elements = value if isinstance(value, list) else [value]
    if len(elements) > MAX_VALUES:
        raise InvalidValue(f"{attribute.name} can have {MAX_VALUES} values at most")
    taken = [one for one in (accept_one(attribute, element) for element in elements) if one is not None]
    if sum(1 for one in taken if isinstance(one, dict) and one.get("primary") is True) > 1:
        raise InvalidValue(f"{attribute.name}: only one value can be primary")
    return taken or None


def accept_one(attribute: Attribute, value: Any) -> Any:
    """As `accept`, for one element of a multi-valued attribute."""
    if value is None:
        return None
    match attribute.type, value:
        case Type.COMPLEX, dict():
            return members_of(attribute, value) or None
        case Type.COMPLEX, str() if "value" in attribute.subs:
            return {"value": accept_one(attribute.subs["value"], value)} if value else None
        case Type.BOOLEAN, bool():
            return value
        case Type.BOOLEAN, str() if value.lower() in ("true", "false"):
            return value.lower() == "true"
        case Type.BOOLEAN, "":
            return None
        case Type.INTEGER, int() if not isinstance(value, bool):
            return value
        case Type.DECIMAL, int() | float() if not isinstance(value, bool):
            return value
        case ((Type.STRING | Type.REFERENCE), str()):
            return _text(attribute, value)
        case Type.DATETIME, str() if _is_time(value):
            return value
        case Type.BINARY, str() if _is_base64(value):
            return value
    raise InvalidValue(f"{attribute.name} must be {attribute.type}")


def members_of(attribute: Attribute, value: dict[str, Any]) -> dict[str, Any]:
    """The sub-attributes of one complex value, in their own spelling."""
    result: dict[str, Any] = {}
    for key, part in value.items():
        sub = attribute.find(key)
        if sub is None or sub.mutability is Mutability.READ_ONLY:
            continue
        if sub.name in result:
            raise InvalidSyntax(f"{attribute.name}.{sub.name} appears twice")
        try:
            taken = accept(sub, part)
        except InvalidValue as error:
            raise InvalidValue(f"{attribute.name}.{error.detail}") from error
        if taken is not None:
            result[sub.name] = taken
    return result


def _text(attribute: Attribute, value: str) -> str:
    if attribute.required and not value.strip():
        raise InvalidValue(f"{attribute.name} can't be empty")
    if (attribute.required or attribute.name == "externalId") and len(
        fold(value).encode("utf-8", "surrogatepass")
    ) > MAX_KEY_BYTES:
        raise InvalidValue(f"{attribute.name} is longer than {MAX_KEY_BYTES} bytes")
    return value


def _is_time(value: str) -> bool:
    try:
        parse_time(value)
    except ValueError:
        return False
    return True


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True

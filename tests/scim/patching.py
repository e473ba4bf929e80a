"""Whom do the tests of PATCH change, and what comes of it?"""

import copy
from dataclasses import dataclass
from typing import Any

from scim import dialects, operations, patch
from scim.dialects import DIALECTS
from scim.membership import Picking
from scim.schema import ENTERPRISE, USER, ResourceType
from scim.store import MemberOp

WORK = {"type": "work", "value": "w@x.example"}
HOME = {"type": "home", "value": "h@x.example", "primary": True}
ADA: dict[str, Any] = {
    "userName": "ada",
    "title": "Clerk",
    "name": {"givenName": "Ada", "familyName": "Berg"},
    "emails": [WORK, HOME],
    ENTERPRISE: {"department": "Finance", "manager": {"value": "boss"}},
}


@dataclass(frozen=True, slots=True)
class Change:
    attributes: dict[str, Any]
    members: tuple[MemberOp | Picking, ...]
    warnings: tuple[tuple[str, str], ...]


def patched(*sent: dict[str, Any], kind: str = "scim", to: ResourceType = USER) -> Change:
    dialect = DIALECTS[kind]
    read = operations.read({"Operations": list(sent)})
    meant = [one for each in read for one in dialects.operation(each, to, dialect)]
    plan = patch.read(to, meant, forgiving=dialect.forgiving)
    before = copy.deepcopy(ADA) if to is USER else {"displayName": "G"}
    kept = copy.deepcopy(before)
    after = patch.apply(plan, before)
    assert before == kept, "the attributes before were changed"
    return Change(after.attributes, plan.members, after.warnings)


_UNSAID = object()


def op(op: str, path: str = "", value: Any = _UNSAID) -> dict[str, Any]:
    said = {} if value is _UNSAID else {"value": value}
    return {"op": op, **({"path": path} if path else {}), **said}


def rest(**changed: Any) -> dict[str, Any]:
    """Ada with these attributes; None: without."""
    return {name: value for name, value in {**ADA, **changed}.items() if value is not None}

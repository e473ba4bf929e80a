"""What is in the directory that is measured? The same in each server; plain Python, for any environment."""

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TOKEN = "asc_" + "b" * 43  # of a database that lives as long as the measurement
#: members of each group that is measured
SIZES = (10, 1_000, 50_000)


@dataclass(frozen=True, slots=True)
class World:
    """`people` users in one directory of kind entra; groups by their size, filled from the first user on."""

    people: int
    sizes: tuple[int, ...] = SIZES

    def user_id(self, number: int) -> str:
        return str(uuid5(NAMESPACE_DNS, f"user {number}"))

    def group_id(self, size: int) -> str:
        return str(uuid5(NAMESPACE_DNS, f"group {size}"))

    def group_name(self, size: int) -> str:
        return f"LIC group of {size}"

    def user(self, number: int) -> dict[str, Any]:
        """As Entra creates one."""
        name = f"person.{number:06}@northmill.example"
        return {
            "externalId": f"entra-{number:06}",
            "userName": name,
            "active": True,
            "displayName": f"Person {number}",
            "title": "Clerk",
            "preferredLanguage": "sv-SE",
            "name": {"formatted": f"Person {number}", "familyName": str(number), "givenName": "Person"},
            "emails": [{"primary": True, "type": "work", "value": name}],
            ENTERPRISE: {
                "department": "Finance",
                "employeeNumber": str(number),
            },
        }

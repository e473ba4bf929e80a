"""What is one hostile or sloppy input, and what must it get?"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Case:
    name: str
    method: str
    path: str
    status: int
    scim_type: str = ""
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def of_filter(name: str, text: str, status: int = 400, scim_type: str = "invalidFilter") -> Case:
    return Case(
        f"filter {name}", "GET", f"/Users?filter={quote(text)}", status, scim_type if status >= 400 else ""
    )


def of_raw(
    name: str,
    raw: bytes,
    status: int = 400,
    scim_type: str = "invalidSyntax",
    path: str = "/Users",
    **headers: str,
) -> Case:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Case(f"body {name}", "POST", path, status, scim_type, raw=raw, headers=named)


def of_post(name: str, body: Any, status: int, scim_type: str = "", path: str = "/Users") -> Case:
    return Case(f"body {name}", "POST", path, status, scim_type, body=body)


def of_patch(name: str, operations: Any, status: int, scim_type: str = "", path: str = "/Users/USER") -> Case:
    return Case(f"patch {name}", "PATCH", path, status, scim_type, body={"Operations": operations})


def of_group(name: str, operations: Any, status: int, scim_type: str = "") -> Case:
    return of_patch(name, operations, status, scim_type, "/Groups/GROUP")

"""What does docs/anysoft-licensing.openapi.json say of one call, and was it kept?

`Watched` sits before a server and holds every request that was accepted, and every answer, against the
description; so each contract test over HTTP is a test of the description, too.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "docs" / "anysoft-licensing.openapi.json"
#: no call of the contract: another path, another method
BESIDE = {(404, "not_found"), (405, "method_not_allowed")}


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str  #: "/v1/users/{id}"
    said: Json
    contract: "Contract"

    def request_schema(self) -> Json | None:
        content = self.said.get("requestBody", {}).get("content", {})
        return next((each["schema"] for each in content.values()), None)

    def parameters(self, where: str) -> dict[str, Json]:
        found = [self.contract.at(each) for each in self.said.get("parameters", [])]
        return {each["name"]: each for each in found if each["in"] == where}

    def responses(self) -> dict[int, Json]:
        return {int(status): self.contract.at(each) for status, each in self.said["responses"].items()}

    def refusals(self) -> set[tuple[int, str]]:
        """(status, code) of each problem."""
        found = set()
        for status, response in self.responses().items():
            schema = response.get("content", {}).get("application/problem+json", {}).get("schema")
            found |= {(status, code) for code in schema["properties"]["code"]["enum"]} if schema else set()
        return found

    def wrong(self, schema: Json, value: object) -> list[str]:
        """What of the value isn't as the schema says."""
        errors = self.contract.validator(schema).iter_errors(value)
        return [f"{self.method} {self.path}: {error.json_path} {error.message[:200]}" for error in errors]


@dataclass(frozen=True, slots=True)
class Contract:
    whole: Json  #: the document
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Contract":
        return cls(json.loads(FILE.read_text()))

    def operations(self) -> Iterator[Operation]:
        for path, item in self.whole["paths"].items():
            for method, said in item.items():
                yield Operation(method.upper(), path, said, self)

    def at(self, each: Json) -> Json:
        """What a reference refers to."""
        if "$ref" not in each:
            return each
        found: Any = self.whole
        for part in each["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)

    def validator(self, schema: Json) -> Draft202012Validator:
        named = json.dumps(schema)
        if named not in self._validators:
            whole = {"allOf": [schema], "components": self.whole["components"]}
            checker = Draft202012Validator.FORMAT_CHECKER
            self._validators[named] = Draft202012Validator(whole, format_checker=checker)
        return self._validators[named]

    def find(self, method: str, path: str) -> Operation | None:
        for each in self.operations():
            pattern, parts = each.path.split("/"), path.split("/")
            alike = len(pattern) == len(parts) and all(
                a == b or (a.startswith("{") and b) for a, b in zip(pattern, parts, strict=True)
            )
            if alike and each.method == method:
                return each
        return None


@dataclass(slots=True)
class Watched:
    """WSGI around a server of the contract. `seen`: what was refused, by operation."""

    app: Callable[..., Iterable[bytes]]
    contract: Contract
    violations: list[str] = field(default_factory=list)
    seen: set[tuple[str, int, str]] = field(default_factory=set)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        body = request.get_data(cache=True, parse_form_data=False)
        environ["wsgi.input"] = BytesIO(body)
        answer = Response(*run_wsgi_app(self.app, environ))
        operation = self.contract.find(request.method, request.path)
        self.violations += (
            _beside(request, answer) if operation is None else self._judge(operation, request, body, answer)
        )
        return answer(environ, start)

    def _judge(self, op: Operation, request: Request, body: bytes, answer: Response) -> Iterator[str]:
        named = f"{op.method} {op.path}: {answer.status_code}"
        said = op.responses().get(answer.status_code)
        if said is None:
            yield f"{named} is not described"
            return
        for name, header in said.get("headers", {}).items():
            required = op.contract.at(header).get("required", False)
            if required and name not in answer.headers:
                yield f"{named} lacks the header {name}"
        ((kind, content),) = said.get("content", {None: {}}).items() or [(None, {})]
        if answer.mimetype != kind and (kind or answer.get_data()):
            yield f"{named} is {answer.mimetype}, not {kind}"
        elif kind is not None:
            given = json.loads(answer.get_data())
            yield from op.wrong(content["schema"], given)
            if answer.status_code >= 400:
                self.seen.add((op.said["operationId"], answer.status_code, str(given.get("code"))))
        if answer.status_code < 300:
            yield from _accepted(op, request, body)


def _accepted(op: Operation, request: Request, body: bytes) -> Iterator[str]:
    """What was accepted must be a call as described."""
    schema = op.request_schema()
    if schema is not None:
        form = request.mimetype == "application/x-www-form-urlencoded"
        given = dict(Request.from_values(data=body, method="POST", content_type=request.mimetype).form)
        yield from op.wrong(schema, given if form else json.loads(body))
    query, headers = op.parameters("query"), op.parameters("header")
    yield from (
        f"{op.method} {op.path}: ?{name} is not described" for name in request.args if name not in query
    )
    for name, parameter in headers.items():
        yield from op.wrong(parameter["schema"], request.headers.get(name, ""))


def _beside(request: Request, answer: Response) -> Iterator[str]:
    given = json.loads(answer.get_data())
    if (answer.status_code, given["code"]) not in BESIDE | {(401, "invalid_token")}:
        yield f"{request.method} {request.path} is not described, and answered {answer.status_code}"

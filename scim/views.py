"""Which request goes where? The Flask blueprint: HTTP to values and back; every error is a SCIM Error."""

import logging
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import orjson
from flask import Blueprint, Request, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.routing import PathConverter

from scim import body, discovery, endpoints, parameters
from scim.endpoints import Call, Caller, Licenses, Reply
from scim.errors import (
    Failed,
    InvalidSyntax,
    Missing,
    NotAllowed,
    ScimError,
    TooLarge,
    Unavailable,
    Uniqueness,
    Unsupported,
    UnsupportedMediaType,
)
from scim.schema import GROUP, USER, ResourceType
from scim.store import NotFound, Taken

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MEDIA_TYPE = "application/scim+json"
#: An answer up to this size is kept in memory until it is sent
_WHOLE_BYTES = 1_000_000
_PIECE_BYTES = 65_536
_ID = re.compile(r"[\x21-\x7e]{1,64}")
_TYPES = {each.endpoint.lower(): each for each in (USER, GROUP)}
_DISCOVERY = {name.lower(): name for name in discovery.NAMES}
_log = logging.getLogger(__name__)


class _Anything(PathConverter):
    """The rest of a path, slashes at its beginning and nothing at all included."""

    regex = ".*?"
    part_isolating = False


def no_licenses(directory: str, ids: Sequence[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    return {}


@dataclass(frozen=True, slots=True)
class Config:
    base_url: str  #: where the blueprint is reached from outside, e.g. https://connector.example/scim/v2
    #: the Authorization header, None when absent, to who is asking; raises Unauthorized, TooManyRequests
    authenticate: Callable[[str | None], Caller]
    licenses: Licenses = no_licenses
    #: what the store raises when the database can't be used, the most special first, and what is told of it
    unavailable: Mapping[type[Exception], str] = field(default_factory=dict)


def blueprint(config: Config, name: str = "scim") -> Blueprint:
    """Register it with a url_prefix: whatever is asked below it is answered here, by any method."""
    made = Blueprint(name, __name__)

    def answer(rest: str = "") -> Response:
        return _answer(config, rest)

    def add_rules(state: BlueprintSetupState) -> None:
        # Not by add_url_rule: only a rule without methods answers a method that nobody has heard of.
        app, prefix = state.app, (state.url_prefix or "").rstrip("/")
        endpoint = f"{name}.answer"
        app.view_functions[endpoint] = answer
        app.url_map.converters["anything"] = _Anything
        for path in (prefix or "/", f"{prefix}/<anything:rest>"):
            rule = app.url_rule_class(path, endpoint=endpoint, strict_slashes=True, merge_slashes=False)
            app.url_map.add(rule)

    made.record(add_rules)
    return made


def _answer(config: Config, rest: str) -> Response:
    try:
        # The request itself: going through Flask's proxy for it, twenty times, costs as much as a statement.
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        return _respond(_dispatch(config, asked, rest))
    except ScimError as error:
        return _refuse(error)
    except NotFound:
        return _refuse(Missing("no such resource in this directory"))
    except Taken as error:
        name = error.args[0] if error.args else "a unique value"
        return _refuse(Uniqueness(f"another resource of this directory has this {name}"))
    except tuple(config.unavailable) as error:
        told = next(said for kind, said in config.unavailable.items() if isinstance(error, kind))
        _log.warning(told, exc_info=True)
        return _refuse(Unavailable(told))
    except HTTPException as error:
        return _refuse(_translated(error))
    except Exception:
        _log.exception("a SCIM request failed")
        return _refuse(Failed("a fault of this server, logged there; the request changed nothing"))


def _dispatch(config: Config, asked: Request, rest: str) -> Reply:
    headers = asked.headers
    # Before all else: who has no credential doesn't even learn which paths exist (T19).
    caller = config.authenticate(headers.get("Authorization"))
    method = "GET" if asked.method == "HEAD" else asked.method
    read_body = partial(_read_body, asked)
    call = Call(
        caller,
        config.base_url.rstrip("/"),
        config.licenses,
        parameters.from_url(asked.args.to_dict(flat=False)) if asked.query_string else {},
        read_body,
        headers.get("If-Match", ""),
        headers.get("If-None-Match", ""),
    )
    first, *others = rest.strip("/").split("/")
    match first.lower(), others:
        case "me", _:
            raise Unsupported("/Me isn't supported; a token stands for a directory, not for a person")
        case "bulk", []:
            raise Unsupported("/Bulk isn't supported; send the requests one by one")
        case "", []:
            _allow(method, "GET")
            return endpoints.search(call, (USER, GROUP), call.given)
        case ".search", []:
            _allow(method, "POST")
            return endpoints.search(call, (USER, GROUP), _search_request(read_body))
        case name, [] | [_] if name in _DISCOVERY:
            _allow(method, "GET")
            id = others[0] if others else ""
            shown = discovery.show(_DISCOVERY[name], id, call.base_url, filtered="filter" in call.given)
            return Reply(200, [orjson.dumps(shown)])
        case name, [] if name in _TYPES:
            _allow(method, "GET, POST")
            if method == "POST":
                return endpoints.create(call, _TYPES[name])
            return endpoints.search(call, (_TYPES[name],), call.given)
        case name, [search] if name in _TYPES and search.lower() == ".search":
            _allow(method, "POST")
            return endpoints.search(call, (_TYPES[name],), _search_request(read_body))
        case name, [id] if name in _TYPES:
            return _one(method, call, _TYPES[name], id)
    raise Missing(
        "no such path; the endpoint has Users, Groups, ServiceProviderConfig, ResourceTypes, Schemas"
    )


def _one(method: str, call: Call, resource_type: ResourceType, id: str) -> Reply:
    _allow(method, "GET, PUT, PATCH, DELETE")
    if not _ID.fullmatch(id):
        raise NotFound
    match method:
        case "GET":
            return endpoints.get(call, resource_type, id)
        case "PUT":
            return endpoints.replace(call, resource_type, id)
        case "PATCH":
            return endpoints.change(call, resource_type, id)
        case _:
            return endpoints.delete(call, resource_type, id)


def _allow(method: str, allowed: str) -> None:
    if method not in allowed.split(", "):
        raise NotAllowed(method[:20], allowed)


def _search_request(read_body: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    return parameters.from_body(read_body(body.MAX_BYTES))


def _read_body(asked: Request, limit: int) -> dict[str, Any]:
    body.check_media_type(asked.headers.get("Content-Type"), asked.headers.get("Content-Encoding"))
    length = asked.content_length or 0
    if length > limit:
        raise TooLarge(f"the body is larger than {limit} bytes; send less in one request")
    # Ours is the limit here, also for a body without a length; None would mean the app's.
    asked.max_content_length = limit + 1
    stream = asked.stream
    pieces, left = [], limit + 1
    while left > 0 and (piece := stream.read(min(left, _PIECE_BYTES))):
        pieces.append(piece)
        left -= len(piece)
    raw = b"".join(pieces)
    if len(raw) < length:
        raise InvalidSyntax("the body is shorter than its Content-Length says; it was cut off on its way")
    return body.read(raw, limit)


def _respond(reply: Reply) -> Response:
    """Small answers from memory, large ones from a file: who reads slowly keeps no database connection."""
    taken: list[bytes] = []
    size = 0
    file: IO[bytes] | None = None
    try:
        for chunk in reply.chunks:
            size += len(chunk)
            if file is None and size > _WHOLE_BYTES:
                file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the answer)
                file.write(b"".join(taken))
            if file is None:
                taken.append(chunk)
            else:
                file.write(chunk)
    except BaseException:
        if file is not None:
            file.close()
        raise
    finally:
        reply.close()
    if file is None:
        return _Answer(b"".join(taken) or None, reply.status, _headers(reply.status, reply.headers, size))
    file.seek(0)
    whole = iter(partial(file.read, _PIECE_BYTES), b"")
    response = _Answer(whole, reply.status, _headers(reply.status, reply.headers, size))
    response.call_on_close(file.close)
    return response


def _refuse(error: ScimError) -> Response:
    body = orjson.dumps(error.body())
    return _Answer(body, error.status, _headers(error.status, error.headers, len(body)))


class _Answer(Response):
    """With all of its headers: werkzeug looks through them again, and reads each Location as an IRI, which
    takes as long as two statements. Nothing is added: an answer without a body has no type."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        return self.headers


def _headers(status: int, own: Mapping[str, str], size: int) -> list[tuple[str, str]]:
    """What has no body has no length and no type (RFC 9110 8.6, 15.4.5)."""
    said = [*own.items(), ("Cache-Control", "no-store")]
    if status not in (204, 304):
        said += [("Content-Type", MEDIA_TYPE), ("Content-Length", str(size))]
    return said


def _translated(error: HTTPException) -> ScimError:
    match error.code:
        case 413:
            return TooLarge("the body is too large; send less in one request")
        case 415:
            return UnsupportedMediaType("send the body as application/scim+json in UTF-8")
        case _:
            return InvalidSyntax("the request can't be read")

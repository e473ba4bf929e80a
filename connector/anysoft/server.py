"""How is the built-in tenant served over HTTP (`tenant serve`)? By the contract, for tests and trials.

The contract is described in docs/anysoft-licensing.openapi.json.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from typing import TypeVar

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from connector.anysoft import bodies, wire
from connector.anysoft.access import Tokens
from connector.anysoft.fields import Malformed
from connector.anysoft.forms import storable
from connector.anysoft.tenant import BuiltInTenant
from connector.anysoft.wire import Json
from sync.model import AccountId, SubscriptionId
from sync.ports import Missing, Rejected, Transient, Unauthorized

T = TypeVar("T")
LARGEST_BODY = 1_000_000


def create_server(
    tenant: BuiltInTenant,
    tokens: Tokens,
    now: Callable[[], datetime],
) -> Flask:
    """A WSGI application. Every error is a problem (RFC 9457) with the contract's codes."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    calls = _Calls(tenant)
    for method, rule, call in (
        ("GET", "/v1/tenant", calls.tenant),
        ("GET", "/v1/products", calls.products),
        ("GET", "/v1/subscriptions", calls.subscriptions),
        ("POST", "/v1/subscriptions", calls.add_product),
        ("GET", "/v1/subscriptions/<id>", calls.subscription),
        ("PATCH", "/v1/subscriptions/<id>", calls.change),
        ("GET", "/v1/subscriptions/<id>/assignments", calls.assignments),
        ("POST", "/v1/subscriptions/<id>/assignments", calls.assign),
        ("POST", "/v1/subscriptions/<id>/unassignments", calls.unassign),
        ("GET", "/v1/users", calls.users),
        ("POST", "/v1/users", calls.create_user),
        ("PATCH", "/v1/users/<id>", calls.change_user),
        ("GET", "/v1/destinations", calls.destinations),
        ("POST", "/v1/destinations", calls.add_destination),
        ("DELETE", "/v1/destinations/<id>", calls.remove_destination),
    ):
        app.add_url_rule(rule, f"{method} {rule}", call, methods=[method], provide_automatic_options=False)

    def token() -> Response:
        form = request.form
        if form.get("grant_type") != "client_credentials":
            return _problem(400, "unsupported_grant_type", "grant_type must be client_credentials")
        issued = tokens.issue(form.get("client_id", ""), form.get("client_secret", ""), now())
        if issued is None:
            return _problem(401, "invalid_client", "the client id or secret is wrong")
        lasts = int(tokens.lifetime.total_seconds())
        return _json({"access_token": issued, "token_type": "Bearer", "expires_in": lasts})

    app.add_url_rule("/oauth2/token", "token", token, methods=["POST"])

    def authenticate() -> Response | None:
        if request.path == "/oauth2/token":
            return None
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and tokens.valid(given.strip(), now()):
            return None
        return _problem(401, "invalid_token", "get a token at /oauth2/token")

    app.before_request(authenticate)
    app.register_error_handler(Exception, _failure)
    return app


class _Calls:
    """One method a call of the contract."""

    def __init__(self, tenant: BuiltInTenant) -> None:
        self._tenant = tenant

    def tenant(self) -> Response:
        return _json(wire.tenant_json(self._tenant.tenant()))

    def products(self) -> Response:
        return _page(self._tenant.products(), wire.product_json, lambda product: product.id)

    def subscriptions(self) -> Response:
        return _page(self._tenant.subscriptions(), wire.subscription_json, lambda each: each.id)

    def subscription(self, id: str) -> Response:
        return _json(wire.subscription_json(self._tenant.subscription(SubscriptionId(id))))

    def add_product(self) -> Response:
        wish = bodies.add_product_of(_body())
        added = self._tenant.add_product(wish.product, wish.quantity, wish.billing, wish.address, _key())
        return _json(wire.subscription_json(added), 201)

    def change(self, id: str) -> Response:
        changed = self._tenant.change(SubscriptionId(id), bodies.change_of(_body()), _key())
        return _json(wire.subscription_json(changed), 202)

    def assignments(self, id: str) -> Response:
        narrowed = [AccountId(each) for each in request.args.getlist("user_id")]
        found = self._tenant.assignments(SubscriptionId(id), narrowed, after=_cursor())
        return _page(found, wire.assigned_json, lambda assigned: assigned.account, sought=True)

    def assign(self, id: str) -> Response:
        accounts = bodies.accounts_of(_body())
        return _json(wire.results_json(self._tenant.assign(SubscriptionId(id), accounts, _key())))

    def unassign(self, id: str) -> Response:
        accounts = bodies.accounts_of(_body())
        return _json(wire.results_json(self._tenant.unassign(SubscriptionId(id), accounts, _key())))

    def users(self) -> Response:
        if (name := request.args.get("user_name")) is not None:
            found = self._tenant.find_account(name)
            return _json(wire.page_json([] if found is None else [wire.account_json(found)], None))
        everybody = self._tenant.accounts(after=_cursor())
        return _page(everybody, wire.account_json, lambda account: account.id, sought=True)

    def create_user(self) -> Response:
        wish = bodies.new_account_of(_body())
        texts = (wish.user_name, wish.display_name, wish.email, wish.external_id)
        return _json(wire.account_json(self._tenant.create_account(*texts, key=_key())), 201)

    def change_user(self, id: str) -> Response:
        changed = self._tenant.change_account(AccountId(id), bodies.account_change_of(_body()), _key())
        return _json(wire.account_json(changed))

    def destinations(self) -> Response:
        return _page(self._tenant.destinations(), wire.destination_json, lambda each: each.id)

    def add_destination(self) -> Response:
        made = self._tenant.add_destination(bodies.destination_name_of(_body()), _key())
        return _json(wire.destination_json(made), 201)

    def remove_destination(self, id: str) -> Response:
        self._tenant.remove_destination(id)
        return Response(status=204)


# ---- what came in ----


def _key() -> str:
    return request.headers.get("Idempotency-Key", "")


def _body() -> object:
    try:
        body: object = orjson.loads(request.get_data())
        return body
    except orjson.JSONDecodeError as error:
        raise Malformed("the body", f"must be JSON: {error}") from error


def _cursor() -> str:
    cursor = request.args.get("cursor", "")
    if not storable(cursor, 100):
        raise Malformed("cursor", "must be what the page before gave as next")
    return cursor


def _limit() -> int:
    text = request.args.get("limit", str(wire.PAGE))
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) >= 1):
        raise Malformed("limit", f"must be a whole number from 1 to {wire.PAGE}")
    return min(int(text), wire.PAGE)


# ---- what goes out ----


def _page(
    values: Iterable[T], to_json: Callable[[T], Json], name: Callable[[T], str], *, sought: bool = False
) -> Response:
    """One page; the cursor is the last one's name. `sought`: the values begin beyond the cursor already."""
    limit, cursor = _limit(), _cursor()
    rest = iter(values)
    if cursor and not sought:
        for value in rest:
            if name(value) == cursor:
                break
    page = list(islice(rest, limit + 1))
    more = name(page[limit - 1]) if len(page) > limit else None
    return _json(wire.page_json([to_json(value) for value in page[:limit]], more))


def _json(body: Mapping[str, object], status: int = 200, kind: str = "application/json") -> Response:
    return Response(orjson.dumps(body), status, content_type=kind)


def _problem(status: int, code: str, detail: str, errors: Sequence[tuple[str, str]] = ()) -> Response:
    problem: Json = {
        "type": f"urn:anysoft:licensing:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        problem["errors"] = [{"field": field, "message": message} for field, message in errors]
    return _json(problem, status, "application/problem+json")


#: of what is no call of the contract
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def _failure(error: Exception) -> Response:
    match error:
        case Rejected():
            problem = wire.rejected_json(error)
            return _json(problem, problem["status"], "application/problem+json")
        case Malformed():
            return _problem(422, "invalid", str(error), [(error.field, error.message)])
        case Missing():
            return _problem(404, "not_found", str(error))
        case Unauthorized():
            return _problem(403, "role_required", str(error))
        case Transient():
            answer = _problem(503, "unavailable", str(error))
            answer.headers["Retry-After"] = "5"
            return answer
        case HTTPException(code=int(status)):
            answer = _problem(status, _CODES.get(status, "bad_request"), error.description or "")
            if allowed := error.get_response().headers.get("Allow"):
                answer.headers["Allow"] = allowed
            return answer
        case _:
            raise error

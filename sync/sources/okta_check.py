"""Can Okta be read, with no more rights than needed? What `directory check` looks at."""

from collections.abc import Callable, Collection
from functools import partial

from sync.ports import Unauthorized
from sync.pulled import Finding, Incomplete
from sync.sources import okta_wire as wire
from sync.sources.okta_api import GROUPS, USERS, Api
from sync.sources.okta_auth import SCOPES, ServiceApp


def check(api: Api, groups: Collection[str]) -> list[Finding]:
    """Sign-in, the two scopes, too many of them, each group. Raises Transient: Okta can't be reached."""
    signed_in = _try("sign-in", lambda: _sign_in(api))
    if not signed_in.ok:
        return [signed_in]
    found = [signed_in, *_excess(api)]
    found.append(_try("okta.groups.read", lambda: _list(api, f"{GROUPS}?limit=1&expand=stats", "groups")))
    found.append(_try("okta.users.read", lambda: _list(api, f"{USERS}?limit=1", "people")))
    found.extend(_try(f"group {id}", partial(_group, api, id)) for id in sorted(groups))
    return found


def _try(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (Unauthorized, Incomplete) as error:
        return Finding(what, False, str(error))


def _sign_in(api: Api) -> str:
    scheme, _ = api.sign_in.authorization()
    return "with an API token" if scheme == "SSWS" else "as a service app"


def _excess(api: Api) -> list[Finding]:
    if not isinstance(api.sign_in, ServiceApp):
        say = (
            "an API token has all rights of the administrator who made it, and can't be narrowed: "
            "a service app with okta.groups.read and okta.users.read can only read"
        )
        return [Finding("least privilege", True, say)]
    more = sorted(api.sign_in.granted - set(SCOPES))
    if more:
        return [Finding("least privilege", False, f"take these scopes from the app: {' '.join(more)}")]
    return [Finding("least privilege", True, "its token is good for reading groups and people only")]


def _list(api: Api, url: str, what: str) -> str:
    listed = api.page(url)
    if listed is None:
        raise Incomplete("Okta doesn't know the list (404): check org_url")
    groups = wire.groups(listed.answer) if what == "groups" else []
    if not groups and (what == "groups" or not wire.users(listed.answer, provisioned=False)):
        raise Incomplete(
            f"Okta shows no {what}: give the app (or the token's administrator) a role that views them"
        )
    if any(group.count is None for group in groups):
        raise Incomplete(
            "Okta shows groups without saying how many members they have (expand=stats): nobody can be missed"
        )
    return f"{what} can be read"


def _group(api: Api, id: str) -> str:
    answer = api.get(f"{GROUPS}/{id}") if wire.is_id(id) else None
    if answer is None:
        raise Incomplete(
            "it isn't there, or the role doesn't view it: `mapping repin` mends a group made anew"
        )
    name = wire.group(answer.json()).group.name
    if api.page(f"{GROUPS}/{id}/users?limit=1") is None:
        raise Incomplete(f"{name} is there, but its members can't be read")
    return f"{name}: its members can be read"

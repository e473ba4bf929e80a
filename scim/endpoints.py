"""What does each request on Users and Groups do? HTTP-free: a call in, a reply out (RFC 7644 section 3)."""

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any

from scim import body, dialects, membership, operations, parameters, patch, resources, stream
from scim.budget import Budget
from scim.dialects import DIALECTS, Answer, Dialect
from scim.errors import PreconditionFailed, TooMany
from scim.matching import sort_key
from scim.membership import Picking
from scim.projection import Projection
from scim.query import Query
from scim.schema import GROUP, LICENSE, TYPES, USER, ResourceType
from scim.store import Kind, MemberOp, MemberVerb, Reader, Store, Stored, Writer

#: Each of these warnings is a row; more of them in one request are summed up
MAX_WARNINGS = 20
#: Resources of each type that are read to merge types into one sorted list
MAX_MERGED = 10_000
#: values that [ ] in attribute names are compared with in one request
MAX_LOOKS = 1_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: one directory, whose store shows nothing of another (T18)."""

    directory: str
    kind: str  #: scim, entra, okta
    store: Store
    patched_user: Answer | None = None  #: None: as usual for the kind
    patched_group: Answer | None = None

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.kind]


#: Directory and user ids to each user's licenses, as the license extension's schema says
Licenses = Callable[[str, Sequence[str]], Mapping[str, Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Call:
    caller: Caller
    base_url: str  #: absolute, without a slash at the end
    licenses: Licenses
    given: Mapping[str, Any]  #: parameters.from_url
    body: Callable[[int], dict[str, Any]]  #: reads at most this many bytes
    if_match: str = ""
    if_none_match: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    chunks: Iterable[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    close: Callable[[], None] = lambda: None  #: when the last chunk has been sent


def search(call: Call, types: Sequence[ResourceType], given: Mapping[str, Any]) -> Reply:
    """A list; of several types first all of one, then all of the next (RFC 7644 3.4.2.1), unless sorted."""
    wanted = parameters.read(given, types)
    with ExitStack() as stack:
        reader = stack.enter_context(call.caller.store.reading())
        asked = [(each, wanted.queries[each.endpoint]) for each in types if each.endpoint in wanted.queries]
        if len(asked) > 1 and any(query.sort_by for _, query in asked):
            total, items = _merged(call, reader, asked, wanted)
        else:
            total, items = 0, []
            for each, query in asked:
                start = max(1, wanted.start - total)
                page = reader.find(each.kind, parameters.window(query, start, wanted.count - len(items)))
                total += page.total
                items += page.items
        found = [(stored, wanted.projections[TYPES[stored.kind].endpoint]) for stored in items]
        head = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total,
            "startIndex": wanted.start,
            "itemsPerPage": len(found),
        }
        shown = _shown(call, reader, found)
        reply = Reply(200, stream.listing(head, shown), close=stack.pop_all().close)
    return reply


def _merged(
    call: Call, reader: Reader, asked: Sequence[tuple[ResourceType, Query]], wanted: parameters.Search
) -> tuple[int, list[Stored]]:
    """The total, and the wanted part of one sorted list of several types (RFC 7644 3.4.2.3): each is read
    from its beginning, as nobody can say where the part begins in it."""
    most = wanted.start - 1 + wanted.count if wanted.count else 0
    if most > MAX_MERGED:
        raise TooMany(f"sorted lists of several types end after {MAX_MERGED}; search one type, as /Users")
    total, lists = 0, []
    for each, query in asked:
        page = reader.find(each.kind, parameters.window(query, 1, most))
        total += page.total
        lists.append(
            [(_sort_key(query, resources.show(stored, call.base_url), each), stored) for stored in page.items]
        )
    merged = heapq.merge(*lists, key=itemgetter(0), reverse=asked[0][1].descending)
    return total, [stored for _, stored in islice(merged, wanted.start - 1, most)]


def _sort_key(query: Query, resource: Mapping[str, Any], resource_type: ResourceType) -> tuple[bool, Any]:
    """A type without the attribute has no value of it."""
    return sort_key(query.sort_by, resource, resource_type) if query.sort_by else (True, "")


def get(call: Call, resource_type: ResourceType, id: str) -> Reply:
    projection = parameters.project(call.given, resource_type)
    with ExitStack() as stack:
        reader = stack.enter_context(call.caller.store.reading())
        stored = reader.get(resource_type.kind, id)
        etag = resources.etag(stored)
        _check_version(call, stored)
        # Only an answer that holds nothing of which the version doesn't tell can be old news.
        if _names(call.if_none_match, stored) and not _shows_more(projection, resource_type):
            return Reply(304, headers={"ETag": etag})
        chunks = stream.single(next(_shown(call, reader, [(stored, projection)])))
        reply = Reply(200, chunks, {"ETag": etag}, stack.pop_all().close)
    return reply


def create(call: Call, resource_type: ResourceType) -> Reply:
    sent = _sent(call, resource_type)
    projection = parameters.project(call.given, resource_type)
    with call.caller.store.writing() as writer:
        stored = writer.create(resource_type.kind, resources.created(sent.attributes, resource_type))
        _warn(writer, resource_type, sent.warnings)
        if sent.members:
            stored = _change_members(call, writer, stored, [MemberOp(MemberVerb.ADD, sent.members)])
        shown = next(_shown(call, writer, [(stored, projection)], members=False, new=True))
    headers = {"Location": resources.location(stored.kind, stored.id, call.base_url)}
    return _written(call, stored, shown, projection, 201, headers)


def replace(call: Call, resource_type: ResourceType, id: str) -> Reply:
    sent = _sent(call, resource_type)
    projection = parameters.project(call.given, resource_type)
    with call.caller.store.writing() as writer:
        before = _locked(call, writer, resource_type, id)
        stored = writer.save(before, resources.replaced(before.attributes, sent))
        _warn(writer, resource_type, sent.warnings)
        if sent.members is not None:
            stored = _change_members(call, writer, stored, [MemberOp(MemberVerb.REPLACE, sent.members)])
        shown = next(_shown(call, writer, [(stored, projection)], members=False))
    return _written(call, stored, shown, projection, 200)


def change(call: Call, resource_type: ResourceType, id: str) -> Reply:
    """PATCH."""
    dialect = call.caller.dialect
    sent = operations.read(call.body(_limit(resource_type)))
    meant = (one for each in sent for one in dialects.operation(each, resource_type, dialect))
    # All that needs no look at the resource, before anybody has to wait for this writer.
    plan = patch.read(resource_type, meant, forgiving=dialect.forgiving)
    projection = parameters.project(call.given, resource_type)
    answer = _answer(call, resource_type)
    with call.caller.store.writing() as writer:
        before = _locked(call, writer, resource_type, id)
        after = patch.apply(plan, before.attributes)
        stored = writer.save(before, after.attributes)
        if plan.members:
            stored = _change_members(call, writer, stored, plan.members)
        _warn(writer, resource_type, after.warnings)
        if answer is Answer.NOTHING:
            return Reply(204, headers={"ETag": resources.etag(stored)})
        shown = next(_shown(call, writer, [(stored, projection)], members=False))
    return _written(call, stored, shown, projection, 200, members=answer is Answer.FULL)


def delete(call: Call, resource_type: ResourceType, id: str) -> Reply:
    with call.caller.store.writing() as writer:
        if call.if_match or call.if_none_match:
            _locked(call, writer, resource_type, id)
        writer.delete(resource_type.kind, id)
    return Reply(204)


_MEMBERS = GROUP.attributes[""]["members"]
#: What a user shows that isn't theirs
_COMPUTED = (USER.attributes[""]["groups"], USER.attributes[LICENSE]["licenses"])


def _sent(call: Call, resource_type: ResourceType) -> resources.Sent:
    raw = call.body(_limit(resource_type))
    dialect = call.caller.dialect
    return resources.read(dialects.resource(raw, dialect), resource_type, forgiving=dialect.forgiving)


def _warn(writer: Writer, resource_type: ResourceType, warnings: Sequence[tuple[str, str]]) -> None:
    for code, path in warnings[:MAX_WARNINGS]:
        writer.warn(code, f"{resource_type.kind}: {path}")


def _limit(resource_type: ResourceType) -> int:
    return body.MAX_GROUP_BYTES if resource_type is GROUP else body.MAX_BYTES


def _shows_more(projection: Projection, resource_type: ResourceType) -> bool:
    """Than what the version tells of: a user's groups and licenses, the names of a group's members."""
    if resource_type is GROUP:
        return projection.shows(_MEMBERS, "display")
    return any(projection.wants(each) for each in _COMPUTED)


def _locked(call: Call, writer: Writer, resource_type: ResourceType, id: str) -> Stored:
    stored = writer.lock(resource_type.kind, id)
    _check_version(call, stored)
    if call.if_none_match and _names(call.if_none_match, stored):
        raise PreconditionFailed("the resource is there in a version that If-None-Match names; leave it out")
    return stored


def _check_version(call: Call, stored: Stored) -> None:
    if call.if_match and not _names(call.if_match, stored):
        raise PreconditionFailed(f"the resource is at version {resources.etag(stored)} by now; read it again")


def _names(tags: str, stored: Stored) -> bool:
    """Whether If-Match or If-None-Match names this version, weak or not (RFC 7644 3.14)."""
    present = f'"{stored.version}"'
    return any(tag.strip().removeprefix("W/") in (present, "*") for tag in tags.split(","))


def _answer(call: Call, resource_type: ResourceType) -> Answer:
    if "attributes" in call.given or "excludedAttributes" in call.given:
        return Answer.FULL  # who asks for attributes wants to see them (RFC 7644 3.5.2)
    caller = call.caller
    if resource_type is GROUP:
        return caller.patched_group or caller.dialect.patched_group
    return caller.patched_user or caller.dialect.patched_user


def _change_members(
    call: Call, writer: Writer, group: Stored, changes: Sequence[MemberOp | Picking]
) -> Stored:
    """The group as it is then: its version may have grown."""
    budget = Budget(membership.MAX_LOOKS, "[ ] looks at too many members; name them by value, or send less")
    unknown: list[str] = []
    said: list[MemberOp] = []
    for each in changes:
        if isinstance(each, Picking):
            unknown += writer.change_members(group.id, said)
            said = [MemberOp(MemberVerb.REMOVE, _picked(call, writer, group, each, budget))]
        else:
            said.append(each)
    unknown += writer.change_members(group.id, said)
    name = str(group.attributes.get("displayName", group.id))[:200]
    for id in unknown[:MAX_WARNINGS]:
        writer.warn("unknown_member", f"{name}: {id[:200]}")
    if len(unknown) > MAX_WARNINGS:
        writer.warn("unknown_member", f"{name}: more than {MAX_WARNINGS} in one request")
    return writer.get(group.kind, group.id)


def _picked(call: Call, writer: Writer, group: Stored, picking: Picking, budget: Budget) -> tuple[str, ...]:
    """Ids. Raises TooMany."""
    picking.begin(budget)
    return tuple(
        member.id
        for member in writer.members(group.id)
        if picking.picks(resources.show_member(member, call.base_url), budget)
    )


def _written(
    call: Call,
    stored: Stored,
    shown: stream.Shown,
    projection: Projection,
    status: int,
    headers: Mapping[str, str] | None = None,
    *,
    members: bool = True,
) -> Reply:
    """What was written; a group's members are streamed after the transaction has ended."""
    headers = {"ETag": resources.etag(stored), **(headers or {})}
    if not members or stored.kind is not Kind.GROUP or not projection.wants(_MEMBERS):
        return Reply(status, stream.single(shown), headers)
    with ExitStack() as stack:
        reader = stack.enter_context(call.caller.store.reading())
        shown = stream.Shown(shown.resource, _members(call, reader, stored, projection))
        reply = Reply(status, stream.single(shown), headers, stack.pop_all().close)
    return reply


def _members(call: Call, reader: Reader, group: Stored, projection: Projection) -> Iterator[dict[str, Any]]:
    budget = Budget(sys.maxsize, "")  # nothing can be refused any more once it is written
    for reference in reader.members(group.id):
        yield from projection.value(_MEMBERS, [resources.show_member(reference, call.base_url)], budget)


def _shown(
    call: Call,
    reader: Reader,
    found: Sequence[tuple[Stored, Projection]],
    *,
    members: bool = True,
    new: bool = False,
) -> Iterator[stream.Shown]:
    """What is computed for users is read for the whole page at once, and only if it is returned.

    `new`: made in this request, so that a user is in no group yet.
    """
    groups_of, licenses_of = _COMPUTED
    users = [(each.id, projection) for each, projection in found if each.kind is Kind.USER]
    with_groups = [id for id, projection in users if not new and projection.wants(groups_of)]
    with_licenses = [id for id, projection in users if projection.wants(licenses_of)]
    groups = reader.groups_of(with_groups) if with_groups else {}
    licenses = call.licenses(call.caller.directory, with_licenses) if with_licenses else None
    budget = Budget(MAX_LOOKS, "attributes with [ ] look at too many values; ask for fewer resources at once")
    for stored, projection in found:
        resource_type = USER if stored.kind is Kind.USER else GROUP
        whole = resources.show(
            stored,
            call.base_url,
            groups=groups.get(stored.id, ()),
            licenses=None if licenses is None else licenses.get(stored.id, ()),
        )
        streams = members and resource_type is GROUP and projection.wants(_MEMBERS)
        listed = _members(call, reader, stored, projection) if streams else None
        yield stream.Shown(projection.of(whole, resource_type, budget), listed)

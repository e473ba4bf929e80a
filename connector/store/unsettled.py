"""Whose standings may not be as they should be? The full round's way past all the others.

Nobody is passed over by a guess: a row is settled only if it is, letter for letter, what `decide` would store
again. What else is there to say of somebody is asked for; when in doubt they are looked at whole.

| a row says                               | and the groups say | settled |
| ---------------------------------------- | ------------------ | --- |
| surely held, nothing under way           | the same reasons   | yes |
| surely held by hand, no reasons          | nothing, enabled   | yes |
| waits, needs no other product            | the same reasons   | yes |
| not held, no reasons, nothing under way  | nothing            | yes |
| anything else, or there is no row        | anything           | no  |

Never settled: who is protected, in conflict, disabled with a group that gives something, or has an account
that is to be set (in)active (R05, R06, R08). Who is blocked is reported in each full round (R16).
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)

from connector.store.rows import chunks, raw
from connector.store.standings import reasons_text
from connector.store.tables import memberships, persons, standings, users
from sync.entitle import reasons_by_product
from sync.model import LONG_AGO, GroupId, Membership, PersonId, ProductId
from sync.model import Mapping as GroupMapping
from sync.plan import Applicable

#: pks looked at in one go
SPAN = 5_000
_HOLDS, _BY_HAND, _WAITS, _RESTS = 1, 2, 3, 4
_SINCE = '"since":"'  # the last of a reason's keys
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000  #: microseconds


def unsettled(
    connection: Connection,
    after: PersonId,
    applicable: Applicable,
    alone: Collection[ProductId],
    protected: Collection[str],
) -> tuple[Sequence[PersonId], PersonId | None]:
    """Of the next 5,000 ids: people in id order, and up to where was looked, None: there is nobody beyond.

    `alone`: products that are subscribed and need no other; `protected`: folded."""
    last = connection.scalar(select(func.max(persons.c.pk))) or 0
    upto = PersonId(min(after + SPAN, last))
    members = _members(connection, after, upto, applicable)
    entitled, odd = _entitled(members, applicable)
    for person, product, reasons, priority, kind in raw(connection, _rows(after, upto, protected)):
        wanted = entitled.pop((person, product), None)
        if wanted is None:
            fine = kind in (_RESTS, _BY_HAND) and reasons == "[]"
        else:
            kinds = (_HOLDS, _WAITS) if product in alone else (_HOLDS,)
            fine = kind in kinds and wanted == (reasons, priority)
        if not fine:
            odd.add(person)
    odd.update(person for person, _ in entitled)
    odd.update(connection.scalars(_accounts(after, upto)))
    found = [PersonId(pk) for chunk in chunks(sorted(odd)) for pk in connection.scalars(_at_stake(chunk))]
    return found, upto if upto < last else None


def among(groups: Collection[GroupId], dialect: str) -> ColumnElement[bool]:
    """Of a membership. For SQLite, which keeps no statistics, spelled so that it is looked for by its user:
    it would read all the members of the groups to find those of a few people."""
    held = memberships.c.group_pk if dialect == "postgresql" else memberships.c.group_pk + 0
    return held.in_(sorted(groups))


def at_stake() -> ColumnElement[bool]:
    """Of a standing: a license, a wait, or a reason."""
    return or_(standings.c.held != "no", standings.c.waiting, standings.c.reasons != "[]")


def _members(
    connection: Connection, after: PersonId, upto: PersonId, applicable: Applicable
) -> list[tuple[Any, ...]]:
    """(person, active, group, since in microseconds)"""
    since = type_coerce(memberships.c.since, BigInteger)
    theirs = users.c.person_pk > after, users.c.person_pk <= upto
    # Who came together has numbers together: PostgreSQL need not read everybody's memberships for them. (By
    # an index of pks it would look for the lowest among all people; + 0 keeps it from that.)
    ends = select(func.min(users.c.pk + 0), func.max(users.c.pk + 0)).where(*theirs)
    first, last = connection.execute(ends).one()
    query = (
        select(users.c.person_pk, users.c.active, memberships.c.group_pk, since)
        .join(memberships, memberships.c.user_pk == users.c.pk)
        .where(*theirs, memberships.c.user_pk.between(first, last))
    )
    if len(applicable) <= 1000:
        query = query.where(among(applicable, connection.dialect.name))
    return raw(connection, query)


def _entitled(
    members: Sequence[Any], applicable: Applicable
) -> tuple[dict[tuple[int, str], tuple[str, int]], set[int]]:
    """The reasons and the priority that a row should have; and who isn't enabled as far as these rows say."""
    gives = {group: [_gives(m) for m in found] for group, found in applicable.items()}
    entitled: dict[tuple[int, str], tuple[str, int]] = {}
    disabled: set[int] = set()
    several: dict[int, list[Membership]] = {}
    for person, active, group, since in members:
        for product, priority, made_at, head in gives.get(group, ()):
            key = (person, product)
            if key in entitled:
                several[person] = []
            day, at = divmod(since if since > made_at else made_at, _DAY)
            second, fraction = divmod(at, 1_000_000)
            point = f".{fraction:06}" if fraction else ""
            entitled[key] = (f'{head}{_date(day)}{_time(second)}{point}+00:00"}}]', priority)
        if not active:
            disabled.add(person)
    if several:
        for person, _, group, since in members:
            if person in several:
                several[person].append(Membership(group, _EPOCH + timedelta(0, 0, since)))
        for person, theirs in several.items():
            for product, reasons in reasons_by_product(theirs, applicable).items():
                entitled[person, product] = (reasons_text(reasons), reasons[0].priority)
    return entitled, disabled


@cache
def _date(day: int) -> str:
    """Of a time in ISO 8601; dates and times of day are few, and `isoformat` for millions takes seconds."""
    return f"{(_EPOCH + timedelta(day)).date().isoformat()}T"


@cache
def _time(second: int) -> str:
    return (_EPOCH + timedelta(0, second)).time().isoformat()


def _gives(mapping: GroupMapping) -> tuple[ProductId, int, int, str]:
    """The product, the priority, since when at the earliest (microseconds), and the text of the one reason up
    to its time."""
    given = reasons_by_product([Membership(mapping.group, LONG_AGO)], {mapping.group: (mapping,)})
    text = reasons_text(given[mapping.product])
    made_at = (mapping.made_at - _EPOCH) // timedelta(microseconds=1)
    return mapping.product, mapping.priority, made_at, text[: text.rindex(_SINCE) + len(_SINCE)]


def _rows(after: PersonId, upto: PersonId, protected: Collection[str]) -> Any:
    s = standings.c
    lives = exists(select(users.c.pk).where(users.c.person_pk == s.person_pk, users.c.active))
    not_lost = and_(s.lost_at.is_(None), s.lost_groups == "[]", s.lost_why == "", s.announced_at.is_(None),
                    s.due_at.is_(None), s.hold.is_(None), ~s.released, ~s.kept)  # fmt: skip
    quiet = and_(s.blocked == "", s.failure == "", s.look_at.is_(None))
    unfailed = and_(s.attempts == 0, s.next_try.is_(None))
    placed = s.since >= persons.c.epoch
    kind = case(
        (or_(persons.c.conflict, persons.c.account_disabled, persons.c.folded.in_(protected)), literal(0)),
        (
            and_(s.held == "yes", ~s.waiting, s.base_ready, s.moved_to == 0, not_lost, quiet, unfailed,
                 placed),
            case((s.reasons != "[]", literal(_HOLDS)), else_=literal(0)),
        ),
        (
            and_(s.held == "yes", s.origin != "managed", ~s.waiting, not_lost, quiet, s.since.is_(None),
                 lives),
            literal(_BY_HAND),
        ),
        (
            and_(s.held == "no", s.origin == "none", s.waiting, s.base_ready, not_lost, quiet, placed),
            literal(_WAITS),
        ),
        (
            and_(s.held == "no", s.origin == "none", ~s.waiting, s.base_ready, quiet, unfailed,
                 s.announced_at.is_(None), s.due_at.is_(None), s.hold.is_(None), ~s.released, ~s.kept),
            literal(_RESTS),
        ),
        else_=literal(0),
    )  # fmt: skip
    return (
        select(s.person_pk, s.product, s.reasons, s.priority, kind)
        .join(persons, persons.c.pk == s.person_pk)
        .where(s.person_pk > after, s.person_pk <= upto, persons.c.pk > after, persons.c.pk <= upto)
    )


def _accounts(after: PersonId, upto: PersonId) -> Any:
    """Whose account at AnySoft may have to be set active or inactive (R05)."""
    # The range again, and no CASE or OR: so PostgreSQL joins them, and doesn't look once a person.
    lives = exists(
        select(users.c.pk).where(
            users.c.person_pk == persons.c.pk,
            users.c.active,
            users.c.person_pk > after,
            users.c.person_pk <= upto,
        )
    )
    theirs = select(persons.c.pk).where(
        persons.c.pk > after, persons.c.pk <= upto, persons.c.account_id.is_not(None)
    )
    return union_all(
        theirs.where(persons.c.account_disabled, lives),
        theirs.where(~persons.c.account_disabled, persons.c.account_made, ~lives),
    )


def _at_stake(people: Sequence[int]) -> Any:
    """Those of the people whom a full round looks at: see `everyone`."""
    lives = exists(select(users.c.pk).where(users.c.person_pk == persons.c.pk))
    left = exists(select(standings.c.product).where(standings.c.person_pk == persons.c.pk, at_stake()))
    return select(persons.c.pk).where(persons.c.pk.in_(people), or_(lives, left)).order_by(persons.c.pk)

"""What does Okta's JSON say of a group and of a person? Types and lengths are checked; else Incomplete."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sync.pulled import Incomplete, PulledGroup, PulledUser
from sync.sources.http import Answer, as_objects, line, optional_text, text

#: they sign in, or could by a step of their own
WORKING = frozenset({"ACTIVE", "PASSWORD_EXPIRED", "LOCKED_OUT", "RECOVERY"})
#: suspended people keep their groups; deactivated ones are to lose them
NOT_WORKING = frozenset({"STAGED", "PROVISIONED", "ACTIVATING", "SUSPENDED", "DEPROVISIONED"})
PROVISIONED = "PROVISIONED"  #: made, but never signed in: a setting says whether they get licenses
LARGEST_PAGE = 10_000  #: Okta's greatest limit; we ask for 200

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Group:
    group: PulledGroup
    changed: datetime  #: lastUpdated
    members_changed: datetime  #: lastMembershipUpdated
    count: int | None  #: usersCount, if Okta was asked for it and said it


class User(NamedTuple):
    user: PulledUser
    changed: datetime  #: lastUpdated


def is_id(value: str) -> bool:
    """Whether it may stand in a path."""
    return _ID.match(value) is not None


def groups(answer: Answer) -> list[Group]:
    """Raises Incomplete."""
    return [group(fields) for fields in as_objects(answer.value(), "the list of groups", LARGEST_PAGE)]


def users(answer: Answer, *, provisioned: bool, skip_unknown: bool = False) -> list[User]:
    """Raises Incomplete. `skip_unknown`: of somebody whose status isn't known nothing is said instead; in a
    list of the whole org that must not stop the others."""
    found = as_objects(answer.value(), "the list of people", LARGEST_PAGE)
    return [
        user(fields, provisioned=provisioned)
        for fields in found
        if not (skip_unknown and text(fields, "status") not in WORKING | NOT_WORKING)
    ]


def group(fields: Mapping[str, object]) -> Group:
    """Raises Incomplete."""
    profile = _object(fields, "profile")
    return Group(
        PulledGroup(_id(fields), text(profile, "name")),
        _time(fields, "lastUpdated"),
        _time(fields, "lastMembershipUpdated"),
        _count(fields),
    )


def user(fields: Mapping[str, object], *, provisioned: bool) -> User:
    """Raises Incomplete, also for a status that is not known: whether it works can't be guessed."""
    profile, status, login = _object(fields, "profile"), text(fields, "status"), ""
    if status not in WORKING and status not in NOT_WORKING:
        raise Incomplete(f"a person has a status that isn't known: {line(status, 40)}")
    login = text(profile, "login")
    first, last = optional_text(profile, "firstName"), optional_text(profile, "lastName")
    name = optional_text(profile, "displayName") or f"{first} {last}".strip() or login
    active = status in WORKING or (provisioned and status == PROVISIONED)
    email = optional_text(profile, "email")
    return User(PulledUser(_id(fields), login, name, email, active), _time(fields, "lastUpdated"))


def error_code(answer: Answer) -> str:
    """`errorCode` of an error, which alone says what it is; "" if it has none."""
    try:
        code = answer.json().get("errorCode")
    except Incomplete:
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"E\d{7}", code) else ""


def time_text(moment: datetime) -> str:
    """As a filter wants it: UTC, milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def parse_time(value: str) -> datetime | None:
    """None for what is no time with a zone."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _id(fields: Mapping[str, object]) -> str:
    value = text(fields, "id", 100)
    if not is_id(value):
        raise Incomplete("an answer has an id that can't be one")
    return value


def _time(fields: Mapping[str, object], name: str) -> datetime:
    """Absent or null: long ago (a group that never had a member)."""
    value = optional_text(fields, name, 50)
    if not value:
        return _LONG_AGO
    moment = parse_time(value)
    if moment is None:
        raise Incomplete(f"{name} of an answer is no time")
    return moment


def _object(fields: Mapping[str, object], name: str) -> dict[str, object]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise Incomplete(f"an answer lacks {name}")
    return value


def _count(fields: Mapping[str, object]) -> int | None:
    embedded = fields.get("_embedded")
    stats = embedded.get("stats") if isinstance(embedded, dict) else None
    count = stats.get("usersCount") if isinstance(stats, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None

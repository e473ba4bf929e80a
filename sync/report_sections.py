"""Which parts has a report, and what does each mean? The same for text, page and mail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sync.beside import namesake
from sync.explain import FAILURES
from sync.plan import Verb
from sync.reconcile import Scope
from sync.report import Failed, Report, Seats, did

_HEADINGS = {
    Verb.ASSIGN: "Assignments",
    Verb.CONFIRM: "Confirmations of what may be held",
    Verb.REMOVE: "Removals",
    Verb.ANNOUNCE: "Announcements of removals",
    Verb.ACCOUNT: "Accounts",
    Verb.QUANTITY: "Quantities",
}
_GOES = "it goes when the grace is over, a disabled person's at once; `explain USER` says when"
_CODES = {
    "invalid": FAILURES["ACCOUNT_INVALID"],
    "account_invalid": FAILURES["ACCOUNT_INVALID"],
    "inactive_user": FAILURES["ACCOUNT_INACTIVE"],
    "unknown_user": FAILURES["UNKNOWN_USER"],
    "requires_product": FAILURES["REQUIRES_PRODUCT"],
    "no_answer": FAILURES["NO_ANSWER"],
    "not_sent": FAILURES["TRY_LATER"],
    "try_later": FAILURES["TRY_LATER"],
    "account_no_answer": FAILURES["ACCOUNT_NO_ANSWER"],
    "account_update": FAILURES["ACCOUNT_UPDATE"],
}
NO_CHANNEL = "no mail and no webhook is configured"
_ACTION = ("user", "product", "because", "outcome")


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  #: as many cells as columns
    means: str = ""  #: what to know, or to do
    of: int | None = None  #: how many there are; None: all are here


def title(report: Report) -> str:
    what = "Dry run, nothing was changed" if report.run is None else f"Round {report.run}"
    said = summary({**report.counts, "held back": report.beside.held_back_count}, report.scope)
    took = "" if report.finished_at is None else f", took {_took(report.started_at, report.finished_at)}"
    when = minute(report.started_at)
    return f"{what} ({report.cause}, {report.scope}), {when}{took}: {said}"


#: counted over everybody, whatever the round looked at; the other counts are of what it did and met with
_OF_ALL = ("waiting", "held", "failed", "held back")


def summary(counts: Mapping[str, int], scope: str) -> str:
    """ "3 assign, 2 blocked of those looked at; in all 14 waiting (14 for AnySoft, not for a seat)"."""
    whole = scope == Scope.EVERYONE
    of_all = (*_OF_ALL, "blocked") if whole else _OF_ALL
    told = {name: f"{n} {name}" for name, n in counts.items() if n and name != "for_anysoft"}
    if asked := min(counts.get("for_anysoft", 0), counts.get("waiting", 0)):
        told["waiting"] += f" ({asked} for AnySoft, not for a seat)"
    if "blocked" in told and not whole:
        told["blocked"] += " of those looked at"
    here = ", ".join(said for name, said in told.items() if name not in of_all)
    left = ", ".join(said for name, said in told.items() if name in of_all)
    return "; ".join([*([here] if here else []), *([f"in all {left}"] if left else [])]) or "nothing to do"


def alarms(report: Report) -> Iterator[str]:
    """What is said first."""
    yield from (f"INCOMPLETE: {why}" for why in report.incomplete)
    yield from (f"NOTE: {note}" for note in report.notes)
    if untold := report.counts.get("untold", 0):
        yield f"NOBODY WAS TOLD of {_removals(untold, removed_at_once(report))}: {NO_CHANNEL}"
    for over in report.over_allocated:
        yield (
            f"OVER-ALLOCATED: {over.assigned} have {over.product}, {over.quantity} are bought: "
            "nobody gets it, nobody loses it; raise the quantity or free licenses"
        )
    for out in report.beside.left_out:
        yield (
            f"LEFT OUT: {out.people} people of groups inside {out.group} ({out.directory}) don't get "
            f"{out.product}: the mapping isn't transitive"
        )
    yield from (f"NAMESAKE: {namesake(same)}" for same in report.beside.namesakes)


def removed_at_once(report: Report) -> int:
    """Of how many removals the announcement and the removal itself are of this round: without any grace."""
    told = {(a.user_name, a.product) for a in report.actions if a.action == Verb.ANNOUNCE}
    gone = (a for a in report.actions if a.action == Verb.REMOVE and did(a))
    return sum((a.user_name, a.product) in told for a in gone)


def _removals(count: int, at_once: int) -> str:
    removals = "1 removal" if count == 1 else f"{count} removals"
    if not at_once:
        return f"{removals} to come"
    if at_once == count:
        return f"{removals}, made at once in this round"
    return f"{removals}, {at_once} made at once in this round and {count - at_once} to come"


def sections(report: Report) -> Iterator[Section]:
    """Those that have something to say."""
    yield from (section for section in _all(report) if section.rows)


def _all(report: Report) -> Iterator[Section]:
    dry = report.run is None
    for verb, heading in _HEADINGS.items():
        those = [a for a in report.actions if a.action == verb]
        rows = tuple((a.user_name, a.product, a.because, a.outcome) for a in those)
        means = _GOES if verb is Verb.ANNOUNCE else ""
        yield Section(f"To be done: {verb}" if dry else heading, _ACTION, rows, means)
    yield Section(
        "Waiting for a seat",
        ("place", "user", "product", "because", "since"),
        tuple(
            (f"{w.position} of {w.of}", w.user, w.product, w.because, f"since {minute(w.since)}")
            for w in report.waiting
        ),
        _waits_for(report),
        report.counts.get("waiting", 0),
    )
    yield Section("Seats", ("product", *_SEATS), tuple(_seats(s) for s in report.seats))
    yield Section(
        "Short of seats",
        ("product", "how many"),
        tuple((s.product, f"{s.waiting} wait, {s.free} free, {s.need} missing") for s in report.shortages),
    )
    yield Section(
        "Quantity requests",
        ("request", "product", "from, to", "state"),
        tuple(
            (
                f"request {p.id}",
                p.product,
                f"{p.quantity} to {p.proposed}",
                f"{p.state}: `request show {p.id}`",
            )
            for p in report.requests
        ),
        "an open one waits for a person: approve, schedule or decline",
    )
    yield Section(
        "Blocked" if report.scope == Scope.EVERYONE else "Blocked, of those that this round looked at",
        ("user", "product", "code", "what to do"),
        tuple((b.user, b.product, b.code, b.detail) for b in report.blocked),
        "entitled, and takes no seat: a free one wouldn't help",
    )
    yield Section(
        "Removals held until a person decides: `hold list`",
        ("user", "product", "guard", "group"),
        tuple((h.user, h.product, h.reason, h.group) for h in report.held),
        "they keep the license; `hold release` lets it be taken from them, `hold reject` leaves it to them",
        report.counts.get("held", 0),
    )
    yield Section(
        "Failed, tried again",
        ("user", "product", "action", "code", "what it means", "next try"),
        tuple(
            (f.user, f.product, f.action or "before", f.code, _CODES.get(f.code, ""), _again(f))
            for f in report.failed
        ),
        "those that failed before this round are among them",
        report.counts.get("failed", 0),
    )
    yield from _beside(report)


def _waits_for(report: Report) -> str:
    if asked := report.counts.get("for_anysoft"):
        return f"seats are free for {asked} of them, who wait until AnySoft answers"
    return "each free seat goes to the first, without a click; a quantity request buys more"


def _beside(report: Report) -> Iterator[Section]:
    beside = report.beside
    yield Section(
        "Held back: nothing entitles to it any more, an add-on keeps it",
        ("user", "product", "because"),
        tuple((each.user, each.product, each.because) for each in beside.held_back),
        "no removal is announced or made until the add-on goes: `hold release` its hold, also a rejected "
        "one, or `license unassign` what was given by hand",
        beside.held_back_count,
    )
    yield Section(
        "Given by hand to people who are disabled: a person decides",
        ("user", "product"),
        tuple((each.user, each.product) for each in beside.by_hand),
        "the sync never takes back what was given by hand: `license unassign` does",
        beside.by_hand_count,
    )
    yield Section(
        "Skipped of what directories sent",
        ("directory", "code", "what", "times", "last"),
        tuple((s.directory, s.code, s.subject, f"{s.count}×", s.last_at) for s in beside.skipped),
        "the rest of each request was carried out; `directory check NAME` has all",
        beside.skipped_count,
    )
    yield Section(
        "Calls to AnySoft", ("call", "times"), tuple((name, str(n)) for name, n in beside.calls.items())
    )


_SEATS = ("bought", "assigned", "free", "waiting", "pending")


def _seats(s: Seats) -> tuple[str, ...]:
    free = "never runs out" if s.metered else f"{max(0, s.quantity - s.assigned)} free"
    pending = "" if s.pending is None else f"{s.pending} pending"
    return (
        s.product, f"{s.quantity} bought", f"{s.assigned} assigned", free, f"{s.waiting} wait", pending,
    )  # fmt: skip


def _again(failed: Failed) -> str:
    return "" if failed.next_try is None else f"tried again {minute(failed.next_try)}"


def minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _took(began: datetime, ended: datetime) -> str:
    seconds = (ended - began).total_seconds()
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

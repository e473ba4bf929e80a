"""mapping: which group gives which product; each change shows the plan that it causes (R26)."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from collections.abc import Mapping as Lookup
from dataclasses import asdict, dataclass, replace

import click
from sqlalchemy import Connection

from connector import wiring
from connector.cli import pulled
from connector.cli.kinds import ID, LINE, NAME, PRODUCT, Whole
from connector.cli.out import json_option, say, show_rows
from connector.cli.shell import Actor, Failed, Shell, now, pass_shell, refusals
from connector.store import holds, mappings, seats
from connector.store.engine import reading, writing
from connector.store.operators import Role
from connector.store.unclear import dead
from sync.model import Facts, GroupId, Held, Mapping, MappingId, Origin, PersonId, ProductId
from sync.plan import Applicable, Catalog, HoldChange, Plan, Verb, digest_of
from sync.ports import Mark, Mirror
from sync.pulled import PulledGroup
from sync.reconcile import Scope, rehearse
from sync.sold import Sold

yes_option = click.option("--yes", is_flag=True, help="Don't ask.")
reason_option = click.option("--reason", type=LINE, help="Why; the audit log keeps it (R30).")
#: sets of removals, each of one hold
Approved = tuple[frozenset[tuple[PersonId, ProductId]], ...]
#: names listed of each kind of action
LISTED = 10


@click.group()
def mapping() -> None:
    """Which group gives which product."""


@mapping.command()
@click.option("--directory", type=NAME, help="Whose group.  [required]")
@click.option("--group", type=LINE, help="Its name, or its id.  [required]")
@click.option("--product", type=PRODUCT, help="AnySoft's id: anyprint, …  [required]")
@click.option("--priority", type=Whole(0, 1_000_000), default=100, show_default=True,
              help="In the queue; smaller is first.")  # fmt: skip
@click.option("--transitive", is_flag=True, help="The groups in it count, too (R07).")
@click.option("--grace-hours", type=Whole(0, 8760), help="Before a license goes (the setting).")
@click.option("--reserve", type=Whole(0, 1_000_000), default=0, show_default=True,
              help="The last N free seats are for this group only.")  # fmt: skip
@reason_option
@yes_option
@json_option
@pass_shell
def add(
    shell: Shell, directory: str | None, group: str | None, product: str | None, priority: int,
    transitive: bool,
    grace_hours: int | None, reserve: int, reason: str | None, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Let a group give a product."""
    actor = shell.actor(Role.OPERATOR)
    directory, group, product, found = _checked(shell, directory, group, product)
    with refusals(), reading(shell.engine) as connection:
        mappings.require_new(connection, _supposed(found), ProductId(product))
        before = mappings.list_mappings(connection)
    new = Mapping(
        MappingId(0), _supposed(found), group, directory, ProductId(product), priority, transitive,
        grace_hours, reserve,
    )  # fmt: skip
    approved = preview(shell, [*before, new], yes, actor)

    def change(connection: Connection) -> MappingId:
        return mappings.add(
            connection, pulled.meet(connection, directory, found), ProductId(product), actor.name, now(),
            priority=priority, transitive=transitive, grace_hours=grace_hours, reserve=reserve,
            reason=reason or "",
        )  # fmt: skip

    _show(shell, _carry_out(shell, change, approved, actor), as_json)


def _checked(
    shell: Shell, directory: str | None, group: str | None, product: str | None
) -> tuple[str, str, str, GroupId | PulledGroup]:
    """What was given, and the group. All that is wrong is told at once: UsageError, Failed."""
    given = {"--directory": directory, "--group": group, "--product": product}
    wrong = [f"{name}: is missing" for name, value in given.items() if value is None]
    sold = [p.id for p in wiring.licensing(shell.settings, shell.engine).products()]
    if product is not None and product not in sold:
        wrong.append(f"--product: there is no product {product}: use one of {', '.join(sold)}")
    found = None
    try:
        with refusals():
            if directory is not None and group is not None:
                found = pulled.find_group(shell, directory, group)
            elif directory is not None:
                pulled.check_directory(shell, directory)
    except Failed as error:
        wrong.append(error.message)
    if directory is None or group is None or product is None:
        raise click.UsageError("\n".join(wrong))
    if found is None or wrong:
        raise Failed("\n".join(wrong))
    return directory, group, product, found


@mapping.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """All mappings."""
    shell.actor()
    with reading(shell.engine) as connection:
        found, whys = mappings.list_mappings(connection), mappings.whys(connection)
    rows = [_row(each, whys) for each in found]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="There is no mapping: `mapping add` makes one.")
    for each in found if not as_json else ():
        if each.gone:
            say(f"WARNING: {dead(each)}", err=True)


_COLUMNS = (
    "id", "directory", "group", "product", "priority", "transitive", "grace_hours", "reserve", "gone",
    "changed_by", "reason",
)  # fmt: skip


@mapping.command()
@click.argument("id", type=ID)
@reason_option
@yes_option
@pass_shell
def remove(shell: Shell, id: int, reason: str | None, yes: bool) -> None:
    """The group gives it no more: its licenses go through the ordinary grace and guards (R26)."""
    actor = shell.actor(Role.OPERATOR)
    with refusals(), reading(shell.engine) as connection:
        mappings.get(connection, MappingId(id))
        left = [m for m in mappings.list_mappings(connection) if m.id != id]
    approved = preview(shell, left, yes, actor)

    def change(connection: Connection) -> MappingId:
        return mappings.remove(connection, MappingId(id), actor.name, now(), reason or "").id

    _carry_out(shell, change, approved, actor)
    click.echo(f"Mapping {id} is gone.")


@mapping.command()
@click.argument("id", type=ID)
@click.argument("group", type=LINE)
@reason_option
@yes_option
@json_option
@pass_shell
def repin(shell: Shell, id: int, group: str, reason: str | None, yes: bool, as_json: bool) -> None:
    """Bind mapping ID to GROUP: the group was deleted and pushed anew (R02)."""
    actor = shell.actor(Role.OPERATOR)
    with refusals(), reading(shell.engine) as connection:
        before = mappings.get(connection, MappingId(id))
        all_of_them = mappings.list_mappings(connection)
    with refusals():
        found = pulled.find_group(shell, before.directory, group)
    if found == before.group:
        say(f"Mapping {id} is for this group already: nothing was changed.", err=True)
        _show(shell, before.id, as_json)
        return
    with refusals(), reading(shell.engine) as connection:
        mappings.require_new(connection, _supposed(found), before.product)
    new = replace(before, group=_supposed(found), group_name=group)
    after = [new if m.id == id else m for m in all_of_them]
    approved = preview(shell, after, yes, actor)

    def change(connection: Connection) -> MappingId:
        met = pulled.meet(connection, before.directory, found)
        return mappings.repin(connection, MappingId(id), met, actor.name, now(), reason or "").id

    _show(shell, _carry_out(shell, change, approved, actor), as_json)


def _carry_out(
    shell: Shell, change: Callable[[Connection], MappingId], approved: Approved, actor: Actor
) -> MappingId:
    with refusals(), writing(shell.engine) as connection:
        holds.approve_ahead(connection, approved, actor.name, now())
        return change(connection)


def _show(shell: Shell, id: MappingId, as_json: bool) -> None:
    with reading(shell.engine) as connection:
        row = _row(mappings.get(connection, id), mappings.whys(connection))
        show_rows([row], _COLUMNS, as_json=as_json, nothing="")


def _row(mapping: Mapping, whys: Lookup[MappingId, tuple[str, str]]) -> dict[str, object]:
    row = asdict(mapping)
    row["changed_by"], row["reason"] = whys.get(mapping.id, ("", ""))
    row["group_id"] = row.pop("group")
    row["group"] = row.pop("group_name")
    return row


# ---- what it would cause ----


def _supposed(found: GroupId | PulledGroup) -> GroupId:
    """One that isn't here yet has no number, and no people: a plan may be refused, and leaves nothing."""
    return GroupId(0) if isinstance(found, PulledGroup) else found


@dataclass(frozen=True, slots=True)
class _Supposed:
    """The mirror, as if the mappings were these."""

    mirror: Mirror
    supposed: tuple[Mapping, ...]

    def mappings(self) -> Sequence[Mapping]:
        return self.supposed

    def nestings(self, roots: Collection[GroupId]) -> Sequence[tuple[GroupId, GroupId]]:
        return self.mirror.nestings(roots)

    def expand_marks(self, limit: int) -> bool:
        return False

    def marked(self, limit: int) -> Sequence[Mark]:
        return self.mirror.marked(limit)

    def unsettled(
        self,
        after: PersonId,
        applicable: Applicable,
        alone: Collection[ProductId],
        protected: Collection[str],
    ) -> tuple[Sequence[PersonId], PersonId | None]:
        return self.mirror.unsettled(after, applicable, alone, protected)

    def facts(self, people: Sequence[PersonId], groups: Collection[GroupId]) -> Sequence[Facts]:
        return self.mirror.facts(people, groups)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was shown, and asked about."""

    lines: tuple[str, ...]
    digest: str  #: of all that the change causes
    holds: Approved  #: the removals that would be held because of it, hold by hold


def preview(shell: Shell, supposed: Sequence[Mapping], yes: bool, actor: Actor) -> Approved:
    """Print, on stderr, what the change adds to what a round would do anyway, and ask. A yes is for exactly
    this: if the plan is another one by then it is shown again. Gives the removals that are approved
    by it, for `holds.approve_ahead`: hold by hold; with --yes, and of who may not release, none (R26)."""
    decides = not yes and actor.role.may(Role.APPROVER)
    seen: _Seen | None = None
    while True:
        now_so = _rehearsed(shell, supposed, decides)
        if seen is not None and seen.digest == now_so.digest:
            return now_so.holds if decides else ()
        for line in (*(["Meanwhile the plan has changed:"] if seen else []), *now_so.lines):
            say(line, err=True)
        if yes:
            return ()
        click.confirm("Go on?", abort=True, err=True)
        seen = now_so


def _rehearsed(shell: Shell, supposed: Sequence[Mapping], decides: bool) -> _Seen:
    ports = wiring.dry_ports(shell.settings, shell.engine)
    policy = wiring.policy(shell.settings)
    anyway = rehearse(ports, Scope.EVERYONE, policy).plan
    mirror = _Supposed(ports.mirror, tuple(supposed))
    rehearsed = rehearse(replace(ports, mirror=mirror), Scope.EVERYONE, policy)
    assert rehearsed.sold is not None, "a dry run that can't read AnySoft raises"
    then, catalog = rehearsed.plan, rehearsed.sold.catalog
    with reading(shell.engine) as connection:
        known = {(m.group, m.product) for m in ports.mirror.mappings()}
        new = [m for m in supposed if (m.group, m.product) not in known]
        left_out, unseen = seats.left_out(connection, new), seats.unseen(connection, new)
    odd = [*_warned(supposed, then, catalog), *_reserved(supposed, rehearsed.sold)]
    told = _told(anyway, then, decides) or ([] if unseen else ["It changes nobody's licenses now."])
    lines = [*told, *map(_unseen, unseen), *odd, *map(_left_out, left_out)]
    held = {change: digest_of(_pairs(change)) for change in then.holds if change not in anyway.holds}
    lost = digest_of((loss.person, loss.product) for loss in then.losses)
    everything = "\n".join([then.digest, lost, *sorted(held.values())])
    others = {pair for change in anyway.holds for pair in _pairs(change)}
    ahead = tuple(pairs for change in held if (pairs := frozenset(_pairs(change)) - others))
    return _Seen(tuple(lines), hashlib.sha256(everything.encode()).hexdigest(), ahead)


def _pairs(change: HoldChange) -> tuple[tuple[PersonId, ProductId], ...]:
    return (*((person, change.product) for person in change.people), *change.addons)


def _left_out(out: seats.LeftOut) -> str:
    return (
        f"WARNING: {out.people} people of groups inside {out.group} don't get {out.product}: "
        "the mapping isn't transitive (--transitive)"
    )


def _unseen(m: Mapping) -> str:
    return (
        f"nobody of {m.group_name} is known yet: {m.directory} is read for it from now on, "
        f"and who is in it then gets {m.product}, as far as there are seats"
    )


def _told(anyway: Plan, then: Plan, decides: bool) -> list[str]:
    known = {(a.verb, a.product, a.person) for a in anyway.actions}
    lines = []
    for verb, words in _WORDS.items():
        new = [a for a in then.actions if a.verb is verb and (a.verb, a.product, a.person) not in known]
        for product in sorted({a.product for a in new}):
            names = [a.user_name for a in new if a.product == product]
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            lines.append(f"{words} {product}: {len(names)} ({', '.join(names[:LISTED])}{more})")
    gone = len(then.losses) - len(anyway.losses)
    if gone > 0:
        lines.append(f"lose what they have, after settle window and grace: {gone}")
    lines += [
        f"short of {s.product}: {s.waiting} wait, {s.need} seats are missing"
        for s in then.shortages
        if s.need
    ]
    held = sum(len(change.people) for change in then.holds) - sum(
        len(change.people) for change in anyway.holds
    )
    if held > 0:
        here = "; a yes approves exactly these" if decides else ""
        lines.append(f"held until a person decides (R24): {held}{here}")
    return lines


def _warned(supposed: Sequence[Mapping], then: Plan, catalog: Catalog) -> list[str]:
    """What is odd about new mappings: against the catalog, and what people have by hand (R08, R10)."""
    lines = []
    for m in (m for m in supposed if m.id <= 0):
        given = [s for s in then.changes if any(reason.mapping == m.id for reason in s.reasons)]
        codes = [s.blocked for s in given if s.held is Held.NO]
        by_hand = sum(s.origin is Origin.MANUAL for s in given)
        if lacking := codes.count("MISSING_BASE"):
            bases = " and ".join(p.name for b in catalog.bases(m.product) if (p := catalog.product(b)))
            lines.append(
                f"WARNING: {lacking} of {len(given)} people of {m.group_name} lack {bases}: "
                f"they get {m.product} when a group gives them that, too"
            )
        if "NOT_SUBSCRIBED" in codes:
            lines.append(f"WARNING: {m.product} isn't bought: nobody gets it until `license add {m.product}`")
        if by_hand:
            adopt = f"`license adopt {m.product} --entitled`"
            lines.append(f"{by_hand} have {m.product} by hand and keep it; {adopt} makes theirs managed")
    return lines


def _reserved(supposed: Sequence[Mapping], sold: Sold) -> list[str]:
    """More seats are reserved than bought: then nobody else is given one (R14)."""
    lines = []
    for product in sorted({m.product for m in supposed if m.id <= 0 and m.reserve}):
        reserved = sum(m.reserve for m in supposed if m.product == product)
        bought = sold.subscriptions[product].quantity if product in sold.subscriptions else 0
        if reserved > bought:
            lines.append(
                f"WARNING: {reserved} seats of {product} are reserved, {bought} are bought: "
                "nobody but the groups with a reserve is given one"
            )
    return lines


_WORDS = {Verb.ASSIGN: "get", Verb.ANNOUNCE: "are told that they lose", Verb.REMOVE: "lose"}

"""Does the chaos run find what it is for? Bugs, sown one by one into a copy of the tree; each must be found.

A bug is a table of replacements, the scene of `aimed` (or `killed`) that is to find it, and what that shows.
"""

from dataclasses import dataclass

from tests.sown import Replacement


@dataclass(frozen=True, slots=True)
class Bug:
    name: str
    sown: tuple[Replacement, ...]
    finds: str  #: how the violation begins that it must show: anything else would be found by chance
    scene: str


BUGS = (
    Bug(
        "a crash forgets what was asked for",
        (("connector/store/ledger.py", "            intents.abandon(connection, broken, now)\n", ""),),
        "T09",
        "killed",
    ),
    Bug(
        "a round that broke off is left at that",
        (("connector/due.py", "    if look.owed:\n", "    if look.owed and look.work:\n"),),
        "T09",
        "count_broken",
    ),
    Bug(
        "a 5xx counts as not done",
        (
            (
                "connector/anysoft/transport.py",
                "raise Transient(called, maybe_done=request.writes, retry_after=wait)",
                "raise Transient(called, retry_after=wait)",
            ),
        ),
        "T09",
        "lost_answers",
    ),
    Bug(
        "doubts aren't counted against the seats",
        (
            (
                "sync/seats.py",
                "self.quantity - self.assigned - self.doubtful",
                "self.quantity - self.assigned",
            ),
        ),
        "T01",
        "doubtful_seats",
    ),
    Bug(
        "an old count of AnySoft's is believed",
        (("sync/seats.py", "assigned=max(subscription.assigned, surely)", "assigned=subscription.assigned"),),
        "T01",
        "old_counts",
    ),
    Bug(
        "an old list frees those just assigned",
        (
            (
                "connector/store/observed.py",
                "        or_(rows.c.assigned_at.is_(None), rows.c.assigned_at < before),\n",
                "",
            ),
            (
                "connector/store/observed.py",
                "sure = [person for person in unlisted if person not in unsure]",
                "sure = unlisted",
            ),
        ),
        "T09",
        "old_lists",
    ),
    Bug(
        "what is in doubt serves as a base",
        (
            ("sync/apply.py", "if s.held is Held.YES}", "if s.held is not Held.NO}"),
            (
                "connector/store/intents.py",
                "        base_is(connection, chunk, intent.product, bases, ready=False)\n",
                "",
            ),
            (
                "sync/keeping.py",
                "standing.held is Held.YES and not is_leaving(standing)",
                "standing.held is not Held.NO and not is_leaving(standing)",
            ),
        ),
        "T05",
        "doubtful_base",
    ),
    Bug(
        "a base goes from under its add-on",
        (
            (
                "sync/apply.py",
                "            if any(s.held is not Held.NO for s in facts.standings if s.product in addons):\n"
                "                continue  # never a base from under an add-on, "
                "whatever its call came to (R09)\n",
                "",
            ),
        ),
        "T05",
        "base_under_addon",
    ),
    Bug(
        "one seat more than approved is bought",
        (("sync/buying.py", "    target = request.target\n", "    target = request.target + 1\n"),),
        "T0",
        "purchase",
    ),
    Bug(
        "an open request is bought without a person",
        (
            (
                "sync/quantity.py",
                "return request.state is RequestState.APPROVED and request.target is not None",
                "return request.state in (RequestState.APPROVED, RequestState.OPEN)",
            ),
            (
                "sync/buying.py",
                '    assert request.target is not None, "an approved request has a target"\n'
                "    target = request.target\n",
                "    target = request.target or request.proposed\n",
            ),
        ),
        "T04",
        "purchase",
    ),
    Bug(
        "what AnySoft dropped is sent again by the same approval",
        (
            (
                "sync/quantity.py",
                '        return _end(request, RequestState.REFUSED, now, "AnySoft dropped the change")\n',
                "        return replace(request, state=RequestState.APPROVED, updated_at=now)\n",
            ),
        ),
        "T03",
        "refused_purchase",
    ),
    Bug(
        "already_assigned is always somebody else's doing",
        (
            (
                "sync/settle.py",
                "ours = before.held is Held.MAYBE and before.origin is not Origin.MANUAL",
                "ours = False",
            ),
        ),
        "T09",
        "one_lost",
    ),
    Bug(
        "whoever is in doubt stays in the tally of holders",
        (
            (
                "connector/store/intents.py",
                "tallies.holders_among(connection, chunk, [intent.product])",
                "()",
            ),
        ),
        "T12",
        "killed",
    ),
    Bug(
        "an answer doesn't settle older doubts",
        (
            (
                "connector/store/intents.py",
                "    clear(connection, sure, ProductId(intent.product), intent.kind, now, before=id)\n",
                "",
            ),
        ),
        "T09",
        "lost_answers",
    ),
    Bug(
        "the audit log says nothing before the call",
        (
            (
                "connector/store/intents.py",
                '    _note(connection, f"{intent.kind}.intent", people,',
                '    False and _note(connection, f"{intent.kind}.intent", people,',
            ),
        ),
        "T12",
        "lost_answers",
    ),
    Bug(
        "a 429 is not waited for",
        (
            (
                "connector/anysoft/gate.py",
                "        if left is not None:\n            raise",
                "        if left is None and left is not None:\n            raise",
            ),
            (
                "connector/worker.py",
                "        if wait(breaker, now) is not None:\n            return True\n",
                "",
            ),
        ),
        "R29",
        "asked_to_wait",
    ),
    Bug(
        "the breaker never opens",
        (
            (
                "sync/breaker.py",
                "opens = len(recent) >= LEAST and",
                "opens = len(recent) > WINDOW and",
            ),
            ("connector/worker.py", "self._in_vain = self._in_vain + 1 if why else 0", "self._in_vain = 0"),
        ),
        "R29",
        "outage",
    ),
    Bug(
        "an unassignment that was lost is taken for done",
        (
            (
                "sync/calls.py",
                'Outcome(a.person.id, Settled.DOUBT, "no_answer", in_doubt(a.standing, "NO_ANSWER", now))',
                'Outcome(a.person.id, Settled.FREE, "no_answer", '
                "replace(a.standing, held=Held.NO, waiting=False))",
            ),
        ),
        "T05",
        "base_under_addon",
    ),
    Bug(
        "a crash between call and outcome looks like success",
        (
            (
                "connector/store/intents.py",
                'update(rows).where(in_doubt, rows.c.held == "maybe", asked).values(look_at=now)',
                'update(rows).where(in_doubt, rows.c.held == "maybe", asked).values(held="yes")',
            ),
        ),
        "T09",
        "killed",
    ),
)

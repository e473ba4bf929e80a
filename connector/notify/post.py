"""How does a notice get out? Gathered from what the tables say, kept in the outbox, sent with patience.

It runs beside the rounds and never stops one: a mail server that doesn't answer is a failure of its own,
tried again, and shown by `doctor` and the digest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

from sqlalchemy import Connection, Engine
from structlog.stdlib import get_logger

from connector import known, wiring
from connector.notify import digest, gather, leaving, mail, webhook
from connector.settings import Settings
from connector.shown import License, licenses
from connector.store import notices
from connector.store.engine import Unavailable, reading, writing
from connector.store.matter import Matter
from connector.store.notices import OPERATORS, PERSON, Notice
from sync.ports import Licensing, Transient, Unauthorized

#: how often it is looked whether there is something to tell
SECONDS = 10.0
#: messages sent at one look
MOST = 50


@dataclass(frozen=True, slots=True)
class Post:
    settings: Settings
    engine: Engine
    clock: Callable[[], datetime] = wiring.clock
    anysoft: Callable[[Settings, Engine], Licensing] = wiring.licensing
    under_way: Event = field(default_factory=Event)

    def tick(self, stop: Event) -> None:
        """Gather, then send. Failures are logged and end nothing: what was gathered goes out all the same."""
        self.under_way.set()
        try:
            _attempt("gathered", self.gather)
            _attempt("sent", lambda: self.send(stop.is_set))
        finally:
            self.under_way.clear()

    def gather(self) -> None:
        """Into the outbox. Raises Unavailable."""
        now, policy, hour = self.clock(), wiring.policy(self.settings), self.settings.notify.digest_hour
        with reading(self.engine) as connection:
            changed = gather.changed_prompts(connection, policy, now)
            daily = digest.due(connection, hour, now)
        known = self._licenses() if changed or daily else []
        around = gather.Surroundings(known, policy, self.settings.sync.sales_contact)
        with reading(self.engine) as connection:
            matters = [
                *(gather.prompt_matter(connection, r, around, now) for r in changed),
                *gather.hold_matters(connection, policy, now),
                *gather.trouble_matters(connection, now),
                *gather.breaker_matters(connection, now),
                *gather.over_matters(connection, now),
                *([digest.matter(connection, known, now)] if daily else []),
            ]
        with writing(self.engine) as connection:
            for matter in matters:
                self._put(connection, OPERATORS, matter, now)
            for who, said in [*leaving.old_matters(connection, now), *leaving.new_matters(connection, now)]:
                match said:
                    case Matter():
                        self._put(connection, who, said, now)
                    case key if who == PERSON:
                        notices.close(connection, [key])
                    case key:
                        notices.finish(connection, key)
            notices.forget(connection, now)

    def send(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """What is due. Raises Unavailable."""
        now = self.clock()
        with writing(self.engine) as connection:
            due = notices.claim(connection, MOST, now)
        for notice in due:
            if stopping():
                return  # what was claimed is sent by whoever looks in five minutes
            why = self._send(notice)
            with writing(self.engine) as connection:
                if why:
                    notices.failed(connection, notice, why, self.clock())
                else:
                    notices.sent(connection, notice, self.clock())
            if why:
                get_logger(__name__).warning(
                    "a notice was not sent", matter=notice.matter, channel=notice.channel, why=why
                )

    def _put(self, connection: Connection, who: str, matter: Matter, now: datetime) -> None:
        notices.put(connection, matter, self._channels(who), now)

    def _channels(self, who: str) -> Iterator[str]:
        notify = self.settings.notify
        if notify.smtp.host:
            yield who
        if who == OPERATORS:
            yield from (webhook.channel_of(url) for url in notify.urls)

    def _send(self, notice: Notice) -> str:
        """Why it wasn't sent; "" when it was, or its channel is configured no more."""
        notify, base = self.settings.notify, self.settings.public_url or ""
        bundle = str(self.settings.ca_bundle) if self.settings.ca_bundle else None
        try:
            if notice.channel in (OPERATORS, PERSON):
                if not notify.smtp.host:
                    return ""
                mail.send(mail.compose(notice, notify.smtp, base, self.clock()), notify.smtp, bundle)
                return ""
            url = next((u for u in notify.urls if webhook.channel_of(u) == notice.channel), None)
            if url is None or notify.secret is None:
                return ""
            webhook.post(
                url, webhook.body_of(notice, base), notify.secret.get_secret_value(), self.clock(),
                allow_private=notify.allow_private, ca_bundle=bundle,
            )  # fmt: skip
        except (mail.NotMailed, webhook.NotSent) as error:
            return str(error)
        except ValueError as error:  # a header that can't be one
            return f"it can't be sent as it is: {error}"
        return ""

    def _licenses(self) -> list[License]:
        """As AnySoft says, or said last; empty when it never did: then the price is told as unknown."""
        try:
            there = known.ask(self.anysoft(self.settings, self.engine), self.engine, self.clock())
        except (Transient, Unauthorized):
            return []
        with reading(self.engine) as connection:
            return licenses(there.products, there.subscriptions, connection)


def _attempt(what: str, step: Callable[[], None]) -> None:
    log = get_logger(__name__)
    try:
        step()
    except Unavailable as error:
        log.warning("notices wait for the database", why=str(error))
    except Exception:
        log.exception(f"notices could not be {what}")

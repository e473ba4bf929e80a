"""What is one matter that somebody is told of?

A matter has one message a channel. While it isn't sent it is rewritten; afterwards a mail follows only when
its stage changes (a reminder, a decision), and a webhook also hears of new figures, at most once an hour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Matter:
    key: str  #: request:7, hold:3, removal:12:40, digest:2027-03-01
    kind: str  #: prompt, hold, removal, removals, trouble, breaker, digest
    stage: str  #: open, "reminder 1", approved, …
    subject: str
    body: str
    link: str = ""  #: a page of the console; it shows, it never decides (R19)
    facts: Mapping[str, object] = field(default_factory=dict)  #: JSON, for whoever automates
    over: bool = False  #: nothing more will be said of it
    news: bool = False  #: to be told although it is over before anybody was told
    wait_until: datetime | None = None  #: more of the same is expected until then
    address: str = ""  #: of the one person whom it concerns; "" the operators

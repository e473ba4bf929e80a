"""How is something logged? JSON lines on stderr, text on a terminal; no secret, no forged line (T27).

Whatever logs through the standard library (Alembic, APScheduler, Granian) comes out in the same form.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from sync.printable import printable

#: a field with such a name never shows its value
_SECRET_FIELD = re.compile(
    r"authori[sz]ation|cookie|secret|password|passwd|api_?key|token\Z|\bbearer\b", re.I
)
#: tokens that stand in running text, such as an exception's message
_SECRET_TEXT = re.compile(
    r"(?P<key>bearer\s+|basic\s+|ssws\s+|(?:client_secret|access_token|api_token|password|token)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"'&,;]+"
    r"|(?P<url>://[^/\s:@]*:)[^/\s@]+(?=@)",
    re.I,
)
_HIDDEN = "[hidden]"
#: in whatever `_SECRET_TEXT` finds; most texts have none, which is told in a tenth of the time
_JOINT = re.compile(r"[\s=:]")
#: a record's attribute: all fields of its line but the time, so that nothing needs to be gathered
COMPLETE = "complete"


def setup(stream: TextIO | None = None, *, text: bool | None = None, level: int = logging.INFO) -> None:
    """Log to `stream` (stderr); as text on a terminal unless `text` says otherwise."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    as_text = stream.isatty() if text is None else text
    formatter = (structlog.stdlib.ProcessorFormatter if as_text else _Lines)(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=()), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_secrets,
            _line if as_text else _json,
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("alembic", "urllib3", "_granian"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns of each tick that a long round skips
    if as_text:  # a person who watches is not served by a line for each request
        logging.getLogger("connector.access").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _Lines(structlog.stdlib.ProcessorFormatter):
    """JSON; a record that is `COMPLETE` goes a way that takes a third of the time."""

    def format(self, record: logging.LogRecord) -> str:
        said = getattr(record, COMPLETE, None)
        if said is None:
            return super().format(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        return _json(None, "", {"at": at.replace("+00:00", "Z"), **hide_secrets(None, "", said)})


def hide_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Take out what looks like a secret, by the field's name or by its form."""
    return {key: _HIDDEN if _is_secret(key) else _without(value) for key, value in event.items()}


@lru_cache(maxsize=1_000)
def _is_secret(key: str) -> bool:
    return _SECRET_FIELD.search(key) is not None


def _without(value: Any) -> Any:
    match value:
        case str() if _JOINT.search(value) is None:
            return value
        case str():
            return _SECRET_TEXT.sub(lambda m: f"{m['key'] or m['url']}{_HIDDEN}", value)
        case dict():
            return {k: _HIDDEN if _is_secret(str(k)) else _without(v) for k, v in value.items()}
        case list() | tuple():
            return [_without(part) for part in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _without(str(value))


def _json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """ASCII only: no newline, no line separator and no terminal sequence can come through."""
    return json.dumps({"at": event.pop("at", None), "level": event.pop("level", None), **event})


def _line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    at = str(event.pop("at", ""))[11:19]
    level, said = str(event.pop("level", "")), event.pop("event", "")
    event.pop("logger", None)
    trace = event.pop("exception", "")
    fields = " ".join(f"{key}={printable(str(value))}" for key, value in event.items())
    shown = "".join(f"\n    {printable(part)}" for part in str(trace).splitlines())
    return f"{at} {level:<8}{printable(str(said))} {fields}".rstrip() + shown

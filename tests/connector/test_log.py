"""Can a log line be forged, or carry a secret? (T27)"""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from connector import log


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_a_stranger_wrote_stays_on_its_line() -> None:
    for text in (True, False):
        stream = io.StringIO()
        log.setup(stream, text=text)
        hostile = 'x\n{"level": "error"}\r\u2028\u0085\x1b[2K\x00'
        structlog.get_logger("t").info(hostile, user=hostile)
        logging.getLogger("t").warning("%s", hostile)
        assert len(stream.getvalue().splitlines()) == 2
        assert "\x1b" not in stream.getvalue()
        assert "\x00" not in stream.getvalue()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token", "c4nary"),
        ("client_secret", "c4nary"),
        ("Authorization", "Bearer c4nary"),
        ("cookie", "session=c4nary"),
        ("said", "Authorization: Bearer c4nary"),
        ("said", "Authorization: SSWS c4nary"),
        ("said", "client_secret=c4nary&x=1"),
        ("said", '{"access_token": "c4nary"}'),
        ("said", "postgresql+psycopg://connector:c4nary@host/db"),
        ("said", {"api_token": "c4nary", "deep": ["password=c4nary"]}),
        ("said", SecretStr("c4nary")),
        ("said", ValueError("token=c4nary")),
    ],
)
def test_no_secret_comes_through(field: str, value: object) -> None:
    stream = io.StringIO()
    log.setup(stream, text=False)
    structlog.get_logger("t").info("event", **{field: value})
    logging.getLogger("t").info("%s=%s", field, value)
    assert len(lines(stream)) == 2
    if field == "said":
        assert "c4nary" not in stream.getvalue()
    else:
        assert "c4nary" not in stream.getvalue().splitlines()[0]


def test_an_exception_is_one_line_without_its_secret() -> None:
    stream = io.StringIO()
    log.setup(stream, text=False)
    try:
        raise ValueError("the header was Bearer c4nary")
    except ValueError:
        structlog.get_logger("t").exception("failed")
    (line,) = lines(stream)
    assert "ValueError" in str(line["exception"])
    assert "c4nary" not in stream.getvalue()


def test_the_request_s_id_is_on_every_line_of_it() -> None:
    stream = io.StringIO()
    log.setup(stream, text=False)
    structlog.contextvars.bind_contextvars(request="r-1")
    structlog.get_logger("t").info("ours")
    logging.getLogger("library").info("theirs")
    assert [line["request"] for line in lines(stream)] == ["r-1", "r-1"]

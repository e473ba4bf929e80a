"""What does the console's page of directories say of those that are read?"""

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from connector.store import pulls
from connector.store import tables as t
from connector.store.engine import writing
from tests.connector.web.ways_in import signed_in, token

READ = datetime(2026, 11, 24, 12, tzinfo=UTC)
NEXT = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
UNTIL = datetime(2026, 11, 24, 12, 40, tzinfo=UTC)


def row(client: FlaskClient, engine: Engine, **state: Any) -> dict[str, str]:
    """The directory's row, by column; its markup left out."""
    pk = pulls.declared(engine, "entra", "entra", READ)
    with writing(engine) as connection:
        connection.execute(update(t.pulls).where(t.pulls.c.directory_pk == pk).values(**state))
    signed_in(client, engine)
    page = client.get("/directories").text
    table = page[page.index("<table>") : page.index("</table>")]
    assert 'class="overflow-auto"' in page, "on a narrow screen it is moved, not squeezed"
    heads, cells = (re.findall(rf"<{cell}[ >].*?</{cell}>", table, re.DOTALL) for cell in ("th", "td"))
    assert "<script>" not in table
    said = [html.unescape(re.sub(r"<[^>]+>", " ", each)).strip() for each in (*heads, *cells)]
    names, values = said[: len(heads) - 1], said[len(heads) - 1 :]
    return dict(zip(names, values, strict=True))


def test_what_went_wrong_when_it_was_read_and_when_it_is_next(client: FlaskClient, engine: Engine) -> None:
    why = "Okta: GET /api/v1/groups: 403 <script>alert(1)</script>"
    said = row(client, engine, error=why, complete_at=READ, next_at=NEXT, not_before=UNTIL, cursor="active")
    assert said["Name"] == "entra"
    assert why in said["State"]
    assert said["Last heard of"] == "2026-11-24 12:00:00 UTC"
    assert said["Next read"] == "2026-11-24 12:40:00 UTC", "after the wait that it asked for"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"reading": "full", "pages": 1234, "cursor": "resume"}, "everything, 1,234 pages so far"),
        ({"reading": "changes", "pages": 2, "cursor": "resume"}, "what changed, 2 pages so far"),
        ({"cursor": "active"}, "what changes, from where it ended"),
        ({"cursor": "resume"}, "goes on where it ended"),
        ({"cursor": "refresh"}, "everything, from the beginning"),
    ],
)
def test_how_far_a_read_is_and_how_the_next_begins(
    client: FlaskClient, engine: Engine, state: dict[str, object], told: str
) -> None:
    assert row(client, engine, **state)["Reading"] == told


def test_of_one_that_pushes_no_read_is_told(client: FlaskClient, engine: Engine) -> None:
    token(engine)
    signed_in(client, engine)
    page = client.get("/directories").text
    assert "it writes itself" in page
    assert "pages so far" not in page

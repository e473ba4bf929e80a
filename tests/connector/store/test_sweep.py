"""What is thrown away when its time is over?"""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, insert

from connector.store import credentials as tokens
from connector.store import sweep as sweeping
from connector.store.engine import writing
from connector.store.sweep import sweep
from connector.store.tables import changes, credentials, warnings
from tests.connector.store.mirror import Mirror, mirror, rows
from tests.moments import START

DAY = timedelta(days=1)


@pytest.fixture
def entra(engine: Engine) -> Mirror:
    return mirror(engine, "entra")


def test_changes_go_after_ninety_days_and_not_before_r30(
    entra: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)  # several transactions
    with writing(entra.engine) as connection:
        connection.execute(delete(changes))
        row = {"directory_pk": 1, "what": "joined", "request": "", "detail": ""}
        ages = (91 * DAY, 90 * DAY, 91 * DAY, DAY, 400 * DAY, 91 * DAY, 91 * DAY)
        connection.execute(insert(changes), [row | {"at": START - age} for age in ages])
    assert sweep(entra.engine, START) == 5
    assert [row.at for row in rows(entra.engine, changes)] == [START - 90 * DAY, START - DAY]
    assert sweep(entra.engine, START) == 0


def test_what_is_no_longer_skipped_leaves_the_page_but_a_conflict_stays(entra: Mirror) -> None:
    with writing(entra.engine) as connection:
        connection.execute(
            insert(warnings),
            [
                {"directory_pk": 1, "code": code, "subject": str(days), "count": 1,
                 "first_at": START - 99 * DAY, "last_at": START - days * DAY}
                for code, days in (("unknown_path", 31), ("unknown_path", 29), ("person_conflict", 99))
            ],
        )  # fmt: skip
    assert sweep(entra.engine, START) == 1
    assert [(row.code, row.subject) for row in rows(entra.engine, warnings)] == [
        ("unknown_path", "29"),
        ("person_conflict", "99"),
    ]


def test_ended_access_tokens_go_and_what_a_person_made_stays(entra: Mirror) -> None:
    with writing(entra.engine) as connection:
        token = tokens.token_create(connection, "entra", START, DAY)
        client = tokens.client_create(connection, "entra", START)
        access = tokens.exchange(connection, client.id, client.secret, START)
    assert access is not None
    assert sweep(entra.engine, START + timedelta(minutes=59)) == 0
    assert sweep(entra.engine, START + 2 * DAY) == 1
    assert {row.id for row in rows(entra.engine, credentials)} == {token.id, client.id}

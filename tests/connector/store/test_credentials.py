"""Does a token open its own directory, as long as it lives, and nothing else?"""

from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import Engine, insert, update

from connector.store import credentials, directories
from connector.store.directories import Directory, InUse, NameTaken, Unknown
from connector.store.engine import BUSY_SECONDS, connect, reading, writing
from connector.store.tables import credentials as table
from connector.store.tables import groups, mappings, marks, persons, standings, users
from scim.store import Kind
from tests.connector.store.mirror import Mirror, forget_marks, marked_names, mirror, rows
from tests.moments import at


@pytest.fixture
def entra(engine: Engine) -> Mirror:
    return mirror(engine, "entra")


def token(mirror: Mirror, name: str = "entra", life: timedelta | None = None) -> credentials.Issued:
    with writing(mirror.engine) as connection:
        return credentials.token_create(connection, name, at(), life)


def opened(mirror: Mirror, secret: str, minutes: float = 0) -> Directory | None:
    with reading(mirror.engine) as connection:
        return credentials.authenticate(connection, secret, at(minutes))


def test_a_token_opens_its_own_directory_t18(entra: Mirror) -> None:
    mirror(entra.engine, "okta")
    first, second, other = token(entra), token(entra), token(entra, "okta")
    for issued in (first, second):  # two live at once, for rotation (T22)
        directory = opened(entra, issued.secret)
        assert directory is not None
        assert (directory.pk, directory.name) == (entra.store.directory, "entra")
    directory = opened(entra, other.secret)
    assert directory is not None
    assert directory.name == "okta"


def test_a_secret_is_long_random_and_stored_hashed_t22(entra: Mirror) -> None:
    issued = {token(entra).secret for _ in range(20)}
    assert len(issued) == 20
    assert all(secret.startswith("asc_") and len(secret) == 4 + 43 for secret in issued)
    stored = repr(rows(entra.engine, table))
    assert not any(secret in stored or secret[4:] in stored for secret in issued)


def test_what_is_not_exactly_a_token_opens_nothing_t19(entra: Mirror) -> None:
    secret = token(entra).secret
    wrong = ["", secret[:-1], secret + "x", secret.swapcase(), "é" * 47, "\ud800", "x" * 6000, secret[4:]]
    assert [opened(entra, text) for text in wrong] == [None] * len(wrong)


def test_a_token_expires_and_is_revoked_at_once_t22(entra: Mirror) -> None:
    issued, other = token(entra, life=timedelta(minutes=30)), token(entra)
    assert issued.expires_at == at(30)
    assert opened(entra, issued.secret, 29.9)
    assert opened(entra, issued.secret, 30) is None
    with writing(entra.engine) as connection:
        credentials.revoke(connection, other.id, at(1))
        credentials.revoke(connection, other.id, at(2))
    assert opened(entra, other.secret, 1) is None
    with reading(entra.engine) as connection:
        first, second = credentials.all_of(connection, "token", "entra")
    assert (first.is_live(at(29)), first.is_live(at(30))) == (True, False)
    assert (second.revoked_at, second.is_live(at(0))) == (at(1), False)
    with pytest.raises(Unknown, match="token list"), writing(entra.engine) as connection:
        credentials.revoke(connection, "tok_x", at(1))
    with pytest.raises(Unknown, match="directory list"):
        token(entra, "nowhere")


def test_the_last_use_is_noted_once_a_minute(entra: Mirror) -> None:
    secret = token(entra).secret
    noted = []
    for minutes in (0, 0.5, 1, 1.5):
        assert credentials.admit(entra.engine, secret, at(minutes))
        noted.append(rows(entra.engine, table)[0].used_at)
    assert noted == [at(0), at(0), at(1), at(1)]
    assert credentials.admit(entra.engine, "asc_no", at()) is None


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_request_does_not_wait_for_who_writes_to_note_its_token_s_use(
    entra: Mirror, elsewhere: bool
) -> None:
    """`elsewhere`: another process writes, whose turns this one doesn't know."""
    secret = token(entra).secret
    writer = connect(entra.engine.url.render_as_string(hide_password=False)) if elsewhere else entra.engine
    found: list[Directory | None] = []
    asking = Thread(target=lambda: found.append(credentials.admit(entra.engine, secret, at(5))), daemon=True)
    with writing(writer) as connection:
        connection.execute(update(table).values(expires_at=None))
        asking.start()
        asking.join(BUSY_SECONDS * 2 / 3)
        assert len(found) == 1  # while the other still writes
    asking.join()
    assert found[0] is not None
    assert [row.used_at for row in rows(entra.engine, table)] == [None]
    assert credentials.admit(entra.engine, secret, at(5))
    assert [row.used_at for row in rows(entra.engine, table)] == [at(5)]
    assert patience(entra.engine) == BUSY_SECONDS * 1000  # of the same connection, for what must be written
    if elsewhere:
        writer.dispose()


def patience(engine: Engine) -> int:
    """Milliseconds that a writer waits for others."""
    with writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            return int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one())
        return int(connection.exec_driver_sql("SHOW lock_timeout").scalar_one().removesuffix("s")) * 1000


def test_a_client_gets_access_tokens_of_60_minutes(entra: Mirror) -> None:
    with writing(entra.engine) as connection:
        client = credentials.client_create(connection, "entra", at(), timedelta(days=365))
        other = credentials.client_create(connection, "entra", at())
    with writing(entra.engine) as connection:
        access = credentials.exchange(connection, client.id, client.secret, at())
        assert credentials.exchange(connection, client.id, other.secret, at()) is None
        assert credentials.exchange(connection, other.id, client.secret, at()) is None
        for name in ("", "cli_x", "é", "a\0", "x" * 9999):
            assert credentials.exchange(connection, name, client.secret, at()) is None
    assert access is not None
    assert access.expires_in == 3600
    directory = opened(entra, access.token, 59)
    assert directory is not None
    assert directory.name == "entra"
    assert opened(entra, access.token, 60) is None
    assert opened(entra, client.secret) is None  # a secret is no token
    with writing(entra.engine) as connection:
        later = credentials.exchange(connection, client.id, client.secret, at(61))
        assert later is not None
        assert len(credentials.all_of(connection, "access")) == 1  # the old one was swept
        credentials.revoke(connection, client.id, at(62))
        assert credentials.exchange(connection, client.id, client.secret, at(62)) is None
        assert credentials.exchange(connection, other.id, other.secret, at(62)) is not None
    assert opened(entra, later.token, 62) is None  # a client's revocation ends its access tokens


def test_an_access_token_can_not_be_revoked_by_its_number_nor_a_token_exchanged(entra: Mirror) -> None:
    issued = token(entra)
    with writing(entra.engine) as connection:
        assert credentials.exchange(connection, issued.id, issued.secret, at()) is None


def test_a_directory_has_a_name_of_its_own(engine: Engine) -> None:
    with writing(engine) as connection:
        added = directories.add(connection, "entra", "scim", at())
        directories.add(connection, "abc", "okta", at(), '{"patch": 204}')
    with pytest.raises(NameTaken), writing(engine) as connection:
        directories.add(connection, "entra", "scim", at())
    for name in ("", " x", "a\nb", "x" * 101, "\ud800"):
        with pytest.raises(ValueError, match="name"), writing(engine) as connection:
            directories.add(connection, name, "scim", at())
    with reading(engine) as connection:
        assert [d.name for d in directories.all_of(connection)] == ["abc", "entra"]
        assert directories.named(connection, "entra") == added
        with pytest.raises(Unknown):
            directories.named(connection, "x")


def test_a_directory_is_removed_with_all_that_it_wrote_and_its_people_are_looked_at(entra: Mirror) -> None:
    okta = mirror(entra.engine, "okta")
    ada, eve = entra.user("ada"), okta.user("eve")
    entra.group("LIC", [ada.id, entra.group("inner", [ada.id]).id])
    entra.delete(Kind.GROUP, entra.group("gone").id)
    kept = okta.group("LIC", [eve.id])
    issued = token(entra)
    with entra.store.writing() as writer:
        writer.warn("x", "y")
    forget_marks(entra.engine)
    with writing(entra.engine) as connection:
        directories.remove(connection, "entra", at())
    assert marked_names(entra.engine) == {"ada"}
    assert [u.id for u in rows(entra.engine, users)] == [eve.id]
    assert [g.id for g in rows(entra.engine, groups)] == [kept.id]
    assert opened(entra, issued.secret) is None
    assert okta.member_ids(kept.id) == [eve.id]
    assert len(rows(entra.engine, persons)) == 2


def test_a_directory_in_use_is_not_removed_r26(entra: Mirror) -> None:
    ada = entra.user("ada")
    group = entra.group("LIC", [ada.id])
    mapping = {
        "group_pk": entra.pk(group.id), "product": "anyprint", "priority": 100, "transitive": False,
        "created_at": at(),
    }  # fmt: skip
    with writing(entra.engine) as connection:
        connection.execute(insert(mappings).values(mapping))
    with pytest.raises(InUse, match="1 mappings"), writing(entra.engine) as connection:
        directories.remove(connection, "entra", at())
    standing = {
        "person_pk": entra.person(ada.id).pk, "product": "anyprint", "held": "yes", "origin": "managed",
        "priority": 100, "waiting": False, "base_ready": True,
    }  # fmt: skip
    with writing(entra.engine) as connection:
        connection.execute(mappings.delete())
        connection.execute(insert(standings).values(standing))
    with pytest.raises(InUse, match="1 licenses"), writing(entra.engine) as connection:
        directories.remove(connection, "entra", at())
    assert entra.member_ids(group.id) == [ada.id]
    assert rows(entra.engine, marks)

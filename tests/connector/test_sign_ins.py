"""Does a link open one session, once, and only in its time? (T22, T28)"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from connector.store import operators, sign_ins
from connector.store.engine import reading, writing
from connector.store.operators import Role
from connector.store.sign_ins import LINK_LASTS, SESSION_LASTS, Operator
from connector.store.tables import sign_ins as table

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ADA = Operator("ada", "approver")


def link(engine: Engine, operator: Operator = ADA, now: datetime = NOW) -> str:
    with writing(engine) as connection:
        return sign_ins.new_link(connection, operator, now)


def use(engine: Engine, secret: str, now: datetime = NOW) -> str | None:
    with writing(engine) as connection:
        return sign_ins.use(connection, secret, now)


def whose(engine: Engine, secret: str, now: datetime = NOW) -> Operator | None:
    with reading(engine) as connection:
        return sign_ins.whose(connection, secret, now)


def test_a_link_opens_one_session_and_looking_at_it_uses_nothing_up(engine: Engine) -> None:
    secret = link(engine)
    with reading(engine) as connection:
        assert sign_ins.is_open(connection, secret, NOW)
        assert sign_ins.is_open(connection, secret, NOW)
    session = use(engine, secret)
    assert session is not None
    assert whose(engine, session) == ADA
    assert use(engine, secret) is None
    with reading(engine) as connection:
        assert not sign_ins.is_open(connection, secret, NOW)


def test_of_many_at_once_one_gets_the_session(engine: Engine) -> None:
    secret = link(engine)
    with ThreadPoolExecutor(8) as pool:
        sessions = list(pool.map(lambda _: use(engine, secret), range(16)))
    assert len([s for s in sessions if s is not None]) == 1


def test_links_and_sessions_end(engine: Engine) -> None:
    assert use(engine, link(engine), NOW + LINK_LASTS) is None
    session = use(engine, link(engine))
    assert session is not None
    assert whose(engine, session, NOW + SESSION_LASTS - timedelta(seconds=1)) == ADA
    assert whose(engine, session, NOW + SESSION_LASTS) is None


def test_a_link_is_no_session_and_a_session_no_link(engine: Engine) -> None:
    secret = link(engine)
    assert whose(engine, secret) is None
    session = use(engine, secret)
    assert session is not None
    assert use(engine, session) is None


def test_sign_out_ends_every_copy(engine: Engine) -> None:
    session = use(engine, link(engine))
    assert session is not None
    with writing(engine) as connection:
        sign_ins.end(connection, session)
    assert whose(engine, session) is None


def test_no_secret_is_stored(engine: Engine) -> None:
    secret = link(engine)
    with reading(engine) as connection:
        (stored,) = connection.scalars(select(table.c.hash)).all()
    assert len(secret) == 43
    assert secret.encode() not in stored
    assert len(stored) == 32


def test_who_is_removed_is_out_at_once(engine: Engine) -> None:
    with writing(engine) as connection:
        assert operators.add(connection, "ada", Role.APPROVER, NOW)
        assert not operators.add(connection, "ada", Role.VIEWER, NOW)
    session = use(engine, link(engine))
    assert session is not None
    with writing(engine) as connection:
        assert operators.remove(connection, "ada")
        assert not operators.remove(connection, "ada")
    assert whose(engine, session) is None


def test_approver_and_admin_may_act_on_licenses_viewer_and_operator_may_not() -> None:
    """L1."""
    assert [role for role in Role if role.may(Role.APPROVER)] == [Role.APPROVER, Role.ADMIN]
    assert [role for role in Role if role.may(Role.OPERATOR)] == [Role.OPERATOR, Role.APPROVER, Role.ADMIN]

"""What does such a request cost at least? Flask and SQLAlchemy Core, the same tables, little else.

It reads the token, reads and writes the rows that the connector must read and write, notes the change and
marks the person, and answers with the same JSON; it checks next to nothing and understands only what the
scenarios send.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, Response, abort, request
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from connector.store.engine import connect
from connector.store.rows import insert_into
from connector.store.tables import (
    changes,
    credentials,
    directories,
    emails,
    groups,
    marks,
    memberships,
    persons,
    users,
)

_EQ = re.compile(r'(\w+) eq "([^"]*)"')
_BASE = "http://127.0.0.1/scim/v2"


def application() -> Flask:
    app = Flask("floor", static_folder=None)
    engine = connect(os.environ["BENCH_DATABASE_URL"])
    app.add_url_rule("/ready", "ready", lambda: "ready")
    app.add_url_rule("/scim/v2/Users", "list", lambda: _list(engine), methods=["GET"])
    app.add_url_rule("/scim/v2/Users", "create", lambda: _create(engine), methods=["POST"])
    app.add_url_rule("/scim/v2/Users/<id>", "get", lambda id: _get(engine, id), methods=["GET"])
    app.add_url_rule("/scim/v2/Users/<id>", "patch", lambda id: _patch(engine, id), methods=["PATCH"])
    app.add_url_rule("/scim/v2/Groups", "groups", lambda: _groups(engine), methods=["GET"])
    app.add_url_rule("/scim/v2/Groups/<id>", "group", lambda id: _group(engine, id), methods=["GET"])
    app.add_url_rule("/scim/v2/Groups/<id>", "join", lambda id: _change(engine, id), methods=["PATCH"])
    return app


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            yield connection


def _directory(connection: Connection) -> int:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    pk = connection.scalar(
        select(directories.c.pk)
        .join(credentials, credentials.c.directory_pk == directories.c.pk)
        .where(credentials.c.hash == sha256(token.encode()).digest(), credentials.c.revoked_at.is_(None))
    )
    if pk is None:
        abort(401)
    return int(pk)


def _list(engine: Engine) -> Response:
    with engine.connect() as connection:
        wanted = select(users).where(users.c.directory_pk == _directory(connection))
        if "filter" in request.args:
            wanted = wanted.where(users.c.folded == _sought("userName").casefold())
        total = connection.scalar(wanted.with_only_columns(func.count()))
        page = wanted.order_by(users.c.pk).limit(int(request.args.get("count", 100)))
        rows = connection.execute(page.offset(int(request.args.get("startIndex", 1)) - 1)).all()
        held = _groups_of(connection, [row.pk for row in rows])
    return _listed(total, [_shown("User", row, held.get(row.pk)) for row in rows])


def _get(engine: Engine, id: str) -> Response:
    with engine.connect() as connection:
        row = _row(connection, _directory(connection), users, id)
        held = _groups_of(connection, [row.pk])
    return _answer(_shown("User", row, held.get(row.pk)))


def _create(engine: Engine) -> Response:
    sent = orjson.loads(request.get_data())
    document = {key: value for key, value in sent.items() if key not in ("schemas", "meta")}
    name, now, id = document["userName"], datetime.now(UTC), str(uuid4())
    with _writing(engine) as connection:
        directory = _directory(connection)
        if connection.scalar(select(users.c.pk).where(users.c.folded == name.casefold())):
            abort(409)
        person = connection.execute(
            insert(persons)
            .values(user_name=name, folded=name.casefold(), display_name=document["displayName"],
                    email=document["emails"][0]["value"], epoch=now)
            .returning(persons.c.pk)
        ).scalar_one()  # fmt: skip
        user = connection.execute(
            insert(users)
            .values(id=id, directory_pk=directory, person_pk=person, user_name=name, folded=name.casefold(),
                    display_name=document["displayName"], external_id=document["externalId"], active=True,
                    document=_text(document), version=1, created_at=now, modified_at=now)
            .returning(users.c.pk)
        ).scalar_one()  # fmt: skip
        _mail(connection, user, document)
        _note(connection, directory, person, "created", now)
    row = {"id": id, "document": _text(document), "version": 1, "created_at": now, "modified_at": now}
    return _answer(_resource("User", row, None), 201)


def _patch(engine: Engine, id: str) -> Response:
    sent, now = orjson.loads(request.get_data()), datetime.now(UTC)
    with _writing(engine) as connection:
        directory = _directory(connection)
        row = _row(connection, directory, users, id)
        document = orjson.loads(row.document)
        before = document["emails"][0]["value"]
        for operation in sent["Operations"]:
            _set(document, operation["path"], operation["value"])
        connection.execute(
            update(persons)
            .where(persons.c.pk == row.person_pk)
            .values(display_name=document["displayName"], email=document["emails"][0]["value"])
        )
        connection.execute(
            update(users)
            .where(users.c.pk == row.pk)
            .values(active=document["active"], display_name=document["displayName"], version=row.version + 1,
                    document=_text(document), modified_at=now)
        )  # fmt: skip
        if document["emails"][0]["value"] != before:
            connection.execute(delete(emails).where(emails.c.user_pk == row.pk))
            _mail(connection, row.pk, document)
        _note(connection, directory, row.person_pk, "updated", now)
        held = _groups_of(connection, [row.pk])
    after = dict(row._mapping) | {"document": _text(document), "version": row.version + 1, "modified_at": now}
    return _answer(_resource("User", after, held.get(row.pk)))


def _set(document: dict[str, Any], path: str, value: Any) -> None:
    if path == "active":
        document["active"] = value == "True"
    elif path == 'emails[type eq "work"].value':
        document["emails"][0]["value"] = value
    elif path.startswith("name."):
        document["name"][path.removeprefix("name.")] = value
    elif path.startswith("urn:"):
        urn, _, name = path.rpartition(":")
        document[urn][name] = value
    else:
        document[path] = value


def _groups(engine: Engine) -> Response:
    with engine.connect() as connection:
        wanted = select(groups).where(
            groups.c.directory_pk == _directory(connection),
            groups.c.folded == _sought("displayName").casefold(),
            groups.c.deleted_at.is_(None),
        )
        total = connection.scalar(wanted.with_only_columns(func.count()))
        rows = connection.execute(wanted.order_by(groups.c.pk).limit(100)).all()
    return _listed(total, [_shown("Group", row, None) for row in rows])


def _group(engine: Engine, id: str) -> Response:
    with engine.connect() as connection:
        return _answer(_shown("Group", _row(connection, _directory(connection), groups, id), None))


def _change(engine: Engine, id: str) -> Response:
    (operation,) = orjson.loads(request.get_data())["Operations"]
    joins, now = operation["op"] == "Add", datetime.now(UTC)
    member = operation["value"][0]["value"] if joins else operation["path"].split('"')[1]
    with _writing(engine) as connection:
        directory = _directory(connection)
        group = _row(connection, directory, groups, id)
        user = _row(connection, directory, users, member)
        if joins:
            done = connection.execute(
                insert_into(connection, memberships)
                .values(group_pk=group.pk, user_pk=user.pk, since=now)
                .on_conflict_do_nothing()
            )
        else:
            done = connection.execute(
                delete(memberships).where(
                    memberships.c.group_pk == group.pk, memberships.c.user_pk == user.pk
                )
            )
        if done.rowcount:
            connection.execute(
                update(groups)
                .where(groups.c.pk == group.pk)
                .values(version=groups.c.version + 1, modified_at=now)
            )
            _note(connection, directory, user.person_pk, operation["op"], now, group.pk)
    return Response(status=204)


def _mail(connection: Connection, user: int, document: dict[str, Any]) -> None:
    key = document["emails"][0]["value"].casefold()
    connection.execute(insert(emails).values(user_pk=user, folded=key))


def _note(
    connection: Connection, directory: int, person: int, what: str, now: datetime, group: int | None = None
) -> None:
    """The row of history, the mark for the next round, and when the directory was heard."""
    connection.execute(
        insert(changes).values(
            at=now, directory_pk=directory, person_pk=person, group_pk=group, what=what, request="", detail=""
        )
    )
    connection.execute(
        insert_into(connection, marks)
        .values(person_pk=person, generation=1, marked_at=now)
        .on_conflict_do_update(index_elements=["person_pk"], set_={"generation": marks.c.generation + 1})
    )


def _row(connection: Connection, directory: int, table: Any, id: str) -> Row[Any]:
    query = select(table).where(table.c.directory_pk == directory, table.c.id == id)
    row = connection.execute(query).first()
    if row is None:
        abort(404)
    return row


def _groups_of(connection: Connection, user_pks: Iterable[int]) -> Mapping[int, list[dict[str, str]]]:
    held: dict[int, list[dict[str, str]]] = {}
    for user_pk, id, name in connection.execute(
        select(memberships.c.user_pk, groups.c.id, groups.c.display_name)
        .join(groups, groups.c.pk == memberships.c.group_pk)
        .where(memberships.c.user_pk.in_(user_pks), groups.c.deleted_at.is_(None))
    ):
        one = {"value": id, "$ref": f"{_BASE}/Groups/{id}", "display": name, "type": "direct"}
        held.setdefault(user_pk, []).append(one)
    return held


def _sought(attribute: str) -> str:
    found = _EQ.fullmatch(request.args["filter"])
    if found is None or found[1] != attribute:
        abort(400)
    return found[2]


def _shown(kind: str, row: Row[Any], held: list[dict[str, str]] | None) -> dict[str, Any]:
    return _resource(kind, row._mapping, held)


def _resource(kind: str, row: Mapping[Any, Any], held: list[dict[str, str]] | None) -> dict[str, Any]:
    resource: dict[str, Any] = {"schemas": [f"urn:ietf:params:scim:schemas:core:2.0:{kind}"], "id": row["id"]}
    resource |= orjson.loads(row["document"])
    if held:
        resource["groups"] = held
    resource["meta"] = {
        "resourceType": kind,
        "created": row["created_at"].isoformat(),
        "lastModified": row["modified_at"].isoformat(),
        "location": f"{_BASE}/{kind}s/{row['id']}",
        "version": f'W/"{row["version"]}"',
    }
    return resource


def _text(document: Mapping[str, Any]) -> str:
    return orjson.dumps(document).decode()


def _listed(total: int | None, resources: list[dict[str, Any]]) -> Response:
    return _answer({"totalResults": total, "startIndex": 1, "itemsPerPage": len(resources),
                    "Resources": resources})  # fmt: skip


def _answer(shown: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(shown), status, content_type="application/scim+json")

"""What does such a request cost at least? Flask and SQLAlchemy Core, the same tables, little else.

It reads the token, reads and writes the rows that the connector must read and write, notes the change and
marks the person, and answers with the same JSON; it checks next to nothing and understands only what the
scenarios send.
"""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, Response, abort, request
from sqlalchemy import Connection, Engine, Row, Table

from benchmarks.scim import statements as sql
from benchmarks.scim.statements import statement
from connector.store.engine import connect, reading, writing
from connector.store.rows import inserted
from connector.store.tables import groups, persons, users

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


def _list(engine: Engine) -> Response:
    with reading(engine) as connection:
        directory = _directory(connection)
        if "filter" in request.args:
            key = {"directory": directory, "key": _sought("userName").casefold()}
            rows = connection.execute(statement(sql.named, users), key).all()
            total = len(rows)
        else:
            asked = {"directory": directory, "count": int(request.args["count"]),
                     "skipped": int(request.args["startIndex"]) - 1}  # fmt: skip
            total = connection.scalar(statement(sql.count), {"directory": directory}) or 0
            rows = connection.execute(statement(sql.page), asked).all()
        held = _groups_of(connection, [row.pk for row in rows])
    return _listed(total, [_resource("User", row._mapping, held.get(row.pk)) for row in rows])


def _get(engine: Engine, id: str) -> Response:
    with reading(engine) as connection:
        row = _row(connection, _directory(connection), users, id)
        held = _groups_of(connection, [row.pk])
    return _answer(_resource("User", row._mapping, held.get(row.pk)))


def _create(engine: Engine) -> Response:
    sent = orjson.loads(request.get_data())
    document = {key: value for key, value in sent.items() if key not in ("schemas", "meta")}
    name, now, id = document["userName"], datetime.now(UTC), str(uuid4())
    key = name.casefold()
    with writing(engine) as connection:
        directory = _directory(connection)
        if connection.execute(statement(sql.known), {"key": key}).all():
            abort(409)  # no scenario brings anybody back
        shown = {"user_name": name, "folded": key, "display_name": document["displayName"]}
        email = document["emails"][0]["value"]
        person = inserted(
            connection.execute(
                statement(sql.insert_, persons), {**shown, "email": email, "conflict": False, "epoch": now}
            )
        )
        row = {
            **shown, "id": id, "directory_pk": directory, "person_pk": person, "active": True,
            "external_id": document["externalId"], "document": _text(document), "version": 1,
            "created_at": now, "modified_at": now,
        }  # fmt: skip
        user = inserted(connection.execute(statement(sql.insert_, users), row))
        if email.casefold() != key:
            connection.execute(statement(sql.mail), {"user_pk": user, "folded": email.casefold()})
        _note(connection, directory, person, "created", now)
    return _answer(_resource("User", row, None), 201)


def _patch(engine: Engine, id: str) -> Response:
    sent, now = orjson.loads(request.get_data()), datetime.now(UTC)
    with writing(engine) as connection:
        directory = _directory(connection)
        row = _row(connection, directory, users, id)
        document = orjson.loads(row.document)
        shown, email = document["displayName"], document["emails"][0]["value"]
        for operation in sent["Operations"]:
            _set(document, operation["path"], operation["value"])
        after = {"shown": document["displayName"], "email": document["emails"][0]["value"]}
        if after != {"shown": shown, "email": email}:
            connection.execute(statement(sql.show), {"person": row.person_pk, **after})
        if after["email"] != email:
            if email.casefold() != row.folded:
                connection.execute(statement(sql.forget), {"user": row.pk})
            if after["email"].casefold() != row.folded:
                kept = {"user_pk": row.pk, "folded": after["email"].casefold()}
                connection.execute(statement(sql.mail), kept)
        saved = {"document": _text(document), "version": row.version + 1, "modified_at": now}
        switched = {"active": document["active"], "display_name": document["displayName"]}
        connection.execute(statement(sql.save), {"key": row.pk, **saved, **switched})
        _note(connection, directory, row.person_pk, "updated", now)
        held = _groups_of(connection, [row.pk])
    return _answer(_resource("User", {**row._mapping, **saved}, held.get(row.pk)))


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
    with reading(engine) as connection:
        key = {"directory": _directory(connection), "key": _sought("displayName").casefold()}
        rows = connection.execute(statement(sql.named, groups), key).all()
    return _listed(len(rows), [_resource("Group", row._mapping, None) for row in rows])


def _group(engine: Engine, id: str) -> Response:
    with reading(engine) as connection:
        row = _row(connection, _directory(connection), groups, id)
    return _answer(_resource("Group", row._mapping, None))


def _change(engine: Engine, id: str) -> Response:
    (operation,) = orjson.loads(request.get_data())["Operations"]
    joins, now = operation["op"] == "Add", datetime.now(UTC)
    member = operation["value"][0]["value"] if joins else operation["path"].split('"')[1]
    with writing(engine) as connection:
        directory = _directory(connection)
        group = _row(connection, directory, groups, id)
        user = _row(connection, directory, users, member)
        if joins:
            pair = {"group_pk": group.pk, "user_pk": user.pk, "since": now}
            done = connection.execute(statement(sql.join, connection.dialect.name), pair)
        else:
            done = connection.execute(statement(sql.leave), {"group": group.pk, "user": user.pk})
        if done.rowcount:
            connection.execute(statement(sql.touch), {"group": group.pk, "now": now})
            _note(connection, directory, user.person_pk, operation["op"], now, group.pk)
        shown: dict[str, Any] = {
            **group._mapping,
            "version": group.version + done.rowcount,
            "modified_at": now,
        }
    return _answer(_resource("Group", shown, None))


def _directory(connection: Connection) -> int:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    pk = connection.scalar(statement(sql.token), {"hash": sha256(token.encode()).digest()})
    if pk is None:
        abort(401)
    return int(pk)


def _row(connection: Connection, directory: int, table: Table, id: str) -> Row[Any]:
    row = connection.execute(statement(sql.by_id, table), {"directory": directory, "id": id}).first()
    if row is None:
        abort(404)
    return row


def _groups_of(connection: Connection, user_pks: Sequence[int]) -> Mapping[int, list[dict[str, str]]]:
    held: dict[int, list[dict[str, str]]] = {}
    one = len(user_pks) == 1
    rows = connection.execute(statement(sql.held, one), {"users": user_pks[0] if one else user_pks})
    for user_pk, id, name in rows:
        shown = {"value": id, "$ref": f"{_BASE}/Groups/{id}", "display": name, "type": "direct"}
        held.setdefault(user_pk, []).append(shown)
    return held


def _note(
    connection: Connection,
    directory: int,
    person: int | None,
    what: str,
    now: datetime,
    group: int | None = None,
) -> None:
    """The row of history, and the mark for the next round."""
    row = {
        "at": now, "directory_pk": directory, "person_pk": person, "group_pk": group, "what": what,
        "request": "", "detail": "",
    }  # fmt: skip
    connection.execute(statement(sql.history), row)
    connection.execute(
        statement(sql.mark, connection.dialect.name), {"person_pk": person, "generation": 1, "marked_at": now}
    )


def _sought(attribute: str) -> str:
    found = _EQ.fullmatch(request.args["filter"])
    if found is None or found[1] != attribute:
        abort(400)
    return found[2]


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

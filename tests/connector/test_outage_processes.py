"""Does the program itself, in processes, by the real clock, go on while AnySoft does not answer?"""

import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Engine

from connector.anysoft.access import Tokens
from connector.anysoft.office import open_tenant
from connector.anysoft.server import create_server
from connector.anysoft.tenant import BuiltInTenant
from tests.company import ADDRESS, BILLING, PRINT
from tests.connector.processes import command, environment, started, until
from tests.contracts.licensing_http import CLIENT, SECRET, serving


@dataclass
class Hanging:
    app: Callable[..., Iterable[bytes]]
    hangs: bool = False

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if self.hangs:
            time.sleep(2)
        return self.app(environ, start)


def test_t29_r29_scim_goes_on_while_anysoft_hangs_and_it_catches_up(
    tmp_path: Path, sqlite_engine: Engine
) -> None:
    open_tenant(sqlite_engine)
    tenant = BuiltInTenant(sqlite_engine, lambda: datetime.now(UTC))
    sold = tenant.add_product(PRINT, 20, BILLING, ADDRESS, "buy").id
    there = Hanging(create_server(tenant, Tokens(CLIENT, SECRET), lambda: datetime.now(UTC)))
    with serving(there) as url:
        env = {
            "CONNECTOR_ANYSOFT__URL": url,
            "CONNECTOR_ANYSOFT__CLIENT_ID": CLIENT,
            "CONNECTOR_ANYSOFT__CLIENT_SECRET": SECRET,
            "CONNECTOR_ANYSOFT__TIMEOUT_SECONDS": "0.5",
        }

        def says(*arguments: str) -> Any:
            done = subprocess.run(
                command(*arguments, "--json"), cwd=tmp_path, env=environment(**env), capture_output=True,
                text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            assert done.stdout, done.stderr
            return json.loads(done.stdout)

        def doctor() -> dict[str, tuple[str, str]]:
            return {each["check"]: (each["state"], each["said"]) for each in says("doctor")}

        with started(tmp_path, "up", "--port", "0", **env) as running:
            base = f"{running.url}/scim/v2"
            says("directory", "add", "entra", "--kind", "entra")
            scim = requests.Session()
            scim.headers["Authorization"] = f"Bearer {says('token', 'create', 'entra')['token']}"
            group = scim.post(f"{base}/Groups", json={"displayName": "LIC"}, timeout=10).json()["id"]
            says("mapping", "add", "--directory", "entra", "--group", group, "--product", PRINT, "--yes")

            def hire(name: str) -> None:
                user = scim.post(f"{base}/Users", json={"userName": name, "active": True}, timeout=10)
                assert user.status_code == 201
                added = {"op": "Add", "path": "members", "value": [{"value": user.json()["id"]}]}
                schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
                patch = {"schemas": schemas, "Operations": [added]}
                assert scim.patch(f"{base}/Groups/{group}", json=patch, timeout=10).status_code in (200, 204)

            hire("ada@x.example")
            until(lambda: tenant.subscription(sold).assigned == 1, 30, running.tell)
            there.hangs = True
            for n in range(10):
                hire(f"user{n}@x.example")
            until(lambda: any('"a round was in vain"' in line for line in running.err), 30, running.tell)
            hire("eve@x.example")
            state, said = doctor()["rounds"]
            assert state == "failed"
            assert said.startswith("since 20")
            assert tenant.subscription(sold).assigned < 12
            there.hangs = False
            until(lambda: tenant.subscription(sold).assigned == 12, 90, running.tell)
            until(lambda: doctor()["rounds"][0] == "ok", 30, running.tell)
        told = [
            note
            for each in says("report", "list")
            for note in says("report", "show", str(each["run"]))["notes"]
        ]
        assert [note[:15] for note in told] == ["AnySoft is back"]

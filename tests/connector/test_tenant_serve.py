"""Does one connector drive the tenant that another one serves? (`tenant serve`, CONNECTOR_ANYSOFT__URL)"""

import json
import subprocess
from pathlib import Path

from tests.connector.processes import command, environment, started

SECRET = {
    "CONNECTOR_ANYSOFT__CLIENT_ID": "connector",
    "CONNECTOR_ANYSOFT__CLIENT_SECRET": "not-a-real-secret",
}


def test_the_built_in_tenant_is_served_and_driven_from_elsewhere(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    with started(there, "tenant", "serve", "--port", "0", **SECRET) as tenant:
        url = tenant.wait_for("ready ", 90).split()[1]
        env = environment(CONNECTOR_ANYSOFT__URL=url, **SECRET)

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command(*arguments), cwd=here, env=env, capture_output=True, text=True, timeout=180,
                check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip

        assert run("db", "upgrade").returncode == 0
        listed = run("license", "list", "--json")
        assert listed.returncode == 0, listed.stderr
        assert "anyprint" in {row["product"] for row in json.loads(listed.stdout)}
        tenant.stop()
        gone = run("license", "quantity", "anyprint", "3")
        assert gone.returncode == 1
        assert (
            f"AnySoft can't be reached: {url.removeprefix('http://')} refuses the connection" in gone.stderr
        )

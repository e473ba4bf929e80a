"""Do the processes start, stop, and stay? `up` and what it minds, over real sockets (T13, T19, T30)."""

import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import requests

from tests.connector.processes import Running, run, started, until


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`up` for the tests that leave it as it is."""
    with started(tmp_path_factory.mktemp("served"), "up", "--port", "0") as running:
        assert running.url
        yield running


def test_up_says_what_a_person_needs_and_then_ready(served: Running) -> None:
    url = served.url
    said = "".join(served.out)
    assert f"SCIM base URL   {url}/scim/v2" in said
    assert f"{url}/sign-in?link=" in said
    assert "token create" in said
    assert said.splitlines()[-1] == f"ready {url}"
    assert requests.get(f"{url}/readyz", timeout=5).json() == {"status": "ready"}
    assert requests.get(f"{url}/scim/v2/Users", timeout=5).status_code == 401
    assert not [line for line in served.err if json.loads(line)["level"] != "info"]


def test_what_it_keeps_is_for_its_user_alone(served: Running) -> None:
    """The database and its journals hold people's names."""
    kept = list((Path(psutil.Process(served.process.pid).cwd()) / "data").rglob("*"))
    assert {"connector.sqlite", "secret.key"} <= {p.name for p in kept}
    assert [p.name for p in kept if p.stat().st_mode & 0o077] == []


def test_its_log_is_json_lines_without_the_link(served: Running) -> None:
    """T23, T27."""
    link = next(line for line in served.out if "link=" in line).split("link=")[1].strip()
    assert requests.get(f"{served.url}/sign-in", params={"link": link}, timeout=5).status_code == 200
    until(lambda: any("/sign-in" in line for line in served.err), 5)
    for line in served.err:
        assert {"at", "level", "event"} <= json.loads(line).keys()
        assert link not in line


def test_300_half_sent_requests_don_t_delay_an_honest_one_by_a_second(served: Running) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    halves = (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 900\r\n\r\ngrant_type=",
        b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{",
    )
    slow = []
    try:
        for n in range(300):
            slow.append(socket.create_connection((host, int(port)), 5))
            slow[-1].sendall(halves[n % 3])
        time.sleep(0.5)
        for path, status in (("/healthz", 200), ("/scim/v2/Users", 401), ("/sign-in", 200)):
            begun = time.monotonic()
            assert requests.get(served.url + path, timeout=5).status_code == status
            assert time.monotonic() - begun < 1
    finally:
        for each in slow:
            each.close()


def test_a_content_length_beside_transfer_encoding_isn_t_believed(served: Running) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as raw:
        raw.sendall(
            b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n"
        )
        raw.settimeout(5)
        first = raw.recv(65_536)
    assert first.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert b"alive" not in first


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_with_all_its_children_within_ten_seconds(tmp_path: Path, number: int) -> None:
    """T30."""
    with started(tmp_path, "up", "--port", "0") as running:
        assert running.url
        family = running.family()
        assert len(family) >= 3
        assert running.stop(number) < 10
        assert running.process.returncode == 0, running.tell()
        assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def test_its_children_don_t_outlive_a_kill_9_of_it(tmp_path: Path) -> None:
    with started(tmp_path, "up", "--port", "0") as running:
        assert running.url
        family = running.family()
        running.process.kill()
        running.process.wait(5)
        until(lambda: not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], 10)


def test_a_killed_web_and_a_killed_worker_are_started_again(tmp_path: Path) -> None:
    with started(tmp_path, "up", "--port", "0") as running:
        url = running.url
        web, worker = running.child("web"), running.child("worker")
        for each in web.children(recursive=True):
            each.kill()
        web.kill()
        worker.kill()
        until(lambda: running.child("web").pid != web.pid, 15, running.tell)
        until(lambda: running.child("worker").pid != worker.pid, 15, running.tell)
        until(lambda: _ready(url), 20, running.tell)
        assert len([line for line in running.err if "process died" in line]) >= 2
        assert len([line for line in running.out if line.startswith("ready")]) == 1


def test_a_killed_serving_process_under_web_is_started_again(tmp_path: Path) -> None:
    with started(tmp_path, "up", "--port", "0") as running:
        url = running.url
        web = running.child("web")
        (serving,) = web.children()
        serving.kill()
        until(lambda: running.child("web").pid != web.pid, 15, running.tell)
        until(lambda: _ready(url), 20, running.tell)


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def test_what_lies_in_the_working_folder_is_never_run(tmp_path: Path) -> None:
    for name in ("scim", "sync", "connector", "requests", "json"):
        (tmp_path / f"{name}.py").write_text(f"open('ran-{name}', 'w').close(); raise SystemExit('not ours')")
    with started(tmp_path, "up", "--port", "0") as running:
        assert requests.get(f"{running.url}/readyz", timeout=5).status_code == 200
        until(lambda: any('"working"' in line for line in running.err), 30, running.tell)
        assert list(tmp_path.glob("ran-*")) == []


def test_web_and_worker_run_alone_too(tmp_path: Path) -> None:
    with started(tmp_path, "web", "--port", "0") as web, started(tmp_path, "worker") as worker:
        assert _ready(web.url)
        until(lambda: any("the lease is mine" in line for line in worker.err), 20, worker.tell)
        assert worker.stop() < 10
        assert worker.process.returncode == 0
        link = run(tmp_path, "sign-in").stdout
        assert link.startswith(f"{web.url}/sign-in?link="), "where it is served"
        assert web.stop() < 10


def test_of_two_workers_one_works_and_the_other_takes_over(tmp_path: Path) -> None:
    """T13."""
    mine = '"the lease is mine"'
    with started(tmp_path, "worker") as first:
        until(lambda: any(mine in line for line in first.err), 20, first.tell)
        with started(tmp_path, "worker") as second:
            until(lambda: any('"working"' in line for line in second.err), 20, second.tell)
            time.sleep(2)
            assert not any(mine in line for line in second.err)
            first.stop()
            until(lambda: any(mine in line for line in second.err), 5, second.tell)


def test_a_paused_worker_finds_out_that_another_works(tmp_path: Path) -> None:
    """T13: SIGSTOP for longer than the lease, then SIGCONT."""
    mine = '"the lease is mine"'
    env = {"CONNECTOR_SYNC__LEASE_SECONDS": "2"}
    with started(tmp_path, "worker", **env) as first:
        until(lambda: any(mine in line for line in first.err), 20, first.tell)
        with started(tmp_path, "worker", **env) as second:
            _pause(first, tmp_path / "data" / "connector.sqlite")
            until(lambda: any(mine in line for line in second.err), 20, second.tell)
            first.process.send_signal(signal.SIGCONT)
            time.sleep(3)
            assert len([line for line in first.err if mine in line]) == 1
            second.stop()
            until(lambda: len([line for line in first.err if mine in line]) == 2, 10, first.tell)


def _pause(running: Running, file: Path) -> None:
    """Not inside of a transaction: SQLite has one lock, and a paused process would keep it."""
    for _ in range(20):
        running.process.send_signal(signal.SIGSTOP)
        try:
            with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                return
        except sqlite3.OperationalError:
            running.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
    raise AssertionError("it is always inside of a transaction")


def test_sync_wait_goes_through_the_running_worker_and_alone_without_one(
    served: Running, tmp_path: Path
) -> None:
    folder = Path(psutil.Process(served.process.pid).cwd())
    done = run(folder, "sync", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cause"].startswith("cli:")
    assert run(tmp_path, "db", "upgrade").returncode == 0
    alone = run(tmp_path, "sync", "--full", "--wait", "--json")
    assert alone.returncode == 0, alone.stderr
    assert json.loads(alone.stdout)["scope"] == "everyone"


def test_a_taken_port_is_a_clear_error(served: Running, tmp_path: Path) -> None:
    port = served.url.rsplit(":", 1)[1]
    for noun in ("up", "web"):
        failed = run(tmp_path, noun, "--port", port)
        assert failed.returncode == 1
        assert f"can't serve on 127.0.0.1:{port}" in failed.stderr
        assert "Traceback" not in failed.stderr


def test_an_address_that_isn_t_there_is_a_clear_error(tmp_path: Path) -> None:
    failed = run(tmp_path, "up", "--host", "no.such.host.invalid", "--port", "0")
    assert failed.returncode == 1
    assert "--host" in failed.stderr


def test_a_data_folder_that_can_t_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failed = run(tmp_path, "up", "--port", "0", "--data", "file/data")
    assert failed.returncode == 1
    assert "data folder" in failed.stderr
    assert "Traceback" not in failed.stderr

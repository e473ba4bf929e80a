"""Are settings read from where outside.md says, and is every mistake told, by its name?"""

from pathlib import Path

import pytest

from connector import wiring
from connector.opening import prepare
from connector.secret_key import secret_key
from connector.settings import BadSettings, Overrides, Settings, load


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(**overrides: object) -> str:
    with pytest.raises(BadSettings) as caught:
        load(Overrides(**overrides))  # type: ignore[arg-type]
    return str(caught.value)


def test_without_a_file_and_environment_the_defaults_of_outside_md_hold() -> None:
    found = load()
    assert found.database == "sqlite:///data/connector.sqlite"
    assert found.scim.rate == 1000
    sync = found.sync
    assert (sync.lease_seconds, sync.subscriptions_seconds, sync.settle_seconds) == (15, 60, 900)
    assert (sync.round_seconds, sync.full_round_minutes) == (1, 60)
    assert (sync.grace_leaver_hours, sync.grace_disabled_hours, sync.observe_first) == (24, 0, True)
    guard = sync.guard
    assert (guard.empty_from, guard.group_min, guard.group_percent) == (3, 5, 20)
    assert (guard.product_min, guard.product_percent, guard.hours) == (10, 10, 24)
    assert (found.anysoft.url, found.anysoft.timeout_seconds) == (None, 60)
    assert found.tenant.change_seconds == 3600


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        'data_dir = "of-file"\n[sync]\nsettle_seconds = 60\nround_seconds = 2\n[scim]\nrate = 60\n'
    )
    monkeypatch.setenv("CONNECTOR_CONFIG", str(file))
    monkeypatch.setenv("CONNECTOR_SYNC__SETTLE_SECONDS", "5")
    found = load(Overrides(data_dir=Path("of-command-line")))
    assert found.data_dir == Path("of-command-line")
    assert (found.sync.settle_seconds, found.sync.round_seconds, found.scim.rate) == (5, 2, 60)


def test_the_default_file_is_config_connector_toml(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "connector.toml").write_text("[scim]\nrate = 0\n")
    assert load().scim.rate == 0


def test_the_demo_s_file_in_the_data_folder_holds_for_every_command(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo.toml").write_text("[sync]\nsettle_seconds = 3\n")
    assert load().sync.settle_seconds == 3


def test_a_list_may_be_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_SYNC__PROTECTED", "boss@x.example, root@x.example")
    assert load().sync.protected == ("boss@x.example", "root@x.example")


def test_each_secret_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("CONNECTOR_SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("CONNECTOR_ANYSOFT__URL", "https://anysoft.example")
    monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_ID", "me")
    monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    found = load()
    assert found.secret_key is not None
    assert found.secret_key.get_secret_value() == "k" * 40
    assert found.anysoft.client_secret is not None
    assert found.anysoft.client_secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(found)


def test_an_empty_file_of_a_secret_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("\n")
    monkeypatch.setenv("CONNECTOR_ANYSOFT__URL", "https://anysoft.example")
    monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_ID", "me")
    monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    assert f"the file {tmp_path / 'secret'} is empty" in refused()


def test_a_bad_file_of_a_secret_is_named_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by a configuration file that isn't there."""
    monkeypatch.setenv("CONNECTOR_ANYSOFT__CLIENT_SECRET_FILE", str(tmp_path / "gone"))
    assert refused().startswith("CONNECTOR_ANYSOFT__CLIENT_SECRET_FILE: can't read ")
    monkeypatch.delenv("CONNECTOR_ANYSOFT__CLIENT_SECRET_FILE")
    (tmp_path / "key").write_text("abc")
    monkeypatch.setenv("CONNECTOR_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert refused().startswith("CONNECTOR_SECRET_KEY_FILE: must have at least 32 characters")


@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET"])
def test_a_client_without_a_url_never_means_the_built_in_tenant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"CONNECTOR_ANYSOFT__{name}", "something")
    with pytest.raises(BadSettings, match="CONNECTOR_ANYSOFT__URL: give the address"):
        prepare(load(Overrides(data_dir=tmp_path / "data")))
    assert not (tmp_path / "data").exists()
    served = prepare(load(Overrides(data_dir=tmp_path / "data")), serves_tenant=True)
    with pytest.raises(BadSettings, match="CONNECTOR_ANYSOFT__URL"):
        wiring.licensing(load(), served)
    served.dispose()


def test_a_directory_may_be_declared_with_its_secret_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[directories.entra]\nkind = "entra"\ntenant_id = "t"\nclient_id = "c"\n')
    monkeypatch.setenv("CONNECTOR_DIRECTORIES__ENTRA__CLIENT_SECRET", "shh")
    found = load(Overrides(config=file)).directories["entra"]
    assert (found.kind, found.tenant_id) == ("entra", "t")
    assert found.client_secret is not None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CONNECTOR_SCIM__RATE", "10", "at least 50"),
        ("CONNECTOR_SCIM__RATE", "-1", "greater than or equal to 0"),
        ("CONNECTOR_SCIM__RATE", "fast", "integer"),
        ("CONNECTOR_SYNC__SETTLE_SECONDS", "-3", "greater than or equal to 0"),
        ("CONNECTOR_SYNC__LEASE_SECONDS", "nan", "finite"),
        ("CONNECTOR_SYNC__ROUND_SECONDS", "0", "greater than or equal to 0.1"),
        ("CONNECTOR_SYNC__GUARD__HOURS", "0", "greater than or equal to 1"),
        ("CONNECTOR_SYNC__OBSERVE_FIRST", "perhaps", "boolean"),
        ("CONNECTOR_SYNC__SETLE_SECONDS", "3", "no such setting"),
        ("CONNECTOR_SETTLE", "3", "no such setting"),
        ("CONNECTOR_TENANT__CHANGE_SECONDS", "3601", "less than or equal to 3600"),
        ("CONNECTOR_PUBLIC_URL", "connector.example", "write it as"),
        ("CONNECTOR_PUBLIC_URL", "https://user:pw@connector.example", "leave the user name"),
        ("CONNECTOR_DATABASE_URL", "mysql://root:pw@host/db", "write it as"),
        ("CONNECTOR_SECRET_KEY", "short", "at least 32"),
        ("CONNECTOR_METRICS_TOKEN", "short", "at least 16"),
        ("CONNECTOR_SYNC", "3", "dictionary"),
    ],
)
def test_a_mistake_names_the_setting_and_never_shows_a_secret(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    said = refused()
    assert name in said
    assert says in said
    assert "pw" not in said


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ('kind = "entra"\nmanaged_identity = true\ngraph_url = "https://graph.example"',
         ["without tenant_id it isn't read: give it beside graph_url, managed_identity"]),
        ('kind = "entra"\nclient_id = "c"\nclient_secret = "pw"\ninterval = "5m"\ncron = "* * * * *"',
         ["without tenant_id", "either interval or cron"]),
        ('kind = "okta"\nclient_id = "c"\nprivate_key = "pw"', ["without org_url it isn't read"]),
        ('kind = "scim"\ninterval = "5m"', ["isn't read: take out interval"]),
        ('kind = "entra"\ntenant_id = "t"\nauthority = "http://login.example"', ["must begin with https://"]),
        ('kind = "entra"\ntenant_id = "t"', ["needs client_id", "needs one of client_secret_file"]),
        ('kind = "okta"\norg_url = "http://acme.okta.example"\napi_token = "pw"', ["begin with https://"]),
    ],
)  # fmt: skip
def test_a_directory_that_could_not_be_read_is_refused_with_what_to_write(
    declared: str, says: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f"[scim]\nrate = 3\n[directories.corp]\n{declared}\n")
    said = refused(config=file)
    assert "directories.corp" in said
    assert all(each in said for each in says), said
    assert "pw" not in said
    assert "scim.rate" in said, "all at once"


def test_a_directory_that_only_pushes_may_be_declared(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[directories.corp]\nkind = "entra"\n')
    assert not load(Overrides(config=file)).directories["corp"].is_read


def test_all_mistakes_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[scim]\nrate = 3\n[sync]\nsettel = 1\n")
    monkeypatch.setenv("CONNECTOR_PUBLIC_URL", "x")
    monkeypatch.setenv("CONNECTOR_NONSENSE", "x")
    said = refused(config=file)
    assert len(said.splitlines()) == 4
    for part in ("scim.rate in", "sync.settel in", "CONNECTOR_PUBLIC_URL", "CONNECTOR_NONSENSE"):
        assert part in said


@pytest.mark.parametrize("secret", ["", 'secret = "short"'])
def test_all_mistakes_about_notices_are_told_at_once(secret: str, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        f'[notify]\nurls = ["ftp://x.example", "https://10.0.0.1/a"]\n{secret}\ndigest_hour = 24\n'
        '[notify.smtp]\nhost = "mail.example"\nfrom = "nobody"\n'
    )
    said = refused(config=file)
    for part in (
        "at least 16" if secret else "notify.urls in",
        "x.example isn't https://HOST/PATH",
        "10.0.0.1 is inside the network",
        "digest_hour in",
        "host needs from",
        "'nobody' is no mail address",
    ):
        assert part in said
    assert ("needs secret beside it" in said) is not bool(secret)


def test_a_given_file_must_be_there_and_must_be_toml(tmp_path: Path) -> None:
    assert "no configuration file" in refused(config=tmp_path / "missing.toml")
    (tmp_path / "bad.toml").write_text("rate = = 3")
    assert "not valid TOML" in refused(config=tmp_path / "bad.toml")
    (tmp_path / "latin.toml").write_bytes(b'x = "\xe9"')
    assert "UTF-8" in refused(config=tmp_path / "latin.toml")


def test_a_secret_and_its_file_together_are_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", "x" * 40)
    monkeypatch.setenv("CONNECTOR_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert "not both" in refused()


def test_kubernetes_own_variables_for_a_service_called_connector_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CONNECTOR_PORT", "CONNECTOR_SERVICE_HOST", "CONNECTOR_PORT_8080_TCP_ADDR"):
        monkeypatch.setenv(name, "tcp://10.0.0.1:8080")
    assert isinstance(load(), Settings)


def test_with_postgresql_the_key_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", "postgresql+psycopg://u@h/d")
    assert "secret_key must be given" in refused()


def test_the_key_is_made_once_for_its_owner_only() -> None:
    first = secret_key(load())
    path = Path("data/secret.key")
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret_key(load()) == first
    assert len(first) >= 43
    assert [p.name for p in path.parent.iterdir()] == ["secret.key"]


def test_a_key_that_others_may_read_is_refused() -> None:
    secret_key(load())
    Path("data/secret.key").chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600"):
        secret_key(load())

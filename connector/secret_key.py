"""Which key signs sessions and encrypts stored secrets, and where does it lie?"""

import os
import secrets
from pathlib import Path

from connector.settings import BadSettings, Settings


def secret_key(settings: Settings) -> str:
    """The given key, or the one in the data folder, made at the first start (mode 0600).

    Raises BadSettings when the file can't be made or read, or others may read it.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = settings.data_dir / "secret.key"
    try:
        return _read(path) if path.exists() else _make(path)
    except OSError as error:
        raise BadSettings(
            f"can't keep the secret key in {path}: {error.strerror}; "
            "make the data folder writable, or give CONNECTOR_SECRET_KEY"
        ) from None


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)  # fails if another process was first: then its key counts
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _read(path)


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise BadSettings(f"others may read the secret key {path}: chmod 600 {path}")
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 32:
        raise BadSettings(f"{path} holds no key (32 characters or more): restore it from a backup")
    return key

"""Who may call the served tenant? One client, and the tokens it was given (OAuth 2.0 client credentials)."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class Tokens:
    """A token is its end (seconds since 1970) and a signature; nothing is stored, a restart ends them all."""

    client_id: str
    client_secret: str = field(repr=False)
    lifetime: timedelta = timedelta(hours=1)
    _signing: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def issue(self, client_id: str, client_secret: str, now: datetime) -> str | None:
        """None when the client isn't ours."""
        known = hmac.compare_digest(client_id.encode(), self.client_id.encode())
        if not (hmac.compare_digest(client_secret.encode(), self.client_secret.encode()) and known):
            return None
        end = str(int((now + self.lifetime).timestamp()))
        return f"{end}.{self._sign(end)}"

    def valid(self, token: str, now: datetime) -> bool:
        end, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(end).encode()):
            return False
        return now.timestamp() < int(end)

    def end_all(self) -> None:
        """Tokens can end before their time."""
        self._signing = secrets.token_bytes(32)

    def _sign(self, end: str) -> str:
        return hmac.digest(self._signing, end.encode(), "sha256").hex()

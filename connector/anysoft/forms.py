"""Which quantity, billing, address and account entries does AnySoft accept? Pure; all mistakes at once."""

import re
import unicodedata
from collections.abc import Mapping

from connector.anysoft.countries import COUNTRIES
from sync.model import Address, Billing

MOST_SEATS = 10_000_000
LONGEST_NAME = 500
#: (field, what is wrong and what to do); empty: all is well
Mistakes = list[tuple[str, str]]

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_MAIL = re.compile(rf"""[^\s@<>"(),:;\\\[\]]{{1,64}}@{_LABEL}(?:\.{_LABEL})+""")


def storable(text: str, longest: int) -> bool:
    """Whether a text is short enough and free of control characters, line breaks and lone surrogates."""
    return len(text) <= longest and not any(
        unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text
    )


def plausible_mail(text: str) -> bool:
    """Whether mail could be sent there: one @, no blanks, a domain with a dot. `.local` is fine."""
    local, _, _ = text.partition("@")
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    return len(text) <= 254 and not dots and _MAIL.fullmatch(text) is not None


def quantity_mistakes(quantity: int) -> Mistakes:
    """L5: a whole number of at least 1."""
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        return [("quantity", "must be a whole number")]
    if not 1 <= quantity <= MOST_SEATS:
        return [("quantity", f"must be a whole number from 1 to {MOST_SEATS}")]
    return []


def billing_mistakes(billing: Billing) -> Mistakes:
    mistakes = _text("billing.name", billing.name, 200) + _text("billing.email", billing.email, 254)
    if not any(field == "billing.email" for field, _ in mistakes) and not plausible_mail(billing.email):
        mistakes.append(("billing.email", "must be a mail address such as billing@example.com"))
    return mistakes + _text("billing.purchase_order", billing.purchase_order, 100, required=False)


def address_mistakes(address: Address) -> Mistakes:
    mistakes = (
        _text("address.line1", address.line1, 200)
        + _text("address.line2", address.line2, 200, required=False)
        + _text("address.city", address.city, 100)
        + _text("address.region", address.region, 100, required=False)
        + _text("address.postal_code", address.postal_code, 20)
    )
    if address.country not in COUNTRIES:
        mistakes.append(("address.country", "must be an ISO 3166-1 code of two capitals such as DE"))
    return mistakes


def settings_mistakes(settings: Mapping[str, str]) -> Mistakes:
    if len(settings) > 100:
        return [("settings", "at most 100 at once")]
    mistakes: Mistakes = []
    for name, value in settings.items():
        mistakes += _text("settings", name, 100)
        mistakes += _text(f"settings.{name[:100]}", value, 1000, required=False)
    return mistakes


def account_mistakes(texts: Mapping[str, str]) -> Mistakes:
    """The texts of a user by field. The address isn't judged: directories hold what no rule foresees."""
    mistakes: Mistakes = []
    for field, text in texts.items():
        mistakes += _text(field, text, LONGEST_NAME, required=field == "user_name")
    return mistakes


def destination_mistakes(name: str) -> Mistakes:
    return _text("name", name, 200)


def key_mistakes(key: str) -> Mistakes:
    mistakes = _text("Idempotency-Key", key, 100)
    if not mistakes and not key.isascii():
        return [("Idempotency-Key", "must be ASCII: it travels in a header")]
    return mistakes


def _text(field: str, text: str, longest: int, *, required: bool = True) -> Mistakes:
    if required and not text.strip():
        return [(field, "is required")]
    if len(text) > longest:
        return [(field, f"must have at most {longest} characters")]
    if not storable(text, longest):
        return [(field, "must be one line without control characters")]
    return []

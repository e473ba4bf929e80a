"""When are two names the same name? One folding for user names, group names and all that ignores case."""

from unicodedata import normalize


def folded(text: str) -> str:
    """The key under which a name is unique: NFKC and casefold, as filters compare (`scim.schema.fold`).

    SQLite's `upper` and NOCASE know ASCII only, so folding is done here and stored in a column of its own.
    """
    return normalize("NFKC", text).casefold()

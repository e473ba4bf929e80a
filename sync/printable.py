r"""How is a text shown whose letters a stranger chose, and how is one read that was shown? (T27)

The same on a terminal, in CSV, on a page and in a mail: what can't be seen, or moves a cursor, stands as an
escape (`\x1b`, `\u202e`). A backslash stands for itself, unless it would begin such an escape: then it is
`\x5c`, so that no two texts are shown alike.
"""

import re

_ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_BACKSLASH = r"\x5c"


def printable(text: str) -> str:
    """One line, without control and direction characters."""
    if text.isprintable() and "\\" not in text:
        return text
    plain = _ESCAPE.sub(lambda m: m[0].replace("\\", _BACKSLASH) if _is_ours(m[0]) else m[0], text)
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in plain)


def meant(shown: str) -> str:
    """The text that `printable` shows so; one without its escapes is itself."""
    return _ESCAPE.sub(lambda m: _letter(m[0]) if _is_ours(m[0]) else m[0], shown)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _letter(escape: str) -> str:
    return chr(int(escape[2:], 16))


def _is_ours(escape: str) -> bool:
    """Whether it is one that `printable` writes: of what can't be seen, or of the backslash."""
    code = int(escape[2:], 16)
    return escape == _BACKSLASH or (
        code <= 0x10FFFF and not chr(code).isprintable() and escape == _escape(code)
    )

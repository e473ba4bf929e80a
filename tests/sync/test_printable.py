"""Can a stranger's text do anything where it is shown, and is it told apart from every other? (T27)"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.printable import meant, printable

#: what escapes are made of, and what they are for
_LETTERS = st.sampled_from("\\\\\\x1b5cuU0ae\x1b\n\x7f\x9b\u202e\u2028\U000e0001\xab")


@given(st.text(_LETTERS, max_size=16) | st.text(max_size=16))
def test_what_is_shown_can_be_seen_and_means_one_text(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert meant(shown) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anna@n.example", "anna@n.example"),
        (r"NORTHMILL\anna", r"NORTHMILL\anna"),
        ("\x1b[31mred", r"\x1b[31mred"),
        (r"\x1b[31mred", r"\x5cx1b[31mred"),
        ("a\u202eb\n", r"a\u202eb\x0a"),
        (r"\xab", r"\xab"),
    ],
)
def test_how_it_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown

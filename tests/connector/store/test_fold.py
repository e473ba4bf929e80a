"""Which names are the same name?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.store.fold import folded
from scim.schema import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@X.example", "ADA@x.example"),
        ("É", "é"),
        ("straße", "STRASSE"),
        ("ｆｕｌｌ", "full"),
        ("ﬁn", "FIN"),
    ],
)
def test_folded_alike(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@given(st.text())
def test_the_store_folds_as_filters_do(text: str) -> None:
    assert folded(text) == fold(text)

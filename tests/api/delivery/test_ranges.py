"""Single byte ranges are cut out; whatever else a Range field says is the whole file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.delivery.ranges import Slice, Unsatisfiable, read_range


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("BYTES= 10-19 ", (10, 20)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=5-4", None),
        ("bytes=0-1,3-4", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=\u0661-", None),
        ("items=0-1", None),
        (f"bytes=0-{10**18}", None),
    ],
)
def test_what_a_range_asks_for(text: str, piece: tuple[int, int] | None) -> None:
    assert read_range(text, 100) == (None if piece is None else Slice(*piece))


@pytest.mark.parametrize("text", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_what_lies_behind_the_end_cannot_be_had(text: str) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(text, 100)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 40))
def test_a_range_is_what_a_slice_is(first: int, length: int, size: int) -> None:
    body = bytes(range(size))
    if first >= size:
        with pytest.raises(Unsatisfiable):
            read_range(f"bytes={first}-{first + length}", size)
    else:
        piece = read_range(f"bytes={first}-{first + length}", size)
        assert piece is not None
        assert body[piece.start : piece.end] == body[first : first + length + 1]

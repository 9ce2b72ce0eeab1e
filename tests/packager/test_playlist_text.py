"""Every viewer's copy has that viewer's tokens, however the text was put together."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from packager.playlist_text import PlaylistText, opened_by_token

lines = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["#EXTM3U", "#EXTINF:2", "a", ""])).flatmap(
        lambda line: st.sampled_from([line, (line[0], opened_by_token(f"{line[1]}.m4s"))])
    ),
    max_size=20,
)


@given(st.lists(lines, max_size=4))
def test_joined_runs_are_the_same_text(texts: list[list[tuple[int, str]]]) -> None:
    runs = [run for text in texts for run in PlaylistText.of(text).runs]
    joined = PlaylistText.joined(runs)
    for shift in (0, 10):

        def token(group: int, shift: int = shift) -> bytes:
            return b"<%d>" % (group + shift)

        assert joined.fill(token) == PlaylistText(tuple(runs)).fill(token)
    groups = [group for group, _ in joined.runs]
    assert all(one != other for one, other in pairwise(groups))


def test_text_of_one_group_is_one_run() -> None:
    tail = PlaylistText.of([(7, "#EXTM3U"), (1, opened_by_token("1.m4s")), (7, "#EXTINF:2")])
    assert [group for group, _ in PlaylistText.joined(tail.runs + tail.runs).runs] == [1]

"""What processes say to each other survives the socket, and nonsense does not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth.client import client_of
from api.serving.codec import MalformedMessage, Reader, pieces
from api.serving.messages import (
    Ask,
    AssetIs,
    Await,
    Came,
    Count,
    Done,
    FileIs,
    FindAsset,
    Finish,
    Look,
    Message,
    PlaylistIs,
    ReadFile,
    ReadPlaylist,
    Ready,
    Refused,
    Stop,
    Version,
    Waits,
    Waive,
    Welcome,
)
from packager.package import Charge, MediaFile
from packager.playlist_text import PlaylistText

_BYTES_MAX = 100_000

ids = st.integers(0, 2**32 - 1)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
numbers = st.integers(0, 2**63 - 1)
times = st.integers(-(2**62), 2**62)
flags = st.booleans()
clients = st.builds(client_of, st.integers(0, 2**57 - 1), st.integers(0, 2**32 - 1))
texts_between = st.lists(
    st.binary(max_size=20).map(lambda text: text.replace(b"\0", b"")), min_size=1, max_size=4
)
playlists = st.builds(
    PlaylistText, st.lists(st.tuples(times, texts_between.map(tuple)), max_size=3).map(tuple)
)
versions = st.builds(Version, st.integers(0, 2**64 - 1), flags, playlists)
files = st.builds(
    MediaFile,
    st.binary(max_size=100),
    texts,
    st.none() | st.builds(Charge, numbers, times, times, flags, flags, st.integers(0, 65_535)),
    flags,
)
messages: st.SearchStrategy[Message] = st.one_of(
    st.sampled_from([Ready(), Stop()]),
    st.builds(Ask, ids, texts, numbers, times, times, flags, st.integers(0, 65_535), clients),
    st.builds(Finish, ids, flags, st.integers(0, 1_000)),
    st.builds(Look, ids, texts, flags),
    st.builds(Waive, texts, numbers, numbers),
    st.builds(FindAsset, ids, texts),
    st.builds(ReadPlaylist, ids, texts, texts, flags, numbers),
    st.builds(Await, ids, texts, texts, numbers, st.none() | st.integers(0, 9999), flags, flags),
    st.builds(ReadFile, ids, texts, texts),
    st.builds(
        Count,
        st.lists(
            st.tuples(texts, st.lists(texts, max_size=2).map(tuple), st.floats(0, 1e9)), max_size=3
        ).map(tuple),
    ),
    st.builds(Welcome, st.binary(max_size=100)),
    st.builds(Done, ids),
    st.builds(Refused, ids, st.integers(0, 255), st.tuples(times, times), texts),
    st.builds(AssetIs, ids, flags, flags),
    st.builds(PlaylistIs, ids, versions),
    st.builds(Waits, ids),
    st.builds(Came, ids, st.none() | versions, st.none() | versions),
    st.builds(FileIs, ids, files),
)


@given(st.lists(messages, max_size=8), st.lists(st.integers(0, 4_000), max_size=8))
def test_messages_arrive_as_they_were_however_they_are_cut(
    sent: list[Message], cuts: list[int]
) -> None:
    stream = b"".join(itertools.chain.from_iterable(map(pieces, sent)))
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader = Reader(_BYTES_MAX)
    got: list[Message] = []
    for start, end in itertools.pairwise(places):
        got += reader.feed(stream[start:end])
    assert got == sent
    assert [type(message) for message in got] == [type(message) for message in sent]


@given(messages, st.data())
def test_a_message_that_was_damaged_is_another_message_or_malformed(
    message: Message, data: st.DataObject
) -> None:
    stream = bytearray(b"".join(pieces(message)))
    place = data.draw(st.integers(4, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    try:
        got = Reader(_BYTES_MAX).feed(bytes(stream))
    except MalformedMessage:
        return
    assert len(got) == 1


@pytest.mark.parametrize(
    "stream",
    [
        b"\0\0\0\0\0",  # nothing, not even a kind
        b"\xff\xff\xff\xff\x01",  # more than may be stored
        b"\0\0\0\x01\x63",  # no such kind
        b"\0\0\0\x02\x00\x00",  # more than the kind has
        b"\0\0\0\x02\x01\x00",  # less
        b"\0\0\0\x07\x03\0\0\0\x01\0\xff",  # a text that is none
        b"\0\0\0\x03\x08[1",  # cut-off JSON
        b'\0\0\0\x0e\x08[["a", [1], 2]]',  # labels that are no texts
    ],
)
def test_nonsense_ends_the_conversation(stream: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Reader(_BYTES_MAX).feed(stream)

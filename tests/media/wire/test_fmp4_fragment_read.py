from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Packet
from media.wire.fmp4_fragment import audio_fragment, video_fragment
from media.wire.fmp4_fragment_read import Fragment, MalformedFragment, fragments, read_fragment

SAMPLES = st.lists(
    st.tuples(
        st.integers(1, 10_000), st.integers(-5_000, 5_000), st.booleans(), st.binary(max_size=50)
    ),
    min_size=1,
    max_size=20,
)


def packets_of(samples: list[tuple[int, int, bool, bytes]], start: int) -> tuple[list[Packet], int]:
    packets = []
    for duration, offset, keyframe, data in samples:
        packets.append(Packet(start, start + offset, duration, keyframe, data))
        start += duration
    return packets, start


def payloads(segment: bytes, fragment: Fragment) -> list[bytes]:
    ends = [fragment.payload]
    for size in fragment.sizes:
        ends.append(ends[-1] + size)
    return [segment[start:end] for start, end in pairwise(ends)]


@given(st.lists(SAMPLES, min_size=1, max_size=3), st.integers(0, 2**40))
def test_what_was_packed_is_read_back(
    parts: list[list[tuple[int, int, bool, bytes]]], start: int
) -> None:
    segment, expected = b"", []
    for number, samples in enumerate(parts):
        packets, start = packets_of(samples, start)
        segment += video_fragment(number + 1, packets, start)
        expected.append(packets)
    found = list(fragments(segment))
    for fragment, packets in zip(found, expected, strict=True):
        assert fragment.dts == packets[0].dts
        assert list(fragment.durations) == [each.duration for each in packets]
        assert list(fragment.offsets) == [each.pts - each.dts for each in packets]
        assert fragment.keyframes() == [at for at, each in enumerate(packets) if each.keyframe]
        assert fragment.begins_with_keyframe == packets[0].keyframe
        assert payloads(segment, fragment) == [each.data for each in packets]
    assert found[-1].end == len(segment)


def test_of_sound_no_sample_is_a_keyframe_among_others() -> None:
    packets, end = packets_of([(1024, 0, True, b"a"), (1024, 0, True, b"bc")], 48_000)
    (found,) = fragments(audio_fragment(1, packets, end))
    assert (found.dts, list(found.durations), list(found.sizes)) == (48_000, [1024] * 2, [1, 2])
    assert not found.offsets
    assert not found.begins_with_keyframe


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 255))
def test_other_bytes_are_refused_whatever_they_are(noise: bytes, at: int, value: int) -> None:
    packets, end = packets_of([(3000, 0, True, b"keyframe"), (3000, 0, False, b"other")], 0)
    whole = video_fragment(1, packets, end)
    changed = whole[:at] + bytes([value]) + whole[at + 1 :]
    for hostile in (noise, b"\0\0\0\x20moof" + noise, whole[:at], changed):
        try:
            found = list(fragments(hostile))
        except MalformedFragment:
            continue
        assert all(each.payload + each.payload_bytes <= len(hostile) for each in found)


def test_two_tracks_in_one_fragment_are_refused() -> None:
    packets, end = packets_of([(3000, 0, True, b"keyframe")], 0)
    whole = video_fragment(1, packets, end)
    moof = int.from_bytes(whole[:4], "big")
    traf = whole[24:moof]
    double = (moof + len(traf)).to_bytes(4, "big") + whole[4:moof] + traf + whole[moof:]
    with pytest.raises(MalformedFragment):
        read_fragment(double)

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Packet
from media.wire.fmp4_fragment import audio_fragment, video_fragment
from media.wire.fmp4_init import init_segment
from tests.packager.clip import audio_clip, decode, video_clip


def end_of(packets: tuple[Packet, ...]) -> int:
    return packets[-1].dts + packets[-1].dts - packets[-2].dts


@pytest.mark.parametrize("b_frames", [0, 3])
def test_an_independent_reader_finds_every_video_packet_at_its_own_time(b_frames: int) -> None:
    clip = video_clip(seconds=4, b_frames=b_frames)
    half = len(clip.packets) // 2
    first, second = clip.packets[:half], clip.packets[half:]
    file = (
        init_segment(clip.track)
        + video_fragment(1, first, second[0].dts)
        + video_fragment(2, second, end_of(clip.packets))
    )
    found = decode(file)
    assert found.timescale == 90_000
    assert found.times == [(packet.dts, packet.pts) for packet in clip.packets]
    assert found.keyframes == [packet.keyframe for packet in clip.packets]
    assert found.frames == sorted(packet.pts for packet in clip.packets)
    assert any(packet.pts != packet.dts for packet in clip.packets) == (b_frames > 0)


@pytest.mark.parametrize(("sample_rate", "channels"), [(48_000, 2), (44_100, 2), (96_000, 1)])
def test_an_independent_reader_finds_every_audio_packet_at_its_own_time(
    sample_rate: int, channels: int
) -> None:
    clip = audio_clip(seconds=2, sample_rate=sample_rate, channels=channels)
    found = decode(init_segment(clip.track) + audio_fragment(1, clip.packets, end_of(clip.packets)))
    assert found.timescale == sample_rate
    assert found.times == [(packet.dts, packet.pts) for packet in clip.packets]
    assert all(found.keyframes)
    assert len(found.frames) == len(clip.packets)


def test_composition_offsets_are_signed() -> None:
    """Read from the bytes: FFmpeg shifts a whole track whose first offset is negative."""
    packet = Packet(dts=900_000, pts=896_400, duration=0, keyframe=True, data=b"data")
    fragment = video_fragment(1, [packet], 903_600)
    trun = fragment.index(b"trun")
    assert fragment[trun + 4] == 1
    assert int.from_bytes(fragment[trun + 28 : trun + 32], "big", signed=True) == -3600


def test_uneven_gaps_between_packets_are_kept_exactly() -> None:
    clip = video_clip(seconds=4)
    packets = tuple(
        replace(packet, dts=packet.dts + index * index, pts=packet.pts + index * index)
        for index, packet in enumerate(clip.packets)
    )
    file = init_segment(clip.track) + video_fragment(1, packets, end_of(packets))
    assert decode(file).times == [(packet.dts, packet.pts) for packet in packets]


@given(
    st.lists(
        st.tuples(st.integers(1, 10_000), st.integers(-5_000, 5_000), st.binary(max_size=50)),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 2**50),
)
def test_the_boxes_of_a_fragment_add_up(samples: list[tuple[int, int, bytes]], start: int) -> None:
    dts = start
    packets = []
    for duration, offset, data in samples:
        packets.append(Packet(dts, dts + offset, 0, keyframe=True, data=data))
        dts += duration
    for make in (video_fragment, audio_fragment):
        fragment = make(7, packets, dts)
        moof = int.from_bytes(fragment[:4], "big")
        assert fragment[4:8] == b"moof"
        assert fragment[moof + 4 : moof + 8] == b"mdat"
        assert moof + int.from_bytes(fragment[moof : moof + 4], "big") == len(fragment)
        assert fragment[moof + 8 :] == b"".join(packet.data for packet in packets)


def test_packing_is_fast_enough_for_a_hundred_publishers() -> None:
    """100 publishers at 60 fps are 6000 packets a second; the bar allows for a busy machine."""
    packets = [
        Packet(index * 1500, index * 1500, 0, keyframe=index % 120 == 0, data=bytes(10_000))
        for index in range(12_001)
    ]
    before = time.process_time()
    for group, following in pairwise(range(0, 12_001, 120)):
        video_fragment(1, packets[group:following], following * 1500)
    assert 12_000 / (time.process_time() - before) > 20_000

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Coding
from media.wire.bits import MalformedConfiguration
from media.wire.elementary_video import elementary_video
from media.wire.flv import VideoConfiguration, VideoFrame, VideoTag, parse_video
from media.wire.nal import MalformedAccessUnit
from tests.media.wire.captures import capture
from tests.media.wire.test_av1 import INTER_FRAME, KEY_FRAME, SEQUENCE
from tests.media.wire.test_av1_sequence import RECORD

VIDEOS = [Coding.H264, Coding.HEVC, Coding.AV1, Coding.VP9]
_CAPTURES = {Coding.H264: "multitrack", Coding.HEVC: "hevc", Coding.AV1: "av1", Coding.VP9: "vp9"}


def tags(coding: Coding) -> list[VideoTag]:
    sent = [tag for message in capture(_CAPTURES[coding]) for tag in parse_video(message.data)]
    return [
        tag
        for tag in sent
        if isinstance(tag, VideoConfiguration | VideoFrame) and tag.coding is coding
    ]


def configuration(coding: Coding) -> bytes:
    return next(tag.record for tag in tags(coding) if isinstance(tag, VideoConfiguration))


def key_frame(coding: Coding) -> bytes:
    return next(tag.data for tag in tags(coding) if isinstance(tag, VideoFrame))


@pytest.mark.parametrize("coding", VIDEOS)
def test_a_track_is_known_by_the_first_keyframe_and_stays_the_same(coding: Coding) -> None:
    video = elementary_video(coding)
    video.configure(configuration(coding))
    video.take(key_frame(coding))
    track = video.track
    assert track is not None
    assert track.coding is coding

    video.configure(configuration(coding))
    _, is_key = video.take(key_frame(coding))

    assert video.track is track
    assert is_key


@pytest.mark.parametrize("coding", VIDEOS)
def test_a_broken_configuration_leaves_the_one_before(coding: Coding) -> None:
    video = elementary_video(coding)
    video.configure(configuration(coding))
    video.take(key_frame(coding))
    track = video.track

    with pytest.raises(MalformedConfiguration):
        video.configure(b"broken")

    video.take(key_frame(coding))
    assert video.track is track


@pytest.mark.parametrize("coding", [Coding.H264, Coding.HEVC])
def test_short_lengths_are_widened(coding: Coding) -> None:
    position = 4 if coding is Coding.H264 else 21
    record = bytearray(configuration(coding))
    record[position] &= 0xFD  # two bytes
    video = elementary_video(coding)
    video.configure(bytes(record))

    data, is_key = video.take(b"\0\3\x09\x10\x20\0\2\x28\x01")

    assert data == b"\0\0\0\3\x09\x10\x20\0\0\0\2\x28\x01"
    assert is_key is (coding is Coding.HEVC)
    assert video.track is not None
    assert video.track.extradata == configuration(coding)


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        (Coding.H264, b"\0\0\0\5\x65"),
        (Coding.HEVC, b"\0\0\1"),
        (Coding.AV1, b"\x32\5"),
        (Coding.VP9, b""),
    ],
)
def test_what_is_no_frame_is_refused(coding: Coding, data: bytes) -> None:
    video = elementary_video(coding)
    video.configure(configuration(coding))

    with pytest.raises(MalformedAccessUnit):
        video.take(data)


@pytest.mark.parametrize("record", [b"", RECORD[:4]])
def test_av1_may_have_its_sequence_header_in_the_stream_alone(record: bytes) -> None:
    video = elementary_video(Coding.AV1)
    video.configure(record)
    assert not video.take(INTER_FRAME)[1]

    video.take(SEQUENCE + KEY_FRAME)

    assert video.track is not None
    assert video.track.extradata == RECORD


def test_av1_may_change_its_size_at_a_key_frame() -> None:
    video = elementary_video(Coding.AV1)
    video.configure(RECORD)
    track = video.track
    changed = bytearray(SEQUENCE)
    changed[8] ^= 0x10  # four lines fewer

    video.take(bytes(changed) + KEY_FRAME)

    assert track is not None
    assert video.track is not None
    assert (video.track.width, video.track.height) != (track.width, track.height)
    with pytest.raises(MalformedAccessUnit):
        video.take(b"\x0a\1\0" + KEY_FRAME)


def test_vp9_is_unknown_until_configuration_and_key_frame_are_there() -> None:
    video = elementary_video(Coding.VP9)
    assert video.take(key_frame(Coding.VP9))[1]
    assert not video.take(b"\x86\0")[1]
    before = video.track

    video.configure(configuration(Coding.VP9))
    video.take(key_frame(Coding.VP9))

    assert before is None
    assert video.track is not None


@given(st.sampled_from(VIDEOS), st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_are_fatal(coding: Coding, record: bytes, data: bytes) -> None:
    video = elementary_video(coding)
    try:
        video.configure(record)
    except MalformedConfiguration:
        video.configure(configuration(coding))
    try:
        video.take(data)
    except MalformedAccessUnit:
        return


@given(
    st.sampled_from(VIDEOS),
    st.integers(0, 80),
    st.binary(max_size=4),
    st.integers(0, 4),
)
def test_no_mutation_is_fatal(coding: Coding, position: int, inserted: bytes, removed: int) -> None:
    video = elementary_video(coding)
    for tag in tags(coding)[:4]:
        given_bytes = tag.record if isinstance(tag, VideoConfiguration) else b""
        if isinstance(tag, VideoFrame):
            given_bytes = tag.data
        mutated = given_bytes[:position] + inserted + given_bytes[position + removed :]
        try:
            if isinstance(tag, VideoConfiguration):
                video.configure(mutated)
            else:
                video.take(mutated)
        except (MalformedConfiguration, MalformedAccessUnit):
            continue

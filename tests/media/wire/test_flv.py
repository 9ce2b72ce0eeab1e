import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Coding
from media.wire.flv import (
    AudioChannels,
    AudioConfiguration,
    AudioEnded,
    AudioFrame,
    AudioSilence,
    AudioTag,
    Unsupported,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    VideoIdle,
    VideoMetadata,
    VideoTag,
    WritableAudio,
    WritableVideo,
    parse_audio,
    parse_video,
    write_audio,
    write_enhanced_audio,
    write_enhanced_video,
    write_video,
)

H264, HEVC, AV1, VP9 = Coding.H264, Coding.HEVC, Coding.AV1, Coding.VP9
AAC, OPUS, FLAC, AC3 = Coding.AAC, Coding.OPUS, Coding.FLAC, Coding.AC3

# Read in both directions.
VIDEO: list[tuple[bytes, WritableVideo]] = [
    (b"\x17\0\0\0\0\1\x64\0\x1f", VideoConfiguration(b"\1\x64\0\x1f")),
    (b"\x17\1\0\0\x42\0\0\0\1e", VideoFrame(True, 66, b"\0\0\0\1e")),
    (b"\x27\1\0\0\0x", VideoFrame(False, 0, b"x")),
    (b"\x27\1\xff\xff\xdfx", VideoFrame(False, -33, b"x")),
    (b"\x27\1\x80\0\0", VideoFrame(False, -(1 << 23), b"")),
    (b"\x17\2\0\0\0", VideoEnded()),
    # What FFmpeg 9 sends of HEVC, with and without a composition time, and its colours.
    (b"\x90hvc1\1record", VideoConfiguration(b"\1record", HEVC)),
    (b"\x91hvc1\0\0\x50x", VideoFrame(True, 80, b"x", HEVC)),
    (b"\xa1hvc1\xff\xff\xffx", VideoFrame(False, -1, b"x", HEVC)),
    (b"\xa3hvc1x", VideoFrame(False, 0, b"x", HEVC)),
    (b"\x92hvc1", VideoEnded(HEVC)),
    (b"\xd4hvc1\2\0\x09colorInfo", VideoMetadata(b"\2\0\x09colorInfo", HEVC)),
    # Codecs that present what they decode have no composition time.
    (b"\x91av01\x12\0", VideoFrame(True, 0, b"\x12\0", AV1)),
    (b"\xa1vp09\x86\0", VideoFrame(False, 0, b"\x86\0", VP9)),
    # FFmpeg's second video track, next to a legacy first one.
    (b"\x96\0avc1\1record", VideoConfiguration(b"record", number=1)),
    (b"\x96\3avc1\1x", VideoFrame(True, 0, b"x", number=1)),
    (b"\xa6\1avc1\1\0\0\xc8x", VideoFrame(False, 200, b"x", number=1)),
    # A timestamp to the nanosecond, without and with tracks.
    (b"\xa7\2\x07\xa1\x20\3avc1x", VideoFrame(False, 0, b"x", nanoseconds=500_000)),
    (b"\xa7\2\x00\x00\x09\6\1av01\2x", VideoFrame(False, 0, b"x", AV1, 2, 9)),
]  # fmt: skip
AUDIO: list[tuple[bytes, WritableAudio]] = [
    (b"\xaf\0\x12\x10", AudioConfiguration(b"\x12\x10")),
    (b"\xaf\1frame", AudioFrame(b"frame")),
    (b"\x2f\xff\xfb", AudioFrame(b"\xff\xfb", Coding.MP3)),
    (b"\x90OpusOpusHead", AudioConfiguration(b"OpusHead", OPUS)),
    (b"\x91Opus\xfc\xff\xfe", AudioFrame(b"\xfc\xff\xfe", OPUS)),
    (b"\x94Opus\1\2\0\0\0\3", AudioChannels(1, 2, b"\0\0\0\3", OPUS)),
    (b"\x94fLaC\2\3\0\1\2", AudioChannels(2, 3, b"\0\1\2", FLAC)),
    (b"\x94ac-3\0\6", AudioChannels(0, 6, b"", AC3)),
    (b"\x90ac-3", AudioConfiguration(b"", AC3)),
    (b"\x91ec-3\x0b\x77", AudioFrame(b"\x0b\x77", Coding.EAC3)),
    (b"\x92fLaC", AudioEnded(FLAC)),
    (b"\x95\0mp4a\1\x12\x10", AudioConfiguration(b"\x12\x10", number=1)),
    (b"\x95\1.mp3\1\xff\xfb", AudioFrame(b"\xff\xfb", Coding.MP3, 1)),
    (b"\x97\2\0\0\x64\1mp4aframe", AudioFrame(b"frame", nanoseconds=100)),
]
# Several tracks in one message.
MANY_VIDEOS: list[tuple[bytes, tuple[WritableVideo, ...]]] = [
    (
        b"\x96\x11avc1" b"\0\0\0\4\0\0\0x" b"\1\0\0\5\0\0\x21yz",
        (VideoFrame(True, 0, b"x"), VideoFrame(True, 33, b"yz", number=1)),
    ),
    (
        b"\xa6\x23" b"hvc1\0\0\0\1x" b"avc1\7\0\0\0",
        (VideoFrame(False, 0, b"x", HEVC), VideoFrame(False, 0, b"", number=7)),
    ),
    (
        b"\x96\x20" b"av01\0\0\0\2ab" b"vp09\1\0\0\1c",
        (VideoConfiguration(b"ab", AV1), VideoConfiguration(b"c", VP9, 1)),
    ),
]  # fmt: skip
MANY_AUDIOS: list[tuple[bytes, tuple[WritableAudio, ...]]] = [
    (
        b"\x95\x11Opus" b"\0\0\0\1a" b"\2\0\0\2bc",
        (AudioFrame(b"a", OPUS), AudioFrame(b"bc", OPUS, 2)),
    ),
    (
        b"\x95\x20" b"mp4a\0\0\0\1a" b"fLaC\1\0\0\1b",
        (AudioConfiguration(b"a"), AudioConfiguration(b"b", FLAC, 1)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "tag"), VIDEO)
def test_a_video_body_is_read_and_written(body: bytes, tag: WritableVideo) -> None:
    assert parse_video(body) == (tag,)
    assert write_video(tag) == body


@pytest.mark.parametrize(("body", "tag"), AUDIO)
def test_an_audio_body_is_read_and_written(body: bytes, tag: WritableAudio) -> None:
    assert parse_audio(body) == (tag,)
    assert write_audio(tag) == body


@pytest.mark.parametrize(("body", "tags"), MANY_VIDEOS)
def test_a_body_of_several_videos_is_read_and_written(
    body: bytes, tags: tuple[WritableVideo, ...]
) -> None:
    assert parse_video(body) == tags
    assert write_enhanced_video(*tags) == body


@pytest.mark.parametrize(("body", "tags"), MANY_AUDIOS)
def test_a_body_of_several_sounds_is_read_and_written(
    body: bytes, tags: tuple[WritableAudio, ...]
) -> None:
    assert parse_audio(body) == tags
    assert write_enhanced_audio(*tags) == body


def test_a_tag_can_be_written_for_another_track() -> None:
    assert parse_video(write_video(VideoFrame(True, 40, b"x"), 3)) == (
        VideoFrame(True, 40, b"x", number=3),
    )
    assert parse_audio(write_audio(AudioFrame(b"x"), 1)) == (AudioFrame(b"x", number=1),)


# What nobody here writes, and others do.
@pytest.mark.parametrize(
    ("body", "tags"),
    [
        (b"", [VideoIdle()]),
        (b"\x57\0", [VideoIdle()]),
        (b"\x57\1\0\0\0\0", [VideoIdle()]),
        (b"\xd1\0", [VideoIdle()]),
        # Other modifiers, one of more than 255 bytes, before and behind the one we know.
        (
            b"\x97\0x\x57\2\0\0\2\7\xff\1\0" + bytes(257) + b"\x13avc1\0",
            [VideoFrame(True, 0, b"\0", nanoseconds=2)],
        ),
        (b"\x97\2\xff\xff\xff\3avc1x", [VideoFrame(True, 0, b"x", nanoseconds=999_999)]),
        (b"\x97\1\xff\xff\3avc1x", [VideoFrame(True, 0, b"x")]),
        # HEVC before Enhanced RTMP.
        (b"\x1c\0\0\0\0record", [VideoConfiguration(b"record", HEVC)]),
        (b"\x2c\1\0\0\x28x", [VideoFrame(False, 40, b"x", HEVC)]),
        (b"\x1c\2\0\0\0", [VideoEnded(HEVC)]),
        (b"\x90avc1record", [VideoConfiguration(b"record")]),
        (b"\x91avc1\0\0\0x", [VideoFrame(True, 0, b"x")]),
        # AV1 by an MPEG-2 TS descriptor: the frames say the rest.
        (b"\x95av01\x80\x04", [VideoConfiguration(b"", AV1)]),
        (b"\x93av01x", [VideoFrame(True, 0, b"x", AV1)]),
        # A track that is cut off does not cost the others.
        (
            b"\x96\x13avc1\0\0\0\1x\1\0\0\2y",
            [VideoFrame(True, 0, b"x"), Unsupported("truncated video")],
        ),
        (
            b"\x96\x23avc1\0\0\0\1xvvc1\1\0\0\1yav01\2\0\0\1z?",
            [
                VideoFrame(True, 0, b"x"),
                Unsupported("video codec vvc1"),
                VideoFrame(True, 0, b"z", AV1, 2),
                Unsupported("truncated video"),
            ],
        ),
    ],
)
def test_other_forms_of_video_are_read(body: bytes, tags: list[VideoTag]) -> None:
    assert list(parse_video(body)) == tags


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        (b"", [AudioSilence()]),
        (b"\xaf\1", [AudioSilence(AAC)]),
        (b"\x2f", [AudioSilence(Coding.MP3)]),
        (b"\x91fLaC", [AudioSilence(FLAC)]),  # FFmpeg's last one
        (b"\xe2\xff\xf3", [AudioFrame(b"\xff\xf3", Coding.MP3)]),  # at 8 kHz
        (b"\x90mp4a\x12\x10", [AudioConfiguration(b"\x12\x10")]),
        (b"\x95\x10Opus\0\0\0\1x\1\0\0\0", [AudioConfiguration(b"x", OPUS),
                                             AudioConfiguration(b"", OPUS, 1)]),
    ],
)  # fmt: skip
def test_other_forms_of_audio_are_read(body: bytes, tags: list[AudioTag]) -> None:
    assert list(parse_audio(body)) == tags


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"\x17", "truncated video"),
        (b"\x17\1\0\0", "truncated video"),
        (b"\x17\3\0\0\0", "video packet type 3"),
        (b"\x12aaaaaa", "video codec 2"),
        (b"\x90vvc1record", "video codec vvc1"),
        (b"\x90vp08record", "video codec vp08"),
        (b"\x90\0\xff12", "video codec 00ff3132"),
        (b"\x98avc1", "video packet type 8"),
        (b"\x95hvc1", "video packet type 5"),
        (b"\x90avc", "truncated video"),
        (b"\x91avc1\0\0", "truncated video"),
        (b"\x96", "truncated video"),
        (b"\x96\1", "truncated video"),
        (b"\x97", "truncated video"),
        (b"\x97\xff\xff", "truncated video"),
        (b"\x97\0x", "truncated video"),
        (b"\x97" + b"\0x\7" * 99, "too many modifiers"),
        (b"\x96\x36avc1\0", "multitrack type 3 of packet type 6"),
        (b"\x96\x06avc1\0", "multitrack type 0 of packet type 6"),
        (b"\x96\x07avc1\0", "multitrack type 0 of packet type 7"),
    ],
)
def test_video_that_cannot_be_used_is_named(body: bytes, what: str) -> None:
    assert parse_video(body)[0] == Unsupported(what)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"\xaf", "truncated audio"),
        (b"\xaf\2x", "audio packet type 2"),
        (b"\x5fx", "audio codec 5"),
        (b"\x90spex", "audio codec spex"),
        (b"\x93Opus", "audio packet type 3"),
        (b"\x94Opus\1", "truncated audio"),
        (b"\x94Opus\2\2\0", "truncated audio"),
        (b"\x97\0", "truncated audio"),
        (b"\x95\x31Opus", "multitrack type 3 of packet type 1"),
    ],
)
def test_audio_that_cannot_be_used_is_named(body: bytes, what: str) -> None:
    assert parse_audio(body) == (Unsupported(what),)


def test_a_message_of_endless_tracks_is_read_up_to_a_bound() -> None:
    assert len(parse_video(b"\x96\x13avc1" + b"\0\0\0\0" * 1_000)) == 32


_HEADS = st.sampled_from([body for body, _ in (*VIDEO, *AUDIO, *MANY_VIDEOS, *MANY_AUDIOS)])


@given(st.binary(max_size=40))
def test_no_body_is_fatal(body: bytes) -> None:
    assert parse_video(body)
    assert parse_audio(body)


@given(_HEADS, st.integers(0, 20), st.binary(max_size=6), st.integers(0, 6))
def test_no_mutation_of_a_valid_body_is_fatal(
    body: bytes, position: int, inserted: bytes, removed: int
) -> None:
    mutated = body[:position] + inserted + body[position + removed :]

    assert parse_video(mutated)
    assert parse_audio(mutated)

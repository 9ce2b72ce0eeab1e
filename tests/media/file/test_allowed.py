import io
from collections.abc import Sequence
from dataclasses import replace

import av
import pytest
from av.codec import Codec
from av.format import ContainerFormat

from config import limits
from media.file.allowed import (
    AUDIO_DECODERS,
    DECODERS,
    DEMUXERS,
    PCM_DECODERS,
    VIDEO_DECODERS,
    StreamFacts,
    StreamKind,
    check_pace,
    check_streams,
    open_options,
)
from media.file.container import Container
from media.file.refusal import SENTENCES, RefusalCode, Refused
from tests.media.file.tiny_files import tiny_files

FILM = StreamFacts(StreamKind.VIDEO, "h264", "avc1", width=1920, height=1080)
SOUND = StreamFacts(StreamKind.AUDIO, "aac", "mp4a", sample_rate=48_000, channels=2)
COVER = StreamFacts(StreamKind.VIDEO, "mjpeg", attached_picture=True, width=9_000, height=9_000)
SUBTITLES = StreamFacts(StreamKind.OTHER, "subrip")
XVID = replace(FILM, decoder="mpeg4")
DTS = replace(SOUND, decoder="dca")


def refusal_of(streams: Sequence[StreamFacts]) -> Refused:
    with pytest.raises(Refused) as refused:
        check_streams(streams)
    return refused.value


def test_a_film_with_its_extras_is_taken_without_them() -> None:
    usable = check_streams([COVER, SUBTITLES, FILM, SOUND, SOUND, *[SUBTITLES] * 40])

    assert (usable.video, usable.audio) == ((2,), (3, 4))


def test_unsupported_tracks_beside_supported_ones_are_left_aside() -> None:
    usable = check_streams([XVID, FILM, DTS, SOUND])

    assert (usable.video, usable.audio) == ((1,), (3,))


def test_sound_with_a_cover_is_sound() -> None:
    usable = check_streams([SOUND, COVER])

    assert (usable.video, usable.audio) == ((), (0,))


@pytest.mark.parametrize(
    ("streams", "code", "detail"),
    [
        ([], RefusalCode.NO_MEDIA, ""),
        ([COVER, SUBTITLES], RefusalCode.NO_MEDIA, ""),
        ([XVID, SOUND], RefusalCode.UNSUPPORTED_CODEC, "MPEG-4 Part 2 (DivX, Xvid)"),
        ([FILM, DTS], RefusalCode.UNSUPPORTED_CODEC, "DTS"),
        ([replace(FILM, decoder=None, tag="xyz1")], RefusalCode.UNSUPPORTED_CODEC, "xyz1"),
        ([replace(FILM, decoder=None, tag="")], RefusalCode.UNSUPPORTED_CODEC, "something unknown"),
        ([replace(SOUND, decoder="adpcm_g722")], RefusalCode.UNSUPPORTED_CODEC, "ADPCM"),
        ([replace(FILM, decoder="flic")], RefusalCode.UNSUPPORTED_CODEC, "flic"),
        # A decoder of the other kind is no excuse.
        ([replace(FILM, decoder="aac")], RefusalCode.UNSUPPORTED_CODEC, "aac"),
        ([replace(FILM, tag="encv"), SOUND], RefusalCode.ENCRYPTED, ""),
        ([replace(SOUND, tag="drms")], RefusalCode.ENCRYPTED, ""),
        ([FILM, *[SOUND] * 8], RefusalCode.TOO_MANY_STREAMS, "9"),
        ([replace(FILM, height=4_320, width=7_680)], RefusalCode.TOO_MANY_PIXELS, "7680x4320"),
        ([replace(FILM, height=2, width=8_194)], RefusalCode.TOO_MANY_PIXELS, "8194x2"),
        ([replace(FILM, frames=2_400, duration_ms=10_000)], RefusalCode.TOO_MANY_FRAMES, "240"),
        ([replace(SOUND, channels=9)], RefusalCode.TOO_MANY_CHANNELS, "9"),
        ([replace(SOUND, sample_rate=4_000)], RefusalCode.SAMPLE_RATE, "4000"),
        ([replace(SOUND, sample_rate=384_000)], RefusalCode.SAMPLE_RATE, "384000"),
    ],
)
def test_what_is_too_much_or_unknown_is_refused_by_name(
    streams: list[StreamFacts], code: RefusalCode, detail: str
) -> None:
    refused = refusal_of(streams)

    assert (refused.code, refused.detail) == (code, detail)


@pytest.mark.parametrize(
    "stream",
    [
        replace(FILM, width=4_096, height=2_304),
        replace(FILM, width=2_304, height=4_096),
        replace(FILM, width=5_120, height=1_440),
        replace(FILM, frames=1_205, duration_ms=10_000),
        replace(FILM, width=0, height=0),
        replace(SOUND, channels=8, sample_rate=192_000),
        replace(SOUND, channels=0, sample_rate=0),
        replace(SOUND, decoder="pcm_s24le", sample_rate=8_000, channels=1),
    ],
)
def test_the_largest_that_people_have_is_taken(stream: StreamFacts) -> None:
    check_streams([stream])


def test_a_burst_of_pictures_shorter_than_a_second_says_nothing() -> None:
    check_pace(900, 999)


def test_sentences_name_the_limits_that_are_checked() -> None:
    assert "4096x2304" in SENTENCES[RefusalCode.TOO_MANY_PIXELS]
    assert limits.FILE_PIXELS_MAX == 4_096 * 2_304
    for code, limit in (
        (RefusalCode.TOO_MANY_FRAMES, limits.FILE_FRAMES_PER_SECOND_MAX),
        (RefusalCode.TOO_MANY_STREAMS, limits.FILE_STREAMS_MAX),
        (RefusalCode.TOO_MANY_CHANNELS, limits.SOUND_CHANNELS_MAX),
    ):
        assert f"at most {limit}." in SENTENCES[code]


def test_the_decoders_that_the_wheel_prefers_are_the_allowed_ones() -> None:
    """Libav takes its first decoder of a codec, whatever others it has."""
    seen: set[str] = set()
    for container, data in tiny_files().values():
        with av.open(
            io.BytesIO(data), format=DEMUXERS[container], options=open_options(container)
        ) as file:
            seen |= {stream.codec_context.name for stream in file.streams}

    assert seen - PCM_DECODERS == VIDEO_DECODERS | AUDIO_DECODERS


def test_the_allowed_are_few_and_exist() -> None:
    assert len(VIDEO_DECODERS | AUDIO_DECODERS) <= 12
    for name in DECODERS:
        assert Codec(name, "r").name == name
    assert set(DEMUXERS) == set(Container)
    for name in DEMUXERS.values():
        assert ContainerFormat(name, "r").is_input


@pytest.mark.parametrize("container", Container)
def test_the_open_options_are_strings_and_forbid_other_files(container: Container) -> None:
    options = open_options(container)

    assert all(isinstance(value, str) for value in options.values())
    assert options["protocol_whitelist"] == "none"
    assert options["format_whitelist"] == DEMUXERS[container]
    assert "magicyuv" not in options["codec_whitelist"].split(",")

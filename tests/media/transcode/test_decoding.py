"""Live media reaches a few decoders only, and those files reach as well."""

from config.limits import LIVE_PIXELS_MAX
from media.file.allowed import AUDIO_DECODERS
from media.file.allowed import VIDEO_DECODERS as VIDEO_DECODERS_OF_FILES
from media.transcode.decoding import (
    SOUND_DECODERS,
    VIDEO_DECODERS,
    can_be_decoded,
    is_usual_sound,
    why_not_decoded,
)
from media.units import Coding, MediaKind, Track


def test_every_coding_but_aac_has_a_decoder_that_files_may_have_too() -> None:
    assert {*VIDEO_DECODERS, *SOUND_DECODERS, Coding.AAC} == set(Coding)
    assert set(VIDEO_DECODERS.values()) <= VIDEO_DECODERS_OF_FILES
    assert set(SOUND_DECODERS.values()) <= AUDIO_DECODERS


def test_tracks_of_unknown_codecs_are_not_decoded() -> None:
    for codec, known in (("hvc1.1.6.L93.B0", True), ("mp4a.40.2", True), ("vvc1.1", False)):
        assert can_be_decoded(Track(MediaKind.VIDEO, codec, 90_000, b"")) is known


def test_pictures_beyond_4k_are_not_decoded() -> None:
    assert why_not_decoded(3840, 2160) is None
    assert why_not_decoded(2304, 4096) is None
    assert LIVE_PIXELS_MAX < 8192 * 4320
    assert "8192x4320" in (why_not_decoded(8192, 4320) or "")


def test_odd_sound_is_left_out() -> None:
    assert is_usual_sound(48_000, 8)
    assert not is_usual_sound(48_000, 9)
    assert not is_usual_sound(4_000, 2)
    assert not is_usual_sound(384_000, 2)

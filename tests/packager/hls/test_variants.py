from dataclasses import replace

from media.units import MediaKind, Track
from packager.choices import CaptionRendition
from packager.hls.variants import Measured, multivariant


def video(name: str, height: int, peak: int, *, independent: bool = True) -> Measured:
    track = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"", height * 16 // 9, height, (30, 1))
    return Measured(name, track, peak, peak // 2, independent)


AUDIO = Measured(
    "audio",
    Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000),
    130_000,
    128_000,
    True,
)


def test_each_video_rendition_is_offered_with_the_audio() -> None:
    found = multivariant([video("720p", 720, 3_000_000), video("360p", 360, 900_000), AUDIO])
    assert [variant.name for variant in found.variants] == ["360p", "720p"]
    low = found.variants[0]
    assert (low.bandwidth, low.average_bandwidth) == (1_030_000, 578_000)
    assert low.codecs == ["avc1.64001f", "mp4a.40.2"]
    assert low.with_audio
    assert [(audio.name, audio.channels) for audio in found.audio] == [("audio", 2)]


def test_video_alone_has_no_audio_group() -> None:
    found = multivariant([video("360p", 360, 900_000)])
    assert not found.audio
    assert (found.variants[0].codecs, found.variants[0].with_audio) == (["avc1.64001f"], False)


def test_audio_alone_is_a_variant_itself() -> None:
    found = multivariant([AUDIO])
    assert not found.audio
    assert [variant.name for variant in found.variants] == ["audio"]
    assert found.variants[0].bandwidth == 130_000
    assert found.variants[0].codecs == ["mp4a.40.2"]


def test_one_rendition_with_a_dependent_segment_is_enough_not_to_promise() -> None:
    low, high = video("360p", 360, 1, independent=False), video("720p", 720, 2)
    assert not multivariant([low, high]).independent
    assert multivariant([high]).independent


def sound(name: str, *, language: str = "", channels: int = 2, peak: int = 130_000) -> Measured:
    codec = "mp4a.40.2" if channels < 6 else "mp4a.40.5"
    track = replace(AUDIO.track, codec=codec, language=language, channels=channels)
    return Measured(name, track, peak, peak, True)


def test_every_track_of_sound_is_in_the_group_and_its_codec_in_each_variant() -> None:
    """A player may have to load the heaviest of them."""
    tracks = [sound("audio"), sound("audio-2", language="de", channels=6, peak=500_000)]
    found = multivariant([video("360p", 360, 900_000), *tracks])
    assert [(one.name, one.default, one.channels) for one in found.audio] == [
        ("audio", True, 2),
        ("audio-2", False, 6),
    ]
    (variant,) = found.variants
    assert variant.codecs == ["avc1.64001f", "mp4a.40.2", "mp4a.40.5"]
    assert variant.bandwidth == 1_400_000


def test_of_several_tracks_of_sound_alone_the_default_is_the_variant() -> None:
    found = multivariant([sound("audio-2", peak=500_000), sound("audio")])
    assert [one.name for one in found.audio] == ["audio", "audio-2"]
    (variant,) = found.variants
    assert (variant.name, variant.bandwidth, variant.with_audio) == ("audio", 500_000, True)


def test_captions_belong_to_every_variant() -> None:
    captions = [CaptionRendition("captions-en", "English", "en", default=True)]
    found = multivariant([video("360p", 360, 1), video("720p", 720, 2), AUDIO], captions)
    assert [one.with_captions for one in found.variants] == [True, True]
    assert found.captions == captions

"""Multivariant playlists, read back by the m3u8 package."""

from dataclasses import replace

import m3u8
import pytest

from packager.choices import AudioRendition, CaptionRendition
from packager.hls.multivariant import (
    IFrameVariant,
    Multivariant,
    Variant,
    render_multivariant,
)

VARIANT = Variant("720p", 3_000_000, 2_500_000, ["avc1.64001f"], 1280, 720, (30_000, 1001), False)


def test_a_multivariant_playlist_reads_as_it_should() -> None:
    codecs = ["avc1.64001f", "mp4a.40.2"]
    variant = replace(VARIANT, codecs=codecs, with_audio=True, with_captions=True)
    audio = [
        AudioRendition("audio", "Sound", "", 2, default=True),
        AudioRendition("audio-2", "Deutsch", "de", 6, default=False),
    ]
    captions = [CaptionRendition("captions-en", "English", "en", default=False, forced=True)]
    playlist = Multivariant([variant], audio, independent=True, captions=captions)
    assert render_multivariant(playlist).decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:8\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,'
        'CHANNELS="2",URI="audio/index.m3u8"\n'
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,'
        'AUTOSELECT=YES,CHANNELS="6",URI="audio-2/index.m3u8"\n'
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="English",LANGUAGE="en",DEFAULT=NO,'
        'AUTOSELECT=YES,FORCED=YES,URI="captions-en/index.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2500000,"
        'CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio",'
        'SUBTITLES="captions"\n'
        "720p/index.m3u8\n"
    )


def test_an_independent_reader_finds_the_same_variants() -> None:
    playlist = Multivariant([VARIANT], [], independent=False)
    found = m3u8.loads(render_multivariant(playlist).decode())
    (variant,) = found.playlists
    assert variant.uri == "720p/index.m3u8"
    info = variant.stream_info
    assert (info.bandwidth, info.average_bandwidth) == (3_000_000, 2_500_000)
    assert (info.resolution, info.frame_rate) == ((1280, 720), 29.97)
    assert (info.codecs, info.audio) == ("avc1.64001f", None)
    assert not found.is_independent_segments
    assert not found.media


@pytest.mark.parametrize(
    ("frame_rate", "text"),
    [((24_000, 1001), "23.976"), ((25, 1), "25.000"), ((60_000, 1001), "59.940")],
)
def test_frame_rates_have_three_decimals(frame_rate: tuple[int, int], text: str) -> None:
    playlist = Multivariant([replace(VARIANT, frame_rate=frame_rate)], [], independent=True)
    assert f"FRAME-RATE={text}\n" in render_multivariant(playlist).decode()


def test_what_is_unknown_is_left_out() -> None:
    audio = Variant("audio", 130_000, 128_000, ["mp4a.40.2"], 0, 0, (0, 1), False)
    text = render_multivariant(Multivariant([audio], [], independent=True)).decode()
    assert "RESOLUTION" not in text
    assert "FRAME-RATE" not in text
    assert text.endswith('CODECS="mp4a.40.2"\naudio/index.m3u8\n')


def test_an_independent_reader_finds_the_i_frames() -> None:
    iframes = IFrameVariant("360p", 90_000, 60_000, "avc1.64001e", 640, 360)
    playlist = Multivariant([VARIANT], [], independent=True, iframes=iframes)
    (found,) = m3u8.loads(render_multivariant(playlist).decode()).iframe_playlists
    info = found.iframe_stream_info
    assert found.uri == "360p/iframes.m3u8"
    assert (info.bandwidth, info.average_bandwidth) == (90_000, 60_000)
    assert (info.codecs, info.resolution) == ("avc1.64001e", (640, 360))


def test_sound_that_is_the_variant_has_no_uri_of_its_own() -> None:
    variant = Variant("audio", 130_000, 128_000, ["mp4a.40.2"], 0, 0, (0, 1), with_audio=True)
    audio = [
        AudioRendition("audio", "English", "en", 2, default=True),
        AudioRendition("audio-2", "Deutsch", "de", 2, default=False),
    ]
    found = m3u8.loads(render_multivariant(Multivariant([variant], audio, True)).decode())
    assert [each.uri for each in found.playlists] == ["audio/index.m3u8"]
    assert [each.uri for each in found.media] == [None, "audio-2/index.m3u8"]

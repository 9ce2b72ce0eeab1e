"""Tracks know how they are coded."""

import pytest

from media.units import Coding, MediaKind, Track


@pytest.mark.parametrize(
    ("codec", "coding"),
    [
        ("avc1.64001f", Coding.H264),
        ("hvc1.1.6.L93.B0", Coding.HEVC),
        ("av01.0.04M.08", Coding.AV1),
        ("vp09.00.10.08", Coding.VP9),
        ("mp4a.40.2", Coding.AAC),
        ("mp4a.40.34", Coding.MP3),
        ("mp4a.6b", Coding.MP3),
        ("opus", Coding.OPUS),
        ("fLaC", Coding.FLAC),
        ("ac-3", Coding.AC3),
        ("ec-3", Coding.EAC3),
    ],
)
def test_the_name_of_a_codec_says_how_a_track_is_coded(codec: str, coding: Coding) -> None:
    assert Track(MediaKind.VIDEO, codec, 90_000, b"").coding is coding


def test_an_unknown_codec_is_told() -> None:
    with pytest.raises(ValueError, match="vvc1"):
        assert Track(MediaKind.VIDEO, "vvc1.1", 90_000, b"").coding


def test_codings_have_the_names_that_people_call_them_by() -> None:
    codings = (Coding.HEVC, Coding.H264, Coding.EAC3, Coding.OPUS)
    assert [one.label for one in codings] == ["HEVC", "H.264", "E-AC-3", "Opus"]

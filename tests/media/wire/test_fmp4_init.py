from dataclasses import replace
from fractions import Fraction
from io import BytesIO

import av
import pytest

from media.units import MediaKind, Track
from media.wire.fmp4_fragment import video_fragment
from media.wire.fmp4_init import UnsupportedTrack, init_segment
from media.wire.nal import build_avc_configuration, parse_avc_configuration
from tests.packager.clip import audio_clip, video_clip


def test_a_video_header_says_size_and_configuration_and_has_no_edit_list() -> None:
    track = video_clip(64, 48).track
    header = init_segment(track)
    assert header[4:12] == b"ftypiso6"
    assert b"cmfc" in header[:28]
    assert track.extradata in header
    assert b"edts" not in header
    assert b"pasp" not in header
    assert b"mvex" in header
    with av.open(BytesIO(header), mode="r", format="mp4") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (64, 48)
        assert stream.codec_context.extradata == track.extradata
        assert stream.codec_context.codec_tag == "avc1"


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
def test_an_audio_header_says_channels_and_rate(sample_rate: int, channels: int) -> None:
    track = audio_clip(seconds=2, sample_rate=sample_rate, channels=channels).track
    with av.open(BytesIO(init_segment(track)), mode="r", format="mp4") as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.sample_rate == sample_rate
        assert stream.codec_context.channels == channels
        assert stream.codec_context.name == "aac"
        assert stream.time_base == Fraction(1, sample_rate)
        assert stream.codec_context.extradata == track.extradata


def test_pictures_that_are_not_square_say_so() -> None:
    """The aspect ratio is 4:3 by its table index, written into the SPS bit by bit."""
    clip = video_clip(64, 48)
    # Baseline, 64x48, VUI with aspect_ratio_idc 14 (4:3) and nothing else.
    bits = (
        "1"  # seq_parameter_set_id 0
        "1"  # log2_max_frame_num_minus4 0
        "011"  # pic_order_cnt_type 2
        "010"  # max_num_ref_frames 1
        "0"
        "00100"  # pic_width_in_mbs_minus1 3
        "011"  # pic_height_in_map_units_minus1 2
        "1"
        "1"
        "0"
        "1"  # vui_parameters_present_flag
        "1"
        "00001110"  # aspect_ratio_idc
        "00000000"
        "1"
    )
    bits += "0" * (-len(bits) % 8)
    sps = bytes((0x67, 66, 0xC0, 10)) + int(bits, 2).to_bytes(len(bits) // 8, "big")
    pps = parse_avc_configuration(clip.track.extradata).picture_sets
    track = replace(clip.track, extradata=build_avc_configuration((sps,), pps))
    header = init_segment(track)
    assert b"pasp" + bytes((0, 0, 0, 4, 0, 0, 0, 3)) in header
    file = header + video_fragment(1, clip.packets[:1], clip.packets[1].dts)
    with av.open(BytesIO(file), mode="r", format="mp4") as container:
        assert str(container.streams.video[0].sample_aspect_ratio) == "4/3"


def test_only_h264_and_aac_with_their_configuration_are_packaged() -> None:
    opus = Track(MediaKind.AUDIO, "opus", 48_000, b"OpusHead", channels=2, sample_rate=48_000)
    with pytest.raises(UnsupportedTrack, match="cannot package opus"):
        init_segment(opus)
    with pytest.raises(UnsupportedTrack, match="without its decoder configuration"):
        init_segment(replace(video_clip().track, extradata=b""))
    with pytest.raises(UnsupportedTrack, match="broken decoder configuration"):
        init_segment(replace(video_clip().track, extradata=b"\1\2\3"))


def test_a_long_audio_configuration_has_a_long_descriptor() -> None:
    """Sizes above 127 take two bytes (ISO 14496-1, 8.3.3)."""
    track = audio_clip(seconds=2).track
    header = init_segment(replace(track, extradata=track.extradata + bytes(200)))
    size = len(track.extradata) + 200
    assert bytes((5, 0x80 | size >> 7, size & 0x7F)) + track.extradata in header

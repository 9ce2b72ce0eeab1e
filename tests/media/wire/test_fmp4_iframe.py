from io import BytesIO
from itertools import batched

import av
import numpy
import pytest

from media.wire.fmp4_fragment import audio_fragment, video_fragment
from media.wire.fmp4_iframe import IFRAME_HEADER_BYTES, iframe, iframe_bytes
from media.wire.fmp4_init import init_segment
from tests.packager.clip import audio_clip, video_clip

CLIP = video_clip(seconds=8, keyframe_every=50, b_frames=2)
TICKS = 2 * 90_000


def segments() -> list[bytes]:
    """Two seconds each, in two fragments, as a live has them."""
    ends = [each.dts for each in CLIP.packets[25::25]] + [CLIP.packets[-1].dts + 3600]
    parts = [
        video_fragment(number + 1, packets, end)
        for number, (packets, end) in enumerate(zip(batched(CLIP.packets, 25), ends, strict=True))
    ]
    return [first + second for first, second in zip(parts[::2], parts[1::2], strict=True)]


def pictures(file: bytes) -> dict[int, numpy.ndarray]:
    with av.open(BytesIO(file), "r", format="mp4") as container:
        return {
            frame.pts: frame.to_ndarray(format="rgb24")
            for frame in container.decode(video=0)
            if frame.pts is not None
        }


def test_each_i_frame_decodes_to_the_picture_that_its_segment_begins_with() -> None:
    init = init_segment(CLIP.track)
    whole = pictures(init + b"".join(segments()))
    cut = [iframe(each, number + 1, TICKS) for number, each in enumerate(segments())]
    assert all(each is not None for each in cut)
    found = pictures(init + b"".join(each for each in cut if each is not None))
    assert list(found) == [each.pts for each in CLIP.packets if each.keyframe]
    for pts, picture in found.items():
        assert numpy.array_equal(picture, whole[pts])


def test_an_i_frame_is_as_large_as_was_said_but_for_its_headers() -> None:
    for each in segments():
        cut = iframe(each, 1, TICKS)
        assert cut is not None
        assert len(cut) == iframe_bytes(each) + IFRAME_HEADER_BYTES
        assert iframe_bytes(each) > 0


@pytest.mark.parametrize(
    "segment",
    [
        video_fragment(1, CLIP.packets[1:50], CLIP.packets[50].dts),
        audio_fragment(1, audio_clip(seconds=2).packets[:50], 12 * 48_000),
        b"",
        b"not a segment",
    ],
)
def test_what_begins_with_no_keyframe_has_none(segment: bytes) -> None:
    assert iframe(segment, 1, TICKS) is None
    assert iframe_bytes(segment) == 0

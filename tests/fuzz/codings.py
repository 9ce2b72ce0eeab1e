"""Decoder configurations and frames of each coding."""

import contextlib
from collections.abc import Callable

from media.units import Coding, MediaKind, Track
from media.wire.elementary_audio import elementary_audio
from media.wire.elementary_video import (
    MalformedAccessUnit,
    MalformedConfiguration,
    elementary_video,
)
from tests.fuzz.target import Target, pieces

# The largest that any of the configurations can name is 32 bits.
_PIXELS_MAX = 1 << 32
_VIDEO = (Coding.H264, Coding.HEVC, Coding.AV1, Coding.VP9)
_ALL = tuple(Coding)


def check_codings(data: bytes) -> None:
    """A configuration or a frame is read or refused, and tracks make sense.

    The first byte names the coding. A piece is a kind, 1 for configurations, and the bytes.
    """
    coding = _ALL[data[0] % len(_ALL)] if data else Coding.H264
    elementary = elementary_video(coding) if coding in _VIDEO else elementary_audio(coding)
    take: Callable[[bytes], object] = elementary.take
    for piece in pieces(data[1:]):
        with contextlib.suppress(MalformedConfiguration, MalformedAccessUnit):
            if piece[:1] == b"\1":
                elementary.configure(piece[1:])
            else:
                take(piece[1:])
        if elementary.track is not None:
            _check_track(elementary.track, coding)


def _check_track(track: Track, coding: Coding) -> None:
    # AC-3 and E-AC-3 are told apart by their frames.
    assert track.coding is coding or {track.coding, coding} == {Coding.AC3, Coding.EAC3}
    assert track.timescale > 0
    assert track.codec.isascii()
    assert track.codec.isprintable()
    if track.kind is MediaKind.VIDEO:
        assert 0 < track.width < _PIXELS_MAX
        assert 0 < track.height < _PIXELS_MAX
        assert track.frame_rate[1] > 0
    else:
        assert track.channels > 0
        assert track.sample_rate > 0


TARGETS = (Target("codings", check_codings),)

"""Video as it comes from the wire, of any coding, made into a track and its packets' bytes."""

from collections.abc import Callable
from typing import Protocol

from media.units import Coding, Track
from media.wire.av1 import normalise
from media.wire.av1_sequence import (
    parse_sequence_header,
    sequence_unit,
    track_from_av1_sequence,
)
from media.wire.bits import MalformedConfiguration
from media.wire.hevc import (
    is_random_access,
    parse_hevc_configuration,
    track_from_hevc_configuration,
)
from media.wire.nal import (
    MalformedAccessUnit,
    is_idr,
    parse_avc_configuration,
    scan_access_unit,
    track_from_avc_configuration,
    widen_lengths,
)
from media.wire.vp9 import KeyFrame, configuration_record, parse_key_frame, track_from_vp9

__all__ = ["ElementaryVideo", "MalformedAccessUnit", "MalformedConfiguration", "elementary_video"]


class ElementaryVideo(Protocol):
    """One video track: its configurations and frames in, `Track` and packets' bytes out.

    `track` is None until enough is known, and another object from then on when it changes: with a
    configuration, or with a frame in codings whose frames say how large they are.
    """

    track: Track | None

    def configure(self, record: bytes) -> None:
        """Take a decoder configuration; one that repeats changes nothing.

        Raises:
            MalformedConfiguration: it cannot be read; the one before stays in force.
        """

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """A frame as `Packet.data` has it, and whether decoding can begin with it.

        Raises:
            MalformedAccessUnit: nothing can be made of it.
        """


class _NalVideo:
    """H.264 and HEVC: NAL units behind lengths."""

    def __init__(
        self,
        track_from: Callable[[bytes], Track],
        length_size_of: Callable[[bytes], int],
        is_entry: Callable[[int], bool],
    ) -> None:
        self.track: Track | None = None
        self._track_from = track_from
        self._length_size_of = length_size_of
        self._is_entry = is_entry
        self._length_size = 4

    def configure(self, record: bytes) -> None:
        track = self._track_from(record)
        self._length_size = self._length_size_of(record)
        if track != self.track:
            self.track = track

    def take(self, data: bytes) -> tuple[bytes, bool]:
        if self._length_size != 4:
            data = widen_lengths(data, self._length_size)
        return data, scan_access_unit(data, self._is_entry)


class _Av1Video:
    """AV1: a sequence header comes in the configuration or in the stream, or in both."""

    def __init__(self) -> None:
        self.track: Track | None = None
        self._sequence = b""

    def configure(self, record: bytes) -> None:
        unit = sequence_unit(record) if record else b""
        if unit:
            self._begin(unit)

    def take(self, data: bytes) -> tuple[bytes, bool]:
        unit = normalise(data)
        if unit.keyframe and unit.sequence:
            try:
                self._begin(unit.sequence)
            except MalformedConfiguration as error:
                raise MalformedAccessUnit(str(error)) from None
        return unit.data, unit.keyframe

    def _begin(self, unit: bytes) -> None:
        """Take a sequence header; one that says the same in other bits changes nothing."""
        if unit == self._sequence:
            return
        header = parse_sequence_header(unit)
        if self._sequence == b"" or header != parse_sequence_header(self._sequence):
            self.track = track_from_av1_sequence(unit)
        self._sequence = unit


class _Vp9Video:
    """VP9: only key frames know their size."""

    def __init__(self) -> None:
        self.track: Track | None = None
        self._record = b""
        self._frame: KeyFrame | None = None

    def configure(self, record: bytes) -> None:
        self._record = configuration_record(record)
        self._begin(self._frame)

    def take(self, data: bytes) -> tuple[bytes, bool]:
        if not data:
            raise MalformedAccessUnit("an empty frame")
        frame = parse_key_frame(data)
        self._begin(frame)
        return data, frame is not None

    def _begin(self, frame: KeyFrame | None) -> None:
        if frame is None or not self._record:
            return
        self._frame = frame
        track = track_from_vp9(self._record, frame)
        if track != self.track:
            self.track = track


def elementary_video(coding: Coding) -> ElementaryVideo:
    """An empty track of this coding, which is one of video."""
    match coding:
        case Coding.HEVC:
            return _NalVideo(
                track_from_hevc_configuration,
                lambda record: parse_hevc_configuration(record).length_size,
                is_random_access,
            )
        case Coding.AV1:
            return _Av1Video()
        case Coding.VP9:
            return _Vp9Video()
        case _:
            assert coding is Coding.H264, coding
            return _NalVideo(
                track_from_avc_configuration,
                lambda record: parse_avc_configuration(record).length_size,
                is_idr,
            )

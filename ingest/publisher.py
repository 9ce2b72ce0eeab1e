"""A publication: what an RTMP publisher sends, as tracks and packets of a stream of the hub."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from ingest.timestamp import Unwrapper
from media.hub import Publication
from media.units import VIDEO_TIMESCALE, MediaKind, Packet, Track
from media.wire.amf0 import Value
from media.wire.flv import (
    AudioConfiguration,
    AudioFrame,
    Unsupported,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    parse_audio,
    parse_video,
)
from media.wire.nal import (
    MalformedAccessUnit,
    MalformedConfiguration,
    contains_idr,
    parse_avc_configuration,
    track_from_audio_specific_config,
    track_from_avc_configuration,
    widen_lengths,
)
from media.wire.rtmp_event import MetadataReceived
from media.wire.rtmp_message import Audio, Video

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_FRAME_RATE_MAX = 300
# Encoders round these rates to two or three digits; they are so many frames in 1001/1000 seconds.
_NTSC_RATES = (24, 30, 60, 120)


@dataclass(slots=True)
class Counters:
    """What came of a publication, for its log line.

    `skipped_last` says why the last of what was skipped was of no use.
    """

    video_packets: int = 0
    audio_packets: int = 0
    bytes: int = 0
    skipped: int = 0
    skipped_last: str = ""


class Publisher:
    """Writes one publication to its stream.

    Nothing that an encoder sends ends the publication here: what cannot be used is skipped and
    counted.
    """

    def __init__(self, publication: Publication, counters: Counters) -> None:
        self._publication = publication
        self._unwrapper = Unwrapper()
        self._video: Track | None = None
        self._audio: Track | None = None
        self._length_size = 4
        self._has_keyframe = False
        self._frame_rate = (0, 1)
        self._counters = counters

    def receive(self, event: Video | Audio | MetadataReceived) -> None:
        """Take what the connection received."""
        match event:
            case Video():
                self._receive_video(event)
            case Audio():
                self._receive_audio(event)
            case MetadataReceived(fields):
                self._frame_rate = _frame_rate(fields)

    def end(self, reason: str) -> None:
        """The publisher is done: its stream ends."""
        self._publication.end(reason)

    def _receive_video(self, message: Video) -> None:
        match parse_video(message.data):
            case VideoFrame() as frame:
                self._write_video(message.timestamp, frame)
            case VideoConfiguration(record):
                self._configure_video(record)
            case VideoEnded():
                self._has_keyframe = False
            case Unsupported(what):
                self._skip(what)

    def _receive_audio(self, message: Audio) -> None:
        match parse_audio(message.data):
            case AudioFrame(data):
                self._write_audio(message.timestamp, data)
            case AudioConfiguration(config):
                self._configure_audio(config)
            case Unsupported(what):
                self._skip(what)

    def _configure_video(self, record: bytes) -> None:
        try:
            track = track_from_avc_configuration(record)
            self._length_size = parse_avc_configuration(record).length_size
        except MalformedConfiguration as error:
            self._skip(str(error))
            return
        if track.frame_rate[0] == 0:
            track = replace(track, frame_rate=self._frame_rate)
        if track != self._video:
            self._video, self._has_keyframe = track, False
            self._publication.announce(track)

    def _configure_audio(self, config: bytes) -> None:
        try:
            self._audio = track_from_audio_specific_config(config)
        except MalformedConfiguration as error:
            self._skip(str(error))
            return
        self._publication.announce(self._audio)

    def _write_video(self, timestamp: int, frame: VideoFrame) -> None:
        time = self._unwrapper.unwrap(timestamp)
        if self._video is None:
            self._skip("video before its configuration")
            return
        try:
            data = widen_lengths(frame.data, self._length_size)
            keyframe = contains_idr(data)
        except MalformedAccessUnit as error:
            self._skip(str(error))
            return
        if not (keyframe or self._has_keyframe):
            self._skip("video before a keyframe")
            return
        self._has_keyframe = True
        pts = (time + frame.composition_ms) * _TICKS_PER_MS
        self._write(MediaKind.VIDEO, Packet(time * _TICKS_PER_MS, pts, 0, keyframe, data))
        self._counters.video_packets += 1

    def _write_audio(self, timestamp: int, data: bytes) -> None:
        time = self._unwrapper.unwrap(timestamp)
        if self._audio is None:
            self._skip("audio before its configuration")
            return
        dts = time * self._audio.timescale // 1000
        self._write(MediaKind.AUDIO, Packet(dts, dts, 0, True, data))
        self._counters.audio_packets += 1

    def _write(self, kind: MediaKind, packet: Packet) -> None:
        self._publication.write(kind, packet)
        self._counters.bytes += len(packet.data)

    def _skip(self, why: str) -> None:
        self._counters.skipped += 1
        self._counters.skipped_last = why


def _frame_rate(fields: Mapping[str, Value]) -> tuple[int, int]:
    """The frame rate that the metadata names, (0, 1) without one.

    It counts only where the video's own parameters do not say.
    """
    rate = fields.get("framerate")
    if not isinstance(rate, float) or not 1 <= rate <= _FRAME_RATE_MAX:
        return 0, 1
    for whole in _NTSC_RATES:
        if abs(rate - whole * 1000 / 1001) < 0.01:
            return whole * 1000, 1001
    exact = Fraction(rate).limit_denominator(1000)
    return exact.numerator, exact.denominator

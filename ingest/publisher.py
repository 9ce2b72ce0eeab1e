"""A publication: what an RTMP publisher sends, as tracks and packets of a stream of the hub."""

from dataclasses import dataclass, replace

from config.clock import Clock
from config.limits import (
    RTMP_AUDIO_TRACKS_MAX,
    RTMP_CONFIGURATION_BYTES_MAX,
    RTMP_VIDEO_TRACKS_MAX,
)
from ingest.encoder_metadata import SoundNames, frame_rates, sound_names
from ingest.preflight import Preflight
from ingest.timestamp import Unwrapper
from media.hub import Publication
from media.units import VIDEO_TIMESCALE, Coding, MediaKind, Packet, Track
from media.wire.elementary_audio import ElementaryAudio, elementary_audio
from media.wire.elementary_video import (
    ElementaryVideo,
    MalformedAccessUnit,
    MalformedConfiguration,
    elementary_video,
)
from media.wire.flv import (
    AudioConfiguration,
    AudioFrame,
    AudioTag,
    Unsupported,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    VideoTag,
    parse_audio,
    parse_video,
)
from media.wire.rtmp_event import MetadataReceived
from media.wire.rtmp_message import Audio, Video

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_NANOSECONDS = 1_000_000_000


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


@dataclass(slots=True)
class _Lane[Elementary: (ElementaryVideo, ElementaryAudio)]:
    """One track of the publication.

    Attributes:
        seen: the elementary stream's track that was announced, with what we know of it besides.
        timescale: of that track.
        has_keyframe: decoding can have begun.
    """

    coding: Coding
    number: int
    elementary: Elementary
    seen: Track | None = None
    timescale: int = VIDEO_TIMESCALE
    has_keyframe: bool = False


class Publisher:
    """Writes one publication to its stream.

    Nothing that an encoder sends ends the publication here: what cannot be used is skipped and
    counted. All tracks share one clock, and are told apart by Enhanced RTMP's track ids.
    """

    def __init__(
        self, publication: Publication, counters: Counters, preflight: Preflight, clock: Clock
    ) -> None:
        self._publication = publication
        self._counters = counters
        self._preflight = preflight
        self._clock = clock
        self._unwrapper = Unwrapper()
        self._videos: dict[int, _Lane[ElementaryVideo]] = {}
        self._sounds: dict[int, _Lane[ElementaryAudio]] = {}
        self._frame_rates: dict[int, tuple[int, int]] = {}
        self._sound_names: dict[int, SoundNames] = {}

    def receive(self, event: Video | Audio | MetadataReceived) -> None:
        """Take what the connection received."""
        if isinstance(event, Video):
            for video in parse_video(event.data):
                self._receive_video(event.timestamp, video)
        elif isinstance(event, Audio):
            for audio in parse_audio(event.data):
                self._receive_audio(event.timestamp, audio)
        else:
            self._frame_rates = frame_rates(event.fields)
            self._sound_names = sound_names(event.fields)
            self._preflight.metadata(event.fields)

    def leave(self, reason: str) -> None:
        """The connection is gone, and the publisher may come back."""
        self._publication.leave(reason)

    def end(self, reason: str) -> None:
        """The publisher is done."""
        self._publication.end(reason)

    # --- video -----------------------------------------------------------------------------------

    def _receive_video(self, timestamp: int, tag: VideoTag) -> None:
        match tag:
            case VideoFrame():
                self._write_video(self._unwrapper.unwrap(timestamp), tag)
            case VideoConfiguration(record):
                lane = self._video_lane(tag)
                if lane is not None:
                    self._configure(lane, record)
            case VideoEnded():
                if tag.number in self._videos:
                    self._videos[tag.number].has_keyframe = False
            case Unsupported(what):
                self._leave_out(what)
            case _:
                pass  # nothing, or metadata that the frames repeat

    def _video_lane(self, tag: VideoFrame | VideoConfiguration) -> _Lane[ElementaryVideo] | None:
        lane = self._videos.get(tag.number)
        if lane is None and len(self._videos) >= RTMP_VIDEO_TRACKS_MAX:
            self._leave_out(f"video track {tag.number}")
        elif lane is None or lane.coding is not tag.coding:
            lane = _Lane(tag.coding, tag.number, elementary_video(tag.coding))
            self._videos[tag.number] = lane
        return lane

    def _write_video(self, time: int, frame: VideoFrame) -> None:
        lane = self._video_lane(frame)
        if lane is None:
            return
        try:
            data, keyframe = lane.elementary.take(frame.data)
        except MalformedAccessUnit as error:
            self._skip(str(error))
            return
        if frame.keyframe and not keyframe:
            self._preflight.keyframe_unusable(lane.number)
        if lane.elementary.track is not lane.seen:
            self._announce(lane)
        if lane.seen is None:
            self._skip("video before its configuration")
        elif keyframe or lane.has_keyframe:
            lane.has_keyframe = True
            dts = time * _TICKS_PER_MS
            if frame.nanoseconds:
                dts += frame.nanoseconds * lane.timescale // _NANOSECONDS
            pts = dts + frame.composition_ms * _TICKS_PER_MS
            self._write(MediaKind.VIDEO, lane, Packet(dts, pts, 0, keyframe, data))
            self._counters.video_packets += 1
        else:
            self._skip("video before a keyframe")

    # --- audio -----------------------------------------------------------------------------------

    def _receive_audio(self, timestamp: int, tag: AudioTag) -> None:
        match tag:
            case AudioFrame():
                self._write_audio(self._unwrapper.unwrap(timestamp), tag)
            case AudioConfiguration(config):
                lane = self._audio_lane(tag)
                if lane is not None:
                    self._configure(lane, config)
            case Unsupported(what):
                self._leave_out(what)
            case _:
                pass  # silence, ends, and the order of channels, which the codings say themselves

    def _audio_lane(self, tag: AudioFrame | AudioConfiguration) -> _Lane[ElementaryAudio] | None:
        lane = self._sounds.get(tag.number)
        if lane is None and len(self._sounds) >= RTMP_AUDIO_TRACKS_MAX:
            self._leave_out(f"audio track {tag.number}")
        elif lane is None or lane.coding is not tag.coding:
            lane = _Lane(tag.coding, tag.number, elementary_audio(tag.coding))
            self._sounds[tag.number] = lane
        return lane

    def _write_audio(self, time: int, frame: AudioFrame) -> None:
        lane = self._audio_lane(frame)
        if lane is None:
            return
        try:
            duration = lane.elementary.take(frame.data)
        except MalformedAccessUnit as error:
            self._skip(str(error))
            return
        if lane.elementary.track is not lane.seen:
            self._announce(lane)
        if lane.seen is None:
            self._skip("audio before its configuration")
            return
        dts = time * lane.timescale // 1000
        if frame.nanoseconds:
            dts += frame.nanoseconds * lane.timescale // _NANOSECONDS
        self._write(MediaKind.AUDIO, lane, Packet(dts, dts, duration, True, frame.data))
        self._counters.audio_packets += 1

    # --- both ------------------------------------------------------------------------------------

    def _configure(
        self, lane: _Lane[ElementaryVideo] | _Lane[ElementaryAudio], record: bytes
    ) -> None:
        if len(record) > RTMP_CONFIGURATION_BYTES_MAX:
            self._skip(f"a configuration of {len(record)} bytes")
            return
        try:
            lane.elementary.configure(record)
        except MalformedConfiguration as error:
            self._skip(str(error))
            return
        if lane.elementary.track is not lane.seen:
            self._announce(lane)

    def _announce(self, lane: _Lane[ElementaryVideo] | _Lane[ElementaryAudio]) -> None:
        """Tell what the elementary stream is from now on."""
        track = lane.seen = lane.elementary.track
        assert track is not None, "a track is never taken back"
        lane.timescale, lane.has_keyframe = track.timescale, False
        if track.kind is MediaKind.VIDEO and track.frame_rate[0] == 0:
            default = self._frame_rates.get(0, (0, 1))
            track = replace(track, frame_rate=self._frame_rates.get(lane.number, default))
        names = self._sound_names.get(lane.number)
        if track.kind is MediaKind.AUDIO and names is not None:
            track = replace(track, language=names.language, label=names.label)
        self._publication.announce(track, lane.number)
        self._preflight.track(track, lane.number)

    def _write(
        self,
        kind: MediaKind,
        lane: _Lane[ElementaryVideo] | _Lane[ElementaryAudio],
        packet: Packet,
    ) -> None:
        self._publication.write(kind, packet, lane.number)
        self._counters.bytes += len(packet.data)
        self._preflight.packet(kind, lane.number, packet, self._clock.monotonic_ms())

    def _leave_out(self, what: str) -> None:
        """Skip what we could not use at any time, so that its encoder is to be set otherwise."""
        self._skip(what)
        self._preflight.skipped(what)

    def _skip(self, why: str) -> None:
        self._counters.skipped += 1
        self._counters.skipped_last = why

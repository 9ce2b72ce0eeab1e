"""Reads a file once from end to end, and decodes no more of it than its first pictures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.rational import AVRational
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from config.limits import (
    FILE_COPIED_PICTURE_BYTES_MAX,
    FILE_PACKETS_MAX,
    FILE_UNPACKED_BYTES_MIN,
    FILE_UNPACKED_TIMES_MAX,
)
from media.file.allowed import check_pace, check_picture
from media.file.av_open import OpenFile
from media.file.copying import VideoCopying, audio_flaw, refresh_interval, video_flaw
from media.file.description import AudioDescription, FileDescription, VideoDescription
from media.file.placement import PlacedTrack, Placement, Timetable
from media.file.refusal import RefusalCode, Refused
from media.file.turning import turn_of
from media.transcode.observation import usual_rate
from media.transcode.protocol import Appearance
from media.units import VIDEO_TIMESCALE, MediaKind

# Pictures that are decoded to see what they are like; a stream may begin with broken ones.
_PICTURES_SEEN = 4
_PACKETS_TRIED_MAX = 400
_ASPECT_PART_MAX = 0xFFFF
_BYTE_MAX = 0xFF
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_ALIVE_PACKETS = 256


@dataclass(frozen=True, slots=True)
class Scan:
    """A file's packets, and what is known of them.

    Attributes:
        refreshes: when the video's own packets let a player start, on our timeline.
    """

    description: FileDescription
    placement: Placement
    refreshes: tuple[int, ...]


@dataclass(slots=True)
class _Track:
    """One track while it is read; `ticks` of 1/90000 s is one of its own."""

    stream: Stream
    kind: MediaKind
    ticks: Fraction
    size: int = 0
    packets: int = 0


@dataclass(slots=True)
class _Pictures:
    """The first pictures, decoded."""

    stream: VideoStream
    seen: list[VideoFrame] = field(default_factory=list)
    tried: int = 0

    def take(self, packet: "av.Packet[Any] | None") -> None:
        if len(self.seen) >= _PICTURES_SEEN:
            return
        self.tried += 1
        if self.tried > _PACKETS_TRIED_MAX:
            if self.seen:
                return
            raise Refused(RefusalCode.DAMAGED)
        try:
            self.seen += self.stream.codec_context.decode(packet)
        except FFmpegError:
            return


@dataclass(slots=True)
class _Sounds:
    """The first blocks of sound, decoded: copied sound is not decoded later."""

    stream: AudioStream
    heard: bool = False
    tried: int = 0

    def take(self, packet: "av.Packet[Any] | None") -> None:
        if self.heard:
            return
        self.tried += 1
        if self.tried > _PACKETS_TRIED_MAX:
            raise Refused(RefusalCode.DAMAGED)
        try:
            self.heard = bool(self.stream.codec_context.decode(packet))
        except FFmpegError:
            return


class Scanner:
    """Reads the packets of the chosen tracks."""

    def __init__(self, file: OpenFile, alive: Callable[[], None]) -> None:
        """Prepare; `alive` is called now and then."""
        self._file = file
        self._alive = alive
        self._timetable = Timetable()
        self._bytes_left = FILE_UNPACKED_BYTES_MIN + FILE_UNPACKED_TIMES_MAX * (
            file.container.size or 0
        )
        self._tracks: dict[int, _Track] = {}
        for kind, stream in ((MediaKind.VIDEO, file.video), (MediaKind.AUDIO, file.audio)):
            if stream is not None:
                ticks = _fraction(stream.time_base) * VIDEO_TIMESCALE
                self._tracks[stream.index] = _Track(stream, kind, ticks)
        if file.video is not None:
            context = file.video.codec_context
            self._pictures = _Pictures(file.video)
            self._copying = VideoCopying(context.name, context.extradata or b"")
        self._largest_sound = 0
        if file.audio is not None:
            self._sounds = _Sounds(file.audio)

    def scan(self) -> Scan:
        """Read everything.

        Raises:
            Refused: there is nothing to be seen or heard, or far too much of it.
        """
        count = 0
        try:
            for packet in self._file.container.demux(self._file.tracks):
                if packet.size:
                    self._take(packet)
                count += 1
                if count % _ALIVE_PACKETS == 0:
                    self._alive()
                if count > FILE_PACKETS_MAX:
                    raise Refused(RefusalCode.TOO_LONG)
        except FFmpegError:
            # The file is damaged from here on; what came before is kept.
            self._alive()
        if self._file.video is not None:
            self._pictures.take(None)
        if self._file.audio is not None:
            self._sounds.take(None)
        return self._result()

    def _take(self, packet: "av.Packet[Any]") -> None:
        track = self._tracks[packet.stream_index]
        ticks = track.ticks
        shown = not packet.is_discard
        self._timetable.add(
            track.kind,
            _scaled(packet.pts, ticks),
            _scaled(packet.dts, ticks),
            _scaled(packet.duration, ticks) or 0,
            packet.size,
            shown=shown,
        )
        track.size += packet.size
        track.packets += 1
        self._bytes_left -= packet.size
        if self._bytes_left < 0:
            raise Refused(RefusalCode.TOO_DEMANDING)
        if track.kind is MediaKind.VIDEO:
            self._pictures.take(packet)
            stamped = packet.pts is not None and packet.dts is not None
            fits = packet.size <= FILE_COPIED_PICTURE_BYTES_MAX
            self._copying.look(
                bytes(packet) if packet.is_keyframe and fits else None,
                clean=stamped and shown and fits and not packet.is_corrupt,
            )
        else:
            self._sounds.take(packet)
            self._largest_sound = max(self._largest_sound, packet.size)

    def _result(self) -> Scan:
        placement = self._timetable.place()
        video, refreshes = self._video(placement)
        audio = self._audio(placement)
        if video is None and audio is None:
            raise Refused(RefusalCode.DAMAGED)
        return Scan(FileDescription(video, audio, placement.jumps), placement, refreshes)

    def _video(self, placement: Placement) -> tuple[VideoDescription | None, tuple[int, ...]]:
        track = placement.tracks.get(MediaKind.VIDEO)
        stream = self._file.video
        if track is None or stream is None:
            return None, ()
        if not self._pictures.seen:
            raise Refused(RefusalCode.DAMAGED)
        frame = self._pictures.seen[-1]
        check_picture(frame.width, frame.height)
        facts = self._tracks[stream.index]
        check_pace(facts.packets, (track.end - track.start) * 1000 // VIDEO_TIMESCALE)
        refreshes = tuple(track.pts[place] for place in self._copying.refreshes)
        turn, mirrored = turn_of(stream.codec_context.coded_side_data.get("display_matrix", b""))
        description = VideoDescription(
            codec=stream.codec_context.name,
            width=frame.width,
            height=frame.height,
            turn=turn,
            mirrored=mirrored,
            frame_rate=_frame_rate(stream, facts.packets, track),
            interlaced=any(one.interlaced_frame for one in self._pictures.seen),
            appearance=_appearance(stream, frame),
            start=track.start,
            end=track.end,
            size=facts.size,
            configuration=self._copying.configuration,
            copy_flaw=video_flaw(self._copying, placement)[:200],
            refresh_interval=refresh_interval(refreshes, track.end),
        )
        return description, refreshes

    def _audio(self, placement: Placement) -> AudioDescription | None:
        track = placement.tracks.get(MediaKind.AUDIO)
        stream = self._file.audio
        if track is None or stream is None:
            return None
        if not self._sounds.heard:
            raise Refused(RefusalCode.DAMAGED)
        context = stream.codec_context
        extradata = context.extradata or b""
        flaw = audio_flaw(context.name, extradata, context.sample_rate, self._largest_sound)
        return AudioDescription(
            codec=context.name,
            sample_rate=context.sample_rate,
            channels=context.channels,
            start=track.start,
            end=track.end,
            size=self._tracks[stream.index].size,
            configuration=b"" if flaw else extradata,
            copy_flaw=flaw[:200],
        )


def _fraction(ratio: "AVRational | None") -> Fraction:
    """0 for what is unknown."""
    return (
        Fraction(ratio.numerator, ratio.denominator) if ratio and ratio.denominator else Fraction()
    )


def _scaled(value: int | None, ticks: Fraction) -> int | None:
    return None if value is None else value * ticks.numerator // ticks.denominator


def _frame_rate(stream: VideoStream, packets: int, track: PlacedTrack) -> tuple[int, int]:
    """What the track claims if that is about what is there, else what is there."""
    duration = track.end - track.start
    if packets < 2 or duration <= 0:
        return (0, 1)
    measured = Fraction(packets * VIDEO_TIMESCALE, duration)
    claimed = _fraction(stream.average_rate)
    if claimed and abs(claimed - measured) * 50 <= measured:
        return usual_rate(claimed)
    return usual_rate(measured)


def _appearance(stream: VideoStream, frame: VideoFrame) -> Appearance:
    aspect = (_fraction(stream.sample_aspect_ratio) or Fraction(1)).limit_denominator(
        _ASPECT_PART_MAX
    )
    fits = 0 < aspect.numerator <= _ASPECT_PART_MAX
    full = frame.format.name.startswith("yuvj")
    return Appearance(
        color_range=_FULL_RANGE if full else frame.color_range,
        primaries=frame.color_primaries & _BYTE_MAX,
        transfer=frame.color_trc & _BYTE_MAX,
        matrix=frame.colorspace & _BYTE_MAX,
        aspect_width=aspect.numerator if fits else 1,
        aspect_height=aspect.denominator if fits else 1,
    )

"""Reads a file once from end to end, and decodes no more of it than its first pictures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from config.limits import (
    FILE_COPIED_PICTURE_BYTES_MAX,
    FILE_PACKETS_MAX,
    FILE_UNPACKED_BYTES_MIN,
    FILE_UNPACKED_TIMES_MAX,
)
from media.captions.cue import Cue
from media.captions.embedded import TextTrack
from media.file.allowed import check_pace, check_picture
from media.file.av_description import (
    appearance_of,
    picture_rate,
    sound_description,
    text_description,
    ticks_of,
)
from media.file.av_open import OpenFile
from media.file.copying import VideoCopying, refresh_interval, video_flaw
from media.file.description import (
    FileDescription,
    TextDescription,
    VideoDescription,
)
from media.file.placement import Placement, Timetable
from media.file.refusal import RefusalCode, Refused
from media.file.turning import turn_of
from media.timeline import TIMELINE_START
from media.units import VIDEO_TIMESCALE, MediaKind

# Pictures that are decoded to see what they are like; a stream may begin with broken ones.
_PICTURES_SEEN = 4
_PACKETS_TRIED_MAX = 400
_ALIVE_PACKETS = 256
_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
# As of other packets: what no clock of a real file says.
_TEXT_TIME_MAX = 1 << 53


@dataclass(frozen=True, slots=True)
class Scan:
    """A file's packets, and what is known of them.

    Attributes:
        refreshes: when the video's own packets let a player start, on our timeline.
        sounds: the file's stream that each of the description's sounds is, and its number among
            those that were placed.
        texts: cues of each of the description's texts.
    """

    description: FileDescription
    placement: Placement
    refreshes: tuple[int, ...]
    sounds: tuple[tuple[int, int], ...]
    texts: tuple[tuple[Cue, ...], ...]


@dataclass(slots=True)
class _Track:
    """One track while it is read; `ticks` of 1/90000 s is one of its own."""

    stream: Stream
    kind: MediaKind
    number: int
    ticks: Fraction
    size: int = 0
    packets: int = 0
    largest: int = 0


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
    """The first blocks of a track of sound, decoded: copied sound is not decoded later."""

    stream: AudioStream
    heard: bool = False
    tried: int = 0

    @property
    def is_hopeless(self) -> bool:
        """Nothing came out of very many packets."""
        return not self.heard and self.tried > _PACKETS_TRIED_MAX

    def take(self, packet: "av.Packet[Any] | None") -> None:
        if self.heard or self.is_hopeless:
            return
        self.tried += 1
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
        for number, stream in enumerate(file.sounds):
            self._tracks[stream.index] = _Track(stream, MediaKind.AUDIO, number, ticks_of(stream))
        self._sounds = {stream.index: _Sounds(stream) for stream in file.sounds}
        self._texts = {
            stream.index: (TextTrack(stream.codec_context.name), ticks_of(stream))
            for stream in file.texts
        }
        if file.video is not None:
            context = file.video.codec_context
            index = file.video.index
            self._tracks[index] = _Track(file.video, MediaKind.VIDEO, 0, ticks_of(file.video))
            self._pictures = _Pictures(file.video)
            self._copying = VideoCopying(context.name, context.extradata or b"")

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
        for sounds in self._sounds.values():
            sounds.take(None)
        return self._result()

    def _take(self, packet: "av.Packet[Any]") -> None:
        self._bytes_left -= packet.size
        if self._bytes_left < 0:
            raise Refused(RefusalCode.TOO_DEMANDING)
        if packet.stream_index in self._texts:
            self._take_text(packet)
            return
        track = self._tracks[packet.stream_index]
        ticks = track.ticks
        self._timetable.add(
            (track.kind, track.number),
            _scaled(packet.pts, ticks),
            _scaled(packet.dts, ticks),
            _scaled(packet.duration, ticks) or 0,
            packet.size,
            shown=not packet.is_discard,
        )
        track.size += packet.size
        track.packets += 1
        track.largest = max(track.largest, packet.size)
        if track.kind is MediaKind.VIDEO:
            self._take_picture(packet)
        else:
            self._take_sound(self._sounds[packet.stream_index], packet)

    def _take_picture(self, packet: "av.Packet[Any]") -> None:
        self._pictures.take(packet)
        stamped = packet.pts is not None and packet.dts is not None
        fits = packet.size <= FILE_COPIED_PICTURE_BYTES_MAX
        self._copying.look(
            bytes(packet) if packet.is_keyframe and fits else None,
            clean=stamped and not packet.is_discard and fits and not packet.is_corrupt,
        )

    def _take_sound(self, sounds: _Sounds, packet: "av.Packet[Any]") -> None:
        sounds.take(packet)
        if sounds.is_hopeless and all(each.is_hopeless for each in self._sounds.values()):
            raise Refused(RefusalCode.DAMAGED)

    def _take_text(self, packet: "av.Packet[Any]") -> None:
        text, ticks = self._texts[packet.stream_index]
        pts = _scaled(packet.pts, ticks)
        if pts is not None and abs(pts) <= _TEXT_TIME_MAX:
            text.take(bytes(packet), pts, _scaled(packet.duration, ticks) or 0)

    def _result(self) -> Scan:
        placement = self._timetable.place()
        video, refreshes = self._video(placement)
        sounds = self._heard(placement)
        if video is None and not sounds:
            raise Refused(RefusalCode.DAMAGED)
        described = tuple(
            sound_description(
                each.stream,
                placement.tracks[MediaKind.AUDIO, each.number],
                each.size,
                each.largest,
            )
            for each in sounds
        )
        texts = self._captions(placement)
        return Scan(
            FileDescription(
                video, described, placement.jumps, tuple(each for each, _ in texts)
            ),
            placement,
            refreshes,
            tuple((track.stream.index, track.number) for track in sounds),
            tuple(cues for _, cues in texts),
        )  # fmt: skip

    def _heard(self, placement: Placement) -> list[_Track]:
        """The tracks of sound that there is something of."""
        tracks = [self._tracks[stream.index] for stream in self._file.sounds]
        present = [each for each in tracks if (MediaKind.AUDIO, each.number) in placement.tracks]
        heard = [each for each in present if self._sounds[each.stream.index].heard]
        if present and not heard:
            raise Refused(RefusalCode.DAMAGED)
        return heard

    def _captions(self, placement: Placement) -> list[tuple[TextDescription, tuple[Cue, ...]]]:
        """Those with text. Where the clock starts again, nobody knows which one they go by."""

        def place(time: int) -> int:
            return (placement.shift(time) - TIMELINE_START) // _TICKS_PER_MS

        if not placement.one_clock:
            return []
        tracks = [(stream, self._texts[stream.index][0]) for stream in self._file.texts]
        cues = [(text_description(stream), text.cues(place)) for stream, text in tracks]
        return [each for each in cues if each[1]]

    def _video(self, placement: Placement) -> tuple[VideoDescription | None, tuple[int, ...]]:
        track = placement.tracks.get((MediaKind.VIDEO, 0))
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
            frame_rate=picture_rate(stream, facts.packets, track),
            interlaced=any(one.interlaced_frame for one in self._pictures.seen),
            appearance=appearance_of(stream, frame),
            start=track.start,
            end=track.end,
            size=facts.size,
            configuration=self._copying.configuration,
            copy_flaw=video_flaw(self._copying, placement)[:200],
            refresh_interval=refresh_interval(refreshes, track.end),
        )
        return description, refreshes


def _scaled(value: int | None, ticks: Fraction) -> int | None:
    return None if value is None else value * ticks.numerator // ticks.denominator

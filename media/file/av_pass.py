"""Makes the outputs of one pass: reads packets and hands them to whoever works on them."""

from collections.abc import Callable, Sequence
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError

from media.captions.webvtt import render_webvtt
from media.file.av_open import OpenFile
from media.file.av_scan import Scan
from media.file.av_sound import SoundWork, silent_packet, sound_encoder
from media.file.av_video import PosterWork, VideoWork
from media.file.copying import VideoCopying
from media.file.description import VideoDescription
from media.file.plan import SOURCE, FilePlan, SoundPlan
from media.file.refusal import RefusalCode, Refused
from media.file.showing import Showing
from media.file.sound_grid import SoundGrid
from media.segmenter import Segmenter
from media.timeline import Lane
from media.transcode.av_encoder import TIME_BASE, Look, RungEncoder
from media.transcode.av_upright import Posture, Upright
from media.transcode.cuts import Cuts, MeasuredCuts, NamedCuts
from media.transcode.protocol import Captioned, Encoded, Opened
from media.transcode.worker_pipe import Outbox
from media.units import MediaKind
from media.wire.aac import FRAME_SAMPLES
from media.wire.nal import MalformedAccessUnit, track_from_avc_configuration


class Pass:
    """One pass through an open file, after it was scanned."""

    def __init__(
        self,
        file: OpenFile,
        scan: Scan,
        plan: FilePlan,
        outbox: Outbox,
        alive: Callable[[int], None],
    ) -> None:
        """Open all encoders; `alive` is told the time of what was read."""
        self._file = file
        self._scan = scan
        self._plan = plan
        self._outbox = outbox
        self._alive = alive
        self._boundaries = _boundaries(plan, scan)
        self._encoders = [
            RungEncoder(index, rung, plan.encoder, Look(plan.appearance, plan.frame_rate), outbox)
            for index, rung in enumerate(plan.rungs)
        ]
        self._pictures = self._work_on_pictures()
        self._video_copy = self._copy_video()
        self._sounds = [self._work_on_sound(sound) for sound in plan.sounds]

    def run(self) -> None:
        """Make everything.

        Raises:
            Refused: nothing in the file could be decoded.
        """
        self._outbox.send(Opened(self._plan.appearance, tuple(self._configurations())))
        self._send_captions()
        workers = [*([] if self._pictures is None else [self._pictures]), *self._sounds]
        for worker in workers:
            worker.start()
        self._read()
        for worker in workers:
            worker.finish()
        if isinstance(self._pictures, VideoWork) and not self._pictures.shown:
            raise Refused(RefusalCode.DAMAGED)

    def _configurations(self) -> "Sequence[bytes]":
        """As `FilePlan.outputs` names them."""
        made = [encoder.configuration() for encoder in self._encoders]
        description = self._scan.description
        if self._plan.copies_video:
            assert description.video is not None
            made.append(track_from_avc_configuration(description.video.configuration).extradata)
        return [*made, *(sound.configuration for sound in self._sounds)]

    def _send_captions(self) -> None:
        for number, _ in enumerate(self._plan.captions):
            self._outbox.send(Captioned(number, render_webvtt(self._scan.texts[number])))

    def _work_on_pictures(self) -> VideoWork | PosterWork | None:
        video = self._scan.description.video
        if video is None or self._file.video is None:
            return None
        decoder = self._file.video.codec_context
        decoder.pkt_timebase = TIME_BASE
        if not self._encoders:
            poster = self._plan.pictures is not None
            return PosterWork(decoder, self._plan, self._outbox.send) if poster else None
        showing = Showing(
            self._cuts(), self._plan.segment_ticks, stride=self._plan.stride
        )  # fmt: skip
        upright = Upright(self._posture(video))
        return VideoWork(decoder, self._plan, upright, showing, self._encoders, self._outbox.send)

    def _posture(self, video: VideoDescription) -> Posture:
        top = self._plan.rungs[0]
        return Posture(
            width=top.width,
            height=top.height,
            appearance=self._plan.appearance,
            wide=self._plan.wide,
            turn=video.turn,
            mirrored=video.mirrored,
            interlaced=video.interlaced,
        )

    def _cuts(self) -> Cuts:
        if self._boundaries is None:
            return MeasuredCuts(self._plan.segment_ticks, None)
        cuts = NamedCuts()
        for boundary in self._boundaries:
            cuts.packet(boundary, boundary=True)
        return cuts

    def _copy_video(self) -> "VideoCopy | None":
        if not self._plan.copies_video:
            return None
        assert self._file.video is not None
        context = self._file.video.codec_context
        copying = VideoCopying(context.name, context.extradata or b"")
        index = self._plan.outputs.index(SOURCE)
        return VideoCopy(index, copying, self._scan.refreshes, self._boundaries or (), self._outbox)

    def _work_on_sound(self, sound: SoundPlan) -> "SoundWork | SoundCopy":
        index = self._plan.outputs.index(sound.name)
        if sound.copied:
            configuration = self._scan.description.sounds[sound.track].configuration
            return SoundCopy(index, sound, configuration, self._plan.end, self._outbox)
        stream, _ = self._scan.sounds[sound.track]
        decoder = self._file.container.streams[stream].codec_context
        assert isinstance(decoder, AudioCodecContext)
        decoder.pkt_timebase = TIME_BASE
        send = _sound_sender(index, self._outbox)
        return SoundWork(decoder, sound_encoder(sound), self._plan.end, send)

    def _read(self) -> None:
        """Read the file again, in the same order as it was scanned."""
        takers = self._takers()
        times = {
            index: iter(zip(track.pts, track.dts, strict=True))
            for index, (lane, _) in takers.items()
            for track in (self._scan.placement.tracks[lane],)
        }
        streams = [self._file.container.streams[index] for index in takers]
        try:
            for packet in self._file.container.demux(streams):
                if not packet.size:
                    continue
                placed = next(times[packet.stream_index], None)
                if placed is None:
                    return
                packet.pts, packet.dts = placed
                packet.time_base = TIME_BASE
                self._alive(placed[0])
                if placed[0] < self._plan.end:
                    takers[packet.stream_index][1](packet)
        except FFmpegError:
            return  # here the scan had ended, too

    def _takers(self) -> "dict[int, tuple[Lane, Callable[[av.Packet[Any]], None]]]":
        """Who takes the packets of each of the file's streams that something is made of."""
        takers: dict[int, tuple[Lane, Callable[[av.Packet[Any]], None]]] = {}
        if self._file.video is not None and (self._pictures or self._video_copy):
            takers[self._file.video.index] = ((MediaKind.VIDEO, 0), self._take_video)
        for sound, work in zip(self._plan.sounds, self._sounds, strict=True):
            stream, number = self._scan.sounds[sound.track]
            takers[stream] = ((MediaKind.AUDIO, number), work.put)
        return takers

    def _take_video(self, packet: "av.Packet[Any]") -> None:
        if self._video_copy is not None:
            self._video_copy.take(packet)
        if self._pictures is not None:
            self._pictures.put(packet)


class VideoCopy:
    """Sends the file's own H.264."""

    def __init__(
        self,
        index: int,
        copying: VideoCopying,
        refreshes: Sequence[int],
        boundaries: Sequence[int],
        outbox: Outbox,
    ) -> None:
        self._index = index
        self._copying = copying
        self._refreshes = frozenset(refreshes)
        self._boundaries = frozenset(boundaries)
        self._outbox = outbox

    def take(self, packet: "av.Packet[Any]") -> None:
        """Send a packet with times of the timeline."""
        assert packet.pts is not None
        assert packet.dts is not None
        try:
            data = self._copying.unit(bytes(packet))
        except MalformedAccessUnit as reason:
            raise Refused(RefusalCode.DAMAGED) from reason
        self._outbox.send(
            Encoded(
                rung=self._index,
                dts=packet.dts,
                pts=packet.pts,
                duration=0,
                keyframe=packet.pts in self._refreshes,
                boundary=packet.pts in self._boundaries,
                data=data,
            )
        )


class SoundCopy:
    """Sends the file's own AAC, and silence where there is none."""

    def __init__(
        self, index: int, sound: SoundPlan, configuration: bytes, end: int, outbox: Outbox
    ) -> None:
        """Prepare to fill the time up to `end` (1/90000 s)."""
        self.configuration = configuration
        self._index = index
        self._end = end
        self._outbox = outbox
        self._grid = SoundGrid(sound.sample_rate)
        self._silence = silent_packet(sound)

    def start(self) -> None:
        """There is nothing to be started."""

    def put(self, packet: "av.Packet[Any]") -> None:
        """Send a packet with times of the timeline."""
        assert packet.pts is not None
        place = self._grid.place(packet.pts)
        if place.dts is None:
            return
        for number in range(place.silent, 0, -1):
            self._send(place.dts - number * FRAME_SAMPLES, self._silence)
        self._send(place.dts, bytes(packet))

    def finish(self) -> None:
        """Fill what is missing to the end."""
        for _ in range(self._grid.rest(self._end)):
            assert self._grid.next is not None
            self._send(self._grid.next, self._silence)
            self._grid.next += FRAME_SAMPLES

    def _send(self, dts: int, data: bytes) -> None:
        self._outbox.send(
            Encoded(
                rung=self._index,
                dts=dts,
                pts=dts,
                duration=FRAME_SAMPLES,
                keyframe=True,
                boundary=False,
                data=data,
            )
        )


def _sound_sender(index: int, outbox: Outbox) -> "Callable[[av.Packet[Any]], None]":
    def send(packet: "av.Packet[Any]") -> None:
        assert packet.pts is not None
        outbox.send(
            Encoded(
                rung=index,
                dts=packet.pts,
                pts=packet.pts,
                duration=FRAME_SAMPLES,
                keyframe=True,
                boundary=False,
                data=bytes(packet),
            )
        )

    return send


def _boundaries(plan: FilePlan, scan: Scan) -> tuple[int, ...] | None:
    """Where segments have to begin; None to measure."""
    if plan.boundaries is not None or not plan.copies_video:
        return plan.boundaries
    segmenter = Segmenter.at_keyframes(plan.segment_ticks)
    return tuple(pts for pts in scan.refreshes if segmenter.cut(pts))

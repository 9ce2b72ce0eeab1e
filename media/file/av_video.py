"""Decodes a file's pictures once and has them encoded in all rungs."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from config.limits import FILE_QUEUE_PACKETS_MAX
from media.file.allowed import check_picture
from media.file.av_equal import equal
from media.file.plan import FilePlan
from media.file.showing import Showing
from media.pictures import Picture
from media.transcode.av_encoder import TIME_BASE, RungEncoder
from media.transcode.av_pictures import PictureMaker
from media.transcode.av_repeats import RepeatFinder
from media.transcode.av_scale import Cascade
from media.transcode.av_upright import Upright
from media.transcode.cuts import Placed
from media.units import VIDEO_TIMESCALE

_FRAME_TICKS_UNKNOWN = VIDEO_TIMESCALE // 30


class VideoWork:
    """One thread that decodes and scales; each encoder has its own.

    Attributes:
        shown: pictures that came out of the decoder.
    """

    def __init__(
        self,
        decoder: VideoCodecContext,
        plan: FilePlan,
        upright: Upright,
        showing: Showing,
        encoders: list[RungEncoder],
        send: Callable[[Picture], None],
    ) -> None:
        self._decoder = decoder
        self._plan = plan
        self._upright = upright
        self._showing = showing
        self._encoders = encoders
        self._maker = None if plan.pictures is None else PictureMaker(plan.pictures, send)
        self._cascade = Cascade([encoder.rung for encoder in encoders])
        self._packets: queue.Queue[av.Packet[Any] | None] = queue.Queue(FILE_QUEUE_PACKETS_MAX)
        self._thread = threading.Thread(target=self._run, name="video")
        self._last: VideoFrame | None = None
        self._repeats = RepeatFinder()
        self._scaled: list[VideoFrame] = []
        self.shown = 0

    def start(self) -> None:
        for encoder in self._encoders:
            encoder.start()
        self._thread.start()

    def put(self, packet: "av.Packet[Any]") -> None:
        """Hand over the next packet, with times of the timeline; waits for room."""
        self._packets.put(packet)

    def finish(self) -> None:
        """Return when all that was put is encoded and sent."""
        self._packets.put(None)
        self._thread.join()
        for encoder in self._encoders:
            encoder.end()
        for encoder in self._encoders:
            encoder.join()

    def _run(self) -> None:
        while (packet := self._packets.get()) is not None:
            self._decode(packet)
        self._decode(None)
        for frame in self._upright.finish():
            self._show(frame)
        numerator, denominator = self._plan.frame_rate
        step = VIDEO_TIMESCALE * denominator // numerator if numerator else _FRAME_TICKS_UNKNOWN
        for placed in self._showing.rest(self._plan.end, step):
            self._hand_over(placed)
        if self._maker is not None:
            self._maker.finish()

    def _decode(self, packet: "av.Packet[Any] | None") -> None:
        if packet is not None and packet.pts is not None:
            self._repeats.packet(packet.pts, packet.size)
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError:
            return  # what is missing is bridged by the picture before
        for frame in frames:
            check_picture(frame.width, frame.height)
            self.shown += 1
            if frame.pts is not None and frame.pts < self._plan.end:
                for upright in self._upright.take(frame):
                    self._show(upright)

    def _show(self, frame: VideoFrame) -> None:
        assert frame.pts is not None
        pts = frame.pts
        for again in self._showing.again_before(pts):
            self._hand_over(again)
        # Most sources repeat a picture exactly, which is seen at the speed of memory; encoders of a
        # still one go on changing it a little.
        same = self._last is not None and equal(frame, self._last)
        same = same or self._repeats.is_same(frame)
        placed = self._showing.next(pts, same=same)
        if placed is None:
            return
        self._repeats.encoded()
        self._last = frame
        # All scaling comes before the first hand-over: an encoder may change what it is given.
        self._scaled = self._cascade.scale(frame)
        self._hand_over(placed)

    def _hand_over(self, placed: Placed) -> None:
        """Give the picture that was scaled last to all encoders."""
        if self._maker is not None:
            self._maker.take(self._scaled[-1], placed.pts)
        for encoder, picture in zip(self._encoders, self._scaled, strict=True):
            encoder.put(picture, placed)


class PosterWork:
    """Makes posters and sheets for a film of which no picture is encoded, from its keyframes."""

    def __init__(
        self, decoder: VideoCodecContext, plan: FilePlan, send: Callable[[Picture], None]
    ) -> None:
        assert plan.pictures is not None
        self._decoder = decoder
        self._tile_ticks = plan.pictures.tile_ticks
        self._due = 0
        self._maker = PictureMaker(plan.pictures, send)
        self._packets: queue.Queue[av.Packet[Any] | None] = queue.Queue(FILE_QUEUE_PACKETS_MAX)
        self._thread = threading.Thread(target=self._run, name="posters")
        self.shown = 0

    def start(self) -> None:
        self._thread.start()

    def put(self, packet: "av.Packet[Any]") -> None:
        """As `VideoWork.put`; only some keyframes are taken."""
        if packet.is_keyframe and packet.pts is not None and packet.pts >= self._due:
            self._due = packet.pts + self._tile_ticks
            self._packets.put(packet)

    def finish(self) -> None:
        self._packets.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (packet := self._packets.get()) is not None:
            for frame in self._decode_alone(packet):
                self.shown += 1
                if frame.pts is not None:
                    self._maker.take(frame, frame.pts)
        self._maker.finish()

    def _decode_alone(self, packet: "av.Packet[Any]") -> list[VideoFrame]:
        """Nothing that follows a keyframe is decoded, so it is not waited for."""
        try:
            frames = self._decoder.decode(packet) + self._decoder.decode(None)
        except FFmpegError:
            frames = []
        self._decoder.flush_buffers()
        for frame in frames:
            frame.time_base = TIME_BASE
        return frames

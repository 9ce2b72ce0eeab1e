"""Decodes a live source, scales its pictures and hands them to the encoders of its rungs."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from config.clock import SystemClock
from config.limits import REPEAT_MS_MAX
from media.transcode.av_encoder import TIME_BASE, Look, RungEncoder
from media.transcode.av_pictures import PictureMaker
from media.transcode.av_repeats import RepeatFinder
from media.transcode.av_scale import Cascade
from media.transcode.av_shown import Shown
from media.transcode.av_speed import pixel_picoseconds
from media.transcode.cuts import MeasuredCuts, NamedCuts, Placed
from media.transcode.decoding import DECODER_OPTIONS, VIDEO_DECODERS
from media.transcode.plan import EncoderSettings, Plan
from media.transcode.preset import AUTO, live_preset
from media.transcode.pressure import Pressure
from media.transcode.protocol import Appearance, Finished, Opened, Progress, SourcePacket
from media.transcode.repeats import coded_bytes
from media.transcode.worker_pipe import Inbox, Outbox
from media.units import VIDEO_TIMESCALE, Coding

# Consumed packets are reported when nothing waits, or after this many.
_PROGRESS_PACKETS = 8
_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_REPEAT_TICKS_MAX = REPEAT_MS_MAX * _TICKS_PER_MS
_ASPECT_PART_MAX = 0xFFFF


class Transcoder:
    """Decodes, scales and hands pictures to the encoders; all on one thread."""

    def __init__(self, plan: Plan, inbox: Inbox, outbox: Outbox) -> None:
        self._plan = plan
        self._inbox = inbox
        self._outbox = outbox
        self._decoder = _open_decoder(plan)
        self._shown: Shown | None = None
        self._encoders: list[RungEncoder] = []
        self._cascade = Cascade(plan.rungs)
        self._pictures: PictureMaker | None = None
        self._repeats = RepeatFinder()
        # The newest pictures that were left out because they show nothing new.
        self._held: deque[tuple[VideoFrame, Placed]] = deque(maxlen=2)
        self._cuts = (
            NamedCuts() if plan.named_boundaries else MeasuredCuts(plan.segment_ticks, plan.start)
        )
        self._pressure = Pressure(plan.lag_ms_max, plan.patience_ms)
        self._clock = SystemClock()
        self._skipping = False
        self._first_pts: int | None = None
        self._consumed = 0
        self._undecodable = 0
        self._skipped = 0
        self._repeated = 0
        self._encoded_pts = 0

    def run(self) -> None:
        """Work until `Finish` comes."""
        while isinstance(message := self._inbox.get(), SourcePacket):
            self._take(message)
            self._consumed += 1
            if self._consumed % _PROGRESS_PACKETS == 0 or self._inbox.is_empty():
                self._report()
        for frame in self._decode(None):
            self._show(frame)
        self._finish()

    def _take(self, packet: SourcePacket) -> None:
        if self._first_pts is None:
            self._first_pts = packet.pts
        if packet.keyframe:
            self._decoder.skip_frame = "DEFAULT"
        self._cuts.packet(packet.pts, packet.boundary)
        self._repeats.packet(packet.pts, self._coded_bytes(packet))
        for frame in self._decode(_libav_packet(packet)):
            self._show(frame)
        if self._plan.shedding and self._encoders:
            self._relieve()

    def _coded_bytes(self, packet: SourcePacket) -> int:
        is_h264 = self._plan.coding is Coding.H264
        return coded_bytes(packet.data) if is_h264 else len(packet.data)

    def _open(self, appearance: Appearance) -> None:
        look = Look(appearance, self._plan.frame_rate)
        settings = _affordable(self._plan)
        self._encoders = [
            RungEncoder(index, rung, settings, look, self._outbox)
            for index, rung in enumerate(self._plan.rungs)
        ]
        aspect = (appearance.aspect_width, appearance.aspect_height)
        self._pictures = PictureMaker(self._plan.pictures, self._outbox.send, aspect=aspect)
        configurations = tuple(encoder.configuration() for encoder in self._encoders)
        self._outbox.send(Opened(appearance, configurations, settings.preset))
        for encoder in self._encoders:
            encoder.start()

    def _decode(self, packet: "av.Packet[Any] | None") -> Iterator[VideoFrame]:
        try:
            yield from self._decoder.decode(packet)
        except FFmpegError:
            self._undecodable += 1

    def _show(self, frame: VideoFrame) -> None:
        placed = None if frame.pts is None else self._cuts.place(frame.pts)
        if placed is None:
            return
        if self._skipping and not placed.boundary:
            self._skipped += 1
        elif self._is_repeat(frame, placed):
            self._hold(frame, placed)
        else:
            self._repeats.encoded()
            self._held.clear()
            self._encoded_pts = placed.pts
            self._encode(frame, placed)

    def _is_repeat(self, frame: VideoFrame, placed: Placed) -> bool:
        same = self._repeats.is_same(frame)
        return same and not placed.boundary and placed.pts - self._encoded_pts <= _REPEAT_TICKS_MAX

    def _hold(self, frame: VideoFrame, placed: Placed) -> None:
        self._repeated += 1
        self._held.append((frame, placed))
        for encoder in self._encoders:
            encoder.repeat(placed)

    def _encode(self, frame: VideoFrame, placed: Placed) -> None:
        if self._shown is None:
            # Only a decoded picture tells how the source wants to be shown.
            self._shown = Shown(_appearance(self._decoder, frame), self._plan)
        picture = self._shown.picture(frame)
        if not self._encoders:
            self._open(self._shown.appearance)
        assert self._pictures is not None
        # All scaling comes before the first hand-over: an encoder may change what it was given.
        pictures = self._cascade.scale(picture)
        self._pictures.take(pictures[-1], placed.pts)
        for encoder, scaled in zip(self._encoders, pictures, strict=True):
            encoder.put(scaled, placed)

    def _finish(self) -> None:
        """Two pictures tell where the last one is and how long it lasts, even of a still."""
        for frame, placed in self._held:
            self._encode(frame, placed)
        for encoder in self._encoders:
            encoder.finish()
        if self._pictures is not None:
            self._pictures.finish()
        self._report()
        self._outbox.send(Finished())

    def _relieve(self) -> None:
        """When it stays behind, give up the top rung; of the last one pictures, then decoding."""
        lag_ms = self._lag_ms()
        if self._skipping and self._pressure.relieved(lag_ms):
            self._skipping = False
        if not self._pressure.overloaded(self._clock.monotonic_ms(), lag_ms):
            return
        if len(self._encoders) > 1:
            self._encoders.pop(0).shed(lag_ms)
            self._cascade.drop_top()
        elif self._skipping:
            self._decoder.skip_frame = "NONKEY"
        else:
            self._skipping = True

    def _finished_pts(self) -> int:
        """How far the slowest rung has come."""
        first = self._first_pts or 0
        return min((encoder.finished_pts or first for encoder in self._encoders), default=first)

    def _lag_ms(self) -> int:
        return max(0, self._inbox.newest - self._finished_pts()) // _TICKS_PER_MS

    def _report(self) -> None:
        self._outbox.send(
            Progress(
                consumed=self._consumed,
                undecodable=self._undecodable,
                skipped=self._skipped,
                displaced=self._cuts.displaced,
                repeated=self._repeated,
                finished=self._finished_pts(),
            )
        )


def _affordable(plan: Plan) -> EncoderSettings:
    """The plan's settings with a preset of x264's."""
    if plan.encoder.preset != AUTO:
        return plan.encoder
    preset = live_preset(
        plan.rungs,
        plan.frame_rate,
        pixel_picoseconds=pixel_picoseconds(),
        share_millicores=plan.share_millicores,
    )
    return replace(plan.encoder, preset=preset)


def _open_decoder(plan: Plan) -> VideoCodecContext:
    decoder = av.CodecContext.create(VIDEO_DECODERS[plan.coding], "r")
    assert isinstance(decoder, VideoCodecContext), "a plan is for video"
    decoder.extradata = plan.configuration
    decoder.options = dict(DECODER_OPTIONS)
    decoder.thread_count = 1
    # Now, since PyAV crashes when a decoder is used a second time that could not be opened.
    decoder.open()
    return decoder


def _libav_packet(packet: SourcePacket) -> "av.Packet[Any]":
    made: av.Packet[Any] = av.Packet(packet.data)
    made.pts, made.dts, made.time_base = packet.pts, packet.dts, TIME_BASE
    return made


def _appearance(decoder: VideoCodecContext, frame: VideoFrame) -> Appearance:
    aspect = decoder.sample_aspect_ratio or Fraction(1)
    aspect = Fraction(aspect.numerator, aspect.denominator).limit_denominator(_ASPECT_PART_MAX)
    return Appearance(
        # Scaling keeps the range that a picture is marked with.
        color_range=frame.color_range,
        primaries=frame.color_primaries,
        transfer=frame.color_trc,
        matrix=frame.colorspace,
        aspect_width=aspect.numerator,
        aspect_height=aspect.denominator,
    )

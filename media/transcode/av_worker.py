"""The worker process: decodes a source once with libav and encodes its rungs.

Reads messages of `media.transcode.protocol` from standard input and writes them to standard
output; standard error is its log. One thread reads, one decodes and scales, one encodes each rung;
libav lets go of the interpreter while it works. A packet that cannot be decoded is counted; all
else that goes wrong ends the process, and the supervisor starts another.
"""

import ctypes
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from config.child import die_with_parent
from config.clock import SystemClock
from config.limits import WORKER_ARENAS_MAX, WORKER_DESCRIPTORS_MAX, WORKER_MEMORY_BYTES_MAX
from media.jail.level import Confinement
from media.jail.minimum import enter_jail
from media.transcode.av_encoder import TIME_BASE, Look, RungEncoder
from media.transcode.cuts import MeasuredCuts, NamedCuts
from media.transcode.plan import Plan, plan_from_bytes
from media.transcode.pressure import Pressure
from media.transcode.protocol import (
    Appearance,
    Configure,
    Finish,
    Finished,
    MalformedMessage,
    Message,
    MessageReader,
    Opened,
    Progress,
    SourcePacket,
)
from media.transcode.worker_pipe import Inbox, Outbox
from media.units import VIDEO_TIMESCALE

NICENESS = 5
"""Encoders may take what the server itself, its ingest and delivery, leaves."""

_CONFINEMENT = Confinement(
    memory_bytes=WORKER_MEMORY_BYTES_MAX,
    cpu_seconds=None,  # a source may last for days
    descriptors=WORKER_DESCRIPTORS_MAX,
)
_READ_BYTES = 1 << 18
# Consumed packets are reported when nothing waits, or after this many.
_PROGRESS_PACKETS = 8
_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_COLOR_RANGE_LIMITED = 1  # AVCOL_RANGE_MPEG
_ASPECT_PART_MAX = 0xFFFF
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)


class Transcoder:
    """Decodes, scales and hands pictures to the encoders; all on one thread."""

    def __init__(self, plan: Plan, inbox: Inbox, outbox: Outbox) -> None:
        self._plan = plan
        self._inbox = inbox
        self._outbox = outbox
        self._decoder = _open_decoder(plan.configuration)
        self._encoders: list[RungEncoder] = []
        self._reformatters = [VideoReformatter() for _ in plan.rungs]
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

    def run(self) -> None:
        """Work until `Finish` comes."""
        while isinstance(message := self._inbox.get(), SourcePacket):
            self._take(message)
            self._consumed += 1
            if self._consumed % _PROGRESS_PACKETS == 0 or self._inbox.is_empty():
                self._report()
        for frame in self._decode(None):
            self._show(frame)
        for encoder in self._encoders:
            encoder.finish()
        self._report()
        self._outbox.send(Finished())

    def _take(self, packet: SourcePacket) -> None:
        if self._first_pts is None:
            self._first_pts = packet.pts
        if packet.keyframe:
            self._decoder.skip_frame = "DEFAULT"
        self._cuts.packet(packet.pts, packet.boundary)
        for frame in self._decode(_libav_packet(packet)):
            self._show(frame)
        if self._plan.shedding and self._encoders:
            self._relieve()

    def _open_encoders(self, frame: VideoFrame) -> None:
        """Only a decoded picture tells how the source wants to be shown."""
        appearance = self._plan.appearance or _appearance(self._decoder, frame)
        look = Look(appearance, self._plan.frame_rate)
        self._encoders = [
            RungEncoder(index, rung, self._plan.encoder, look, self._outbox)
            for index, rung in enumerate(self._plan.rungs)
        ]
        configurations = tuple(encoder.configuration() for encoder in self._encoders)
        self._outbox.send(Opened(appearance, configurations))
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
        if not self._encoders:
            self._open_encoders(frame)
        if self._skipping and not placed.boundary:
            self._skipped += 1
            return
        # All scaling comes before the first hand-over: an encoder may change what it was given.
        pictures = self._scale(frame)
        for encoder, picture in zip(self._encoders, pictures, strict=True):
            encoder.put(picture, placed)

    def _scale(self, frame: VideoFrame) -> list[VideoFrame]:
        """Each rung's picture, made from the one above it."""
        pictures = []
        picture = frame
        for encoder, reformatter in zip(self._encoders, self._reformatters, strict=True):
            picture = reformatter.reformat(
                picture,
                width=encoder.rung.width,
                height=encoder.rung.height,
                format="yuv420p",
                interpolation=Interpolation.BICUBIC,
                threads=1,
            )
            pictures.append(picture)
        return pictures

    def _relieve(self) -> None:
        """When it stays behind, give up the top rung; of the last one pictures, then decoding."""
        lag_ms = self._lag_ms()
        if self._skipping and self._pressure.relieved(lag_ms):
            self._skipping = False
        if not self._pressure.overloaded(self._clock.monotonic_ms(), lag_ms):
            return
        if len(self._encoders) > 1:
            self._encoders.pop(0).shed(lag_ms)
            self._reformatters.pop(0)
        elif self._skipping:
            self._decoder.skip_frame = "NONKEY"
        else:
            self._skipping = True

    def _lag_ms(self) -> int:
        assert self._first_pts is not None
        finished = [encoder.finished_pts or self._first_pts for encoder in self._encoders]
        return max(0, self._inbox.newest - min(finished)) // _TICKS_PER_MS

    def _report(self) -> None:
        self._outbox.send(
            Progress(
                consumed=self._consumed,
                undecodable=self._undecodable,
                skipped=self._skipped,
                displaced=self._cuts.displaced,
            )
        )


def _open_decoder(configuration: bytes) -> VideoCodecContext:
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = configuration
    decoder.thread_count = 1
    return decoder


def _libav_packet(packet: SourcePacket) -> "av.Packet[Any]":
    made: av.Packet[Any] = av.Packet(packet.data)
    made.pts, made.dts, made.time_base = packet.pts, packet.dts, TIME_BASE
    return made


def _appearance(decoder: VideoCodecContext, frame: VideoFrame) -> Appearance:
    # Scaling turns the full range that a pixel format tells into the limited one.
    full_by_format = frame.format.name.startswith("yuvj")
    aspect = decoder.sample_aspect_ratio or Fraction(1)
    aspect = Fraction(aspect.numerator, aspect.denominator).limit_denominator(_ASPECT_PART_MAX)
    return Appearance(
        color_range=_COLOR_RANGE_LIMITED if full_by_format else frame.color_range,
        primaries=frame.color_primaries,
        transfer=frame.color_trc,
        matrix=frame.colorspace,
        aspect_width=aspect.numerator,
        aspect_height=aspect.denominator,
    )


def _shape_memory() -> None:
    """Have malloc reuse a picture's pages for the next: getting new ones costs 2 % of CPU.

    Each of its arenas reserves 64 MiB of what the jail allows, so their number has a bound.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # only glibc has it
        libc.mallopt(_M_ARENA_MAX, WORKER_ARENAS_MAX)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
        libc.mallopt(_M_TRIM_THRESHOLD, 1 << 30)


def _messages(descriptor: int) -> Iterator[Message]:
    """What the server sends, until it closes the pipe."""
    reader = MessageReader()
    while data := os.read(descriptor, _READ_BYTES):
        yield from reader.feed(data)


def _claim_output() -> int:
    """Keep standard output for messages; what libraries print goes to the log."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


def _end_on_failure(failure: threading.ExceptHookArgs) -> None:
    traceback.print_exception(failure.exc_value)
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Run until the server says `Finish` or closes the pipe."""
    die_with_parent(signal.SIGKILL)
    os.nice(NICENESS)
    _shape_memory()
    threading.excepthook = _end_on_failure
    outbox = Outbox(_claim_output())
    enter_jail(_CONFINEMENT, sys.argv[1:])
    messages = _messages(0)
    first = next(messages, None)
    if not isinstance(first, Configure):
        raise MalformedMessage("a plan has to come first")
    plan = plan_from_bytes(first.plan)
    inbox = Inbox(plan.inbox_packets_max, plan.inbox_bytes_max)
    transcoder = threading.Thread(target=Transcoder(plan, inbox, outbox).run, name="decoder")
    transcoder.start()
    for message in messages:
        assert isinstance(message, SourcePacket | Finish)
        inbox.put(message)
        if isinstance(message, Finish):
            transcoder.join()
            return
    os._exit(1)  # the server is gone; nobody wants the rest


if __name__ == "__main__":
    main()

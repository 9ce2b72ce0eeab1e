"""A publisher for demonstrations: sends a moving test pattern with sound to an RTMP server.

Run as `python -m media.transcode.pattern`; one line of JSON on standard input says where to and how
large. It renders one loop, then only sends it, again and again in real time, so that it costs next
to nothing. It ends on SIGTERM and when standard input is closed, and connects again when the server
goes away.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import count
from typing import Any

import av
from av.error import FFmpegError
from av.video.frame import PictureType

from config.child import die_with_parent
from config.clock import SystemClock
from config.limits import PATTERN_NETWORK_MS_MAX, PATTERN_ORDER_BYTES_MAX, PATTERN_RETRY_MS
from media.transcode.pattern_picture import Painter
from media.transcode.pattern_sound import BEAT_SECONDS, SAMPLE_RATE, beat

LOOP_SECONDS = 8
"""A whole number of beats, of groups of pictures and of AAC frames (375)."""

_KEYFRAME_SECONDS = 2
_AAC_FRAME_SAMPLES = 1024
_LOOP_AAC_FRAMES = LOOP_SECONDS * SAMPLE_RATE // _AAC_FRAME_SAMPLES
_AUDIO_BITS_PER_SECOND = 96_000


class MalformedOrder(ValueError):
    """Standard input does not say what to publish."""


@dataclass(frozen=True, slots=True)
class Order:
    """Where to publish; `url` holds the stream key, so it is never logged."""

    url: str
    width: int
    height: int
    fps: int


def order_from_json(line: bytes) -> Order:
    """Read an order.

    Raises:
        MalformedOrder: something is missing, unknown or out of range.
    """
    try:
        order = Order(**json.loads(line))
        sizes_fit = 16 <= order.width <= 4096 and 16 <= order.height <= 4096
        if not (order.url and sizes_fit and 1 <= order.fps <= 120):
            raise MalformedOrder("a url, a size of 16 to 4096 and 1 to 120 fps are needed")
    except (ValueError, TypeError) as reason:
        raise MalformedOrder(str(reason)) from reason
    return order


def render(order: Order) -> BytesIO:
    """One loop of picture and sound as an MP4 in memory, its sound fit to follow itself."""
    target = BytesIO()
    with av.open(target, "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=order.fps)
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo", format="fltp")
        # The file's header needs both encoders open, which the first packets make sure of.
        packets = [*_render_picture(picture, order), *_render_sound(sound)]
        container.mux(packets)
    target.seek(0)
    return target


def _render_picture(stream: av.VideoStream, order: Order) -> "list[av.Packet[Any]]":
    stream.width, stream.height, stream.pix_fmt = order.width, order.height, "yuv420p"
    context = stream.codec_context
    context.color_range, context.colorspace = 1, 1  # limited, ITU-R BT.709
    context.color_primaries, context.color_trc = 1, 1
    interval = str(_KEYFRAME_SECONDS * order.fps)
    stream.options = {
        "preset": "ultrafast",
        "profile": "main",
        "crf": "20",
        "g": interval,
        "keyint_min": interval,
        "sc_threshold": "0",
        "bf": "0",
    }
    painter = Painter(order.width, order.height)
    frames = LOOP_SECONDS * order.fps
    packets: list[av.Packet[Any]] = []
    for number in range(frames):
        frame = av.VideoFrame(order.width, order.height, "yuv420p")
        for plane, data in zip(frame.planes, painter.paint(number / frames), strict=True):
            _fill(plane, data)
        frame.pts, frame.time_base = number, Fraction(1, order.fps)
        frame.pict_type = PictureType.NONE
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _fill(plane: av.video.plane.VideoPlane, data: bytes) -> None:
    """Copy rows into a plane, whose rows may be longer for alignment."""
    if plane.line_size == plane.width:
        plane.update(data)
        return
    padding = bytes(plane.line_size - plane.width)
    rows = (data[at : at + plane.width] for at in range(0, len(data), plane.width))
    plane.update(b"".join(row + padding for row in rows))


def _render_sound(stream: av.AudioStream) -> "list[av.Packet[Any]]":
    """Encode three loops and keep the middle one: its ends fit, as the encoder was warm."""
    stream.bit_rate = _AUDIO_BITS_PER_SECOND
    samples = beat() * (3 * LOOP_SECONDS // BEAT_SECONDS)
    middle = range(_LOOP_AAC_FRAMES, 2 * _LOOP_AAC_FRAMES)
    kept: list[av.Packet[Any]] = []
    for number in range(3 * _LOOP_AAC_FRAMES):
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=_AAC_FRAME_SAMPLES)
        start = number * _AAC_FRAME_SAMPLES
        for plane in frame.planes:
            plane.update(samples[start : start + _AAC_FRAME_SAMPLES].tobytes())
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = start
        for packet in stream.encode(frame):
            assert packet.pts is not None
            if packet.pts // _AAC_FRAME_SAMPLES in middle:
                packet.pts -= LOOP_SECONDS * SAMPLE_RATE
                packet.dts = packet.pts
                kept.append(packet)
    return kept


def publish(url: str, loop: bytes, stop: threading.Event) -> None:
    """Send the loop until told to stop.

    Raises:
        FFmpegError: the server refused or went away.
    """
    clock = SystemClock()
    options = {"rw_timeout": str(PATTERN_NETWORK_MS_MAX * 1000)}
    with (
        av.open(BytesIO(loop), "r") as source,
        av.open(url, "w", format="flv", options=options) as target,
    ):
        streams = [target.add_stream_from_template(one) for one in source.streams]
        started_ms = clock.monotonic_ms()
        for due_ms, packet in endless(list(source.demux())):
            early_ms = due_ms - (clock.monotonic_ms() - started_ms)
            if stop.wait(max(0, early_ms) / 1000):
                return
            packet.stream = streams[packet.stream_index]
            target.mux(packet)


def endless(
    packets: "list[av.Packet[av.stream.Stream]]",
) -> Iterator[tuple[int, "av.Packet[Any]"]]:
    """The loop's packets for ever, and when each is due in milliseconds from the start."""
    stamped = [(one.dts, one.pts, one) for one in packets if one.dts is not None]
    stamped.sort(key=lambda one: one[0] * one[2].time_base)
    for round_number in count():
        for dts, pts, packet in stamped:
            ticks = int(round_number * LOOP_SECONDS / packet.time_base)
            again: av.Packet[Any] = av.Packet(bytes(packet))
            again.dts, again.pts = dts + ticks, (dts if pts is None else pts) + ticks
            again.time_base, again.is_keyframe = packet.time_base, packet.is_keyframe
            again.stream = packet.stream
            yield int((dts + ticks) * packet.time_base * 1000), again


def _stop_at_end(main_thread: int) -> None:
    # Not through `sys.stdin`: a thread that holds its lock aborts the interpreter's shutdown.
    while os.read(0, 1):
        pass
    signal.pthread_kill(main_thread, signal.SIGTERM)


def main() -> None:
    """Publish until standard input is closed or SIGTERM comes."""
    die_with_parent(signal.SIGTERM)
    # Until something is sent there is nothing to end well, and to render the loop may take seconds.
    # (An exception would be lost in a callback of the garbage collector's.)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    stop = threading.Event()
    order = order_from_json(sys.stdin.buffer.readline(PATTERN_ORDER_BYTES_MAX))
    watching = threading.Thread(target=_stop_at_end, args=(threading.get_ident(),), daemon=True)
    watching.start()
    loop = render(order).getvalue()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.is_set():
        try:
            publish(order.url, loop, stop)
        except FFmpegError as reason:
            # Its text would name the URL, and with it the stream key.
            sys.stderr.write(f"cannot publish: {reason.strerror}\n")
            sys.stderr.flush()
            stop.wait(PATTERN_RETRY_MS / 1000)


if __name__ == "__main__":
    main()

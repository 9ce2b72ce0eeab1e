"""One rung's encoder: libx264 on a thread of its own."""

import queue
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from config.limits import WORKER_PICTURES_MAX
from media.ladder import Rung
from media.transcode.cuts import Placed
from media.transcode.plan import EncoderSettings
from media.transcode.protocol import Appearance, Encoded, Shed
from media.transcode.worker_pipe import Outbox
from media.units import VIDEO_TIMESCALE
from media.wire.nal import annex_b_to_length_prefixed, avc_configuration_from_annex_b

TIME_BASE = Fraction(1, VIDEO_TIMESCALE)
"""The one clock of all pictures: libav rewrites the times of pictures that come with another."""

# Only boundaries are keyframes, but x264 wants some number.
_KEYFRAME_INTERVAL_MAX = 1 << 20
_FRAME_RATE_UNKNOWN = Fraction(30)


@dataclass(frozen=True, slots=True)
class Look:
    """What all rungs share; `frame_rate` is a fraction, (0, 1) when unknown."""

    appearance: Appearance
    frame_rate: tuple[int, int]


class RungEncoder:
    """Encodes one rung and sends its packets.

    Attributes:
        finished_pts: of the newest picture that was encoded and sent, or repeats what was; None
            before the first.
    """

    def __init__(
        self, index: int, rung: Rung, settings: EncoderSettings, look: Look, outbox: Outbox
    ) -> None:
        """Open an encoder; `index` is the rung's place in the plan."""
        self.rung = rung
        self.finished_pts: int | None = None
        self._index = index
        self._outbox = outbox
        self._context = _open(rung, settings, look)
        self._boundaries: set[int] = set()
        self._pictures: queue.Queue[tuple[VideoFrame | None, Placed] | None] = queue.Queue(
            WORKER_PICTURES_MAX
        )
        self._shed_lag_ms: int | None = None
        self._thread = threading.Thread(target=self._run, name=self.rung.name)

    def configuration(self) -> bytes:
        """The rung's AVCDecoderConfigurationRecord."""
        assert self._context.extradata is not None, "global headers were asked for"
        return avc_configuration_from_annex_b(bytes(self._context.extradata))

    def start(self) -> None:
        self._thread.start()

    def put(self, picture: VideoFrame, placed: Placed) -> None:
        """Hand over a picture, which nobody else may touch from now on; waits for room."""
        self._pictures.put((picture, placed))

    def repeat(self, placed: Placed) -> None:
        """The next picture shows what the one before shows, and is left out."""
        self._pictures.put((None, placed))

    def shed(self, lag_ms: int) -> None:
        """Give up: what waits is thrown away."""
        self._shed_lag_ms = lag_ms
        self._pictures.put(None)

    def end(self) -> None:
        """No more pictures come."""
        self._pictures.put(None)

    def join(self) -> None:
        """After `end`: return when all was encoded and sent."""
        self._thread.join()

    def finish(self) -> None:
        """Encode what waits and return when it was sent."""
        self.end()
        self.join()

    def _run(self) -> None:
        while (item := self._pictures.get()) is not None:
            picture, placed = item
            if self._shed_lag_ms is not None:
                continue
            if picture is None:
                self._advance(placed.pts)
            else:
                self._encode(picture, placed)
        if self._shed_lag_ms is None:
            self._send(self._context.encode(None))
        else:
            self._outbox.send(Shed(self._index, self._shed_lag_ms))

    def _encode(self, picture: VideoFrame, placed: Placed) -> None:
        picture.pts = placed.pts
        picture.time_base = TIME_BASE
        # A decoded picture carries the type it had in the source, and x264 would obey it.
        picture.pict_type = PictureType.NONE
        if placed.boundary:
            picture.pict_type = PictureType.I
            self._boundaries.add(placed.pts)
        self._send(self._context.encode(picture))

    def _send(self, packets: "Iterable[av.Packet[av.VideoStream]]") -> None:
        for packet in packets:
            assert packet.pts is not None
            assert packet.dts is not None
            boundary = packet.pts in self._boundaries
            self._boundaries.discard(packet.pts)
            self._outbox.send(
                Encoded(
                    rung=self._index,
                    dts=packet.dts,
                    pts=packet.pts,
                    duration=packet.duration or 0,
                    keyframe=packet.is_keyframe,
                    boundary=boundary,
                    data=annex_b_to_length_prefixed(bytes(packet)),
                )
            )
            self._advance(packet.pts)

    def _advance(self, pts: int) -> None:
        self.finished_pts = pts if self.finished_pts is None else max(self.finished_pts, pts)


def _open(rung: Rung, settings: EncoderSettings, look: Look) -> VideoCodecContext:
    appearance = look.appearance
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = rung.width, rung.height, "yuv420p"
    context.time_base = TIME_BASE
    numerator, denominator = look.frame_rate
    context.framerate = Fraction(numerator, denominator) if numerator else _FRAME_RATE_UNKNOWN
    context.color_range = appearance.color_range
    context.color_primaries = appearance.primaries
    context.color_trc = appearance.transfer
    context.colorspace = appearance.matrix
    context.sample_aspect_ratio = Fraction(appearance.aspect_width, appearance.aspect_height)
    context.flags |= Flags.global_header
    context.options = {
        "preset": settings.preset,
        "crf": str(settings.rate_factor),
        "maxrate": str(rung.bitrate_max),
        "bufsize": str(rung.bitrate_max),
        "threads": "1",
        "bf": str(settings.b_frames),
        **({} if settings.lookahead else {"rc-lookahead": "0"}),
        "sc_threshold": "0",
        "g": str(_KEYFRAME_INTERVAL_MAX),
        "forced-idr": "1",
    }
    context.open()
    return context

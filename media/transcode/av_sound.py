"""Puts decoded sound on the timeline without holes, and encodes it as AAC."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import Flags
from av.error import BlockingIOError as NothingYet
from av.filter import Graph

from media.units import VIDEO_TIMESCALE
from media.wire.aac import FRAME_SAMPLES

_TIME_BASE = Fraction(1, VIDEO_TIMESCALE)
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1"}
# Beyond this a stretch of silence is made here; the resampler would make it all at once.
_HOLE_MAX = VIDEO_TIMESCALE // 2


class SoundEncoder:
    """AAC of one layout and sample rate."""

    def __init__(self, sample_rate: int, channels: int, bit_rate: int = 0) -> None:
        """Open an encoder; `bit_rate` is in bits a second, 0 for what libav takes by itself."""
        self.layout = _LAYOUTS[channels]
        self.sample_rate = sample_rate
        context = av.CodecContext.create("aac", "w")
        assert isinstance(context, AudioCodecContext)
        context.layout, context.sample_rate = self.layout, sample_rate
        context.format = "fltp"
        if bit_rate:
            context.bit_rate = bit_rate
        context.time_base = Fraction(1, sample_rate)
        context.flags |= Flags.global_header
        context.open()
        self._context = context

    def configuration(self) -> bytes:
        """The AudioSpecificConfig."""
        assert self._context.extradata is not None, "global headers were asked for"
        return bytes(self._context.extradata)

    def encode(self, frame: AudioFrame | None) -> "list[av.Packet[Any]]":
        return list(self._context.encode(frame))

    def silence(self, start: int) -> AudioFrame:
        """A frame without sound, at a time in samples."""
        frame = AudioFrame(format="fltp", layout=self.layout, samples=FRAME_SAMPLES)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = self.sample_rate, start
        frame.time_base = Fraction(1, self.sample_rate)
        return frame

    def samples(self, time: int) -> int:
        """A time of 1/90000 s in samples, rounded down."""
        return time * self.sample_rate // VIDEO_TIMESCALE


class EvenSound:
    """Has decoded blocks encoded as frames that follow each other, with silence in the holes."""

    def __init__(
        self,
        encoder: SoundEncoder,
        send: "Callable[[av.Packet[Any]], None]",
        start: int,
        *,
        follow_ms: int,
        silence_max: int | None = None,
    ) -> None:
        """Prepare to begin with a sample.

        Args:
            send: takes what is encoded.
            start: time of the first sample, counted in samples.
            follow_ms: sound that is off its stamps by more is cut or filled; by less it is
                stretched up to 2 % until it fits.
            silence_max: after a longer hole (1/90000 s) samples are counted anew; None to fill all.
        """
        self._encoder = encoder
        self._send = send
        self._silence_max = silence_max
        self._follow = f"async=960:min_comp=0.01:min_hard_comp={follow_ms / 1000}"
        self._graph: Graph | None = None
        self._made_for: tuple[object, ...] = ()
        self._next = start
        self._heard_until = start * VIDEO_TIMESCALE // encoder.sample_rate

    def take(self, frame: AudioFrame, pts: int) -> None:
        """Take the next block, which is meant for `pts` (1/90000 s)."""
        end = pts + frame.samples * VIDEO_TIMESCALE // frame.sample_rate
        if end <= self._heard_until:
            return  # it lies within what was heard already
        wanted = (frame.format.name, frame.layout.name, frame.sample_rate)
        if wanted != self._made_for or pts - self._heard_until > _HOLE_MAX:
            self._close_graph()
            self._go_on_at(pts)
            self._graph, self._made_for = self._make(frame), wanted
        assert self._graph is not None
        self._heard_until = end
        frame.pts, frame.time_base = pts, _TIME_BASE
        self._graph.push(frame)
        self._pull()

    def finish(self, end: int | None = None) -> None:
        """Encode what is left, and silence up to `end` (1/90000 s)."""
        self._close_graph()
        if end is not None:
            self._fill_until(end)
        self._encode(None)

    def _go_on_at(self, pts: int) -> None:
        """Before sound that does not follow what was heard."""
        hole = pts - self._heard_until
        if self._silence_max is not None and hole > self._silence_max:
            self._next = max(self._next, self._encoder.samples(pts))
        self._fill_until(pts)

    def _make(self, frame: AudioFrame) -> Graph:
        """Filters that begin with the sample that comes next, whatever the first stamp is."""
        # The resampler counts in samples of its input.
        first = self._next * frame.sample_rate // self._encoder.sample_rate
        graph = Graph()
        graph.threads = 1
        graph.link_nodes(
            graph.add(
                "abuffer",
                f"sample_rate={frame.sample_rate}:sample_fmt={frame.format.name}"
                f":channel_layout={frame.layout.name}:time_base=1/{VIDEO_TIMESCALE}",
            ),
            graph.add(
                "aresample",
                f"osr={self._encoder.sample_rate}:osf=fltp:ochl={self._encoder.layout}"
                f":{self._follow}:first_pts={first}",
            ),
            graph.add("asetnsamples", f"n={FRAME_SAMPLES}:p=1"),
            graph.add("abuffersink"),
        ).configure()
        return graph

    def _close_graph(self) -> None:
        if self._graph is not None:
            self._graph.push(None)
            self._pull()
            self._graph, self._made_for = None, ()

    def _pull(self) -> None:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (NothingYet, EOFError):
                return
            assert isinstance(frame, AudioFrame)
            # The encoder pads the very last frame by itself; frames follow each other in any case.
            frame.pts, frame.time_base = self._next, Fraction(1, self._encoder.sample_rate)
            self._next += FRAME_SAMPLES
            self._encode(frame)

    def _fill_until(self, time: int) -> None:
        """Whole frames of silence up to a time in 1/90000 s."""
        end = self._encoder.samples(time)
        while self._next + FRAME_SAMPLES <= end:
            self._encode(self._encoder.silence(self._next))
            self._next += FRAME_SAMPLES

    def _encode(self, frame: AudioFrame | None) -> None:
        for packet in self._encoder.encode(frame):
            self._send(packet)

"""Decodes a file's sound, puts it on the timeline without holes, and encodes it as AAC."""

import queue
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import Flags
from av.error import BlockingIOError as NothingYet
from av.error import FFmpegError
from av.filter import Graph

from config.limits import FILE_QUEUE_PACKETS_MAX
from media.file.allowed import check_sound
from media.file.plan import SoundPlan
from media.file.sound_grid import FRAME_SAMPLES
from media.timeline import TIMELINE_START
from media.units import VIDEO_TIMESCALE

_TIME_BASE = Fraction(1, VIDEO_TIMESCALE)
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1"}
# Beyond this a stretch of silence is made here; the resampler would make it all at once.
_HOLE_MAX = VIDEO_TIMESCALE // 2
# The resampler stretches sound by up to 2 % to follow its stamps, and cuts or fills when that takes
# too long; stamps that are rounded to milliseconds do not bother it.
_FOLLOW = "async=960:min_comp=0.01:min_hard_comp=0.1"


class SoundEncoder:
    """AAC of one layout and sample rate."""

    def __init__(self, sound: SoundPlan) -> None:
        self.layout = _LAYOUTS[sound.channels]
        self.sample_rate = sound.sample_rate
        context = av.CodecContext.create("aac", "w")
        assert isinstance(context, AudioCodecContext)
        context.layout, context.sample_rate = self.layout, sound.sample_rate
        context.format = "fltp"
        if sound.bit_rate:
            context.bit_rate = sound.bit_rate
        context.time_base = Fraction(1, sound.sample_rate)
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


def silent_packet(sound: SoundPlan) -> bytes:
    """An AAC frame of silence, to be put between frames of another encoder."""
    encoder = SoundEncoder(sound)
    packets = [one for n in range(4) for one in encoder.encode(encoder.silence(n * FRAME_SAMPLES))]
    return bytes(packets[-1])


class SoundWork:
    """One thread that decodes, resamples and encodes.

    Attributes:
        heard: blocks that came out of the decoder.
    """

    def __init__(
        self,
        decoder: AudioCodecContext,
        encoder: SoundEncoder,
        end: int,
        send: "Callable[[av.Packet[Any]], None]",
    ) -> None:
        """Prepare to fill the time up to `end` (1/90000 s); `send` takes what is encoded."""
        self._decoder = decoder
        self._encoder = encoder
        self._end = end
        self._send = send
        self._packets: queue.Queue[av.Packet[Any] | None] = queue.Queue(FILE_QUEUE_PACKETS_MAX)
        self._thread = threading.Thread(target=self._run, name="sound")
        self._graph: Graph | None = None
        self._made_for: tuple[object, ...] = ()
        self._next = TIMELINE_START * encoder.sample_rate // VIDEO_TIMESCALE
        self._heard_until = TIMELINE_START
        self.heard = 0

    def start(self) -> None:
        self._thread.start()

    def put(self, packet: "av.Packet[Any]") -> None:
        """Hand over the next packet, with times of the timeline; waits for room."""
        self._packets.put(packet)

    def finish(self) -> None:
        """Return when all that was put is encoded and sent."""
        self._packets.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (packet := self._packets.get()) is not None:
            self._decode(packet)
        self._decode(None)
        self._close_graph()
        self._fill_until(self._end)
        self._encode(None)

    def _decode(self, packet: "av.Packet[Any] | None") -> None:
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError:
            return  # what is missing becomes silence
        for frame in frames:
            check_sound(frame.sample_rate, len(frame.layout.channels))
            self.heard += 1
            if frame.pts is not None and frame.pts < self._end:
                self._take(frame, frame.pts)

    def _take(self, frame: AudioFrame, pts: int) -> None:
        end = pts + frame.samples * VIDEO_TIMESCALE // frame.sample_rate
        if end <= self._heard_until:
            return  # it lies within what was heard already
        wanted = (frame.format.name, frame.layout.name, frame.sample_rate)
        if wanted != self._made_for or pts - self._heard_until > _HOLE_MAX:
            self._close_graph()
            self._fill_until(pts)
            self._graph, self._made_for = self._make(frame), wanted
        assert self._graph is not None
        self._heard_until = end
        frame.time_base = _TIME_BASE
        self._graph.push(frame)
        self._pull()

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
                f":{_FOLLOW}:first_pts={first}",
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
        end = time * self._encoder.sample_rate // VIDEO_TIMESCALE
        while self._next + FRAME_SAMPLES <= end:
            self._encode(self._encoder.silence(self._next))
            self._next += FRAME_SAMPLES

    def _encode(self, frame: AudioFrame | None) -> None:
        for packet in self._encoder.encode(frame):
            self._send(packet)

"""Makes upright, progressive pictures in ordinary colours of whatever was decoded."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.error import BlockingIOError as NothingYet
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from media.transcode.colours import RGB_MATRIX
from media.transcode.protocol import Appearance
from media.units import VIDEO_TIMESCALE

_TIME_BASE = Fraction(1, VIDEO_TIMESCALE)
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


@dataclass(frozen=True, slots=True)
class Posture:
    """How pictures are to come out, and how they go in.

    Attributes:
        width, height: of the pictures as they are shown.
        appearance: of what comes out.
        wide: colours have to be mapped to those of an ordinary screen.
        turn: degrees clockwise that pictures have to be turned by, after they were mirrored.
        interlaced: all of them are, whatever they say.
        deinterlaced: those that are interlaced are made progressive, which delays them by one.
    """

    width: int
    height: int
    appearance: Appearance
    wide: bool
    turn: int = 0
    mirrored: bool = False
    interlaced: bool = False
    deinterlaced: bool = True


class Upright:
    """Filters for one source, made anew when its pictures change; most sources need none.

    What needs filters comes out in the size that was asked for, in planes of 4:2:0 with 8 bits.
    """

    def __init__(self, posture: Posture) -> None:
        self._posture = posture
        self._interlaced = posture.interlaced
        self._always = posture.wide or posture.turn != 0 or posture.mirrored
        self._graph: Graph | None = None
        self._made_for: tuple[object, ...] = ()

    def take(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Take the next decoded picture. All pts are in 1/90000 s."""
        if self._posture.deinterlaced and frame.interlaced_frame:
            self._interlaced = True
        if not (self._always or self._interlaced or _is_unusual(frame)):
            yield from self.finish()
            yield frame
            return
        wanted = (frame.width, frame.height, frame.format.name, self._interlaced)
        if wanted != self._made_for:
            yield from self.finish()
            self._graph, self._made_for = self._make(frame), wanted
        assert self._graph is not None
        frame.time_base = _TIME_BASE
        self._graph.push(frame)
        yield from self._pull()

    def finish(self) -> Iterator[VideoFrame]:
        """What is still in the filters."""
        if self._graph is None:
            return
        self._graph.push(None)
        yield from self._pull()
        self._graph, self._made_for = None, ()

    def _pull(self) -> Iterator[VideoFrame]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.vpull()
            except (NothingYet, EOFError):
                return
            base = frame.time_base
            if frame.pts is not None:
                # Deinterlacing counts in fields.
                frame.pts = frame.pts * VIDEO_TIMESCALE * base.numerator // base.denominator
            frame.time_base = _TIME_BASE
            yield frame

    def _make(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        nodes = [graph.add("buffer", _source(frame))]
        if self._interlaced:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        nodes.append(graph.add("scale", self._scale(frame)))
        nodes.append(graph.add("format", "pix_fmts=yuv420p"))
        nodes += _turn(graph, self._posture)
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph

    def _scale(self, frame: VideoFrame) -> str:
        """Scale before turning, as the smaller picture is turned faster."""
        posture = self._posture
        width, height = posture.width, posture.height
        if posture.turn in (90, 270):
            width, height = height, width
        look = posture.appearance
        options = {"w": width, "h": height, "flags": "bicubic", "out_range": "limited"}
        if posture.wide:
            options |= {
                "out_primaries": look.primaries,
                "out_transfer": look.transfer,
                "out_color_matrix": "bt709",
                "intent": "perceptual",
            }
        elif frame.colorspace == RGB_MATRIX:
            options["out_color_matrix"] = "smpte170m"
        return ":".join(f"{name}={value}" for name, value in options.items())


def _source(frame: VideoFrame) -> str:
    """The filter that takes frames; colours as it names them are numbers of ITU-T H.273."""
    full = _is_full(frame)
    return (
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
        f":time_base=1/{VIDEO_TIMESCALE}:pixel_aspect=1/1"
        f":colorspace={frame.colorspace}:range={_FULL_RANGE if full else 1}"
    )


def _turn(graph: Graph, posture: Posture) -> list[FilterContext]:
    nodes = [graph.add("hflip")] if posture.mirrored else []
    match posture.turn:
        case 90:
            nodes.append(graph.add("transpose", "dir=clock"))
        case 180:
            nodes += [graph.add("hflip"), graph.add("vflip")]
        case 270:
            nodes.append(graph.add("transpose", "dir=cclock"))
        case _:
            pass
    return nodes


def _is_unusual(frame: VideoFrame) -> bool:
    """Whether scaling alone would give wrong colours."""
    return _is_full(frame) or frame.colorspace == RGB_MATRIX


def _is_full(frame: VideoFrame) -> bool:
    return frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")

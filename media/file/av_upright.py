"""Makes upright, progressive pictures in ordinary colours of whatever was decoded."""

from collections.abc import Iterator
from fractions import Fraction

from av.error import BlockingIOError as NothingYet
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from media.file.description import VideoDescription
from media.file.plan import FilePlan
from media.units import VIDEO_TIMESCALE

_TIME_BASE = Fraction(1, VIDEO_TIMESCALE)
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_RGB_MATRIX = 0
_UNSPECIFIED = 2
_SMPTE170M = 6


class Upright:
    """Filters for one file, made anew when its pictures change; most files need none.

    What needs filters comes out in the size of the top rung, in planes of 4:2:0 with 8 bits.
    """

    def __init__(self, video: VideoDescription, plan: FilePlan) -> None:
        self._video = video
        self._plan = plan
        self._interlaced = video.interlaced
        self._always = plan.wide or video.turn != 0 or video.mirrored
        self._graph: Graph | None = None
        self._made_for: tuple[object, ...] = ()

    def take(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Take the next decoded picture. All pts are in 1/90000 s."""
        self._interlaced = self._interlaced or frame.interlaced_frame
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
        nodes += _turn(graph, self._video)
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph

    def _scale(self, frame: VideoFrame) -> str:
        """Scale before turning, as the smaller picture is turned faster."""
        top = self._plan.rungs[0]
        width, height = top.width, top.height
        if self._video.turn in (90, 270):
            width, height = height, width
        look = self._plan.appearance
        options = {"w": width, "h": height, "flags": "bicubic", "out_range": "limited"}
        if self._plan.wide:
            options |= {
                "out_primaries": look.primaries,
                "out_transfer": look.transfer,
                "out_color_matrix": "bt709",
                "intent": "perceptual",
            }
        elif frame.colorspace == _RGB_MATRIX:
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


def _turn(graph: Graph, video: VideoDescription) -> list[FilterContext]:
    nodes = [graph.add("hflip")] if video.mirrored else []
    match video.turn:
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
    return _is_full(frame) or frame.colorspace == _RGB_MATRIX


def _is_full(frame: VideoFrame) -> bool:
    return frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")

"""Makes the pictures of all rungs of one."""

from collections.abc import Sequence

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from media.ladder import Rung


class Cascade:
    """Scales each rung's picture from that of the rung above it; in 4:2:0 with 8 bits."""

    def __init__(self, rungs: Sequence[Rung]) -> None:
        """Args: rungs, highest first."""
        self._steps = [(rung, VideoReformatter()) for rung in rungs]

    def drop_top(self) -> None:
        """The highest rung is not made any more."""
        self._steps.pop(0)

    def scale(self, frame: VideoFrame) -> list[VideoFrame]:
        """A picture for each rung; the first may be `frame` itself."""
        pictures = []
        for rung, reformatter in self._steps:
            frame = reformatter.reformat(
                frame,
                width=rung.width,
                height=rung.height,
                format="yuv420p",
                interpolation=Interpolation.BICUBIC,
                threads=1,
            )
            pictures.append(frame)
        return pictures

"""Brings a live source's pictures into colours that players of H.264 show."""

from dataclasses import replace

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from media.transcode.av_upright import Posture, Upright
from media.transcode.colours import RGB_MATRIX, is_wide, shown_appearance
from media.transcode.plan import Plan
from media.transcode.protocol import Appearance


class Shown:
    """How one source is shown; most are shown as they are.

    Attributes:
        appearance: of what is encoded.
    """

    def __init__(self, source: Appearance, plan: Plan) -> None:
        """Args: source is how its first picture wants to be shown."""
        self._top = plan.rungs[0]
        self._reformatter = VideoReformatter()
        converted = is_wide(source) or source.matrix == RGB_MATRIX
        own = _converted(source) if converted else source
        self.appearance = plan.appearance or own
        self._upright = self._convert(is_wide(source)) if converted else None

    def picture(self, frame: VideoFrame) -> VideoFrame:
        """The next picture as it is to be shown; it may be `frame` itself.

        The first one takes seconds when colours have to be mapped: a table is computed for that.
        """
        if self._upright is None:
            return frame
        # Filters are made for one size, so that a source that changes its own needs no new table.
        sized = self._reformatter.reformat(
            frame,
            width=self._top.width,
            height=self._top.height,
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        (picture,) = self._upright.take(sized)
        return picture

    def _convert(self, wide: bool) -> Upright:
        posture = Posture(
            width=self._top.width,
            height=self._top.height,
            appearance=self.appearance,
            wide=wide,
            deinterlaced=False,
        )
        return Upright(posture)


def _converted(source: Appearance) -> Appearance:
    """Pixels keep their shape, which a live source's renditions are marked with."""
    return replace(
        shown_appearance(source),
        aspect_width=source.aspect_width,
        aspect_height=source.aspect_height,
    )

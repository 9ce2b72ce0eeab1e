"""Where the packets of a live source say that segments start."""

from media.segmenter import Segmenter
from media.transcode.source_picture import SourcePicture


class SourceCuts:
    """To be asked once for each picture of the track that is shown, in their order.

    When the source is not passed through, encoders find places by themselves, but for one case:
    where another publication begins.
    """

    def __init__(self, segment_ticks: int, *, passed_through: bool) -> None:
        self._segmenter = Segmenter.at_keyframes(segment_ticks)
        self._passed_through = passed_through
        self._resuming = False

    def resume(self) -> None:
        """What follows is of another publication; its first keyframe starts a segment."""
        self._resuming = True

    def is_boundary(self, picture: SourcePicture) -> bool:
        """Whether all renditions start a segment here."""
        packet = picture.packet
        is_first = self._resuming and packet.keyframe
        if is_first:
            self._resuming = False
        if not self._passed_through:
            return is_first
        if not picture.refresh:
            return False
        return (self._segmenter.cut_early if is_first else self._segmenter.cut)(packet.pts)

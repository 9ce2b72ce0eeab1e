"""The pictures since the last keyframe of a source that is passed through."""

from config.limits import KEYFRAME_GROUP_PACKETS_MAX
from media.transcode.source_picture import SourcePicture


class KeyframeGroup:
    """Kept in case that the source has to be encoded after all.

    Attributes:
        pictures: the first ones, if the group is too long.
        shown_pts: the largest pts of all.
    """

    def __init__(self) -> None:
        self.pictures: list[SourcePicture] = []
        self.shown_pts = 0
        self._began_pts = 0

    @property
    def duration(self) -> int:
        """How long ago the last keyframe was, in 1/90000 s of media."""
        return self.shown_pts - self._began_pts

    def add(self, picture: SourcePicture) -> None:
        """Take the next picture; one where a decoder can start begins another group."""
        if picture.refresh:
            self.pictures = []
            self._began_pts = picture.packet.pts
        if len(self.pictures) < KEYFRAME_GROUP_PACKETS_MAX:
            self.pictures.append(picture)
        self.shown_pts = max(self.shown_pts, picture.packet.pts)

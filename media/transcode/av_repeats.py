"""Finds decoded pictures that show nothing new."""

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from media.transcode.av_plane import samples
from media.transcode.repeats import Repeats

_BLOCK = 8


class RepeatFinder:
    """Looks at every packet before it is decoded and at every picture that comes out."""

    def __init__(self) -> None:
        self._repeats = Repeats()
        self._reformatter = VideoReformatter()

    def packet(self, pts: int, size: int) -> None:
        """A packet of so many bytes, padding left out, is about to be decoded."""
        self._repeats.packet(pts, size)

    def is_same(self, frame: VideoFrame) -> bool:
        """Whether a picture shows what the one that was encoded last shows; it is not kept.

        Args:
            frame: with the pts of its packet.
        """
        candidate = self._repeats.is_candidate(frame.pts, frame.width * frame.height)
        # What follows a keyframe is often the same again.
        afar = self._means(frame) if candidate or frame.key_frame else None
        return self._repeats.is_same(afar, candidate=candidate)

    def encoded(self) -> None:
        """The picture that was asked about last is going to be encoded."""
        self._repeats.encoded()

    def _means(self, frame: VideoFrame) -> bytes:
        afar = self._reformatter.reformat(
            frame,
            width=max(2, frame.width // _BLOCK),
            height=max(2, frame.height // _BLOCK),
            format="yuv420p",
            interpolation=Interpolation.AREA,
            threads=1,
        )
        return b"".join(samples(plane) for plane in afar.planes)

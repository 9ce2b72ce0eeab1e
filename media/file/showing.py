"""Which of a file's pictures are encoded, when, and which are shown again."""

from collections.abc import Iterator

from config.limits import FILE_HOLD_MS_MAX
from media.timeline import TIMELINE_START
from media.transcode.cuts import Cuts, Placed
from media.units import VIDEO_TIMESCALE

_HOLD_MAX = FILE_HOLD_MS_MAX * VIDEO_TIMESCALE // 1000
# What is missing before the first and after the last picture, and is not noticed.
_EDGE_MAX = VIDEO_TIMESCALE // 10


class Showing:
    """Takes pictures in the order in which they are shown.

    Pictures that are the same as the one before are left out, since it still stands; but each
    segment has its own first picture, and none stands for longer than `FILE_HOLD_MS_MAX`. Where
    pictures are so far apart that a segment could not be cut, the last one is shown again.
    """

    def __init__(self, cuts: Cuts, segment_ticks: int, *, stride: int = 1) -> None:
        """Begin before the first picture.

        Args:
            cuts: decides where segments begin.
            segment_ticks: how long they are meant to be.
            stride: of so many pictures one is encoded.
        """
        self._cuts = cuts
        # A picture this little after its segment should begin does begin it.
        self._slack = segment_ticks // 4
        self._stride = stride
        self._count = 0
        self._last: int | None = None
        self._left_out: int | None = None

    def again_before(self, pts: int) -> Iterator[Placed]:
        """When to show the last picture again, before one that comes at `pts`."""
        while self._last is not None:
            due = self._last + _HOLD_MAX
            if self._cuts.due is not None:
                due = min(due, self._cuts.due)
            if due <= self._last or pts - due <= self._slack:
                return
            placed = self._place(due)
            if placed is None:
                return
            yield placed

    def next(self, pts: int, *, same: bool) -> Placed | None:
        """Decide on the next picture; None to leave it out.

        Args:
            same: it does not differ from the one before.
        """
        if self._last is None:
            # Sound that begins earlier is not to play to nothing.
            late = pts - TIMELINE_START > _EDGE_MAX
            return self._place(TIMELINE_START if late else pts)
        self._count += 1
        due = self._cuts.due
        if due is None or pts < due:
            if self._count % self._stride:
                return None
            if same and pts - self._last < _HOLD_MAX:
                self._left_out = pts
                return None
        return self._place(pts)

    def rest(self, end: int, frame_ticks: int) -> Iterator[Placed]:
        """When to show the last picture again, so that it stands until `end`.

        Args:
            frame_ticks: how long the very last one stands.
        """
        yield from self.again_before(end)
        if self._last is None:
            return
        final = max(self._left_out or 0, self._last)
        if end - frame_ticks - final > _EDGE_MAX:
            final = end - frame_ticks
        if final > self._last and (placed := self._place(final)) is not None:
            yield placed

    def _place(self, pts: int) -> Placed | None:
        placed = self._cuts.place(pts)
        if placed is not None:
            self._last = pts
        return placed

"""What the live playlists of an asset's renditions have in common."""

from dataclasses import dataclass

from config.limits import HLS_DVR_MS_MAX, HLS_INTERVALS_KEPT
from media.units import VIDEO_TIMESCALE
from packager.hls.playlist import decimal
from packager.hls.protection import Protection

_TICKS_A_MS = VIDEO_TIMESCALE // 1000
# rfc8216bis, 4.4.3.8: HOLD-BACK and PART-HOLD-BACK are at least three of their targets (the latter
# should be), and the Skip Boundary is at least six target durations away.
_HOLD_BACK_TARGETS = 3
_SKIP_TARGETS = 6
# 6.2.2: parts are no longer listed, and no longer loaded, so many target durations from the end.
_PART_TARGETS = 3
# 6.2.5.2, the Advance Part Limit: parts of three seconds, or three that are longer.
_ADVANCE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class PlaylistTerms:
    """Fixed for an asset's life, once its first epoch has begun.

    Attributes:
        target_duration: in whole seconds.
        window_segments: how many are shown at least, and three target durations anyway.
        dvr_ms: how far back a player may go at least; None: to the beginning, for a day.
        part_target: the longest a part may be, in 1/90000 s; None: there are no parts.
        protection: how segments are encrypted.
    """

    target_duration: int
    window_segments: int
    dvr_ms: int | None = 0
    part_target: int | None = None
    protection: Protection | None = None

    @property
    def is_event(self) -> bool:
        """Whether all of it is shown."""
        return self.dvr_ms is None

    @property
    def segments_max(self) -> int:
        """How many are shown at most: of usual length they last far longer than they have to."""
        shortest_ms = self.target_duration * 1000 // 4
        return HLS_INTERVALS_KEPT // 2 + self._dvr_ms // shortest_ms

    @property
    def intervals_kept(self) -> int:
        """Of how many segments the times are remembered: more than are shown."""
        return HLS_INTERVALS_KEPT + self.segments_max

    @property
    def _dvr_ms(self) -> int:
        return HLS_DVR_MS_MAX if self.dvr_ms is None else min(self.dvr_ms, HLS_DVR_MS_MAX)

    @property
    def window_duration(self) -> int:
        """What remains at least when the window slides, in 1/90000 s."""
        return max(self._dvr_ms * _TICKS_A_MS, 3 * self.target_duration * VIDEO_TIMESCALE)

    @property
    def skip_boundary(self) -> int:
        """How far before the end of the last segment a delta update begins, in 1/90000 s."""
        return _SKIP_TARGETS * self.target_duration * VIDEO_TIMESCALE

    @property
    def part_boundary(self) -> int:
        """How far before the end of the playlist parts are listed, in 1/90000 s."""
        return _PART_TARGETS * self.target_duration * VIDEO_TIMESCALE

    def server_control(self) -> str:
        """The same in all playlists of an asset (6.2.4)."""
        attributes = [
            "CAN-BLOCK-RELOAD=YES",
            f"CAN-SKIP-UNTIL={_SKIP_TARGETS * self.target_duration}.0",
            f"HOLD-BACK={_HOLD_BACK_TARGETS * self.target_duration}.0",
        ]
        if self.part_target is not None:
            attributes.append(f"PART-HOLD-BACK={_exact(_HOLD_BACK_TARGETS * self.part_target)}")
        return f"#EXT-X-SERVER-CONTROL:{','.join(attributes)}"

    def part_inf(self) -> list[str]:
        if self.part_target is None:
            return []
        return [f"#EXT-X-PART-INF:PART-TARGET={_exact(self.part_target)}"]

    def is_within_advance(self, parts: int) -> bool:
        """Whether a player may ask for the part that comes so many parts after the last."""
        if self.part_target is None or self.part_target >= VIDEO_TIMESCALE:
            return parts <= _ADVANCE_SECONDS
        return parts * self.part_target <= _ADVANCE_SECONDS * VIDEO_TIMESCALE


def _exact(ticks: int) -> str:
    """Whole milliseconds, as seconds."""
    return decimal(ticks // _TICKS_A_MS, 3)

"""Which posters and storyboard sheets a worker makes, and where its successor goes on."""

from dataclasses import dataclass, replace

from config.limits import FILE_TILES_MAX
from media.pictures import Picture, PictureKind
from media.units import VIDEO_TIMESCALE

_LIVE_TILE_TICKS = 10 * VIDEO_TIMESCALE
_LIVE_POSTER_TICKS = 5 * VIDEO_TIMESCALE
_FILE_TILE_TICKS_MIN = 2 * VIDEO_TIMESCALE


@dataclass(frozen=True, slots=True)
class PicturePlan:
    """Times are pts in 1/90000 s; a picture is made of the first frame that reaches its time.

    Attributes:
        tile_ticks: from one tile of the storyboard to the next.
        poster_ticks: from one poster to the next.
        live: each poster replaces the one before, and a sheet is sent whenever a row is full; else
            a poster with enough contrast is the last, and sheets are sent when they are full.
        sheet: number of the first sheet.
        tile_due, poster_due: when the first ones are.
    """

    tile_ticks: int
    poster_ticks: int
    live: bool
    sheet: int = 0
    tile_due: int = 0
    poster_due: int = 0

    def after(self, picture: Picture) -> "PicturePlan":
        """The plan of a worker that takes over from the one that sent `picture`.

        It begins a new sheet, since only the other one has the tiles of the old.
        """
        (*_, newest) = picture.times
        if picture.kind is PictureKind.POSTER:
            return replace(self, poster_due=newest + self.poster_ticks)
        return replace(self, sheet=picture.number + 1, tile_due=newest + self.tile_ticks)

    def why_foreign(self, picture: Picture, newest: int) -> str | None:
        """Why a picture is not the next of this plan; None when it is.

        Pictures can then not come faster than media does, nor replace those of other times.

        Args:
            newest: the greatest pts that the worker was given.
        """
        if not picture.times or picture.times[-1] > newest:
            return "a picture shows what is not there yet"
        if picture.kind is PictureKind.POSTER:
            return None if picture.times[-1] >= self.poster_due else "a poster comes too early"
        again = picture.number == self.sheet - 1
        if not again and picture.number != self.sheet:
            return f"sheet {picture.number} comes instead of {self.sheet}"
        if picture.times[-1 if again else 0] < self.tile_due:
            return f"sheet {picture.number} brings no new tiles"
        return None


LIVE_PICTURES = PicturePlan(_LIVE_TILE_TICKS, _LIVE_POSTER_TICKS, live=True)
"""A poster that follows the broadcast, and a tile each ten seconds."""


def file_pictures(duration: int) -> PicturePlan:
    """For a file of this duration: at most some 200 tiles, and one poster."""
    tile_ticks = max(_FILE_TILE_TICKS_MIN, duration // FILE_TILES_MAX)
    return PicturePlan(tile_ticks, tile_ticks, live=False)


def fitted(width: int, height: int, aspect: tuple[int, int], side_max: int) -> tuple[int, int]:
    """The size at which a picture is shown with square pixels and fits into a square.

    Never larger than it is; even, because 4:2:0 halves both sides.

    Args:
        aspect: sample aspect ratio.
        side_max: of the square.
    """
    across, down = width * aspect[0], height * aspect[1]
    longer = max(across, down)
    numerator, denominator = min((1, aspect[1]), (side_max, longer), key=lambda of: of[0] / of[1])
    return _even(across * numerator, denominator), _even(down * numerator, denominator)


def contrast(luma: bytes) -> int:
    """How far apart the dark and the bright twentieth of a picture are, 0 to 255."""
    ordered = sorted(luma)
    twentieth = len(ordered) // 20
    return ordered[-1 - twentieth] - ordered[twentieth]


def _even(numerator: int, denominator: int) -> int:
    return max(2, numerator // (2 * denominator) * 2)

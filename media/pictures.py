"""Still pictures of an asset: the poster that stands for it, and sheets of tiles to seek by."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from config.limits import PICTURE_BYTES_MAX, PICTURE_SIDE_MAX, SHEET_TILES_MAX

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


class PictureKind(StrEnum):
    POSTER = "poster"
    SHEET = "sheet"


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG made of an asset's video.

    A poster replaces the one before it. A sheet whose number came before replaces that one too: it
    has the same tiles and more.

    Attributes:
        width, height: of the whole JPEG, in pixels.
        number: of the sheet, counted from 0 through the whole asset; 0 for a poster.
        columns: tiles in a row; tiles fill rows from the left, and the last row may be short.
        tile_width, tile_height: 0 for a poster.
        times: pts of each tile (of the poster: its own), growing, in 1/90000 s.
    """

    kind: PictureKind
    data: bytes
    width: int
    height: int
    number: int = 0
    columns: int = 1
    tile_width: int = 0
    tile_height: int = 0
    times: tuple[int, ...] = ()


def why_unfit(picture: Picture) -> str | None:
    """What is wrong with a picture that a worker sent; None when it may be kept and shown."""
    if len(picture.data) > PICTURE_BYTES_MAX:
        return f"a picture of {len(picture.data)} bytes is too large"
    if not (picture.data.startswith(_JPEG_START) and picture.data.endswith(_JPEG_END)):
        return "a picture is no JPEG"
    if not (0 < picture.width <= PICTURE_SIDE_MAX and 0 < picture.height <= PICTURE_SIDE_MAX):
        return f"a picture of {picture.width}x{picture.height} has no sensible size"
    if not _grows(picture.times):
        return "a picture's times do not grow"
    if picture.kind is PictureKind.SHEET:
        return _why_unfit_sheet(picture)
    return None


def _why_unfit_sheet(sheet: Picture) -> str | None:
    if not 0 < len(sheet.times) <= SHEET_TILES_MAX:
        return f"a sheet of {len(sheet.times)} tiles is none"
    rows = -(-len(sheet.times) // max(1, sheet.columns))
    fits = (
        0 < sheet.tile_width * sheet.columns <= sheet.width
        and 0 < sheet.tile_height * rows <= sheet.height
    )
    return None if fits else "a sheet's tiles lie outside it"


def _grows(times: tuple[int, ...]) -> bool:
    return all(earlier < later for earlier, later in pairwise(times))

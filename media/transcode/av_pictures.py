"""Posters and storyboard sheets, made of pictures that are decoded anyway."""

from collections.abc import Callable

import av
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from config.limits import SHEET_TILES_MAX
from media.pictures import Picture, PictureKind
from media.transcode.av_encoder import TIME_BASE
from media.transcode.av_plane import samples
from media.transcode.picture_plan import PicturePlan, contrast, fitted

_POSTER_SIDE = 640
_TILE_SIDE = 160
_COLUMNS = 5
# Black and fades are below it, nearly every picture of something is above.
_CONTRAST_MIN = 40

_QUANTISER = 4  # of 2 to 31; a poster of 640x360 takes about 40 kB
_LAMBDA = 118  # FF_QP2LAMBDA of libavutil/avutil.h
_FORMAT = "yuvj420p"
_BLACK = (0, 128, 128)


class PictureMaker:
    """Makes what its plan asks for of the pictures of one rung."""

    def __init__(
        self,
        plan: PicturePlan,
        send: Callable[[Picture], None],
        *,
        aspect: tuple[int, int] = (1, 1),
    ) -> None:
        """Args: plan; send takes what is made; aspect of the rung's samples."""
        self._plan = plan
        self._send = send
        self._aspect = aspect
        self._poster_reformatter = VideoReformatter()
        self._tile_reformatter = VideoReformatter()
        self._tile_due: int = plan.tile_due
        self._poster_due: int | None = plan.poster_due
        self._poster_contrast = -1
        self._sheet = plan.sheet
        self._tiles: list[tuple[VideoFrame, int]] = []
        self._tiles_sent = 0

    def take(self, frame: VideoFrame, pts: int) -> None:
        """Look at the rung's next picture, which is not changed and not kept."""
        if pts >= self._tile_due:
            self._tile_due = pts + self._plan.tile_ticks
            self._add_tile(frame, pts)
        if self._poster_due is not None and pts >= self._poster_due:
            self._poster_due = pts + self._plan.poster_ticks
            self._choose_poster(frame, pts)

    def finish(self) -> None:
        """Send the tiles that wait for their sheet to be full."""
        if len(self._tiles) > self._tiles_sent:
            self._send_sheet()

    def _add_tile(self, frame: VideoFrame, pts: int) -> None:
        self._tiles.append((self._tile(frame), pts))
        full = len(self._tiles) == SHEET_TILES_MAX
        if full or (self._plan.live and len(self._tiles) % _COLUMNS == 0):
            self._send_sheet()
        if full:
            self._sheet += 1
            self._tiles, self._tiles_sent = [], 0

    def _choose_poster(self, frame: VideoFrame, pts: int) -> None:
        """The poster of a file may be replaced until one shows something."""
        if not self._plan.live:
            found = contrast(samples(self._tile(frame).planes[0]))
            if found <= self._poster_contrast:
                return
            self._poster_contrast = found
            if found >= _CONTRAST_MIN:
                self._poster_due = None
        poster = self._scale(self._poster_reformatter, frame, _POSTER_SIDE)
        self._send(
            Picture(PictureKind.POSTER, _jpeg(poster), poster.width, poster.height, times=(pts,))
        )

    def _send_sheet(self) -> None:
        sheet = _sheet([tile for tile, _ in self._tiles])
        tile, _ = self._tiles[0]
        self._tiles_sent = len(self._tiles)
        self._send(
            Picture(
                PictureKind.SHEET,
                _jpeg(sheet),
                sheet.width,
                sheet.height,
                self._sheet,
                _COLUMNS,
                tile.width,
                tile.height,
                tuple(pts for _, pts in self._tiles),
            )
        )

    def _tile(self, frame: VideoFrame) -> VideoFrame:
        return self._scale(self._tile_reformatter, frame, _TILE_SIDE)

    def _scale(self, reformatter: VideoReformatter, frame: VideoFrame, side: int) -> VideoFrame:
        """A new picture in the colours of JPEG: BT.601 with the full range (JFIF 1.02)."""
        width, height = fitted(frame.width, frame.height, self._aspect, side)
        return reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=_FORMAT,
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.AREA,
            threads=1,
        )


def _jpeg(picture: VideoFrame) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, _FORMAT
    encoder.color_range = ColorRange.JPEG
    encoder.time_base = picture.time_base = TIME_BASE
    encoder.thread_count = 1
    encoder.flags |= Flags.bitexact | Flags.qscale
    encoder.options = {"global_quality": str(_QUANTISER * _LAMBDA)}
    picture.pts = 0
    return b"".join(bytes(packet) for packet in encoder.encode(picture))


def _sheet(tiles: list[VideoFrame]) -> VideoFrame:
    """Tiles in rows, what is left of the last row black."""
    first = tiles[0]
    rows = -(-len(tiles) // _COLUMNS)
    sheet = VideoFrame(first.width * _COLUMNS, first.height * rows, _FORMAT)
    sheet.color_range = ColorRange.JPEG
    for plane, level in zip(sheet.planes, _BLACK, strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, _COLUMNS)
        for source, target in zip(tile.planes, sheet.planes, strict=True):
            _paste(source, target, column * source.width, row * source.height)
    return sheet


def _paste(source: VideoPlane, target: VideoPlane, left: int, top: int) -> None:
    lines, canvas = memoryview(source), memoryview(target)
    for line in range(source.height):
        start = line * source.line_size
        place = (top + line) * target.line_size + left
        canvas[place : place + source.width] = lines[start : start + source.width]

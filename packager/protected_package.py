"""The package of an asset whose segments are public, and whose keys are billed."""

from functools import partial
from typing import Protocol

import structlog

from config.limits import ENCRYPT_AT_ONCE_BYTES_MAX
from media.wire.bits import MalformedConfiguration
from media.wire.fmp4_read import MalformedBoxes
from packager.arrival import Arrival
from packager.choices import AudioRendition, CaptionRendition
from packager.encrypted_cache import EncryptedCache
from packager.hls.protection import Protection
from packager.interval import Interval
from packager.naming import (
    KEY,
    MP4,
    CaptionPath,
    FilePath,
    InitPath,
    KeyPath,
    PlaylistPath,
    SegmentPath,
    init_name,
    parse_init_name,
)
from packager.package import Charge, MediaFile, Package, UnknownSegment
from packager.playlist_text import PlaylistText

log = structlog.get_logger(__name__)


class ClearPackage(Package, Protocol):
    """A package of clear segments, whose playlists already have keys and public URIs."""

    def interval(self, sequence: int) -> Interval | None:
        """The nominal time of a segment that is complete, and that playlists show or have shown."""


class ProtectedPackage:
    """A `Package`: segments come out encrypted and without a charge; keys have one.

    There are neither parts nor I-frames: they would be pieces of segments that nobody pays for.
    """

    def __init__(
        self, package: ClearPackage, protection: Protection, cache: EncryptedCache
    ) -> None:
        self._package = package
        self._protection = protection
        self._cache = cache

    @property
    def live(self) -> bool:
        return self._package.live

    @property
    def growing(self) -> bool:
        return self._package.growing

    @property
    def settled(self) -> bool:
        return self._package.settled

    @property
    def whole(self) -> bool:
        return self._package.whole

    @property
    def has_poster(self) -> bool:
        return self._package.has_poster

    @property
    def duration(self) -> int:
        return self._package.duration

    def renditions(self) -> tuple[str, ...]:
        return self._package.renditions()

    @property
    def audio(self) -> tuple[AudioRendition, ...]:
        return self._package.audio

    @property
    def captions(self) -> tuple[CaptionRendition, ...]:
        return self._package.captions

    def multivariant(self) -> bytes:
        """Raises: NotReady."""
        return self._package.multivariant()

    def playlist(self, path: PlaylistPath, *, skip: bool = False) -> PlaylistText:
        """Raises: UnknownRendition, NotReady."""
        return self._package.playlist(path, skip=skip)

    def arrival(self, rendition: str, sequence: int, part: int | None) -> Arrival | None:
        """Raises: BadReload, UnknownRendition."""
        return self._package.arrival(rendition, sequence, part)

    async def read_picture(self, name: str) -> bytes:
        """Raises: UnknownPicture, NotReady."""
        return await self._package.read_picture(name)

    def storyboard(self) -> bytes | None:
        return self._package.storyboard()

    def file_at_hand(self, path: FilePath) -> MediaFile | None:
        match path:
            case KeyPath(sequence):
                return self._key(sequence)
            case SegmentPath():
                body = self._cache.at_hand(self._protection.asset_id, path)
                return None if body is None else _public(body)
            case CaptionPath():
                return self._package.file_at_hand(path)
            case _:
                return None

    async def file(self, path: FilePath) -> MediaFile:
        """Raises: UnknownRendition, UnknownSegment, NotReady when it cannot be read in time."""
        kept = self.file_at_hand(path)
        if kept is not None:
            return kept
        match path:
            case CaptionPath():
                return await self._package.file(path)
            case InitPath():
                return _public(await self._init(path))
            case SegmentPath():
                return _public(await self._segment(path))
            case _:
                raise UnknownSegment(str(path))

    def _key(self, sequence: int) -> MediaFile | None:
        """Only of a period that is shown; its charge is what its segments last.

        A clip may begin within one. A hole between two segments is not played: their times together
        count, from the first on.
        """
        protection = self._protection
        if protection.period(sequence) != sequence:
            return None
        numbers = range(sequence, sequence + protection.key_segments)
        shown = [each for number in numbers if (each := self._package.interval(number))]
        if not shown:
            return None
        first, end = shown[0], shown[0].start + sum(each.duration for each in shown)
        waived = any(each.flawed for each in shown)
        charge = Charge(first.sequence, first.start, end, waived=waived)
        return MediaFile(protection.key(sequence), KEY, charge)

    async def _init(self, path: InitPath) -> bytes:
        epoch, period = parse_init_name(path.name) or (-1, None)
        needs_period = not self._protection.init_is_clear
        if (period is not None) != needs_period:
            raise UnknownSegment(str(path))
        init = (await self._package.file(InitPath(path.rendition, init_name(epoch)))).body
        if period is None:
            return init
        if self._key(period) is None:
            raise UnknownSegment(str(path))
        return self._protection.mark(init, period)

    async def _segment(self, path: SegmentPath) -> bytes:
        body = (await self._package.file(path)).body
        interval = self._package.interval(path.sequence)
        if interval is None:
            raise UnknownSegment(str(path))
        init = InitPath(path.rendition, init_name(interval.epoch))
        clear = b"" if self._protection.init_is_clear else (await self._package.file(init)).body
        encrypt = partial(self._protection.encrypt, path.sequence, body, clear)
        try:
            return await self._cache.get(
                self._protection.asset_id, path, encrypt, at_once=self._is_quick(body)
            )
        except (MalformedBoxes, MalformedConfiguration) as error:
            log.error("segment cannot be encrypted", path=str(path), reason=str(error))
            raise UnknownSegment(str(path)) from None

    def _is_quick(self, segment: bytes) -> bool:
        """Sample by sample it takes milliseconds, however small they are."""
        return self._protection.init_is_clear and len(segment) <= ENCRYPT_AT_ONCE_BYTES_MAX


def _public(body: bytes) -> MediaFile:
    return MediaFile(body, MP4, public=True)

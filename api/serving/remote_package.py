"""One asset's package in the main process, as a serving process sees it.

What is fetched is fetched once for however many viewers want it. Files do not change. A playlist is
held for current while nobody could tell the difference (`SERVING_PLAYLIST_FRESH_MS`); then the main
process is asked whether its hash still is the same. Where viewers wait for something, it is told
when it comes, together with the playlists that say so: they are released in one step.
"""

import asyncio
from typing import NamedTuple

from api.delivery.not_at_hand import NotAtHand
from api.serving.messages import (
    Await,
    Came,
    FileIs,
    PlaylistIs,
    ReadFile,
    ReadPlaylist,
    Refused,
    Version,
)
from api.serving.questions import Questions, Told
from api.serving.refusals import error_of
from config.clock import Clock
from config.limits import (
    SERVING_EDGES_MAX,
    SERVING_PLAYLIST_FRESH_MS,
    SERVING_WANTED_MS,
    SETTLED_RECHECK_MS,
)
from packager.arrival import Arrival
from packager.least_recent import LeastRecent
from packager.naming import CaptionPath, FilePath, PlaylistPath, path_text
from packager.package import MediaFile
from packager.playlist_text import PlaylistText

type _Playlist = tuple[str, PlaylistPath, bool]
type _Place = tuple[str, int, int | None]


class Copy(NamedTuple):
    """A playlist, when it was known to be current, and when somebody wanted it last."""

    version: Version
    checked_ms: int
    wanted_ms: int


class Kept(NamedTuple):
    """What is in memory of all assets."""

    playlists: LeastRecent[_Playlist, Copy]
    files: LeastRecent[tuple[str, FilePath], MediaFile]


class RemotePackage:
    """What `api.delivery` needs of a package.

    Attributes:
        stable: what a name names stays so; not while it is made from a file.
        whole: as `packager.package.Package.whole`.
        found_ms: when the main process said so.
    """

    def __init__(self, asset_id: str, questions: Questions, clock: Clock, kept: Kept) -> None:
        self._asset_id = asset_id
        self._questions = questions
        self._clock = clock
        self._kept = kept
        self._waiting: dict[_Place, Arrival] = {}
        self._edges: LeastRecent[str, _Place] = LeastRecent(SERVING_EDGES_MAX)
        self._refused: LeastRecent[_Place, tuple[int, Exception]] = LeastRecent(SERVING_EDGES_MAX)
        self.stable = False
        self.whole = False
        self.found_ms = 0

    # --- playlists -------------------------------------------------------------------------------

    def multivariant(self) -> bytes:
        """Raises: NotAtHand."""
        return self.playlist(PlaylistPath(None)).fill(lambda _: b"")

    def playlist(self, path: PlaylistPath, *, skip: bool = False) -> PlaylistText:
        """The playlist as it is now.

        Raises:
            NotAtHand: nobody knows here what it says.
        """
        key = (self._asset_id, path, skip)
        copy = self._kept.playlists.get(key)
        if copy is None:
            raise NotAtHand(self._read(path, skip=skip, known=0))
        now_ms = self._clock.monotonic_ms()
        fresh_ms = SETTLED_RECHECK_MS if copy.version.settled else SERVING_PLAYLIST_FRESH_MS
        if now_ms - copy.checked_ms >= fresh_ms:
            raise NotAtHand(self._read(path, skip=skip, known=copy.version.number))
        if now_ms != copy.wanted_ms:
            self._keep(key, copy._replace(wanted_ms=now_ms))
        return copy.version.text

    def _read(self, path: PlaylistPath, *, skip: bool, known: int) -> asyncio.Future[None]:
        asset_id, text = self._asset_id, path_text(path)

        def take(told: Told) -> None:
            key = (asset_id, path, skip)
            now_ms = self._clock.monotonic_ms()
            if isinstance(told, PlaylistIs):
                self._keep(key, Copy(told.version, now_ms, now_ms))
            elif (copy := self._kept.playlists.get(key)) is not None:
                self._keep(key, copy._replace(checked_ms=now_ms))

        return self._questions.fetch(
            (ReadPlaylist, asset_id, path, skip),
            lambda number: ReadPlaylist(number, asset_id, text, skip, known),
            take,
        )

    def _keep(self, key: _Playlist, copy: Copy) -> None:
        weight = sum(len(piece) for _, pieces in copy.version.text.runs for piece in pieces)
        self._kept.playlists.put(key, copy, weight)

    # --- what comes ------------------------------------------------------------------------------

    def arrival(self, rendition: str, sequence: int, part: int | None) -> Arrival | None:
        """As `packager.package.Package.arrival`; what is not known yet is waited for, to be asked
        about again when it has come.
        """
        place = (rendition, sequence, part)
        if _is_there(self._edges.get(rendition), place):
            return None
        arrival = self._waiting.get(place)
        if arrival is None:
            self._raise_refused(place)
            arrival = self._ask_for(place)
        return arrival

    def _raise_refused(self, place: _Place) -> None:
        refused = self._refused.get(place)
        if refused is None:
            return
        told_ms, error = refused
        if self._clock.monotonic_ms() - told_ms < SERVING_PLAYLIST_FRESH_MS:
            raise error
        self._refused.drop(place)

    def _ask_for(self, place: _Place) -> Arrival:
        arrival = Arrival()
        rendition = place[0]
        wants = (self._is_wanted(rendition, skip=False), self._is_wanted(rendition, skip=True))

        def answered(told: Told) -> None:
            if isinstance(told, Came | Refused):
                del self._waiting[place]
                self._take(place, told)
                arrival.come()

        self._questions.put(lambda number: Await(number, self._asset_id, *place, *wants), answered)
        self._waiting[place] = arrival
        return arrival

    def _take(self, place: _Place, told: Came | Refused) -> None:
        now_ms = self._clock.monotonic_ms()
        if isinstance(told, Refused):
            self._refused.put(place, (now_ms, error_of(told)), 1)
            return
        if not _is_there(self._edges.get(place[0]), place):
            self._edges.put(place[0], place, 1)
        for skip, version in ((False, told.plain), (True, told.skip)):
            key = (self._asset_id, PlaylistPath(place[0]), skip)
            copy = self._kept.playlists.get(key)
            if version is not None and copy is not None:
                self._keep(key, Copy(version, now_ms, copy.wanted_ms))

    def _is_wanted(self, rendition: str, *, skip: bool) -> bool:
        copy = self._kept.playlists.get((self._asset_id, PlaylistPath(rendition), skip))
        if copy is None:
            return False
        return self._clock.monotonic_ms() - copy.wanted_ms < SERVING_WANTED_MS

    # --- files -----------------------------------------------------------------------------------

    def file_at_hand(self, path: FilePath) -> MediaFile | None:
        """A file that was fetched before."""
        return self._kept.files.get((self._asset_id, path))

    async def file(self, path: FilePath) -> MediaFile:
        """As `packager.package.Package.file`."""
        kept = self.file_at_hand(path)
        if kept is not None:
            return kept
        asset_id, text = self._asset_id, path_text(path)

        def take(told: Told) -> MediaFile:
            assert isinstance(told, FileIs)
            # Captions are replaced now and then, and nobody else is so much as told.
            if self.stable and not isinstance(path, CaptionPath):
                self._kept.files.put((asset_id, path), told.file, len(told.file.body))
            return told.file

        fetching = self._questions.fetch(
            (ReadFile, asset_id, path), lambda number: ReadFile(number, asset_id, text), take
        )
        return await asyncio.shield(fetching)


def _is_there(edge: _Place | None, place: _Place) -> bool:
    """Whether a place is there because a later one is.

    Of a segment that is whole nobody here knows how many parts it has, and the one after its last
    is the first of the next (rfc8216bis, 6.2.5.2): then the main process is asked.
    """
    if edge is None:
        return False
    (_, last, last_part), (_, sequence, part) = edge, place
    if sequence != last:
        return sequence < last
    if last_part is None or part is None:
        return last_part is part
    return part <= last_part

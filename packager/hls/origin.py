"""The package of one live asset: a `RenditionSink` on one side, a `Package` on the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from config.clock import Clock
from config.limits import (
    HLS_EPOCHS_MAX,
    HLS_PLAYABLE_WAIT_MS_MAX,
    HLS_WINDOW_SEGMENTS,
    SHEETS_MAX,
)
from media.pictures import Picture, PictureKind, why_unfit
from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, Packet
from media.wire.fmp4_init import init_segment
from packager.arrival import Arrival
from packager.asset_terms import AssetTerms
from packager.choices import AudioRendition, CaptionRendition, audio_choices
from packager.events import AssetEnded, Observers, SegmentClosed
from packager.hls.assembly import AssembledSegment, Assembly
from packager.hls.boundaries import target_duration_s
from packager.hls.irregularities import Irregularity
from packager.hls.irregularity_report import IrregularityReport
from packager.hls.live_files import LiveFiles
from packager.hls.live_rendition import LiveRendition
from packager.hls.multivariant import render_multivariant
from packager.hls.playlist_terms import PlaylistTerms
from packager.hls.protection import Protections
from packager.hls.variants import multivariant
from packager.interval import Interval
from packager.naming import (
    FilePath,
    PlaylistPath,
    is_name,
    picture_name,
)
from packager.package import (
    MediaFile,
    NotReady,
    UnknownPicture,
    UnknownRendition,
)
from packager.playlist_text import PlaylistText
from packager.segment_cache import SegmentCache

log = structlog.get_logger(__name__)

_POSTER = picture_name(PictureKind.POSTER, 0)
_NO_PROTECTIONS = Protections()


@dataclass(frozen=True, slots=True)
class HlsSettings:
    """How assets are packaged.

    Attributes:
        segment_target_ms: what the pipeline aims at; the playlists' target duration follows.
        window_segments: how many a live playlist shows, at least three target durations anyway.
        part_target_ms: about how long the parts of live segments are; 0: there are none.
        protections: of assets whose segments are encrypted.
    """

    segment_target_ms: int
    window_segments: int = HLS_WINDOW_SEGMENTS
    part_target_ms: int = 200
    protections: Protections = _NO_PROTECTIONS


class Origin:
    """All calls come from the event loop's thread, and none of the sink's waits."""

    def __init__(
        self,
        asset_id: str,
        cache: SegmentCache,
        clock: Clock,
        settings: HlsSettings,
        observers: Observers,
        terms: AssetTerms,
    ) -> None:
        """Raises: AssetAlreadyArchived."""
        self._asset_id = asset_id
        self._archive = cache.archive
        self._cache = cache
        self._clock = clock
        self._observers = observers
        self.protection = settings.protections.of(asset_id, terms.encryption)
        self._target_duration = target_duration_s(settings.segment_target_ms)
        self._assembly = Assembly(
            settings.segment_target_ms,
            PlaylistTerms(
                self._target_duration,
                settings.window_segments,
                terms.dvr_ms,
                protection=self.protection,
            ),
            # Nobody could be billed for a piece of a segment that is public.
            part_ms=settings.part_target_ms if self.protection is None else 0,
        )
        self._files = LiveFiles(asset_id, self._assembly, cache, self._target_duration)
        self._report = IrregularityReport(asset_id, self._assembly.irregularities, clock)
        self._first_segment_ms: int | None = None
        self._multivariant: bytes | None = None
        self._plain: dict[PlaylistPath, PlaylistText] = {}
        self._skipped: dict[PlaylistPath, PlaylistText] = {}
        self._ended = False
        self._poster: bytes | None = None
        cache.archive.create(asset_id, self._target_duration, terms.encryption)

    # --- RenditionSink ---------------------------------------------------------------------------

    def begin(self, renditions: Sequence[Rendition]) -> None:
        """Start an epoch.

        Raises:
            UnsupportedTrack: a rendition cannot be packaged; nothing has changed then.
        """
        if self._ended:
            return
        assert all(is_name(each.name) for each in renditions), "names are safe in paths and URLs"
        inits = [init_segment(rendition.track) for rendition in renditions]
        self._announce(self._assembly.finish())
        epoch = self._assembly.boundaries.epoch + 1
        if epoch >= HLS_EPOCHS_MAX:
            log.error("asset ended: its codec parameters change too often", asset=self._asset_id)
            self.end()
            return
        self._assembly.begin(renditions, inits)
        tracks = {rendition.name: rendition.track for rendition in renditions}
        self._archive.write_epoch(self._asset_id, epoch, tracks, inits)
        self._changed()

    def packet(self, rendition: str, packet: Packet) -> None:
        if self._ended:
            self._assembly.irregularities.count(Irregularity.ENDED)
        else:
            done = self._assembly.packet(rendition, packet, self._clock.wall_ms())
            if done:
                self._announce(done)
            self._release()
        self._report.look()

    def picture(self, picture: Picture) -> None:
        """Keep the newest poster, and archive all: sheets are for those who come after the end."""
        if self._ended or why_unfit(picture) is not None or picture.number >= SHEETS_MAX:
            return
        if picture.kind is PictureKind.POSTER:
            self._poster = picture.data
        self._archive.write_picture(self._asset_id, picture)

    def retire(self, rendition: str, reason: str) -> None:
        live = self._assembly.renditions[rendition]
        if live.retired or self._ended:
            return
        live.retired = True
        self._forget_playlists()
        live.release(all_of_them=True)
        self._archive.write_retired(self._asset_id, rendition, reason)
        log.info("rendition retired", asset=self._asset_id, rendition=rendition, reason=reason)
        self._changed()

    def lost(self, start: int, end: int) -> None:
        if not self._ended and self._assembly.boundaries.flaws.add(start, end):
            missing_ms = (end - start) * 1000 // VIDEO_TIMESCALE
            log.warning("media was lost, nobody pays for it", asset=self._asset_id, ms=missing_ms)

    def end(self) -> None:
        """Close what is open; the playlists get their end. Safe to call twice."""
        if self._ended:
            return
        self._announce(self._assembly.finish())
        self._ended = True
        self._archive.write_end(self._asset_id)
        self._forget_playlists()
        for live in self._assembly.renditions.values():
            live.end()
        self._changed()
        log.info("asset ended", asset=self._asset_id, **self._report.counts())
        self._observers.ended(AssetEnded(self._asset_id, self.duration))

    def _announce(self, segments: Sequence[AssembledSegment]) -> None:
        for each in segments:
            interval = each.interval
            self._archive.write_segment(
                self._asset_id, each.rendition, interval, each.body, independent=each.independent
            )
            self._observers.segment_closed(
                SegmentClosed(
                    self._asset_id,
                    each.rendition,
                    interval.sequence,
                    interval.start,
                    interval.end,
                    interval.epoch,
                    each.body,
                )
            )
        if segments and self._first_segment_ms is None:
            self._first_segment_ms = self._clock.monotonic_ms()
        self._changed()

    def _changed(self) -> None:
        self._multivariant = None
        self._release()

    def _release(self) -> None:
        """All renditions are as they will be for a while: whoever waits may look at them."""
        self._forget_playlists()
        for live in self._assembly.renditions.values():
            live.release()

    def _forget_playlists(self) -> None:
        """Any of them may be another one now: what changes in one is reported by the others."""
        self._plain.clear()
        self._skipped.clear()

    # --- Package ---------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        return not self._ended

    @property
    def growing(self) -> bool:
        return False

    @property
    def settled(self) -> bool:
        return False

    @property
    def whole(self) -> bool:
        return False

    @property
    def has_poster(self) -> bool:
        return self._poster is not None

    @property
    def duration(self) -> int:
        """Of all complete segments, in 1/90000 s."""
        return self._assembly.boundaries.duration_total

    def renditions(self) -> tuple[str, ...]:
        shown = (live for live in self._assembly.active() if live.has_segments)
        return tuple(live.rendition.name for live in shown)

    @property
    def audio(self) -> tuple[AudioRendition, ...]:
        sound = [
            each for each in self._assembly.active() if each.has_segments and not each.is_video
        ]
        return tuple(audio_choices((each.rendition.name, each.rendition.track) for each in sound))

    @property
    def captions(self) -> tuple[CaptionRendition, ...]:
        """None: they are of what is recorded, whose times are known."""
        return ()

    def multivariant(self) -> bytes:
        """Cached: its bytes are the same for all viewers.

        Raises:
            NotReady: a rendition lacks its first segment, and not for too long yet.
        """
        if self._multivariant is None:
            measured = [live.measured() for live in self._playable()]
            smallest = self._assembly.iframe_rendition()
            iframes = None if smallest is None else smallest.iframe_variant()
            listed = replace(multivariant(measured), iframes=iframes)
            self._multivariant = render_multivariant(listed)
        return self._multivariant

    def _playable(self) -> list[LiveRendition]:
        active = list(self._assembly.active())
        shown = [live for live in active if live.has_segments]
        if len(shown) < len(active) and not self._waited_enough():
            raise NotReady("renditions have no segment yet")
        wants_video = any(live.is_video for live in active)
        if not shown or (wants_video and not any(live.is_video for live in shown)):
            raise NotReady("there is no segment yet")
        return shown

    def _waited_enough(self) -> bool:
        if self._ended:
            return True
        if self._first_segment_ms is None:
            return False
        waited_ms = self._clock.monotonic_ms() - self._first_segment_ms
        return waited_ms >= HLS_PLAYABLE_WAIT_MS_MAX

    def playlist(self, path: PlaylistPath, *, skip: bool = False) -> PlaylistText:
        """Cached: it is rendered once for each change, not for each viewer.

        Raises:
            UnknownRendition: there is none of this name, or it was retired.
            NotReady: it has no segment yet.
        """
        known = self._skipped if skip else self._plain
        text = known.get(path)
        if text is None:
            text = known[path] = self._playlist(path, skip=skip)
        return text

    def _playlist(self, path: PlaylistPath, *, skip: bool) -> PlaylistText:
        live = self._known(path.rendition or "")
        if live.retired:
            raise UnknownRendition(path.rendition)
        if not live.has_segments:
            raise NotReady(f"{path.rendition} has no segment yet")
        if path.iframes:
            if live is not self._assembly.iframe_rendition():
                raise UnknownRendition(path.rendition)
            return live.iframe_playlist(skip=skip)
        reports = tuple(
            other.report()
            for other in self._assembly.active()
            if other is not live and other.has_segments
        )
        return live.playlist(reports, skip=skip)

    def interval(self, sequence: int) -> Interval | None:
        """The nominal time of a segment that a rendition has had."""
        newest = max((each.newest for each in self._assembly.renditions.values()), default=-1)
        return self._assembly.boundaries.interval(sequence) if sequence <= newest else None

    def arrival(self, rendition: str, sequence: int, part: int | None) -> Arrival | None:
        """What a player waits for; None when it is there, or when the asset has ended.

        Raises:
            BadReload: it is not the next, nor soon.
            UnknownRendition: there is none of this name, or it was retired.
        """
        live = self._known(rendition)
        if live.retired:
            raise UnknownRendition(rendition)
        return None if self._ended else live.arrival(sequence, part)

    def file_at_hand(self, path: FilePath) -> MediaFile | None:
        return self._files.at_hand(path)

    async def file(self, path: FilePath) -> MediaFile:
        """From memory, or from the archive; the part that is hinted is waited for.

        Raises:
            UnknownRendition, UnknownSegment: there is none.
            NotReady: the archive does not answer in time, or the part does not come.
        """
        return await self._files.get(path)

    async def read_picture(self, name: str) -> bytes:
        """The newest poster only. Raises: UnknownPicture."""
        if name != _POSTER or self._poster is None:
            raise UnknownPicture(name)
        return self._poster

    def storyboard(self) -> bytes | None:
        """None: a player of a live asset cannot seek beyond the window."""
        return None

    def _known(self, rendition: str) -> LiveRendition:
        live = self._assembly.renditions.get(rendition)
        if live is None:
            raise UnknownRendition(rendition)
        return live

"""Packets of all renditions of an asset in, complete segments out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from config.limits import HLS_SEGMENT_PARTS_MAX
from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, Packet, Track
from media.wire.fmp4_fragment import audio_fragment, video_fragment
from packager.hls.audio_cutter import AudioCutter
from packager.hls.boundaries import Boundaries
from packager.hls.bounds import LIVE, Bounds
from packager.hls.cut import Cut
from packager.hls.grid import open_on_grid
from packager.hls.irregularities import Irregularities, Irregularity
from packager.hls.live_rendition import LiveRendition
from packager.hls.part_target import part_target
from packager.hls.playlist_terms import PlaylistTerms
from packager.hls.recording import smallest_video
from packager.hls.video_cutter import VideoCutter
from packager.interval import Interval


@dataclass(frozen=True, slots=True)
class AssembledSegment:
    """One complete segment, which its rendition's playlist now shows.

    Attributes:
        independent: it starts with a keyframe.
    """

    rendition: str
    interval: Interval
    independent: bool
    body: bytes


class Assembly:
    """Owns the shared boundaries and each rendition's cutter, playlist window and bytes."""

    def __init__(
        self,
        segment_target_ms: int,
        terms: PlaylistTerms,
        known: Sequence[Interval] = (),
        bounds: Bounds = LIVE,
        part_ms: int = 0,
    ) -> None:
        """Begin an asset, or go on with one.

        Args:
            terms: of the playlists; whether there are parts is decided when it begins.
            known: intervals that are there already, as `Boundaries` takes them.
            part_ms: about how long parts are; 0: there are none.
        """
        self.boundaries = Boundaries(terms.target_duration, known, terms.intervals_kept)
        self.irregularities = Irregularities()
        self.renditions: dict[str, LiveRendition] = {}
        self._segment_target = segment_target_ms * VIDEO_TIMESCALE // 1000
        self._terms = terms
        self._part_ms = part_ms
        self._bounds = bounds
        # The newest of all renditions.
        self._video_dts = 0

    def active(self) -> Iterator[LiveRendition]:
        """Renditions that get packets."""
        return (live for live in self.renditions.values() if not live.retired)

    def iframe_rendition(self) -> LiveRendition | None:
        """The smallest rendition that is shown; its I-frames are offered, where all is clear."""
        if self._terms.protection is not None:
            return None
        shown = {
            live.rendition.name: live.rendition.track for live in self.active() if live.has_segments
        }
        smallest = smallest_video(shown)
        return None if smallest is None else self.renditions[smallest]

    def begin(self, renditions: Sequence[Rendition], inits: Sequence[bytes]) -> None:
        """Start an epoch, after `finish`; others than these are retired.

        Args:
            inits: init segments, in the same order.
        """
        self.boundaries.begin_epoch()
        self._video_dts = 0
        if self._part_ms and self._terms.part_target is None and renditions:
            self._terms = self._with_parts([each.track for each in renditions])
        for live in self.renditions.values():
            live.retired = True
        for rendition, init in zip(renditions, inits, strict=True):
            known = self.renditions.get(rendition.name)
            if known is not None:
                known.begin(rendition, init)
                continue
            self.renditions[rendition.name] = LiveRendition(
                rendition,
                init,
                self.boundaries,
                self.irregularities,
                self._terms,
                self._bounds,
            )

    def _with_parts(self, tracks: Sequence[Track]) -> PlaylistTerms:
        target = part_target(tracks, self._part_ms, self._terms.target_duration)
        return replace(self._terms, part_target=target)

    def packet(self, rendition: str, packet: Packet, wall_ms: int) -> list[AssembledSegment]:
        """Take a packet; returns the segments that it completes, in any rendition."""
        live = self.renditions[rendition]
        if live.retired:
            self.irregularities.count(Irregularity.RETIRED)
            return []
        if isinstance(live.cutter, VideoCutter):
            return self._video_packet(live, live.cutter, packet, wall_ms)
        return self._audio_packet(live, live.cutter, packet, wall_ms)

    def _video_packet(
        self, live: LiveRendition, cutter: VideoCutter, packet: Packet, wall_ms: int
    ) -> list[AssembledSegment]:
        cuts = cutter.push(packet, wall_ms)
        done = self._publish(live, cuts)
        self._video_dts = max(self._video_dts, packet.dts)
        if cuts or packet.boundary or self._terms.part_target is not None:
            for other in self.active():
                done += self._cut_audio(other)
        return done

    def _audio_packet(
        self, live: LiveRendition, cutter: AudioCutter, packet: Packet, wall_ms: int
    ) -> list[AssembledSegment]:
        media_end = cutter.media_end()
        cutter.push(packet)
        if not self._has_video():
            start = cutter.start(packet)
            open_on_grid(self.boundaries, start, media_end, self._segment_target, wall_ms)
        return self._cut_audio(live)

    def _cut_audio(self, live: LiveRendition, *, finishing: bool = False) -> list[AssembledSegment]:
        done: list[AssembledSegment] = []
        if isinstance(live.cutter, AudioCutter):
            until = self._boundary_free()
            while (cut := live.cutter.cut(until, finishing=finishing)) is not None:
                done += self._publish(live, [cut])
        return done

    def _has_video(self) -> bool:
        return any(isinstance(each.cutter, VideoCutter) for each in self.active())

    def _boundary_free(self) -> int:
        """Up to where no boundary comes any more: it is no earlier than its packet is decoded.

        Unless one is forced, which is not before the target duration.
        """
        start = self.boundaries.open_start
        if start is None:
            return 0
        if self._has_video():
            return min(self._video_dts, start + self.boundaries.duration_target)
        return start + self._segment_target

    def finish(self) -> list[AssembledSegment]:
        """Close what is open in every rendition, at the end of the longest video.

        Where there is no video, at the end of the longest audio.
        """
        active = list(self.active())
        video = [live for live in active if live.is_video]
        start = self.boundaries.open_start
        ends = [end for live in video or active if (end := _open_media_end(live)) is not None]
        if start is not None and (ends or self.boundaries.has_parts):
            media_end = max(ends, default=start)
            self.boundaries.close(self.boundaries.bounded_end(start, media_end))
        else:
            self.boundaries.discard()
        done: list[AssembledSegment] = []
        for live in active:
            if isinstance(live.cutter, VideoCutter):
                done += self._publish(live, live.cutter.finish())
            done += self._cut_audio(live, finishing=True)
            live.lose_open()
        return done

    def _publish(self, live: LiveRendition, cuts: Sequence[Cut]) -> list[AssembledSegment]:
        fragment = video_fragment if live.is_video else audio_fragment
        done: list[AssembledSegment] = []
        for cut in cuts:
            body = fragment(self._fragment_number(live, cut), cut.packets, cut.end_dts)
            segment = live.publish(cut, body)
            if segment is not None:
                name = live.rendition.name
                done.append(
                    AssembledSegment(name, segment.interval, segment.independent, segment.body)
                )
        return done

    def _fragment_number(self, live: LiveRendition, cut: Cut) -> int:
        """Rising within the rendition, and the same whenever it is made (ISO 14496-12, 8.8.5)."""
        if self._terms.part_target is None:
            return cut.sequence + 1
        return cut.sequence * HLS_SEGMENT_PARTS_MAX + live.next_part(cut.sequence) + 1


def _open_media_end(live: LiveRendition) -> int | None:
    if isinstance(live.cutter, VideoCutter):
        return live.cutter.newest_media_end()
    return live.cutter.media_end()

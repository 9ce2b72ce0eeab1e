"""Packets of all renditions of an asset in, complete segments out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, Packet
from media.wire.fmp4_fragment import audio_fragment, video_fragment
from packager.hls.audio_cutter import AudioCutter
from packager.hls.boundaries import Boundaries
from packager.hls.bounds import LIVE, Bounds
from packager.hls.cut import Cut
from packager.hls.grid import open_on_grid
from packager.hls.irregularities import Irregularities, Irregularity
from packager.hls.live_rendition import LiveRendition
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
        target_duration: int,
        segment_target_ms: int,
        window_segments: int,
        known: Sequence[Interval] = (),
        bounds: Bounds = LIVE,
    ) -> None:
        """Begin an asset, or go on with one.

        Args:
            target_duration: the playlists', in whole seconds.
            known: intervals that are there already, as `Boundaries` takes them.
        """
        self.boundaries = Boundaries(target_duration, known)
        self.irregularities = Irregularities()
        self.renditions: dict[str, LiveRendition] = {}
        self._segment_target = segment_target_ms * VIDEO_TIMESCALE // 1000
        self._window_segments = window_segments
        self._bounds = bounds

    def active(self) -> Iterator[LiveRendition]:
        """Renditions that get packets."""
        return (live for live in self.renditions.values() if not live.retired)

    def begin(self, renditions: Sequence[Rendition], inits: Sequence[bytes]) -> None:
        """Start an epoch, after `finish`; others than these are retired.

        Args:
            inits: init segments, in the same order.
        """
        self.boundaries.begin_epoch()
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
                self._window_segments,
                self._bounds,
            )

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
        done = [self._publish(live, cut) for cut in cutter.push(packet, wall_ms)]
        if done or packet.boundary:
            for other in self.active():
                done += self._cut_audio(other)
        return done

    def _audio_packet(
        self, live: LiveRendition, cutter: AudioCutter, packet: Packet, wall_ms: int
    ) -> list[AssembledSegment]:
        media_end = cutter.media_end()
        cutter.push(packet)
        if not any(isinstance(each.cutter, VideoCutter) for each in self.active()):
            start = cutter.start(packet)
            open_on_grid(self.boundaries, start, media_end, self._segment_target, wall_ms)
        return self._cut_audio(live)

    def _cut_audio(self, live: LiveRendition, *, finishing: bool = False) -> list[AssembledSegment]:
        done: list[AssembledSegment] = []
        if isinstance(live.cutter, AudioCutter):
            while (cut := live.cutter.cut(finishing=finishing)) is not None:
                done.append(self._publish(live, cut))
        return done

    def finish(self) -> list[AssembledSegment]:
        """Close what is open in every rendition, at the end of the longest video.

        Where there is no video, at the end of the longest audio.
        """
        active = list(self.active())
        video = [live for live in active if live.is_video]
        start = self.boundaries.open_start
        ends = [end for live in video or active if (end := _open_media_end(live)) is not None]
        if start is not None and ends:
            self.boundaries.close(self.boundaries.bounded_end(start, max(ends)))
        else:
            self.boundaries.discard()
        done: list[AssembledSegment] = []
        for live in active:
            if isinstance(live.cutter, VideoCutter):
                done += [self._publish(live, cut) for cut in live.cutter.finish()]
            done += self._cut_audio(live, finishing=True)
        return done

    def _publish(self, live: LiveRendition, cut: Cut) -> AssembledSegment:
        interval = self.boundaries.interval(cut.sequence)
        assert interval is not None, "only closed intervals are cut"
        fragment = video_fragment if live.is_video else audio_fragment
        body = fragment(cut.sequence + 1, cut.packets, cut.end_dts)
        independent = cut.packets[0].keyframe or not live.is_video
        live.publish(interval, body, independent=independent)
        return AssembledSegment(live.rendition.name, interval, independent, body)


def _open_media_end(live: LiveRendition) -> int | None:
    if isinstance(live.cutter, VideoCutter):
        return live.cutter.newest_media_end()
    return live.cutter.media_end()

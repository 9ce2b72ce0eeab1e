"""One live source from the hub to its renditions."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

import structlog

from config.clock import Clock
from config.limits import HEALTH_MESSAGES_MAX, LADDER_TRACKS_MAX, LIVE_SOUNDS_MAX
from media.hub import (
    Event,
    PacketReceived,
    PacketsLost,
    PublisherArrived,
    PublisherLeft,
    Reader,
    StreamEnded,
    TrackAnnounced,
)
from media.timeline import Lane, Timeline
from media.transcode.arrival import Arrival
from media.transcode.decoding import can_be_decoded
from media.transcode.epoch import Epoch
from media.transcode.health import LiveHealth
from media.transcode.keyframes import keyframes_too_rare
from media.transcode.lost_tracks import LostTracks
from media.transcode.observation import Decision, Observation, Verdict
from media.transcode.picture_plan import LIVE_PICTURES
from media.transcode.rendition import Rendition, RenditionSink
from media.transcode.sent_sound import STOPPED, SourceSound, sent_sounds
from media.transcode.settings import TranscodeSettings
from media.transcode.source_picture import SourcePicture, starts_afresh
from media.units import VIDEO_TIMESCALE, MediaKind, Packet, Track
from media.wire.nal import MalformedAccessUnit

__all__ = [
    "LiveHealth",
    "LivePipeline",
    "Rendition",
    "RenditionSink",
    "TranscodeSettings",
]

log = structlog.get_logger(__name__)


class LivePipeline:
    """Reads a stream, repairs its time, decides what to make of it and has that made.

    It observes the source for up to a segment, then an epoch runs. A new one follows when the
    source's configuration changes, when a track comes late, when a ladder that the encoder sends
    has lost its default track, and when keyframes become too rare to be passed through. Another
    publication continues the epoch if its tracks are the same; while none is there, everything
    waits as it is.
    """

    def __init__(
        self,
        stream_reader: Reader,
        sink: RenditionSink,
        settings: TranscodeSettings,
        clock: Clock,
    ) -> None:
        self._reader = stream_reader
        self._sink = sink
        self._settings = settings
        self._clock = clock
        self._timeline = Timeline()
        self._tracks: dict[Lane, Track] = {}
        self._lost = LostTracks()
        self._lost_sounds = LostTracks()
        self._verdict: Verdict | None = None
        self._was_passed_through = False
        self._observation = self._observe_anew()
        self._epoch: Epoch | None = None
        self._renewal_wanted = False
        self._arrival: Arrival | None = None
        self._pictures = LIVE_PICTURES
        self._restarts = 0
        self._dropped = 0
        self._lost_from: int | None = None
        self._messages: deque[str] = deque(maxlen=HEALTH_MESSAGES_MAX)

    async def run(self) -> None:
        """Work until the stream has ended and everything was handed over.

        When cancelled, the worker is gone before this returns, and the sink is not told the end.
        """
        try:
            async for event in self._reader:
                await self._receive(event)
            await self._decide(ended=True)
            await self._close_epoch()
        finally:
            if self._epoch is not None:
                await self._epoch.abort()
        self._sink.end()

    def health(self) -> LiveHealth:
        """How it is going right now."""
        epoch = self._epoch
        supervisor = None if epoch is None else epoch.supervisor
        restarts, dropped = self._restarts, self._dropped
        if epoch is not None:
            restarts += epoch.restarts
            dropped += epoch.dropped
        return LiveHealth(
            lag_ms=0 if supervisor is None else supervisor.lag_ms,
            worker_restarts=restarts,
            dropped_packets=dropped + self._reader.dropped + self._timeline.dropped,
            preset="" if supervisor is None else supervisor.preset,
            renditions=() if epoch is None else epoch.renditions(),
            messages=tuple(self._messages),
        )

    @property
    def worker_process_id(self) -> int | None:
        """Of the worker running now; None when there is none."""
        supervisor = None if self._epoch is None else self._epoch.supervisor
        return None if supervisor is None else supervisor.process_id

    @property
    def sound_process_id(self) -> int | None:
        """Of the worker that encodes sound now; None when there is none."""
        sound = None if self._epoch is None else self._epoch.sound
        return None if sound is None else sound.process_id

    async def _receive(self, event: Event) -> None:
        match event:
            case TrackAnnounced() | PacketReceived() if self._arrival is not None:
                self._arrival.take(event)
                if self._arrival.is_complete:
                    await self._resume()
            case TrackAnnounced() | PacketReceived():
                await self._take(event)
            case PacketsLost():
                self._lost_from = self._timeline.end
            case PublisherLeft(reason):
                await self._resume()
                log.info("publisher left", reason=reason)
            case PublisherArrived():
                await self._resume()
                self._arrival = Arrival(self._tracks)
            case StreamEnded(reason):
                await self._resume()
                log.info("stream ended", reason=reason)

    async def _resume(self) -> None:
        """Go on with what another publication has sent, if one has arrived."""
        arrival, self._arrival = self._arrival, None
        if arrival is None or not arrival.starts:
            return
        self._timeline.resume(arrival.starts)
        self._tracks = {lane: self._tracks[lane] for lane in arrival.tracks if lane in self._tracks}
        self._forget_losses(arrival.tracks)
        if self._epoch is not None:
            if self._epoch.needs <= arrival.tracks.keys():
                self._epoch.resume()
            else:
                await self._renew()
        for event in arrival.events:
            await self._take(event)

    def _forget_losses(self, arrived: Iterable[Lane]) -> None:
        """What another publication sends that was lost before is as good as any other."""
        if any(number in self._lost for kind, number in arrived if kind is MediaKind.VIDEO):
            self._lost = LostTracks()
            self._verdict = None
            self._renewal_wanted = True
        if any(number in self._lost_sounds for kind, number in arrived if kind is MediaKind.AUDIO):
            self._lost_sounds = LostTracks()
            self._renewal_wanted = True

    async def _take(self, event: TrackAnnounced | PacketReceived) -> None:
        match event:
            case TrackAnnounced(track, number) if self._tracks.get((track.kind, number)) == track:
                pass
            case TrackAnnounced(track, number) if track.kind is MediaKind.VIDEO:
                await self._announce_video(track, number)
            case TrackAnnounced(track, number):
                await self._announce_audio(track, number)
            case PacketReceived(kind, packet, number):
                await self._take_packet(kind, packet, number)

    async def _announce_video(self, track: Track, number: int) -> None:
        if not can_be_decoded(track):
            self._say(f"video of codec {track.codec} is not supported")
            return
        others = self._videos().keys() - {number}
        if len(others) >= LADDER_TRACKS_MAX:
            self._say(f"more than {LADDER_TRACKS_MAX} video tracks are not supported")
            return
        self._tracks[MediaKind.VIDEO, number] = track
        self._lost.forget(number)
        self._verdict = None
        if (
            self._epoch is not None
            and self._epoch.includes_video
            and number not in self._epoch.uses
        ):
            # The others go on up to the next keyframe.
            self._renewal_wanted = True
        elif self._epoch is not None or not others:
            await self._renew()
        self._observation.forget(number, self._known_verdict())

    async def _announce_audio(self, track: Track, number: int) -> None:
        if not can_be_decoded(track):
            self._say(f"sound of codec {track.codec} is not supported")
            return
        others = self._sounds().keys() - {number}
        if len(others) >= LIVE_SOUNDS_MAX:
            self._say(f"more than {LIVE_SOUNDS_MAX} tracks of sound are not supported")
            return
        is_new = (MediaKind.AUDIO, number) not in self._tracks
        self._tracks[MediaKind.AUDIO, number] = track
        self._lost_sounds.forget(number)
        sounds = sent_sounds(self._sounds())
        if all(each.number != number for each in sounds):
            self._say(
                f"sound track {number} in {track.coding.label} is left out: only the first one is "
                "encoded again as AAC"
            )
        if self._epoch is None:
            if not (is_new and others):
                await self._renew()
        elif self._epoch.decision.sounds == sounds:
            pass
        elif self._epoch.includes_video:
            # The picture goes on up to its next keyframe.
            self._renewal_wanted = True
        else:
            await self._renew()

    async def _take_packet(self, kind: MediaKind, packet: Packet, number: int) -> None:
        track = self._tracks.get((kind, number))
        if track is None:
            return
        placed = self._timeline.place(kind, packet, track.timescale, number)
        if placed is None:
            return
        if self._lost_from is not None:
            self._sink.lost(self._lost_from, placed.pts * VIDEO_TIMESCALE // track.timescale)
            self._lost_from = None
        if kind is MediaKind.AUDIO:
            await self._take_audio(SourceSound(placed, number), track)
            return
        try:
            refresh = starts_afresh(placed, track.coding)
        except MalformedAccessUnit:
            self._dropped += 1
            return
        if refresh and not placed.keyframe:
            placed = replace(placed, keyframe=True)
        await self._take_video(SourcePicture(placed, refresh, number))

    async def _take_audio(self, sound: SourceSound, track: Track) -> None:
        number = sound.number
        if number in self._lost_sounds:
            if not self._lost_sounds.may_return(number, self._clock.monotonic_ms()):
                return
            self._lost_sounds.forget(number)
            self._renewal_wanted = True
        if self._epoch is None:
            self._observation.audio(sound, track.timescale)
            await self._decide()
        elif self._epoch.hears(number, track):
            self._epoch.audio(sound)
            await self._notice_silence(self._epoch)
        elif any(each.number == number for each in sent_sounds(self._sounds())):
            self._renewal_wanted = True

    async def _notice_silence(self, epoch: Epoch) -> None:
        """A track of sound that stops costs only its rendition, unless it is the default one."""
        for number in epoch.take_lost_sounds():
            self._lost_sounds.add(number, STOPPED, self._clock.monotonic_ms())
            self._say(f"sound track {number} is no longer heard: {STOPPED}")
            if number != epoch.decision.sounds[0].number:
                continue
            if epoch.includes_video:
                self._renewal_wanted = True
            else:
                await self._renew()

    async def _take_video(self, picture: SourcePicture) -> None:
        if picture.refresh and self._lost.may_return(picture.number, self._clock.monotonic_ms()):
            self._lost.forget(picture.number)
            self._verdict = None
            self._renewal_wanted = True
        if self._epoch is not None and picture.packet.keyframe:
            leads = picture.number == self._epoch.leader or not self._epoch.includes_video
            if leads and self._renewal_is_due():
                await self._renew()
        if self._epoch is None:
            if picture.number not in self._lost:
                self._observation.video(picture)
                await self._decide()
            return
        if self._epoch.includes_video:
            self._epoch.video(picture)
            self._notice_losses(self._epoch)
        if self._epoch.keyframe_is_overdue:
            await self._encode_instead()

    def _notice_losses(self, epoch: Epoch) -> None:
        """A track that a ladder has lost costs only its rendition, unless hardly any is left."""
        for number, reason in epoch.take_losses().items():
            self._lost.add(number, reason, self._clock.monotonic_ms())
            self._say(f"video track {number} is no longer shown: {reason}")
            if len(epoch.uses) == 1:
                # It is a source as any other now, whose keyframes come often enough.
                self._verdict = Verdict(passed_through=True)
                self._renewal_wanted = True
            elif number == epoch.decision.number:
                self._renewal_wanted = True

    def _videos(self) -> dict[int, Track]:
        """The video tracks that can be used, by number."""
        return {
            number: track
            for (kind, number), track in self._tracks.items()
            if kind is MediaKind.VIDEO and number not in self._lost
        }

    def _sounds(self) -> dict[int, Track]:
        """The tracks of sound that can be used, by number."""
        return {
            number: track
            for (kind, number), track in self._tracks.items()
            if kind is MediaKind.AUDIO and number not in self._lost_sounds
        }

    def _renewal_is_due(self) -> bool:
        assert self._epoch is not None
        return (
            self._renewal_wanted
            or not self._epoch.includes_video
            or self._epoch.encoders_are_due
        )  # fmt: skip

    def _known_verdict(self) -> Verdict | None:
        return self._verdict if self._settings.pass_through else Verdict(passed_through=False)

    def _observe_anew(self) -> Observation:
        return Observation(
            self._settings.segment_ticks, self._known_verdict(), presumed=self._was_passed_through
        )

    async def _renew(self) -> None:
        """End the epoch; the packets that follow decide on the next one."""
        undecided = [] if self._epoch is None else self._epoch.take_undecided()
        await self._close_epoch()
        self._renewal_wanted = False
        self._observation = self._observe_anew()
        for picture in undecided:
            self._observation.video(picture)

    async def _decide(self, *, ended: bool = False) -> None:
        if self._epoch is not None:
            return
        decision = self._observation.decide(self._videos(), self._sounds(), ended=ended)
        if decision is None:
            return
        held, self._observation = self._observation.held, self._observe_anew()
        self._begin(decision, held)

    def _begin(
        self, decision: Decision, held: list[SourcePicture | SourceSound], start: int | None = None
    ) -> None:
        self._verdict = decision.verdict
        self._was_passed_through = decision.verdict is not None and decision.verdict.passed_through
        if decision.verdict is not None and decision.verdict.reason:
            self._say(decision.verdict.reason)
        epoch = Epoch(decision, self._sink, self._settings, self._clock, start, self._pictures)
        self._epoch = epoch
        if epoch.sound is not None and decision.audio is not None:
            label = decision.audio.coding.label
            self._say(f"sound in {label} does not play everywhere, so it is encoded again as AAC")
        epoch.start()
        for one in held:
            if isinstance(one, SourceSound):
                epoch.audio(one)
            elif epoch.includes_video:
                epoch.video(one)

    async def _encode_instead(self) -> None:
        """The source's keyframes have become too rare: go on from the last, with encoders."""
        epoch = self._epoch
        assert epoch is not None
        await self._close_epoch()
        reason = keyframes_too_rare(self._settings.segment_ticks)
        verdict = Verdict(passed_through=False, reason=reason)
        decision = replace(epoch.decision, verdict=verdict, ladder=())
        self._begin(decision, [*epoch.group.pictures], start=epoch.group.shown_pts + 1)

    async def _close_epoch(self) -> None:
        epoch = self._epoch
        if epoch is None:
            return
        await epoch.close()
        self._epoch = None
        if epoch.supervisor is not None:
            self._pictures = epoch.supervisor.pictures
        self._restarts += epoch.restarts
        self._dropped += epoch.dropped

    def _say(self, message: str) -> None:
        log.info("broadcast is told", message=message)
        if message not in self._messages:
            self._messages.append(message)

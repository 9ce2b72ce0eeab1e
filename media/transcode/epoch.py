"""Packets of one source with the same tracks: from one `begin` of the sink to the next."""

import asyncio
from dataclasses import replace

import structlog

from config.clock import Clock
from config.limits import (
    EPOCH_PENDING_PACKETS_MAX,
    TRANSCODE_RETRY_MS,
)
from config.tasks import spawn
from media.ladder import Rung
from media.pictures import Picture
from media.timeline import Lane
from media.transcode.handover import Handover
from media.transcode.health import RenditionHealth, rendition_health
from media.transcode.keyframe_group import KeyframeGroup
from media.transcode.live_plan import live_plan, patience_with, rungs_below
from media.transcode.observation import Decision
from media.transcode.picture_plan import LIVE_PICTURES, PicturePlan
from media.transcode.protocol import SourcePacket
from media.transcode.rendition import Rendition, RenditionSink
from media.transcode.sent_ladder import SentLadder
from media.transcode.sent_sound import AUDIO, STOPPED, SilentTracks, SourceSound
from media.transcode.settings import TranscodeSettings
from media.transcode.sound_plan import ENCODED_BIT_RATE
from media.transcode.sound_supervisor import SoundSupervisor
from media.transcode.source_cuts import SourceCuts
from media.transcode.source_picture import SourcePicture
from media.transcode.supervisor import Supervisor
from media.transcode.worker_process import sound_worker_command, worker_command
from media.units import VIDEO_TIMESCALE, Coding, MediaKind, Packet, Track
from media.wire.nal import track_from_avc_configuration

__all__ = ["AUDIO", "SOURCE", "Epoch", "TranscodeSettings"]

log = structlog.get_logger(__name__)

SOURCE = "source"


class Epoch:
    """Passes on what can be passed on, has the rest encoded, and hands all of it to the sink.

    The sink's epoch begins when the encoders are open, since only then their configurations are
    known; what comes before waits. Encoders that do not open in time are left out.

    Attributes:
        supervisor: of the encoders of pictures; None when there are none to encode.
        sound: of the encoder of sound; None when there is none to encode.
    """

    def __init__(
        self,
        decision: Decision,
        sink: RenditionSink,
        settings: TranscodeSettings,
        clock: Clock,
        start: int | None = None,
        pictures: PicturePlan = LIVE_PICTURES,
    ) -> None:
        """Prepare an epoch.

        Args:
            decision: what to make of the source.
            start: pictures before this pts were shown in an earlier epoch.
            pictures: where posters and sheets of earlier epochs go on.
        """
        self.decision = decision
        self._handover = Handover(sink)
        self._settings = settings
        self._clock = clock
        self._passed_through = decision.verdict is not None and decision.verdict.passed_through
        self._ladder = (
            SentLadder(decision.ladder, settings.segment_ticks) if decision.ladder else None
        )
        self._rungs = self._choose_rungs()
        self._patience = patience_with(decision, self._rungs, settings.patience)
        self.supervisor = self._supervise(start, pictures) if self._rungs else None
        self._cuts = SourceCuts(settings.segment_ticks, passed_through=self._passed_through)
        self.sound = self._supervise_sound()
        self._encoded: tuple[Rendition, ...] | None = None
        self._encoded_sound: Rendition | None = None
        self._begin_ms_max = clock.monotonic_ms() + self._patience.start_ms
        self._losses: dict[int, str] = {}
        self._sounds = {each.number: each for each in decision.sounds}
        self._silent = SilentTracks(self._sounds)
        self._lost_sounds: list[int] = []
        self._stopping: list[asyncio.Task[None]] = []
        self.group = KeyframeGroup()

    @property
    def includes_video(self) -> bool:
        return self.decision.video is not None

    @property
    def needs(self) -> frozenset[Lane]:
        """The tracks without which it cannot go on."""
        video = {(MediaKind.VIDEO, self.leader)} if self.includes_video else set[Lane]()
        audio = {(MediaKind.AUDIO, each.number) for each in self.decision.sounds[:1]}
        return frozenset(video | audio)

    @property
    def leader(self) -> int:
        """The number of the video track whose keyframes count."""
        return self.decision.number if self._ladder is None else self._ladder.leader

    @property
    def uses(self) -> frozenset[int]:
        """The numbers of the video tracks that are shown."""
        if self._ladder is not None:
            return frozenset(each.number for each in self._ladder.tracks) - self._ladder.lost.keys()
        return frozenset({self.decision.number} if self.includes_video else ())

    @property
    def keyframe_is_overdue(self) -> bool:
        """The source is passed through and has not had a place to cut for two segments."""
        return self._passed_through and self.group.duration > 2 * self._settings.segment_ticks

    @property
    def encoders_are_due(self) -> bool:
        """Encoders did not open, and it is time to try again with a new epoch."""
        waited_ms = self._clock.monotonic_ms() - self._begin_ms_max
        return bool(self._stopping) and waited_ms > TRANSCODE_RETRY_MS

    @property
    def restarts(self) -> int:
        """Workers that died or hung."""
        return sum(one.restarts for one in self._supervisors())

    @property
    def dropped(self) -> int:
        """Source packets that did not make it into every rendition."""
        skipped = 0 if self.supervisor is None else self.supervisor.skipped
        return skipped + sum(one.dropped for one in self._supervisors())

    def start(self) -> None:
        for one in self._supervisors():
            one.start()
        self._begin_when_open()

    def resume(self) -> None:
        """What follows is of another publication; its first keyframe starts a segment."""
        self._cuts.resume()
        self._silent.resume()
        if self._ladder is not None:
            self._hand_on(self._ladder.resume())
        if not self._handover.begun:
            # Encoders had nothing to open with all the while.
            self._begin_ms_max = self._clock.monotonic_ms() + self._patience.start_ms

    def video(self, picture: SourcePicture) -> None:
        """Take the next packet of the source's video; the first has to be a keyframe."""
        if self._ladder is not None:
            self._video_of_ladder(picture, self._ladder)
            return
        if picture.number != self.decision.number:
            return
        pts = picture.packet.pts
        boundary = self._cuts.is_boundary(picture)
        packet = replace(picture.packet, boundary=boundary)
        if self._passed_through:
            self.group.add(picture)
            self._deliver(SOURCE, packet)
        if self.supervisor is not None and self._feeds_pictures:
            self.supervisor.feed(
                SourcePacket(
                    dts=packet.dts,
                    pts=pts,
                    newest=pts,
                    keyframe=packet.keyframe,
                    boundary=boundary,
                    data=packet.data,
                )
            )

    def _video_of_ladder(self, picture: SourcePicture, ladder: SentLadder) -> None:
        if picture.number == self.decision.number:
            self.group.add(picture)
        self._hand_on(ladder.push(picture))
        for number, reason in ladder.lost.items():
            name = ladder.name(number)
            if name not in self._handover.retired:
                self._losses[number] = reason
                self._handover.retire(name, reason)

    def take_losses(self) -> dict[int, str]:
        """Tracks of a ladder that are no longer shown, since this was asked last; and why."""
        losses, self._losses = self._losses, {}
        return losses

    def take_undecided(self) -> list[SourcePicture]:
        """Give away what the next epoch is to begin with, as far as it was here already."""
        return [] if self._ladder is None else self._ladder.take_undecided()

    def hears(self, number: int, track: Track) -> bool:
        """Whether a track of sound is one of those that it was begun with."""
        sent = self._sounds.get(number)
        return sent is not None and sent.track == track

    def audio(self, sound: SourceSound) -> None:
        """Take the next packet of one of the tracks of sound; others are left out."""
        sent = self._sounds.get(sound.number)
        if sent is None:
            return
        if sent.name == AUDIO and self.sound is not None:
            self.sound.feed(sound.packet)
        else:
            self._deliver(sent.name, sound.packet)
        time = sound.packet.pts * VIDEO_TIMESCALE // sent.track.timescale
        for number in self._silent.heard(sound.number, time):
            self._lost_sounds.append(number)
            if self._sounds[number].name != AUDIO:
                self._handover.retire(self._sounds[number].name, STOPPED)

    def take_lost_sounds(self) -> list[int]:
        """Tracks of sound that have stopped, since this was asked last.

        The default one keeps its rendition until another takes its place, in the next epoch.
        """
        lost, self._lost_sounds = self._lost_sounds, []
        return lost

    async def close(self) -> None:
        """Encode and hand over what is left."""
        if self._ladder is not None:
            self._hand_on(self._ladder.finish())
        await asyncio.gather(*(one.finish() for one in self._supervisors()))
        if not self._handover.begun:
            self._do_without_encoders()

    async def abort(self) -> None:
        """Let go of the workers; nothing more is handed over."""
        for one in self._supervisors():
            await one.stop()

    def opened(self, configurations: tuple[bytes, ...]) -> None:
        """The worker says what it makes."""
        if self._handover.begun:
            return
        assert self.decision.video is not None
        frame_rate = self.decision.video.frame_rate
        self._encoded = tuple(
            Rendition(
                name=rung.name,
                track=replace(track_from_avc_configuration(record), frame_rate=frame_rate),
                bitrate_max=rung.bitrate_max,
                passed_through=False,
            )
            for rung, record in zip(self._rungs, configurations, strict=True)
        )
        self._begin_when_open()

    def encoded(self, rung: int, packet: Packet) -> None:
        """The worker made a packet."""
        self._deliver(self._rungs[rung].name, packet)

    def picture(self, picture: Picture) -> None:
        """The worker made a poster or a sheet."""
        self._handover.picture(picture)

    def shed(self, rung: int, lag_ms: int) -> None:
        """The worker gave up a rung."""
        name = self._rungs[rung].name
        log.warning("rendition shed", rendition=name, lag_ms=lag_ms)
        self._handover.retire(name, f"this machine is too slow for it: it was {lag_ms} ms late")

    def lost(self, start: int, end: int) -> None:
        """Something never got to a worker, or went under with one."""
        self._handover.lost(start, end)

    def sound_opened(self, track: Track) -> None:
        """The worker of sound says what it makes."""
        if not self._handover.begun:
            self._encoded_sound = Rendition(AUDIO, track, ENCODED_BIT_RATE, passed_through=False)
            self._begin_when_open()

    def sound_encoded(self, packet: Packet) -> None:
        """The worker of sound made a frame."""
        if self._encoded_sound is not None:
            self._deliver(AUDIO, packet)

    def renditions(self) -> tuple[RenditionHealth, ...]:
        """The video renditions as a creator sees them."""
        video, verdict = self.decision.video, self.decision.verdict
        if video is None or verdict is None:
            return ()
        made = [*self._passed_on(), *(_encoding(video, rung) for rung in self._rungs)]
        first = "" if self._ladder is not None else verdict.reason
        return tuple(
            rendition_health(one, self._handover.retired.get(one.name), first if index == 0 else "")
            for index, one in enumerate(made)
        )

    def _choose_rungs(self) -> tuple[Rung, ...]:
        return () if self._ladder is not None else rungs_below(self.decision)

    def _supervise(self, start: int | None, pictures: PicturePlan) -> Supervisor:
        return Supervisor(
            live_plan(self.decision, self._rungs, self._settings, start, pictures),
            self,
            self._clock,
            patience=self._patience,
            machine=self._settings.machine,
            command=worker_command(self._settings.jail_minimum),
        )

    def _supervise_sound(self) -> SoundSupervisor | None:
        track = self.decision.audio
        if track is None or track.coding is Coding.AAC:
            return None
        return SoundSupervisor(
            track,
            self,
            self._clock,
            patience=self._settings.patience,
            command=sound_worker_command(self._settings.jail_minimum),
        )

    def _supervisors(self) -> tuple[Supervisor | SoundSupervisor, ...]:
        return tuple(one for one in (self.supervisor, self.sound) if one is not None)

    @property
    def _feeds_pictures(self) -> bool:
        """Encoders are open, or may still open."""
        return self._encoded is not None or not self._stopping

    def _hand_on(self, packets: list[tuple[str, Packet]]) -> None:
        for name, packet in packets:
            self._deliver(name, packet)

    def _deliver(self, name: str, packet: Packet) -> None:
        self._handover.packet(name, packet)
        if self._handover.begun:
            return
        late = self._clock.monotonic_ms() > self._begin_ms_max
        if late or self._handover.waiting > EPOCH_PENDING_PACKETS_MAX:
            self._do_without_encoders()

    def _begin_when_open(self) -> None:
        pictures_wait = self.supervisor is not None and self._encoded is None
        sound_waits = self.sound is not None and self._encoded_sound is None
        if not (pictures_wait or sound_waits or self._handover.begun):
            self._handover.begin(self._made())

    def _do_without_encoders(self) -> None:
        """What needs no encoder, or has one that is open, shall not wait any longer."""
        late: list[Supervisor | SoundSupervisor] = []
        if self.supervisor is not None and self._encoded is None:
            late.append(self.supervisor)
            for rung in self._rungs:
                self._handover.retire(rung.name, "the video encoder did not start")
        if self.sound is not None and self._encoded_sound is None:
            late.append(self.sound)
        log.warning("encoders did not open in time", encoders=len(late))
        self._stopping = [spawn(one.stop(), name="stop of late encoders") for one in late]
        self._handover.begin(self._made())

    def _made(self) -> list[Rendition]:
        """All renditions, as far as their encoders are open."""
        made = [*self._passed_on(), *(self._encoded or ())]
        if self._encoded_sound is not None:
            made.append(self._encoded_sound)
        passed_on = self.decision.sounds[self.sound is not None :]
        return [
            *made,
            *(Rendition(each.name, each.track, 0, passed_through=True) for each in passed_on),
        ]

    def _passed_on(self) -> list[Rendition]:
        """The source's own video, as far as it is shown."""
        if self._ladder is not None:
            return self._ladder.renditions()
        if self.decision.video is None or not self._passed_through:
            return []
        return [Rendition(SOURCE, self.decision.video, 0, passed_through=True)]


def _encoding(video: Track, rung: Rung) -> Rendition:
    track = replace(video, width=rung.width, height=rung.height)
    return Rendition(rung.name, track, rung.bitrate_max, passed_through=False)

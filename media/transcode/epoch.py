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
from media.ladder import Rung, encoded_rungs
from media.pictures import Picture
from media.segmenter import Segmenter
from media.timeline import Lane
from media.transcode.health import RenditionHealth, rendition_health
from media.transcode.keyframe_group import KeyframeGroup
from media.transcode.observation import Decision
from media.transcode.picture_plan import LIVE_PICTURES, PicturePlan
from media.transcode.plan import Plan
from media.transcode.preset import AUTO
from media.transcode.protocol import SourcePacket
from media.transcode.rendition import Rendition, RenditionSink
from media.transcode.sent_ladder import SentLadder
from media.transcode.settings import TranscodeSettings
from media.transcode.source_picture import SourcePicture
from media.transcode.supervisor import Supervisor
from media.transcode.worker_process import worker_command
from media.units import MediaKind, Packet, Track
from media.wire.nal import track_from_avc_configuration

__all__ = ["AUDIO", "SOURCE", "Epoch", "TranscodeSettings"]

log = structlog.get_logger(__name__)

SOURCE = "source"
AUDIO = "audio"


class Epoch:
    """Passes on what can be passed on, has the rest encoded, and hands all of it to the sink.

    The sink's epoch begins when the encoders are open, since only then their configurations are
    known; what comes before waits. Encoders that do not open in time are left out.

    Attributes:
        supervisor: of the encoders; None when there is nothing to encode.
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
        self._sink = sink
        self._settings = settings
        self._clock = clock
        self._passed_through = decision.verdict is not None and decision.verdict.passed_through
        self._ladder = (
            SentLadder(decision.ladder, settings.segment_ticks) if decision.ladder else None
        )
        self._rungs = self._choose_rungs()
        self.supervisor = self._supervise(start, pictures) if self._rungs else None
        self._segmenter = Segmenter.at_keyframes(settings.segment_ticks)
        self._pending: list[tuple[str, Packet]] = []
        self._begun = False
        self._begin_ms_max = clock.monotonic_ms() + settings.patience.start_ms
        self._retired: dict[str, str] = {}
        self._losses: dict[int, str] = {}
        self._stopping: asyncio.Task[None] | None = None
        self._resuming = False
        self.group = KeyframeGroup()

    @property
    def includes_video(self) -> bool:
        return self.decision.video is not None

    @property
    def includes_audio(self) -> bool:
        return self.decision.audio is not None

    @property
    def needs(self) -> frozenset[Lane]:
        """The tracks without which it cannot go on."""
        video = {(MediaKind.VIDEO, self.leader)} if self.includes_video else set[Lane]()
        audio = {(MediaKind.AUDIO, 0)} if self.includes_audio else set[Lane]()
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
        return self._stopping is not None and waited_ms > TRANSCODE_RETRY_MS

    def start(self) -> None:
        if self.supervisor is None:
            self._begin(())
        else:
            self.supervisor.start()

    def resume(self) -> None:
        """What follows is of another publication; its first keyframe starts a segment."""
        self._resuming = True
        if self._ladder is not None:
            self._hand_on(self._ladder.resume())
        if not self._begun:
            # Encoders had nothing to open with all the while.
            self._begin_ms_max = self._clock.monotonic_ms() + self._settings.patience.start_ms

    def video(self, picture: SourcePicture) -> None:
        """Take the next packet of the source's video; the first has to be a keyframe."""
        if self._ladder is not None:
            self._video_of_ladder(picture, self._ladder)
            return
        if picture.number != self.decision.number:
            return
        pts = picture.packet.pts
        boundary = self._is_boundary(picture)
        packet = replace(picture.packet, boundary=boundary)
        if self._passed_through:
            self.group.add(picture)
            self._deliver(SOURCE, packet)
        if self.supervisor is not None and self._stopping is None:
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
            if name not in self._retired:
                self._retired[name] = self._losses[number] = reason
                self._sink.retire(name, reason)

    def take_losses(self) -> dict[int, str]:
        """Tracks of a ladder that are no longer shown, since this was asked last; and why."""
        losses, self._losses = self._losses, {}
        return losses

    def take_undecided(self) -> list[SourcePicture]:
        """Give away what the next epoch is to begin with, as far as it was here already."""
        return [] if self._ladder is None else self._ladder.take_undecided()

    def audio(self, packet: Packet) -> None:
        if self.includes_audio:
            self._deliver(AUDIO, packet)

    async def close(self) -> None:
        """Encode and hand over what is left."""
        if self._ladder is not None:
            self._hand_on(self._ladder.finish())
        if self.supervisor is not None:
            await self.supervisor.finish()
        if not self._begun:
            self._do_without_encoders()

    async def abort(self) -> None:
        """Let go of the worker; nothing more is handed over."""
        if self.supervisor is not None:
            await self.supervisor.stop()

    def opened(self, configurations: tuple[bytes, ...]) -> None:
        """The worker says what it makes."""
        if self._begun:
            return
        assert self.decision.video is not None
        frame_rate = self.decision.video.frame_rate
        self._begin(
            tuple(
                Rendition(
                    name=rung.name,
                    track=replace(track_from_avc_configuration(record), frame_rate=frame_rate),
                    bitrate_max=rung.bitrate_max,
                    passed_through=False,
                )
                for rung, record in zip(self._rungs, configurations, strict=True)
            )
        )

    def encoded(self, rung: int, packet: Packet) -> None:
        """The worker made a packet."""
        name = self._rungs[rung].name
        if name not in self._retired:
            self._sink.packet(name, packet)

    def picture(self, picture: Picture) -> None:
        """The worker made a poster or a sheet."""
        if self._begun:
            self._sink.picture(picture)

    def shed(self, rung: int, lag_ms: int) -> None:
        """The worker gave up a rung."""
        name = self._rungs[rung].name
        reason = f"this machine is too slow for it: it was {lag_ms} ms late"
        self._retired[name] = reason
        log.warning("rendition shed", rendition=name, lag_ms=lag_ms)
        self._sink.retire(name, reason)

    def renditions(self) -> tuple[RenditionHealth, ...]:
        """The video renditions as a creator sees them."""
        video, verdict = self.decision.video, self.decision.verdict
        if video is None or verdict is None:
            return ()
        made = [*self._passed_on(), *(_encoding(video, rung) for rung in self._rungs)]
        first = "" if self._ladder is not None else verdict.reason
        return tuple(
            rendition_health(one, self._retired.get(one.name), first if index == 0 else "")
            for index, one in enumerate(made)
        )

    def _choose_rungs(self) -> tuple[Rung, ...]:
        video = self.decision.video
        if video is None or self._ladder is not None:
            return ()
        return encoded_rungs(
            video.width, video.height, video.frame_rate, passed_through=self._passed_through
        )

    def _supervise(self, start: int | None, pictures: PicturePlan) -> Supervisor:
        assert self.decision.video is not None
        encoder = self._settings.encoder
        if encoder.preset == AUTO:
            encoder = replace(encoder, lookahead=False)
        plan = Plan(
            configuration=self.decision.video.extradata,
            frame_rate=self.decision.video.frame_rate,
            rungs=self._rungs,
            named_boundaries=self._passed_through,
            segment_ticks=self._settings.segment_ticks,
            start=start,
            encoder=encoder,
            shedding=self._settings.shedding,
            lag_ms_max=self._settings.lag_ms_max,
            pictures=pictures,
        )
        return Supervisor(
            plan,
            self,
            self._clock,
            patience=self._settings.patience,
            machine=self._settings.machine,
            command=worker_command(self._settings.jail_minimum),
        )

    def _is_boundary(self, picture: SourcePicture) -> bool:
        """Whether all renditions start a segment here; encoders find other places by themselves."""
        packet = picture.packet
        is_first = self._resuming and packet.keyframe
        if is_first:
            self._resuming = False
        if not self._passed_through:
            return is_first
        if not picture.refresh:
            return False
        return (self._segmenter.cut_early if is_first else self._segmenter.cut)(packet.pts)

    def _hand_on(self, packets: list[tuple[str, Packet]]) -> None:
        for name, packet in packets:
            self._deliver(name, packet)

    def _deliver(self, name: str, packet: Packet) -> None:
        if self._begun:
            self._sink.packet(name, packet)
            return
        self._pending.append((name, packet))
        late = self._clock.monotonic_ms() > self._begin_ms_max
        if late or len(self._pending) > EPOCH_PENDING_PACKETS_MAX:
            self._do_without_encoders()

    def _do_without_encoders(self) -> None:
        """What needs no encoder shall not wait for one any longer."""
        assert self.supervisor is not None
        log.warning("encoders did not open in time")
        self._retired = {rung.name: "the video encoder did not start" for rung in self._rungs}
        self._stopping = spawn(self.supervisor.stop(), name="stop of late encoders")
        self._begin(())

    def _passed_on(self) -> list[Rendition]:
        """The source's own video, as far as it is shown."""
        if self._ladder is not None:
            return self._ladder.renditions()
        if self.decision.video is None or not self._passed_through:
            return []
        return [Rendition(SOURCE, self.decision.video, 0, passed_through=True)]

    def _begin(self, encoded: tuple[Rendition, ...]) -> None:
        self._begun = True
        renditions = [*self._passed_on(), *encoded]
        if self.decision.audio is not None:
            renditions.append(Rendition(AUDIO, self.decision.audio, 0, passed_through=True))
        pending, self._pending = self._pending, []
        if renditions:
            self._sink.begin(renditions)
            for name, packet in pending:
                self._sink.packet(name, packet)


def _encoding(video: Track, rung: Rung) -> Rendition:
    track = replace(video, width=rung.width, height=rung.height)
    return Rendition(rung.name, track, rung.bitrate_max, passed_through=False)

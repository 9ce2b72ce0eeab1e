"""Keeps the worker of one source's sound alive: starts it, feeds it, replaces it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from config.clock import Clock
from config.limits import SOUND_FRAMES_FORGIVING
from media.transcode.conversation import Patience
from media.transcode.protocol import (
    Configure,
    Encoded,
    Finish,
    Finished,
    MalformedMessage,
    Message,
    Opened,
    Progress,
    SourcePacket,
)
from media.transcode.sound_check import SoundCheck
from media.transcode.sound_plan import encoded_track, plan_for_track, sound_plan_to_bytes
from media.transcode.sound_queue import SoundQueue
from media.transcode.upkeep import Upkeep
from media.transcode.worker_process import WorkerProcess, sound_worker_command
from media.units import VIDEO_TIMESCALE, Packet, Track


class SoundListener(Protocol):
    """Gets what workers make."""

    def sound_opened(self, track: Track) -> None:
        """What is made; comes once, before any packet."""

    def sound_encoded(self, packet: Packet) -> None:
        """The next AAC frame, in the timescale of what is made; holes may be before it."""

    def lost(self, start: int, end: int) -> None:
        """Sound between these times (1/90000 s) went under with a worker, or never got to one."""


class SoundSupervisor:
    """Has a track encoded until its source ends, with as many workers as it takes.

    A worker that dies costs what was in it, which becomes silence.
    """

    def __init__(
        self,
        track: Track,
        listener: SoundListener,
        clock: Clock,
        *,
        patience: Patience | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Prepare to encode a track; `command` starts a worker."""
        self._plan = plan_for_track(track)
        self._timescale = track.timescale
        self._listener = listener
        self._upkeep = Upkeep(
            self, command or sound_worker_command(0), clock, patience or Patience(), name="sound"
        )
        self._queue = SoundQueue()
        self._check = SoundCheck(self._plan.encoded_rate)
        self._has_opened = False
        self._frames = 0
        self._lost = 0
        self._dropped_told = 0

    @property
    def restarts(self) -> int:
        """Workers that died or hung."""
        return self._upkeep.restarts

    @property
    def dropped(self) -> int:
        """Source packets that no worker got, or that workers died with."""
        return self._queue.dropped + self._lost

    @property
    def process_id(self) -> int | None:
        """Of the worker running now."""
        return self._upkeep.process_id

    def start(self) -> None:
        self._upkeep.start()

    def feed(self, packet: Packet) -> None:
        """Take the next packet of the track; never waits, drops when too much is held."""
        self._queue.push(packet)
        self._upkeep.wake()

    async def finish(self) -> None:
        """Return when all that was fed has been encoded, or the deadline for that has passed."""
        await self._upkeep.finish()

    async def stop(self) -> None:
        """Kill the worker and return when it is gone."""
        await self._upkeep.stop()

    def begin(self) -> None:
        """A worker is about to be started."""
        self._frames = 0

    def failed(self, _failures: int) -> None:
        """A worker has ended early, and what was in it is lost."""
        self._lost += self._upkeep.attention.inside

    async def supply(self, worker: WorkerProcess) -> None:
        """Send a worker the plan, from where the one before had come to, and packets."""
        plan = replace(self._plan, start=self._check.next)
        await worker.send(Configure(sound_plan_to_bytes(plan)))
        while packet := await self._next_packet():
            self._upkeep.attention.gave()
            message = self._to_worker(packet)
            self._check.fed(message.pts)
            await worker.send(message)
        await worker.send(Finish())

    async def _next_packet(self) -> Packet | None:
        """The next packet to send, when the worker may have one; None when the source has ended."""
        while (packet := self._queue.next(self._upkeep.attention.inside)) is None:
            if self._upkeep.is_finishing and self._queue.is_empty():
                return None
            await self._upkeep.sleep()
        return packet

    def _to_worker(self, packet: Packet) -> SourcePacket:
        """Workers count in 1/90000 s."""
        pts = packet.pts * VIDEO_TIMESCALE // self._timescale
        if self.dropped > self._dropped_told:
            self._dropped_told = self.dropped
            self._listener.lost(self._check.made_until, pts)
        return SourcePacket(pts, pts, pts, keyframe=True, boundary=False, data=packet.data)

    def listen(self, message: Message) -> None:
        """A worker says something.

        Raises:
            MalformedMessage: that makes no sense.
        """
        match message:
            case Opened():
                self._take_opened(message)
            case Encoded() if self._upkeep.attention.is_open:
                self._take_encoded(message)
            case Progress():
                self._upkeep.attention.consumed = message.consumed
                self._upkeep.wake()
            case Finished() if self._upkeep.is_finishing:
                self._upkeep.is_finished = True
            case _:
                raise MalformedMessage(f"{type(message).__name__} was not to be said")

    def _take_opened(self, message: Opened) -> None:
        try:
            (configuration,) = message.configurations
            track = encoded_track(self._plan, configuration)
        except ValueError as reason:
            raise MalformedMessage(str(reason)) from reason
        self._upkeep.attention.is_open = True
        if not self._has_opened:
            self._has_opened = True
            self._listener.sound_opened(track)

    def _take_encoded(self, message: Encoded) -> None:
        packet = self._check.take(message)
        self._frames += 1
        if self._frames == SOUND_FRAMES_FORGIVING:
            self._upkeep.failures = 0
        self._listener.sound_encoded(packet)

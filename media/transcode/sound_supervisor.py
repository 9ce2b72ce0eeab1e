"""Keeps the worker of one source's sound alive: starts it, feeds it, replaces it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from config.clock import Clock
from config.limits import SOUND_FRAMES_FORGIVING
from config.tasks import cancel, spawn
from media.transcode.conversation import Attention, Patience, converse
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
from media.transcode.worker_process import WorkerGone, WorkerProcess, sound_worker_command
from media.units import VIDEO_TIMESCALE, Packet, Track

log = structlog.get_logger(__name__)


class SoundListener(Protocol):
    """Gets what workers make."""

    def sound_opened(self, track: Track) -> None:
        """What is made; comes once, before any packet."""

    def sound_encoded(self, packet: Packet) -> None:
        """The next AAC frame, in the timescale of what is made; holes may be before it."""


class SoundSupervisor:
    """Has a track encoded until its source ends, with as many workers as it takes.

    A worker that dies costs what was in it, which becomes silence.

    Attributes:
        restarts: workers that died or hung.
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
        self._clock = clock
        self._patience = patience or Patience()
        self._command = command or sound_worker_command(0)
        self._queue = SoundQueue()
        self._check = SoundCheck(self._plan.encoded_rate)
        self._may_send = asyncio.Event()
        self._finishing = False
        self._finished = False
        self._has_opened = False
        self._failures = 0
        self._frames = 0
        self._lost = 0
        self._task: asyncio.Task[None] | None = None
        self._worker: WorkerProcess | None = None
        self._attention = Attention(clock, self._patience)
        self.restarts = 0

    @property
    def dropped(self) -> int:
        """Source packets that no worker got, or that workers died with."""
        return self._queue.dropped + self._lost

    @property
    def process_id(self) -> int | None:
        """Of the worker running now."""
        return None if self._worker is None else self._worker.process_id

    def start(self) -> None:
        self._task = spawn(self._run(), name="sound supervisor")

    def feed(self, packet: Packet) -> None:
        """Take the next packet of the track; never waits, drops when too much is held."""
        self._queue.push(packet)
        self._may_send.set()

    async def finish(self) -> None:
        """Return when all that was fed has been encoded, or the deadline for that has passed."""
        assert self._task is not None
        self._finishing = True
        self._may_send.set()
        _, late = await asyncio.wait({self._task}, timeout=self._patience.finish_ms / 1000)
        if late:
            log.warning("sound worker did not finish in time")
            await self.stop()

    async def stop(self) -> None:
        """Kill the worker and return when it is gone."""
        await cancel(self._task)

    async def _run(self) -> None:
        while True:
            code = await self._run_worker()
            if self._finished:
                return
            self.restarts += 1
            self._failures += 1
            self._lost += self._attention.inside
            log.warning("sound worker ended early", code=code, failures=self._failures)
            await asyncio.sleep(self._patience.backoff_ms(self._failures) / 1000)

    async def _run_worker(self) -> int | None:
        """Run one worker to its end; its exit code, None when it could not be started."""
        self._attention = Attention(self._clock, self._patience)
        self._frames = 0
        try:
            worker = await WorkerProcess.start(self._command, self._clock)
        except OSError as reason:
            log.warning("sound worker could not be started", reason=str(reason))
            return None
        self._worker = worker
        try:
            return await converse(worker, self._feed_worker(worker), self._take, self._attention)
        finally:
            self._worker = None

    async def _feed_worker(self, worker: WorkerProcess) -> None:
        plan = replace(self._plan, start=self._check.next)
        try:
            await worker.send(Configure(sound_plan_to_bytes(plan)))
            while packet := await self._next_packet():
                self._attention.gave()
                message = self._to_worker(packet)
                self._check.fed(message.pts)
                await worker.send(message)
            await worker.send(Finish())
        except WorkerGone:
            return  # its output ends as well, which is where that is handled

    async def _next_packet(self) -> Packet | None:
        """The next packet to send, when the worker may have one; None when the source has ended."""
        while (packet := self._queue.next(self._attention.inside)) is None:
            if self._finishing and self._queue.is_empty():
                return None
            self._may_send.clear()
            await self._may_send.wait()
        return packet

    def _to_worker(self, packet: Packet) -> SourcePacket:
        """Workers count in 1/90000 s."""
        pts = packet.pts * VIDEO_TIMESCALE // self._timescale
        return SourcePacket(pts, pts, pts, keyframe=True, boundary=False, data=packet.data)

    def _take(self, message: Message) -> None:
        match message:
            case Opened():
                self._take_opened(message)
            case Encoded() if self._attention.is_open:
                self._take_encoded(message)
            case Progress():
                self._attention.consumed = message.consumed
                self._may_send.set()
            case Finished() if self._finishing:
                self._finished = True
            case _:
                raise MalformedMessage(f"{type(message).__name__} was not to be said")

    def _take_opened(self, message: Opened) -> None:
        try:
            (configuration,) = message.configurations
            track = encoded_track(self._plan, configuration)
        except ValueError as reason:
            raise MalformedMessage(str(reason)) from reason
        self._attention.is_open = True
        if not self._has_opened:
            self._has_opened = True
            self._listener.sound_opened(track)

    def _take_encoded(self, message: Encoded) -> None:
        packet = self._check.take(message)
        self._frames += 1
        if self._frames == SOUND_FRAMES_FORGIVING:
            self._failures = 0
        self._listener.sound_encoded(packet)

"""Keeps one source's worker alive: starts it, feeds it, watches it, replaces it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from config.clock import Clock
from config.limits import REPLAY_BYTES_MAX, REPLAY_MS_MAX
from media.pictures import Picture, why_unfit
from media.transcode.conversation import Patience
from media.transcode.machine import Machine
from media.transcode.plan import Plan, plan_to_bytes
from media.transcode.preset import AUTO, LIVE_PRESETS
from media.transcode.protocol import (
    Appearance,
    Configure,
    Encoded,
    Finish,
    Finished,
    MalformedMessage,
    Message,
    Opened,
    Progress,
    Shed,
    SourcePacket,
)
from media.transcode.replay import Replay
from media.transcode.upkeep import Upkeep
from media.transcode.worker_process import WORKER_COMMAND, WorkerProcess
from media.units import VIDEO_TIMESCALE, Packet

log = structlog.get_logger(__name__)

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000


class Listener(Protocol):
    """Gets what workers make; a rung is its place in the plan."""

    def opened(self, configurations: tuple[bytes, ...]) -> None:
        """Each rung's AVCDecoderConfigurationRecord; comes once, before any packet."""

    def encoded(self, rung: int, packet: Packet) -> None:
        """The next packet of a rung. After a worker was replaced, again from the last boundary."""

    def picture(self, picture: Picture) -> None:
        """A poster, or a sheet of tiles. After a worker was replaced numbers and times go on."""

    def shed(self, rung: int, lag_ms: int) -> None:
        """The rung gets no more packets."""

    def lost(self, start: int, end: int) -> None:
        """Pictures between these times (1/90000 s) are in no rung, since no worker got them."""


class Supervisor:
    """Runs one plan until its source ends, with as many workers as it takes.

    Attributes:
        given_up: times that packets were skipped because workers kept dying of them.
        undecodable, skipped: of the worker running now, as it counts them.
        pictures: what is to be made by whoever goes on from here.
    """

    def __init__(
        self,
        plan: Plan,
        listener: Listener,
        clock: Clock,
        *,
        patience: Patience | None = None,
        machine: Machine | None = None,
        command: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        self._plan = plan
        self._listener = listener
        self._patience = patience or Patience()
        self._machine = machine or Machine()
        self._upkeep = Upkeep(self, command, clock, self._patience, name="picture")
        self._replay = Replay(
            len(plan.rungs),
            named_boundaries=plan.named_boundaries,
            start=plan.start,
            bytes_max=REPLAY_BYTES_MAX,
            ticks_max=REPLAY_MS_MAX * _TICKS_PER_MS,
        )
        self._appearance: Appearance | None = plan.appearance
        self._encoder = plan.encoder
        self._has_opened = False
        # Of the worker running now:
        self._rungs: list[int] = []
        self.pictures = plan.pictures
        self.given_up = 0
        self.undecodable = 0
        self.skipped = 0

    @property
    def restarts(self) -> int:
        """Workers that died or hung."""
        return self._upkeep.restarts

    @property
    def dropped(self) -> int:
        """Source packets that no worker got, or that workers died of."""
        return self._replay.dropped

    @property
    def lag_ms(self) -> int:
        """How far the slowest rung is behind what was fed."""
        return self._replay.lag_ticks() // _TICKS_PER_MS

    @property
    def preset(self) -> str:
        """Of x264; "auto" until a worker has chosen one."""
        return self._encoder.preset

    @property
    def process_id(self) -> int | None:
        """Of the worker running now."""
        return self._upkeep.process_id

    def start(self) -> None:
        self._machine.join()
        self._upkeep.start(ended=self._machine.leave)

    def feed(self, packet: SourcePacket) -> None:
        """Take the next packet of the source; never waits, drops when too much is held."""
        if self._replay.push(packet):
            self._tell_loss(packet.pts)
        self._upkeep.wake()

    async def finish(self) -> None:
        """Return when all that was fed has been encoded, or the deadline for that has passed."""
        await self._upkeep.finish()

    async def stop(self) -> None:
        """Kill the worker and return when it is gone."""
        await self._upkeep.stop()

    def begin(self) -> None:
        """All that is held is sent to the next worker."""
        self._replay.rewind()
        self._rungs = sorted(self._replay.active)

    def failed(self, failures: int) -> None:
        """A worker has ended early; some in a row die of what they are sent."""
        if failures % self._patience.crashes_max == 0:
            self._replay.skip()
            self.given_up += 1
            if self._replay.start is not None:
                self._tell_loss(self._replay.start)

    def _tell_loss(self, until: int) -> None:
        lost_from, self._replay.lost_from = self._replay.lost_from, None
        if lost_from is not None:
            self._listener.lost(lost_from, until)

    async def supply(self, worker: WorkerProcess) -> None:
        """Send a worker the plan, as far as it is still to be made, and the source's packets."""
        plan = replace(
            self._plan,
            rungs=tuple(self._plan.rungs[rung] for rung in self._rungs),
            start=self._replay.start,
            appearance=self._appearance,
            encoder=self._encoder,
            share_millicores=self._machine.share_millicores(),
            pictures=self.pictures,
        )
        await worker.send(Configure(plan_to_bytes(plan)))
        while packet := await self._next_packet():
            self._upkeep.attention.gave()
            newest = packet.pts if self._replay.newest is None else self._replay.newest
            await worker.send(replace(packet, newest=newest))
        await worker.send(Finish())

    async def _next_packet(self) -> SourcePacket | None:
        """The next packet to send; None when the source has ended."""
        while (packet := self._replay.next_unsent()) is None:
            if self._upkeep.is_finishing:
                return None
            await self._upkeep.sleep()
        return packet

    def listen(self, message: Message) -> None:
        """A worker says something.

        Raises:
            MalformedMessage: that makes no sense.
        """
        match message:
            case Opened():
                self._take_opened(message)
            case Encoded():
                self._take_encoded(message)
            case Progress():
                self._upkeep.attention.consumed = message.consumed
                self.undecodable, self.skipped = message.undecodable, message.skipped
                self._replay.finished(message.finished)
            case Shed(place, lag_ms):
                rung = self._rung(place)
                self._replay.retire(rung)
                self._listener.shed(rung, lag_ms)
            case Picture():
                self._take_picture(message)
            case Finished():
                self._upkeep.is_finished = True
            case _:
                raise MalformedMessage(f"{type(message).__name__} comes from servers only")

    def _take_opened(self, message: Opened) -> None:
        self._upkeep.attention.is_open = True
        if self._has_opened:
            return
        if self._encoder.preset == AUTO and message.preset not in LIVE_PRESETS:
            raise MalformedMessage("the worker chose a preset that is none")
        if self._encoder.preset == AUTO:
            # Those who replace it have to make what players were told of.
            self._encoder = replace(self._encoder, preset=message.preset)
        self._has_opened = True
        self._appearance = message.appearance
        self._listener.opened(message.configurations)

    def _take_encoded(self, message: Encoded) -> None:
        rung = self._rung(message.rung)
        if not self._replay.encoded(rung, message.pts, boundary=message.boundary):
            return
        if message.boundary:
            self._upkeep.failures = 0
        packet = Packet(
            dts=message.dts,
            pts=message.pts,
            duration=message.duration,
            keyframe=message.keyframe,
            data=message.data,
            boundary=message.boundary,
        )
        self._listener.encoded(rung, packet)

    def _take_picture(self, picture: Picture) -> None:
        flaw = why_unfit(picture) or self.pictures.why_foreign(picture, self._replay.newest or 0)
        if flaw is not None:
            raise MalformedMessage(flaw)
        self.pictures = self.pictures.after(picture)
        self._listener.picture(picture)

    def _rung(self, place: int) -> int:
        """A worker's rung in the whole plan: a later worker is not told of rungs that were shed."""
        if place >= len(self._rungs):
            raise MalformedMessage(f"there is no rung {place}")
        return self._rungs[place]

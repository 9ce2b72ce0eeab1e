"""A supervisor lives with workers that die, lie and hang."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from config.clock import SystemClock
from config.tasks import cancel, spawn
from media.ladder import Rung
from media.pictures import Picture, PictureKind
from media.transcode.conversation import Patience
from media.transcode.machine import Machine
from media.transcode.plan import EncoderSettings, Plan
from media.transcode.protocol import Appearance, Opened, SourcePacket, encode_message
from media.transcode.supervisor import Supervisor
from media.transcode.worker_process import WorkerProcess, _give_up, _start_process
from media.units import Packet
from tests.end_to_end.running_server import descendants
from tests.media.transcode.synthetic import Source, video_source

pytestmark = pytest.mark.process

TOO_EARLY = Picture(PictureKind.POSTER, b"\xff\xd8\xff\xd9", 16, 16, times=(2**60,))
NO_PRESET = Opened(Appearance(), (b"record",), "<b>slow")
NO_PICTURE = Picture(PictureKind.POSTER, b"<html>", 16, 16, times=(0,))
QUICK = Patience(
    start_ms=250,
    hang_ms=250,
    finish_ms=800,
    crashes_max=2,
    backoff_ms_min=1,
    backoff_ms_max=4,
)
# A worker that has to say something first may have to wait for its turn.
CALM = replace(QUICK, start_ms=20_000, hang_ms=20_000)


@dataclass
class Recorder:
    """A listener that keeps everything."""

    configurations: list[tuple[bytes, ...]] = field(default_factory=list)
    packets: dict[int, list[Packet]] = field(default_factory=dict)
    retired: list[int] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    losses: list[tuple[int, int]] = field(default_factory=list)

    def opened(self, configurations: tuple[bytes, ...]) -> None:
        self.configurations.append(configurations)

    def encoded(self, rung: int, packet: Packet) -> None:
        self.packets.setdefault(rung, []).append(packet)

    def picture(self, picture: Picture) -> None:
        self.pictures.append(picture)

    def shed(self, rung: int, lag_ms: int) -> None:
        self.retired.append(rung)

    def lost(self, start: int, end: int) -> None:
        self.losses.append((start, end))


def plan_for(source: Source) -> Plan:
    return Plan(
        configuration=source.track.extradata,
        frame_rate=(15, 1),
        rungs=(Rung("small", 160, 90, 200_000),),
        named_boundaries=True,
        encoder=EncoderSettings(preset="ultrafast"),
    )


def feed(supervisor: Supervisor, source: Source) -> None:
    for one in source.packets:
        supervisor.feed(
            SourcePacket(one.dts, one.pts, one.pts, one.keyframe, one.keyframe, one.data)
        )


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what a supervisor counts; it tells nobody of it."""
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.005)


async def test_everything_fed_comes_out() -> None:
    source, recorder = video_source(320, 180), Recorder()
    supervisor = Supervisor(plan_for(source), recorder, SystemClock())
    supervisor.start()
    feed(supervisor, source)
    await supervisor.finish()
    assert len(recorder.configurations) == 1
    assert len(recorder.packets[0]) == len(source.packets)
    assert supervisor.process_id is None
    assert supervisor.restarts == 0
    assert supervisor.lag_ms == 0


async def test_a_preset_once_chosen_stays_when_the_worker_is_replaced(tmp_path: Path) -> None:
    """Players were told of the first choice, whatever the machine affords later."""
    told = tmp_path / "presets"
    opened = encode_message(Opened(Appearance(), (b"record",), "veryfast"))
    program = (
        "import json, struct, sys\n"
        "length, _ = struct.unpack('>IB', sys.stdin.buffer.read(5))\n"
        "plan = json.loads(sys.stdin.buffer.read(length))\n"
        f"with open({str(told)!r}, 'a') as file:\n"
        "    print(plan['encoder']['preset'], plan['share_millicores'], file=file)\n"
        f"sys.stdout.buffer.write({opened!r})\n"
    )
    source, recorder, machine = video_source(320, 180), Recorder(), Machine(4_000)
    supervisor = Supervisor(
        replace(plan_for(source), encoder=EncoderSettings(preset="auto")),
        recorder,
        SystemClock(),
        patience=CALM,
        machine=machine,
        command=(sys.executable, "-I", "-S", "-c", program),
    )
    machine.join()
    supervisor.start()
    feed(supervisor, source)
    await supervisor.finish()
    assert supervisor.preset == "veryfast"
    assert told.read_text().splitlines()[:2] == ["auto 2000", "veryfast 2000"]
    assert machine.workers == 1


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(3)",
        "print('this is no message of the protocol')",
        "import sys; sys.stdout.buffer.write(bytes([0, 0, 0, 0, 3])); sys.stdout.flush()",
        "import sys; sys.stdout.buffer.write(bytes([0, 0, 0, 9, 7, 200, *bytes(8)]))",
        f"import sys; sys.stdout.buffer.write({encode_message(TOO_EARLY)!r})",
        f"import sys; sys.stdout.buffer.write({encode_message(NO_PICTURE)!r})",
        f"import sys; sys.stdout.buffer.write({encode_message(NO_PRESET)!r})",
    ],
    ids=[
        "dies",
        "babbles",
        "talks like a server",
        "names a rung that is not there",
        "shows what is not there yet",
        "sends a picture that is none",
        "chooses a preset that is none",
    ],
)
async def test_workers_that_fail_are_tried_again_and_packets_given_up(program: str) -> None:
    source, recorder = video_source(320, 180), Recorder()
    supervisor = Supervisor(
        replace(plan_for(source), encoder=EncoderSettings(preset="auto")),
        recorder,
        SystemClock(),
        patience=QUICK,
        command=(sys.executable, "-I", "-S", "-c", program),
    )
    supervisor.start()
    feed(supervisor, source)
    await until(lambda: supervisor.given_up >= 1)
    await supervisor.finish()
    assert supervisor.restarts >= QUICK.crashes_max
    assert supervisor.dropped >= 30
    assert recorder.losses[0][0] == source.packets[0].pts
    assert not recorder.configurations
    assert not recorder.pictures


async def test_a_worker_that_never_answers_is_replaced() -> None:
    source = video_source(320, 180)
    supervisor = Supervisor(
        plan_for(source),
        Recorder(),
        SystemClock(),
        patience=QUICK,
        command=(sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.buffer.read()"),
    )
    supervisor.start()
    feed(supervisor, source)
    await until(lambda: supervisor.restarts >= 1)
    await supervisor.finish()


async def test_a_worker_that_cannot_be_started_is_tried_again() -> None:
    source = video_source(320, 180)
    supervisor = Supervisor(
        plan_for(source), Recorder(), SystemClock(), patience=QUICK, command=("/nonexistent",)
    )
    supervisor.start()
    feed(supervisor, source)
    await until(lambda: supervisor.restarts > 1)
    await supervisor.finish()


async def test_nothing_is_left_running_after_a_stop() -> None:
    source = video_source(320, 180)
    supervisor = Supervisor(plan_for(source), Recorder(), SystemClock())
    supervisor.start()
    feed(supervisor, source)
    await supervisor.stop()
    assert supervisor.process_id is None


@pytest.mark.parametrize("program", ["import sys; sys.stdin.buffer.read()", "pass"])
async def test_a_start_that_nobody_waits_for_any_more_leaves_no_process(program: str) -> None:
    """Cancelled at every step of the loop that a start takes, one after the other."""
    command = (sys.executable, "-I", "-S", "-c", program)
    others = descendants(os.getpid())
    for steps in range(12):
        starting = spawn(WorkerProcess.start(command, SystemClock()), name="start")
        for _ in range(steps):
            await asyncio.sleep(0)
        await cancel(starting)
        if not starting.cancelled():
            await starting.result().end()
    assert descendants(os.getpid()) == others


async def test_a_worker_that_ended_while_its_start_was_given_up_is_no_error() -> None:
    """The child has ended, and the loop knows it, before its start can be given up."""
    command = (sys.executable, "-I", "-S", "-c", "pass")
    process = await _start_process(command, ())
    assert not isinstance(process, OSError)
    await process.wait()

    async def started() -> asyncio.subprocess.Process | OSError:
        return process

    await _give_up(spawn(started(), name="start"))

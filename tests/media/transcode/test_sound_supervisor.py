"""A supervisor of sound lives with workers that die, lie and hang."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from config.clock import SystemClock
from media.transcode.conversation import Patience
from media.transcode.protocol import Appearance, Encoded, Finished, Opened, encode_message
from media.transcode.sound_supervisor import SoundSupervisor
from media.units import Coding, Packet, Track
from tests.media.transcode.sound_source import sound_source

pytestmark = pytest.mark.process

SOURCE = sound_source(Coding.OPUS)
QUICK = Patience(start_ms=250, hang_ms=250, finish_ms=800, backoff_ms_min=1, backoff_ms_max=4)
# A worker that has to say something first may have to wait for its turn.
CALM = replace(QUICK, start_ms=20_000, hang_ms=20_000)
OPENED = encode_message(Opened(Appearance(), (bytes.fromhex("1190"),)))
MONO = encode_message(Opened(Appearance(), (bytes.fromhex("1188"),)))
NONE = encode_message(Opened(Appearance(), ()))
EARLY = encode_message(Encoded(0, 0, 0, 1024, keyframe=True, boundary=False, data=b"frame"))
LATE = encode_message(Encoded(0, 1 << 60, 1 << 60, 1024, keyframe=True, boundary=False, data=b"a"))
DONE = encode_message(Finished())
AFTER_A_PACKET = "import sys; sys.stdin.buffer.read(400)"


@dataclass
class Recorder:
    """A listener that keeps everything."""

    tracks: list[Track] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    losses: list[tuple[int, int]] = field(default_factory=list)

    def sound_opened(self, track: Track) -> None:
        self.tracks.append(track)

    def sound_encoded(self, packet: Packet) -> None:
        self.packets.append(packet)

    def lost(self, start: int, end: int) -> None:
        self.losses.append((start, end))


def supervised(
    recorder: Recorder,
    *program: str,
    command: str = sys.executable,
    patience: Patience = QUICK,
) -> SoundSupervisor:
    """A supervisor with all of the source, whose workers are a program; the real one without."""
    supervisor = SoundSupervisor(
        SOURCE.track,
        recorder,
        SystemClock(),
        patience=patience if program else None,
        command=(command, "-I", "-S", "-c", *program) if program else None,
    )
    supervisor.start()
    for packet in SOURCE.packets:
        supervisor.feed(packet)
    return supervisor


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what a supervisor counts; it tells nobody of it."""
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.005)


async def test_everything_fed_comes_out() -> None:
    recorder = Recorder()
    supervisor = supervised(recorder)
    await supervisor.finish()
    assert [one.codec for one in recorder.tracks] == ["mp4a.40.2"]
    assert len(recorder.packets) * 1024 >= 3 * 48_000
    assert (supervisor.restarts, supervisor.dropped) == (0, 0)
    assert supervisor.process_id is None


@pytest.mark.parametrize(
    "said",
    [b"this is no message", MONO, NONE, EARLY, OPENED + EARLY, OPENED + LATE, DONE],
    ids=[
        "babbles",
        "opens what was not asked for",
        "opens nothing",
        "does not open",
        "makes sound before there was any",
        "makes sound that cannot be there yet",
        "is done too soon",
    ],
)
async def test_workers_that_lie_are_replaced_and_cost_what_they_had(said: bytes) -> None:
    program = f"{AFTER_A_PACKET}; sys.stdout.buffer.write({said!r}); sys.stdout.flush()"
    recorder = Recorder()
    supervisor = supervised(recorder, f"{program}; sys.stdin.buffer.read()", patience=CALM)
    await until(lambda: supervisor.restarts >= 2)
    await supervisor.stop()
    assert 0 < supervisor.dropped < len(SOURCE.packets)
    assert not recorder.packets
    assert recorder.losses
    assert all(start <= end for start, end in recorder.losses)
    assert bool(recorder.tracks) is said.startswith(OPENED)


async def test_a_worker_that_never_answers_is_replaced() -> None:
    supervisor = supervised(Recorder(), "import sys; sys.stdin.buffer.read()")
    await until(lambda: supervisor.restarts >= 1)
    await supervisor.finish()


async def test_a_worker_that_cannot_be_started_is_tried_again() -> None:
    supervisor = supervised(Recorder(), "pass", command="/nonexistent")
    await until(lambda: supervisor.restarts > 1)
    await supervisor.finish()
